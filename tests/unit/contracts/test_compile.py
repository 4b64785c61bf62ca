"""What an author may write, and how the compiler refuses the rest."""

from __future__ import annotations

import datetime
import re
from decimal import Decimal
from typing import Annotated, Any

import pytest
from annotated_types import Gt
from pydantic import Field, ValidationError, create_model, field_validator

from headwater.contracts import (
    Boolean,
    Code,
    Contract,
    Date,
    Document,
    Integer,
    Number,
    RowRule,
    Text,
    compile_contract,
    enforce_row,
)
from headwater.contracts.row import canonical_record
from headwater.errors import Misuse
from headwater.values import TextFormat


class Reading(Contract, name="reading", version="1.2.3", title="Reading", description="What a meter showed."):
    meter: Annotated[str, Code(key=True, max_length=8, description="Number of the meter.")]
    day: Annotated[datetime.date, Date(key=True, minimum="2000-01-01", description="Day of the reading.")]
    value: Annotated[Decimal, Number(precision=9, scale=3, minimum="0", unit="kWh", description="What it showed.")]
    state: Annotated[str, Code(enum=("ok", "broken"), description="State of the meter.")] = "ok"
    photo: Annotated[bool | None, Boolean(description="Whether there is a photo.")] = None

    rules = (
        RowRule(
            id="reading.state.value",
            expression="state = 'ok' OR value = 0",
            fields=("value", "state"),
            severity="warn",
            message="A broken meter shows a value.",
            valid="0 where the meter is broken",
            repair="Estimate the value and say so.",
        ),
    )


def one_field(annotation: Any, default: Any = ...) -> type[Contract]:
    """A contract with a key and one field more."""
    fields: dict[str, Any] = {
        "key": (Annotated[str, Code(key=True, description="d")], ...),
        "field": (annotation, default),
    }
    words: dict[str, Any] = {"name": "sample", "version": "1.1.0", "title": "t", "description": "d"}
    return create_model("Sample", __base__=Contract, __cls_kwargs__=words, **fields)


def test_the_document_holds_every_rule_in_bit_order_with_a_stable_id() -> None:
    document = compile_contract(Reading)
    assert [rule.id for rule in document.row_rules] == [
        "reading.meter.type", "reading.meter.required", "reading.meter.length",
        "reading.day.type", "reading.day.ambiguous", "reading.day.required", "reading.day.range",
        "reading.value.type", "reading.value.decimals", "reading.value.digits", "reading.value.ambiguous",
        "reading.value.required", "reading.value.range",
        "reading.state.type", "reading.state.required", "reading.state.enum",
        "reading.photo.type", "reading.state.value",
    ]  # fmt: skip
    assert [rule.id for rule in document.set_rules] == ["reading.key.unique"]
    assert document.by_name["value"].minimum == "0.000"
    assert document.by_name["state"].default == "ok"
    assert document.reference == "reading@1.2.3"


def test_every_rule_says_what_is_wrong_what_is_valid_and_how_to_mend_it() -> None:
    for rule in compile_contract(Reading).rules:
        assert rule.message.endswith(".")
        assert rule.repair.endswith(".")
        assert rule.valid
        assert not re.search(r"[{}]|None", rule.message + rule.valid + rule.repair), rule


def test_a_document_survives_its_json() -> None:
    document = compile_contract(Reading)
    again = Document.from_json(document.to_json())
    assert again == document
    assert again.hash == document.hash
    assert len(document.hash) == 32


@pytest.mark.parametrize(
    ("annotation", "default"),
    [
        (Annotated[str, Code(since="1.1.0", description="d")], ...),
        (Annotated[str | None, Code(since="1.1.0", description="d")], "x"),
        (Annotated[str, Code(since="1.1.0", key=True, description="d")], ...),
    ],
)
def test_what_a_minor_version_adds_leaves_old_rows_as_they_are(annotation: Any, default: Any) -> None:
    with pytest.raises(Misuse, match="what a minor version adds is optional"):
        compile_contract(one_field(annotation, default))


@pytest.mark.parametrize("since", ["1.0.0", "1.2.0", "0.9.0", "1.1", ""])
def test_the_version_that_added_a_field_lies_in_the_contracts_major(since: str) -> None:
    with pytest.raises(Misuse, match="not a minor version that can have added the field"):
        compile_contract(one_field(Annotated[str | None, Code(since=since, description="d")], None))


def test_an_added_field_is_part_of_the_hashed_text_where_it_has_a_value() -> None:
    added = Annotated[str | None, Code(since="1.1.0", description="d")]
    document = compile_contract(one_field(added, None))
    texts = [
        canonical_record(document, enforce_row(document, {"key": "k", "field": value}, TextFormat()))
        for value in (None, "v")
    ]
    assert texts == ["k\x1f\x1e", "k\x1f\x1e\x1ffield=v"]
    assert Document.from_json(document.to_json()).later == document.later


def test_what_is_calculated_says_from_what() -> None:
    words: dict[str, Any] = {"name": "sum", "version": "1.0.0", "title": "t", "description": "d"}
    key: dict[str, Any] = {"key": (Annotated[str, Code(key=True, description="d")], ...)}
    made = create_model("Sum", __base__=Contract, __cls_kwargs__={**words, "calculated_from": "reading"}, **key)
    document = compile_contract(made)
    assert document.calculated_from == "reading"
    assert Document.from_json(document.to_json()) == document
    assert "calculated_from" not in compile_contract(Reading).to_json()
    wrong = create_model("Wrong", __base__=Contract, __cls_kwargs__={**words, "calculated_from": "a file"}, **key)
    with pytest.raises(Misuse, match="not a usable name"):
        compile_contract(wrong)


def test_the_hash_is_frozen() -> None:
    """A change of the compiler that moves it makes every published contract another one."""
    assert compile_contract(Reading).hash.hex() == "3ac7aa1db8325b706ba816208fae2d1efe1db7b0cfbaaca4cdc037932627c841"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{", "not JSON"),
        ("[]", "unknown document format"),
        ('{"format": 2}', "unknown document format"),
        ('{"format": 1}', "unknown or missing names"),
        (compile_contract(Reading).to_json().replace('"pattern"', '"patern"'), "unknown or missing names"),
    ],
)
def test_a_document_of_another_shape_is_refused(text: str, what: str) -> None:
    with pytest.raises(Misuse, match=what):
        Document.from_json(text)


@pytest.mark.parametrize(
    ("annotation", "default", "what"),
    [
        (str, ..., "one piece of metadata is needed"),
        (Annotated[str, "words"], ..., "metadata that the compiler does not know"),
        (Annotated[int, Integer(description="d"), Gt(0)], ..., "metadata that the compiler does not know"),
        (Annotated[int, Integer(description="d"), Field(gt=0)], ..., "metadata that the compiler does not know"),
        (Annotated[int, Integer(description="d")], Field(alias="x"), "metadata that the compiler does not know"),
        (Annotated[str, Code(description="d"), Text(description="d")], ..., "one piece of metadata is needed"),
        (Annotated[float, Number(description="d")], ..., "the type does not fit its metadata"),
        (Annotated[str, Integer(description="d")], ..., "the type does not fit its metadata"),
        (Annotated[str | int | None, Code(description="d")], ..., "the type does not fit its metadata"),
        (Annotated[str, Code(description=" ")], ..., "a field needs a description"),
        (Annotated[Decimal, Number(precision=39, description="d")], ..., "this precision and scale"),
        (Annotated[Decimal, Number(minimum="0.1234567", description="d")], ..., "minimum is not a value of the field"),
        (Annotated[Decimal, Number(minimum="NaN", description="d")], ..., "minimum is not a value of the field"),
        (Annotated[Decimal, Number(minimum="2", maximum="1", description="d")], ..., "minimum is above maximum"),
        (Annotated[datetime.date, Date(maximum="03/04/2024", description="d")], ..., "maximum is not a value"),
        (Annotated[str, Code(enum=("a", "a"), description="d")], ..., "an enum value stands twice"),
        (Annotated[str, Code(enum=("a",), description="d")], "b", "the default breaks the field's own rule"),
        (Annotated[int, Integer(description="d")], "x", "the default is not a value of the field"),
        (Annotated[str, Code(pattern="(a+)+", description="d")], ..., "pattern refused"),
        (Annotated[str, Code(reference="factor", description="d")], ..., "not a reference"),
        (Annotated[str | None, Code(key=True, description="d")], None, "all of them required"),
    ],
)
def test_what_the_compiler_does_not_know_or_cannot_keep_is_refused(annotation: Any, default: Any, what: str) -> None:
    with pytest.raises(Misuse, match=what):
        compile_contract(one_field(annotation, default))


def test_names_that_tables_need_are_refused() -> None:
    fields: dict[str, Any] = {"chunk_id": (Annotated[str, Code(key=True, description="d")], ...)}
    words: dict[str, Any] = {"name": "sample", "version": "1.0.0", "title": "t", "description": "d"}
    contract = create_model("Sample", __base__=Contract, __cls_kwargs__=words, **fields)
    with pytest.raises(Misuse, match="not a usable name"):
        compile_contract(contract)


def test_behaviour_that_sql_cannot_follow_is_refused() -> None:
    class Strict(Reading, name="strict", version="1.0.0", title="t", description="d"):
        @field_validator("meter")
        @classmethod
        def _upper(cls, text: str) -> str:
            return text.upper()

    class Lenient(Reading, name="lenient", version="1.0.0", title="t", description="d", str_to_upper=True):
        pass

    with pytest.raises(Misuse, match="only fields and rules"):
        compile_contract(Strict)
    with pytest.raises(Misuse, match="no settings of its own"):
        compile_contract(Lenient)
    with pytest.raises(Misuse, match="unknown words on the class line"):

        class Odd(Reading, name="odd", version="1.0.0", title="t", description="d", owner="x"):
            pass


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"id": "state.value"}, "not a rule id"),
        ({"id": "reading.meter.type"}, "not a rule id"),
        ({"fields": ("state",)}, "not those of the expression"),
        ({"severity": "maybe"}, "unknown dimension or severity"),
        ({"expression": "state = value"}, "this is number"),
        ({"expression": "length(meter) = 1"}, "not allowed"),
        ({"expression": "value / 2 > 1"}, "not allowed"),
        ({"expression": "day < current_date"}, "not allowed"),
        ({"expression": "meter = (SELECT 'x')"}, "not allowed"),
        ({"expression": "value"}, "this is number"),
        ({"expression": "meter < 'a'"}, "no order here"),
        ({"expression": "nothing = 1"}, "no such field"),
        ({"expression": "value = NULL"}, "never true"),
        ({"expression": "value IN (SELECT 1)"}, "IN takes a list of literals"),
        ({"expression": "day = DATE '2024-13-01'"}, "not a date"),
        ({"expression": "CAST(meter AS DATE) = day"}, "not a date"),
        ({"expression": "state = 'ok' OR value ="}, "not an SQL expression"),
    ],
)
def test_a_row_rule_that_is_not_sound_is_refused(change: dict[str, Any], what: str) -> None:
    class Changed(Reading, name="reading", version="1.2.3", title="t", description="d"):
        rules = (RowRule(**{**vars(Reading.rules[0]), **change}),)

    with pytest.raises(Misuse, match=what):
        compile_contract(Changed)


def test_an_instance_is_held_to_the_document() -> None:
    good = Reading.model_validate({"meter": "M1", "day": "2024-02-29", "value": "1,234.5"})
    assert (good.value, good.state, good.photo) == (Decimal("1234.500"), "ok", None)
    with pytest.raises(ValidationError, match=r"reading\.value\.decimals.*reading\.state\.enum"):
        Reading.model_validate(
            {"meter": "M1", "day": datetime.date(2024, 1, 1), "value": 0.30000000000000004, "state": "x"}
        )
    for odd in (Decimal("NaN"), float("inf"), "1_000", "٣"):
        with pytest.raises(ValidationError, match=r"reading\.value\.type"):
            Reading.model_validate({"meter": "M1", "day": "2024-01-01", "value": odd})
