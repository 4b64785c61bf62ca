"""What the validating peers share: the rules, their input and the form of their answer.

Every validator gets the same text columns as Parquet (ragged rows left out: they have no columns to validate), parses
quantity, cost and dates, checks the same rules and must name every (row, rule) that fails, not only count.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

RULES: Final = (
    "activity_id.required",
    "activity_id.length",
    "activity_id.unique",
    "activity_type.required",
    "activity_type.length",
    "region.required",
    "region.length",
    "period_start.required",
    "period_start.date",
    "period_end.date",
    "period.order",
    "quantity.required",
    "quantity.number",
    "quantity.minimum",
    "unit.required",
    "data_quality.enum",
    "cost.number",
    "currency.pattern",
    "cost.needs_currency",
)
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
