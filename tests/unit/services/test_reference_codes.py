"""Where the codes of a reference stand: in every major version of the contract it names, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from headwater.contracts import Document, compile_contract
from headwater.errors import Misuse
from headwater.services.reference_codes import referenced
from tests.packs.places import Country, Site

COUNTRY, SITE = compile_contract(Country), compile_contract(Site)
KNOWN = (COUNTRY, SITE)


def places(document: Document, *known: Document) -> dict[str, list[str]]:
    found = referenced(document, known)
    return {
        reference: [f"{one.reference} {field.name}" for one, field in tables] for reference, tables in found.items()
    }


def test_a_contract_without_references_has_none() -> None:
    assert places(COUNTRY, *KNOWN) == {}


def test_codes_stand_in_the_newest_minor_version_of_each_major_one() -> None:
    later, next_major = replace(COUNTRY, version="1.10.0"), replace(COUNTRY, version="2.0.0")
    without = replace(COUNTRY, version="3.0.0", fields=tuple(f for f in COUNTRY.fields if f.name != "iso3"))
    found = places(SITE, without, next_major, later, replace(COUNTRY, version="1.9.0"), SITE)
    assert found == {
        "site.site_id": ["site@1.0.0 site_id"],
        "country.code": ["country@1.10.0 code", "country@2.0.0 code", "country@3.0.0 code"],
        "country.iso3": ["country@1.10.0 iso3", "country@2.0.0 iso3"],
    }


def test_a_reference_to_what_no_pack_brings_is_misuse_that_names_it() -> None:
    with pytest.raises(Misuse, match="no contract of this installation has") as refused:
        referenced(SITE, (SITE,))
    assert refused.value.where == "contract site@1.0.0, field country"
    assert refused.value.value == "country.code"


def test_a_reference_to_values_of_another_type_is_misuse() -> None:
    code = replace(COUNTRY.by_name["code"], type="integer", max_length=None)
    other = replace(COUNTRY, fields=(code, *COUNTRY.fields[1:]))
    with pytest.raises(Misuse, match="another type of values"):
        referenced(SITE, (other, SITE))
