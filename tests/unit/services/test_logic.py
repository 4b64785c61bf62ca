"""Chunks are equal only where everything that decides about their rows is."""

from __future__ import annotations

from dataclasses import replace

from headwater.connectors.csv_file import Layout
from headwater.connectors.csv_file.records import Dialect
from headwater.mapping import read_mapping
from headwater.packs.ghg import pack
from headwater.pipeline.recipe import Recipe, RecipeSource
from headwater.services.logic import Logic, fingerprint

ACTIVITY, EMISSION = (
    next(document for document in pack.documents() if document.name == name) for name in ("activity", "emission")
)
LAYOUT = Layout(
    columns=("a",), header=("a",), preamble=(), header_line=1, data_byte=2, data_line=2,
    dialect=Dialect(delimiter=",", quote='"', comment="", line_end="\n"),
)  # fmt: skip


def test_the_contract_of_what_is_calculated_is_part_of_a_fingerprint() -> None:
    mapping = read_mapping(
        "{mapping: m, version: 1.0.0, contract: activity@1, fields: {activity_id: {column: a}}}", where="test"
    )
    recipe = Recipe(recipe="r", source=RecipeSource(path="a.csv"), mapping="m")
    logic = Logic(contract=ACTIVITY, mapping=mapping, recipe=recipe, factor_set=b"f")
    later = replace(EMISSION, version="1.999.0")

    prints = {fingerprint(logic.hash, LAYOUT, results) for results in (None, EMISSION, later)}
    assert len(prints) == 3


def test_the_codes_that_stood_are_part_of_a_fingerprint() -> None:
    mapping = read_mapping(
        "{mapping: m, version: 1.0.0, contract: activity@1, fields: {activity_id: {column: a}}}", where="test"
    )
    recipe = Recipe(recipe="r", source=RecipeSource(path="a.csv"), mapping="m")
    logic = Logic(contract=ACTIVITY, mapping=mapping, recipe=recipe, factor_set=None)
    prints = {fingerprint(replace(logic, reference_codes=codes).hash, LAYOUT, None) for codes in (None, b"c", b"d")}
    assert len(prints) == 3
