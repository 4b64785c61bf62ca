from __future__ import annotations

import pycountry
import pytest

from headwater.accounting.countries import Country, CountryInDoubt, country_names, find_country


@pytest.mark.parametrize("entry", list(pycountry.countries), ids=lambda entry: str(entry.alpha_2))
def test_every_country_is_found_by_its_codes_and_its_name_unless_in_doubt(entry: pycountry.db.Data) -> None:
    for text in (entry.alpha_2, entry.alpha_3, entry.numeric, entry.name, entry.name.upper()):
        found = find_country(text)
        if isinstance(found, CountryInDoubt):
            assert text.lower() in {"congo", "georgia"}
        else:
            assert found.code == entry.alpha_2


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("UK", "GB"),
        ("EL", "GR"),
        ("u.s.a.", "US"),
        ("The Netherlands", "NL"),
        ("Côte d’Ivoire", "CI"),
        ("Cote d'Ivoire", "CI"),
        ("TÜRKIYE", "TR"),
        ("deutschland", "DE"),
        ("Österreich", "AT"),
        ("South Korea", "KR"),
        ("Korea, Republic of", "KR"),
        ("Democratic Republic of the Congo", "CD"),
        ("Congo-Brazzaville", "CG"),
        ("Guinea", "GN"),
        ("Guinea-Bissau", "GW"),
        ("Equatorial Guinea", "GQ"),
        ("Niger", "NE"),
        ("Nigeria", "NG"),
        ("Dominica", "DM"),
        ("Dominican Republic", "DO"),
        (" Kenya ", "KE"),
        ("276", "DE"),
    ],
)
def test_names_as_people_write_them(text: str, code: str) -> None:
    found = find_country(text)
    assert isinstance(found, Country)
    assert found.code == code


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Congo", {"CG", "CD"}),
        ("KOREA", {"KR", "KP"}),
        ("georgia", {"GE", "US"}),
        ("Virgin Islands", {"VG", "VI"}),
        ("Saint Martin", {"MF", "SX"}),
        ("Czechoslovakia", {"CZ", "SK"}),
        ("America", {"US"}),
        ("Germny", {"DE"}),
        ("in", {"IN"}),
        ("per", {"PE"}),
        ("XX", set()),
        ("Atlantis", set()),
        ("World", set()),
        ("", set()),
    ],
)
def test_doubt_is_refused_with_the_candidates_named(text: str, named: set[str]) -> None:
    found = find_country(text)
    assert isinstance(found, CountryInDoubt)
    assert set(found.candidates) == named
    assert found.message.endswith(".")
    assert all(code in found.valid for code in named)


def test_no_name_in_doubt_is_read_and_every_name_is_of_a_country() -> None:
    assert not {"congo", "korea", "georgia"} & set(country_names())
    assert set(country_names().values()) <= {entry.alpha_2 for entry in pycountry.countries}
