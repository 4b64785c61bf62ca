from __future__ import annotations

import re
from importlib import resources

import pytest

from headwater.errors import Misuse
from headwater.store.queries import named_queries, parse_queries

CONCEPTS = sorted(
    file.name.removesuffix(".sql") for file in resources.files("headwater.store").joinpath("sql").iterdir()
)


@pytest.mark.parametrize("concept", CONCEPTS)
def test_every_statement_has_a_name_and_a_sentence(concept: str) -> None:
    found = named_queries(concept)
    assert found
    for name, statement in found.items():
        sentence = re.match(r"-- [A-Z].*?[.:?](\s|$)", statement.replace("\n-- ", " "))
        assert sentence, f"{concept}: {name}"


@pytest.mark.parametrize("concept", CONCEPTS)
def test_every_statement_is_used(concept: str) -> None:
    modules = [file.read_text() for file in resources.files("headwater.store").iterdir() if file.name.endswith(".py")]
    users = [code for code in modules if f'named_queries("{concept}")' in code]
    for name in named_queries(concept):
        assert any(f'"{name}"' in code for code in users), f"{concept}: {name}"


def test_statements_are_cut_at_their_headings() -> None:
    text = "-- name: one\n-- The first.\nSELECT 1;\n\n-- name: two\n-- The second.\nSELECT\n    2\n"
    assert parse_queries(text, where="test") == {
        "one": "-- The first.\nSELECT 1",
        "two": "-- The second.\nSELECT\n    2",
    }


@pytest.mark.parametrize(
    "text",
    [
        "-- name: one\nSELECT 1",
        "-- name: one\n-- Only a sentence.",
        "-- name: one\n-- Twice.\nSELECT 1\n-- name: one\n-- Twice.\nSELECT 2",
    ],
)
def test_a_statement_without_sentence_or_body_or_named_twice_is_refused(text: str) -> None:
    with pytest.raises(Misuse, match="named statement is wrong"):
        parse_queries(text, where="test")
