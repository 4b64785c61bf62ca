"""Companies of real lists, their accounts and the codes of their industries: every row accounted for."""

from __future__ import annotations

import re
from collections import Counter
from decimal import Decimal

import pytest

from tests.acceptance.books import Books
from tests.acceptance.expected import Expected
from tests.acceptance.raw import SHARED, RawRow, day, has_invisible_characters, needs_real_files, records, rows

pytestmark = [needs_real_files, pytest.mark.server]

LIST_2022 = "companies/CTA_2022-02_schemaA.xlsx"
LIST_2023 = "companies/CTA_2023-08_schemaC_targets.xlsx"
LIST_2025 = "companies/CTA_2025-05_schemaD.xlsx"
KINDS = {"company": "corporate", "sme": "sme", "small or medium enterprise": "sme", "corporate": "corporate"}


def known(text: str) -> str:
    return "" if text.upper() in {"NA", "N/A", "NULL"} else text


def leaves_one(lei: str) -> bool:
    """ISO 17442 by hand: letters as 10 to 35, the whole a number, what is left of it after division by 97."""
    return int("".join(str(int(sign, 36)) for sign in lei)) % 97 == 1


def broken(name: str, lei: str) -> str | None:
    if has_invisible_characters(name):
        return "company.company_id.type"
    if lei and not re.fullmatch("[A-Z0-9]{18}[0-9]{2}", lei):
        return "company.lei.pattern"
    return "company.lei.check_digits" if lei and not leaves_one(lei) else None


def of_2022(row: RawRow) -> tuple[str, ...]:
    return (known(row["ISIN"]), row["Country"], row["Region"], row["Sector"], row["Organization Type"], row["Date"])


def of_2023(row: RawRow) -> tuple[str, ...]:
    kind = KINDS.get(row["Organization Type"].lower(), "financial_institution")
    country = row["Location"].replace("\xa0", " ")
    return (known(row["ISIN"]), known(row["LEI"]), country, row["Region"], row["Sector"], kind)


def test_companies_of_three_lists_stand_in_one_contract(books: Books) -> None:
    """One mapping reads the three forms; LEIs that were mistyped or counted up are found by their check digits."""
    old, middle, young = rows(LIST_2022), rows(LIST_2023), rows(LIST_2025)
    assert (len(old), len(middle), len(young)) == (2497, 11808, 11348)

    first = Expected("company")
    for number, row in enumerate(old, 1):
        first.take(number, row["Company Name"], of_2022(row), broken(row["Company Name"], ""))
    run, ledger = books.bring(LIST_2022, "sbti_companies")
    assert (ledger.read, ledger.inserted, ledger.merged) == (2497, len(first.standing), first.merged)
    assert first.agrees_with(books.refused(run))
    assert Counter(first.refused.values()) == {"company.key.conflict": 5, "company.company_id.type": 1}

    second = Expected("company")
    for number, row in enumerate(middle, 1):
        lei = known(row["LEI"])
        second.take(number, row["Company Name"], of_2023(row), broken(row["Company Name"], lei))
    run, ledger = books.bring(LIST_2023, "sbti_companies")
    assert (ledger.read, ledger.merged, ledger.quarantined) == (11808, second.merged, len(second.refused))
    assert ledger.inserted + ledger.updated + ledger.unchanged == len(second.standing)
    assert ledger.inserted == len(second.standing.keys() - first.standing.keys())
    assert second.agrees_with(books.refused(run))
    leis = {row["company_id"]: row["lei"] for row in books.rows("SELECT company_id, lei FROM company_v1")}
    assert {name: leis[name] or "" for name in second.standing} == {
        name: content[1] for name, content in second.standing.items()
    }

    third = Expected("company")
    for number, row in enumerate(young, 1):
        name = row["company_name"]
        third.take(number, name, (row["sbti_id"],), broken(name, known(row["lei"])))
    run, ledger = books.bring(LIST_2025, "sbti_companies")
    assert (ledger.read, ledger.quarantined) == (11348, len(third.refused))
    assert third.agrees_with(books.refused(run))
    wrong = Counter(third.refused.values())
    assert (wrong["company.lei.pattern"], wrong["company.lei.check_digits"]) == (2, 8)
    assert_stored(books, [row for row in young if row["company_name"] in third.standing])


def assert_stored(books: Books, young: list[RawRow]) -> None:
    found = {row["company_id"]: row for row in books.rows("SELECT * FROM company_v1")}
    for row in young:
        stored = found[row["company_name"]]
        assert (stored["source_number"], stored["updated"]) == (row["sbti_id"], day(row["date_updated"]))
        assert (stored["lei"] or "", stored["isin"] or "") == (known(row["lei"]), known(row["isin"]))
        assert (stored["country"], stored["sector"]) == (row["location"], row["sector"])
    by_hand = found["AcBel Polytech Inc."]
    assert (by_hand["source_number"], by_hand["lei"]) == ("40009754", "254900BQVM5V0IY7RQ62")
    assert (str(by_hand["updated"]), by_hand["organisation_type"]) == ("2023-06-15", "corporate")


def test_accounts_of_french_companies(books: Books) -> None:
    raw = records("companies/synthese_bilans_financiers_ademe_only.csv")
    run, ledger = books.bring("companies/synthese_bilans_financiers_ademe_only.csv", "french_company_accounts")
    assert (ledger.read, ledger.inserted, ledger.quarantined) == (9434, len(raw), 0)
    forms = books.rows(
        "SELECT consolidation, count(*) AS filed, sum(revenue) AS revenue, sum(net_income) AS net_income"
        " FROM company_accounts_v1 GROUP BY 1"
    )
    names = {"C": "company", "K": "consolidated", "S": "simplified"}
    assert {row["consolidation"]: (row["filed"], row["revenue"], row["net_income"]) for row in forms} == {
        name: (
            len(of_form := [each for each in raw if each["type_bilan"] == form]),
            sum(Decimal(each["ca"]) for each in of_form),
            sum(Decimal(each["resultat_net"]) for each in of_form),
        )
        for form, name in names.items()
    }
    assert books.one("SELECT count(*) FROM company_accounts_v1 WHERE company_number LIKE '0%%'") == sum(
        each["siren"].startswith("0") for each in raw
    )
    assert books.warnings(run)["company_accounts.revenue.plausible"] == sum(Decimal(each["ca"]) < 0 for each in raw)


def test_codes_of_industries_from_an_old_workbook(books: Books) -> None:
    """Nothing but the bytes of the XLS is asked: its texts stand there as they are, one byte or two a sign."""
    raw = (SHARED / "companies/naf2008_liste_n5.xls").read_bytes()
    _, ledger = books.bring("companies/naf2008_liste_n5.xls", "naf_2008")
    codes = set(re.findall(rb"\x06\x00\x00(\d\d\.\d\d[A-Z])", raw))  # six signs, of one byte each
    assert (ledger.read, ledger.inserted, ledger.quarantined) == (732, 732, 0)
    found = books.rows("SELECT code, label FROM industry_code_v1 WHERE classification = 'NAF2008' AND level = 5")
    assert len(codes) == 732
    assert {row["code"].encode() for row in found} == codes
    there = sum(
        row["label"].encode("latin-1", "replace") in raw or row["label"].encode("utf-16-le") in raw for row in found
    )
    assert there >= 725  # the others are cut by the format's own records of 8,224 bytes
    assert {row["code"]: row["label"] for row in found}["01.11Z"].startswith("Culture de céréales")
