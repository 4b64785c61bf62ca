"""For each change: whether it breaks anything, why, and the version it asks for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from headwater.contracts import Document, RowRule, advise, compile_contract, diff
from headwater.contracts.document import FieldSpec, RuleSpec
from headwater.errors import Misuse
from headwater.packs.ghg.contracts import Activity, Emission
from tests.earlier import first_release

OLD = first_release(compile_contract(Activity))
ADDED = FieldSpec(name="shift", type="code", description="d", required=False, key=False, since="1.1.0")
OF_ADDED = RuleSpec(
    id="activity.shift.given", kind="row", fields=("shift",), dimension="validity", severity="reject",
    message="m", valid="v", repair="r", expression="shift IS NULL OR shift = 'night'",
)  # fmt: skip
WARNING = RuleSpec(
    id="activity.note.given", kind="row", fields=("note",), dimension="completeness", severity="warn",
    message="m", valid="v", repair="r", expression="note IS NOT NULL",
)  # fmt: skip


def with_field(name: str, **facts: Any) -> Document:
    fields = tuple(replace(field, **facts) if field.name == name else field for field in OLD.fields)
    return replace(OLD, fields=fields)


def with_rule(rule_id: str, **facts: Any) -> Document:
    rules = tuple(replace(rule, **facts) if rule.id == rule_id else rule for rule in OLD.rules)
    return replace(OLD, rules=rules)


@pytest.mark.parametrize(
    ("new", "level", "what", "advised"),
    [
        (replace(OLD, fields=(*OLD.fields, ADDED)), "minor", "shift: added, optional", "1.1.0"),
        (replace(OLD, fields=(*OLD.fields, replace(ADDED, since=None))), "major", "without since", "2.0.0"),
        (replace(OLD, fields=(*OLD.fields, replace(ADDED, required=True))), "major", "shift: added, required", "2.0.0"),
        (replace(OLD, fields=OLD.fields[:-1]), "major", "note: removed", "2.0.0"),
        (replace(OLD, fields=(OLD.fields[1], OLD.fields[0], *OLD.fields[2:])), "major", "order of the fields", "2.0.0"),
        (with_field("quantity", scale=5), "major", "quantity: type", "2.0.0"),
        (with_field("cost", type="integer", precision=None, scale=None), "major", "cost: type", "2.0.0"),
        (with_field("note", required=True), "major", "note: required", "2.0.0"),
        (with_field("unit", required=False), "major", "unit: required", "2.0.0"),
        (with_field("unit", key=True), "major", "unit: key", "2.0.0"),
        (with_field("quantity", unit="kWh"), "major", "quantity: unit", "2.0.0"),
        (with_field("quantity", minimum="1"), "major", "quantity: range", "2.0.0"),
        (with_field("quantity", minimum="-1"), "minor", "quantity: range", "1.1.0"),
        (with_field("quantity", minimum=None), "minor", "quantity: range", "1.1.0"),
        (with_field("quantity", maximum="9"), "major", "quantity: range", "2.0.0"),
        (with_field("note", max_length=3000), "minor", "note: length", "1.1.0"),
        (with_field("note", max_length=100), "major", "note: length", "2.0.0"),
        (with_field("data_quality", enum=("measured",)), "major", "data_quality: enum", "2.0.0"),
        (with_field("data_quality", enum=()), "minor", "data_quality: enum", "1.1.0"),
        (with_field("unit", enum=("kWh",)), "major", "unit: enum", "2.0.0"),
        (with_field("currency", pattern="[A-Z]{4}"), "major", "currency: pattern", "2.0.0"),
        (with_field("currency", pattern=None), "minor", "currency: pattern", "1.1.0"),
        (with_field("facility_code", reference="facility.code"), "major", "facility_code: reference", "2.0.0"),
        (with_field("region", default="DE"), "major", "region: default", "2.0.0"),
        (with_field("supplier", personal=True), "minor", "supplier: personal", "1.1.0"),
        (with_field("note", personal=False), "major", "note: personal", "2.0.0"),
        (with_field("note", description="other"), "patch", "note: description changed", "1.0.1"),
        (replace(OLD, title="other"), "patch", "the contract: title changed", "1.0.1"),
        (replace(OLD, calculated_from="meter"), "minor", "calculated from nothing → meter", "1.1.0"),
        (replace(OLD, rules=(*OLD.rules, WARNING)), "minor", "activity.note.given: added", "1.1.0"),
        (replace(OLD, rules=(*OLD.rules, replace(WARNING, severity="reject"))), "major", "note.given: added", "2.0.0"),
        (with_rule("activity.period.order", severity="warn"), "minor", "reject → warn", "1.1.0"),
        (with_rule("activity.period.length", severity="reject"), "major", "warn → reject", "2.0.0"),
        (with_rule("activity.period.order", expression="period_end IS NULL"), "major", "expression changed", "2.0.0"),
        (with_rule("activity.period.length", expression="period_end IS NULL"), "minor", "expression changed", "1.1.0"),
        (with_rule("activity.period.order", message="other"), "patch", "message changed", "1.0.1"),
        (
            replace(OLD, rules=tuple(r for r in OLD.rules if r.id != "activity.period.order")),
            "minor",
            "removed",
            "1.1.0",
        ),
    ],
)
def test_a_change_is_judged(new: Document, level: str, what: str, advised: str) -> None:
    (change,) = diff(OLD, new)
    assert what in change.what
    assert (change.level, change.breaking) == (level, level == "major")
    assert change.why
    assert advise(OLD, new).version == advised
    assert not advise(OLD, new).enough
    assert advise(OLD, replace(new, version=advised)).enough


def test_a_rule_of_added_fields_alone_refuses_no_old_record() -> None:
    new = replace(OLD, fields=(*OLD.fields, ADDED), rules=(*OLD.rules, OF_ADDED))
    assert [change.level for change in diff(OLD, new)] == ["minor", "minor"]
    strict = replace(OF_ADDED, expression="shift IS NOT NULL")
    assert [change.level for change in diff(OLD, replace(new, rules=(*OLD.rules, strict)))] == ["minor", "major"]


def test_nothing_changed() -> None:
    assert diff(OLD, OLD) == ()
    assert advise(OLD, OLD).version == "1.0.0"
    assert advise(OLD, OLD).enough


def test_every_fact_of_a_field_and_a_rule_is_compared() -> None:
    """A fact added to the document and forgotten here would change without a word."""
    field = OLD.by_name["quantity"]
    for name in vars(field).keys() - {"name", "kind"}:
        other: Any = {"type": "code", "precision": 20, "scale": 5, "enum": ("1",), "pattern": "a"}.get(name, "9")
        other = not getattr(field, name) if isinstance(getattr(field, name), bool) else other
        other = 3 if name.endswith("_length") else other
        assert diff(OLD, with_field("quantity", **{name: other})), name
    rule = next(rule for rule in OLD.rules if rule.kind == "row")
    for name in vars(rule).keys() - {"id", "kind"}:
        other = {"fields": ("note",), "severity": "warn"}.get(name, "other")
        assert diff(OLD, with_rule(rule.id, **{name: other})), name
    assert set(vars(Activity.rules[0])) == {field.name for field in RowRule.__dataclass_fields__.values()}


@pytest.mark.parametrize(
    ("given", "level"),
    [
        ({"pattern": "[a-z]{1,20}"}, "minor"),
        ({"pattern": "[a-f]{1,20}"}, "major"),
        ({"max_length": 10}, "minor"),
        ({"max_length": 9}, "major"),
        ({"min_length": 8}, "major"),
    ],
)
def test_a_list_of_words_may_become_a_form_that_all_of_them_have(given: dict[str, Any], level: str) -> None:
    changes = diff(OLD, with_field("data_quality", enum=(), **given))
    assert [change.level for change in changes] == ["minor", level]


def test_different_contracts_are_not_compared() -> None:
    with pytest.raises(Misuse, match="different contracts"):
        diff(OLD, compile_contract(Emission))
