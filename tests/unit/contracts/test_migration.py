"""A migration that would lose, invent or squeeze values is refused before it touches a row."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Annotated, Any

import pytest

from headwater.contracts import Code, Contract, Integer, Migration, Number, migration_sql
from headwater.errors import Misuse
from headwater.packs.ghg.migrations import FACILITY_EMISSION_2


class Old(Contract, name="tank", version="1.4.0", title="Tank", description="d"):
    code: Annotated[str, Code(key=True, description="d")]
    litres: Annotated[Decimal, Number(precision=10, scale=3, description="d")]
    colour: Annotated[str | None, Code(description="d")] = None
    level: Annotated[int | None, Integer(description="d")] = None


class New(Contract, name="tank", version="2.0.0", title="Tank", description="d"):
    code: Annotated[str, Code(key=True, description="d")]
    millilitres: Annotated[Decimal, Number(precision=16, scale=3, description="d")]
    paint: Annotated[str, Code(description="d")]
    level: Annotated[int | None, Integer(description="d")] = None


class Next(New, name="tank", version="4.0.0", title="Tank", description="d"):
    pass


GOOD = Migration(
    old=Old,
    new=New,
    reason="r",
    fields={"millilitres": "litres * 1000", "paint": "coalesce(colour, 'none')"},
)


def test_a_sound_migration_reads_one_table_and_fills_the_next() -> None:
    text = migration_sql(GOOD)
    assert 'INSERT INTO "tank_v2" (tenant_id, "code", "millilitres", "paint", "level", absent,' in text
    assert 'FROM "tank_v1"' in text
    assert 'ON CONFLICT (tenant_id, "code") DO NOTHING' in text


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"fields": {"millilitres": "litres * 1000"}}, "a required field gets no value"),
        ({"fields": {"millilitres": "litres * 1000", "paint": "'none'"}}, "values would be lost"),
        ({"fields": {**GOOD.fields, "weight": "litres"}}, "no such field in the new version"),
        ({"fields": {**GOOD.fields, "millilitres": "litres * 1000.5"}}, "cannot hold every value"),
        ({"fields": {**GOOD.fields, "millilitres": "litres * 10000000"}}, "cannot hold every value"),
        ({"fields": {**GOOD.fields, "millilitres": "colour"}}, "this is text"),
        ({"fields": {**GOOD.fields, "level": "litres"}}, "not a whole number"),
        ({"fields": {**GOOD.fields, "millilitres": "litres / 2"}}, "not allowed"),
        ({"new": Old}, "from one major version to the next"),
        ({"old": New, "new": Next}, "from one major version to the next"),
    ],
)
def test_an_unsound_migration_is_refused(change: dict[str, Any], what: str) -> None:
    with pytest.raises(Misuse, match=what):
        migration_sql(replace(GOOD, **change))


def test_a_field_may_be_left_behind_in_so_many_words() -> None:
    kept = replace(GOOD, fields={"millilitres": "litres * 1000", "paint": "'none'"}, left_behind=("colour",))
    assert "colour" not in migration_sql(kept)


def test_the_published_migration_compiles() -> None:
    assert "'scope2_unstated_co2e_t=' || " in migration_sql(FACILITY_EMISSION_2)
