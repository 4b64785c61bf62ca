"""What bulk enforcement promises beside being the twin of the row: bits, guards and a stable order."""

from __future__ import annotations

import duckdb

from headwater.contracts import Document, compile_contract, enforcement
from headwater.contracts.bulk import BITS
from headwater.packs.ghg import pack
from headwater.packs.ghg.contracts import Activity, EmissionFactor
from headwater.values import TextFormat


def masks(document: Document) -> list[int]:
    """The masks of a record of blanks."""
    pieces = enforcement(document, TextFormat())
    with duckdb.connect() as con:
        texts = ", ".join(f'CAST(NULL AS VARCHAR) AS "{name}__text"' for name in document.by_name)
        readings = ", ".join(f'{sql} AS "{name}"' for name, sql in pieces.readings.items())
        values = ", ".join(f'{sql} AS "{name}"' for name, sql in (pieces.outcomes | pieces.values).items())
        (row,) = con.sql(
            f"SELECT {', '.join(pieces.masks)} FROM"
            f" (SELECT *, {values} FROM (SELECT *, {readings} FROM (SELECT {texts})))"
        ).fetchall()
    return list(row)


def test_a_bit_names_its_rule() -> None:
    document = compile_contract(Activity)
    pieces = enforcement(document, TextFormat())
    assert [rule.id for rule in pieces.rules] == [rule.id for rule in document.row_rules]
    required = {f"activity.{field.name}.required" for field in document.fields if field.required}
    assert {rule.id for rule in pieces.broken(tuple(masks(document)))} == required


def test_a_second_mask_carries_what_the_first_cannot() -> None:
    document = compile_contract(EmissionFactor)
    pieces = enforcement(document, TextFormat())
    assert len(document.row_rules) > BITS
    assert len(pieces.masks) == len(pieces.reject) == 2
    broken = [rule.id for rule in pieces.broken(tuple(masks(document)))]
    assert "emission_factor.valid_to.required" in broken
    assert broken == [rule.id for rule in document.row_rules if rule.id in set(broken)]


def test_what_is_valid_is_said_in_the_words_of_the_source() -> None:
    pieces = enforcement(compile_contract(Activity), TextFormat(decimal=",", group="."))
    valid = {rule.id: rule.valid for rule in pieces.rules}
    assert '"," and at most 6 decimals' in valid["activity.quantity.type"]
    assert valid["activity.quantity.range"] == "at least 0.000000"


def test_only_rejecting_rules_reject() -> None:
    for document in pack.documents():
        pieces = enforcement(document, TextFormat())
        rejecting = pieces.broken(pieces.reject)
        assert [rule.id for rule in rejecting] == [r.id for r in document.row_rules if r.severity == "reject"]


def test_the_same_contract_gives_the_same_text() -> None:
    """The text of the statement is part of what a chunk's fingerprint rests on."""
    document = compile_contract(Activity)
    assert enforcement(document, TextFormat()) == enforcement(Document.from_json(document.to_json()), TextFormat())
