"""Bills for tests of meter calendars: one meter of electricity unless said otherwise."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa

from headwater.accounting.meters import BILLS_SCHEMA

USUAL = {"meter_id": "m1", "activity_type": "electricity", "region": "DE", "unit": "kWh"}


def bill(name: str, start: str, end: str | None, quantity: object, **given: Any) -> dict[str, Any]:
    """A bill from a day up to another; its figure is half its quantity."""
    amount = Decimal(str(quantity))
    return {
        **dict.fromkeys(BILLS_SCHEMA.names),
        **USUAL,
        "activity_id": name,
        "period_start": datetime.date.fromisoformat(start),
        "period_end": datetime.date.fromisoformat(end) if end else None,
        "quantity": amount,
        "co2e_kg": amount / 2,
        **given,
    }


def bills(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist([dict(row) for row in rows], schema=BILLS_SCHEMA)
