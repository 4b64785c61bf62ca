"""The benchmark of validation names every bad row of its own input, whatever the contract has gained since."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from bench.generate import Fault
from bench.inputs import Inputs
from bench.river_validation import load, validate

RULE_OF = {
    Fault.MISSING_KEY: "activity_id.required",
    Fault.DUPLICATE_KEY: "activity_id.unique",
    Fault.UNKNOWN_ENUM: "data_quality.enum",
    Fault.NEGATIVE_QUANTITY: "quantity.minimum",
    Fault.NOT_A_NUMBER: "quantity.number",
    Fault.BAD_DATE: "period_start.date",
    Fault.PERIOD_END_BEFORE_START: "period.order",
}


def test_every_bad_row_is_named_with_its_rule(tmp_path: Path) -> None:
    inputs = Inputs(tmp_path, 5_000)
    path = inputs.text_columns
    found = Counter(rule for _, rule in set(validate(load(path))))
    faults = inputs.rectangular.contents.faults
    assert {rule: found[rule] for rule in RULE_OF.values()} == {
        rule: faults[fault.name.lower()] for fault, rule in RULE_OF.items()
    }
