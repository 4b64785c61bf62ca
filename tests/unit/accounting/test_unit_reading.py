from __future__ import annotations

import pytest

from headwater.accounting.units import SPELLINGS, UNITS, Unit, UnitInDoubt, find_unit, read_unit, words_of
from headwater.accounting.units.tables import doubtful, source_words, sources
from headwater.errors import Misuse


def test_a_spelling_is_read() -> None:
    assert read_unit(" Kilowatt-Hours ") is UNITS["kWh"]


@pytest.mark.parametrize("word", sorted(doubtful()))
def test_a_word_in_doubt_is_a_finding_that_says_why_and_how_to_settle_it(word: str) -> None:
    found = read_unit(word)
    assert isinstance(found, UnitInDoubt)
    assert found.candidates == doubtful()[word].candidates
    assert doubtful()[word].why in found.message
    assert found.message[-2:] not in {"?.", ".."}
    assert all(symbol in found.valid for symbol in found.candidates)
    assert found.candidates[0] in found.repair


def test_a_misspelt_word_names_what_it_is_near() -> None:
    found = read_unit("kilowat hour")
    assert isinstance(found, UnitInDoubt)
    assert found.candidates[0] == "kWh"


@pytest.mark.parametrize("text", ["", "  ", "furlong", "kWh/m2"])
def test_what_is_near_nothing_says_so(text: str) -> None:
    found = read_unit(text)
    assert isinstance(found, UnitInDoubt)
    assert found.valid
    assert found.repair.endswith(".")


def test_the_mapping_settles_a_word_before_its_source_does() -> None:
    assert read_unit("ton", words={" TON": "short_ton"}) is UNITS["short_ton"]
    assert read_unit("ton", source="metric") is UNITS["t"]
    assert read_unit("ton", source="metric", words={"ton": "long ton"}) is UNITS["long_ton"]


def test_a_words_meaning_must_be_a_unit() -> None:
    with pytest.raises(Misuse, match=r"no unit.*t, short_ton, long_ton"):
        read_unit("To", words={"to": "ton"})


def test_a_source_without_words_is_refused() -> None:
    with pytest.raises(Misuse, match="epa"):
        read_unit("ton", source="nobody")


@pytest.mark.parametrize(
    ("source", "word", "symbol"),
    [
        ("us_bill", "Mcf", "kft3"),
        ("us_bill", "MBtu", "kBtu"),
        ("us_bill", "gallon", "gal_us"),
        ("uk_bill", "gallon", "gal_imp"),
        ("metric", "kt", "kilotonne"),
        ("metric", "MTCO2e", "tCO2e"),
        ("metric", "mt", "t"),
        ("metric", "Mt", "Mt"),
        ("us_bill", "MCF", "kft3"),
        ("sap", "TO", "t"),
        ("sap", "STD", "h"),
        ("epa", "ton", "short_ton"),
        ("desnz", "per FTE Working Hour", "h"),
    ],
)
def test_sources_have_words_of_their_own(source: str, word: str, symbol: str) -> None:
    assert read_unit(word, source=source) is UNITS[symbol]


@pytest.mark.parametrize("source", sorted(source_words()))
def test_the_words_of_a_source_are_ready_for_a_mapping(source: str) -> None:
    words = words_of(source)
    assert {find_unit(symbol) is UNITS[symbol] for symbol in words.values()} == {True}
    assert len({word.strip().lower() for word in words}) == len(words)  # as `values` of a mapping asks


def test_every_unit_says_who_laid_it_down_and_every_doubt_why() -> None:
    assert {unit.source for unit in UNITS.values()} == set(sources())
    assert [word for word, doubt in doubtful().items() if not (doubt.why and doubt.candidates)] == []
    assert all(word == word.lower() for word in doubtful())


def test_of_words_in_doubt_only_these_ways_of_writing_are_sure() -> None:
    assert {text for text in SPELLINGS if text.lower() in doubtful()} == {"MWh", "MWH", "Mwh", "MJ", "Mt"}


def test_units_are_frozen_facts() -> None:
    assert {type(unit) for unit in UNITS.values()} == {Unit}
    assert all(unit.size > 0 for unit in UNITS.values())
