"""What the validating peers share: the rules of the activity contract, their input and the form of their answer.

Every validator gets the same text columns as Parquet (ragged rows left out: they have no columns to validate), parses
quantity, cost and dates, checks the same 37 rules and must name every (row, rule) that fails, not only count.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

REQUIRED: Final = ("activity_id", "activity_type", "region", "period_start", "quantity", "unit")
LONGEST: Final = {
    "activity_id": 64,
    "activity_type": 64,
    "facility_code": 64,
    "region": 32,
    "unit": 32,
    "supplier": 200,
    "document_no": 64,
    "note": 2000,
}
CODES: Final = (
    "activity_id",
    "activity_type",
    "facility_code",
    "region",
    "unit",
    "data_quality",
    "document_no",
    "currency",
)
TEXTS: Final = ("supplier", "note")
#: Characters that cannot be seen: none in a code, none but tab and line break in a text.
NOT_IN_CODES: Final = r"[\x00-\x1f\x7f-\x9f]"
NOT_IN_TEXTS: Final = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"
UNSEEN: Final = dict.fromkeys(CODES, NOT_IN_CODES) | dict.fromkeys(TEXTS, NOT_IN_TEXTS)
#: Rules for which a column has to be read as a number or a date.
READ: Final = {
    "quantity": "quantity.number",
    "cost": "cost.number",
    "period_start": "period_start.date",
    "period_end": "period_end.date",
}
MOST: Final = 1_000_000_000
LONGEST_PERIOD_DAYS: Final = 366
EARLIEST: Final = date(1990, 1, 1)
LATEST: Final = date(2099, 12, 31)
QUALITIES: Final = ("measured", "calculated", "estimated", "default")
#: Plain or with groups of three; what a bare cast takes beyond that (`1_000`, `12,34,5`) is not a number here.
NUMBER_PATTERN: Final = r"^-?(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.[0-9]+)?$"
DATE_PATTERN: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"

Failure = tuple[int, str]
Data = TypeVar("Data")


def tell(load: Callable[[Path], Data], validate: Callable[[Data], Iterable[Failure]]) -> None:
    """Validate the Parquet file named on the command line and print the answer; reading the file is not counted."""
    parser = argparse.ArgumentParser()
    parser.add_argument("path", type=Path)
    data = load(parser.parse_args().path)
    began, cpu_began = time.monotonic(), time.process_time()
    failures = set(validate(data))
    seconds, cpu_seconds = time.monotonic() - began, time.process_time() - cpu_began
    by_rule = Counter(rule for _, rule in failures)
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu_seconds, "failures": dict(sorted(by_rule.items()))}))
