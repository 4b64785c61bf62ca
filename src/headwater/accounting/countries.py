"""Countries by ISO 3166-1: codes, names and synonyms as two letters; what names several is refused, never guessed.

Names and codes are those of pycountry (Debian's iso-codes); what people write besides stands in `countries.csv`, and
so do the names in doubt. Accents, case and punctuation do not count.
"""

from __future__ import annotations

import csv
import difflib
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources

from headwater.accounting.in_doubt import InDoubt

RULE_ID = "country.in_doubt"


@dataclass(frozen=True, kw_only=True)
class Country:
    """A country of ISO 3166-1."""

    code: str
    alpha_3: str
    numeric: str
    name: str


@dataclass(frozen=True, kw_only=True)
class CountryInDoubt(InDoubt):
    """A finding: a text that names no country, or may name several. `candidates` are two-letter codes."""

    rule_id: str = RULE_ID


def find_country(text: str) -> Country | CountryInDoubt:
    """The country that a code or name means, or a finding that names what it may mean.

    Codes of two and three letters are read in capitals only: `in`, `no` and `per` are words.
    """
    word = text.strip()
    countries = _countries()
    if word.isupper() and (code := _codes().get(word)):
        return countries[code]
    if len(word) == 3 and word in _codes():
        return countries[_codes()[word]]
    name = _folded(word)
    doubt = _table("doubt").get(name)
    if doubt is not None:
        return _in_doubt(word, doubt.codes, doubt.why)
    code = _names().get(name)
    if code is not None:
        return countries[code]
    near = difflib.get_close_matches(name, _names(), n=4, cutoff=0.8) if len(name) > 3 else []
    by_code = [_codes()[word.upper()]] if word.upper() in _codes() else []
    return _in_doubt(word, tuple(dict.fromkeys([*by_code, *(_names()[each] for each in near)])), "")


@lru_cache(maxsize=1024)
def codes_meant(text: str) -> tuple[str, ...]:
    """Two-letter codes that a text which is none of them means or may mean; what a finding suggests, and no more."""
    found = find_country(text)
    codes = (found.code,) if isinstance(found, Country) else found.candidates
    return tuple(code for code in codes if code != text)


def country_names() -> dict[str, str]:
    """Every name that is read, folded, with its country's two-letter code: for a join, or a mapping's `values`."""
    return dict(_names())


def _in_doubt(word: str, codes: tuple[str, ...], why: str) -> CountryInDoubt:
    shown = ", ".join(f"{code} ({_countries()[code].name})" for code in codes)
    return CountryInDoubt(
        text=word,
        candidates=codes,
        message=f"{word or 'A blank'} names no one country{': ' + why if why else ''}.",
        valid=f"It may mean {shown}." if codes else "A code or an English name of ISO 3166-1.",
        repair="Write the two-letter code, or say in the mapping what the source's word means.",
    )


@dataclass(frozen=True)
class _Entry:
    codes: tuple[str, ...]
    why: str


@cache
def _table(kind: str) -> dict[str, _Entry]:
    text = resources.files(__package__).joinpath("countries.csv").read_text(encoding="utf-8")
    return {
        _folded(row["name"]): _Entry(tuple(row["codes"].split("|")), row["why"])
        for row in csv.DictReader(text.splitlines())
        if row["kind"] == kind
    }


@cache
def _countries() -> dict[str, Country]:
    import pycountry  # noqa: PLC0415 - reads its tables when asked; most runs have no country

    return {
        entry.alpha_2: Country(code=entry.alpha_2, alpha_3=entry.alpha_3, numeric=entry.numeric, name=entry.name)
        for entry in pycountry.countries
    }


@cache
def _codes() -> dict[str, str]:
    found = {code: code for code in _countries()}
    for country in _countries().values():
        found[country.alpha_3] = found[country.numeric] = country.code
    return found | {word: entry.codes[0] for word, entry in _reserved().items()}


def _reserved() -> dict[str, _Entry]:
    """Codes that ISO reserves for what is in common use: UK and EL."""
    return {name.upper(): entry for name, entry in _table("code").items()}


@cache
def _names() -> dict[str, str]:
    import pycountry  # noqa: PLC0415 - as above

    doubtful = _table("doubt")
    found: dict[str, set[str]] = {}
    for entry in pycountry.countries:
        official = {getattr(entry, kind, None) for kind in ("name", "common_name", "official_name")}
        for name in official - {None}:
            found.setdefault(_folded(str(name)), set()).add(entry.alpha_2)
    sure = {name: codes.pop() for name, codes in found.items() if len(codes) == 1}
    sure |= {name: entry.codes[0] for name, entry in _table("name").items()}
    return {name: code for name, code in sure.items() if name not in doubtful}


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(sign if sign.isalnum() else " " for sign in plain if not unicodedata.combining(sign))
    return " ".join(word for word in kept.replace("ß", "ss").split() if word != "the")
