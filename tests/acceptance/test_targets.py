"""Targets of real lists in three forms, and the pledges of a tracker: every row accounted for, sums worked out anew."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.acceptance.books import Books
from tests.acceptance.expected import Expected
from tests.acceptance.raw import (
    RawRow,
    day,
    has_control_characters,
    has_invisible_characters,
    needs_real_files,
    rows,
)

pytestmark = [needs_real_files, pytest.mark.server]

LIST_2022 = "companies/CTA_2022-02_schemaA.xlsx"
LIST_2023 = "companies/CTA_2023-08_schemaC_targets.xlsx"
LIST_2025 = "companies/CTA_2025-05_schemaD.xlsx"
TRACKER = "companies/snapshot_2022-12-20_13-07-14.xlsx"

DESCRIBING = (
    "Company Name", "Action", "Commitment Type", "Commitment Deadline", "Status", "Target", "Target Wording", "Scope",
    "Target Value", "Type", "Sub-type", "Target Classification", "Base Year", "Target Year", "Date Published",
)  # fmt: skip
BESIDE = ("Year Type", "Reason for commitment extension or removal")


def given(text: str) -> str:
    return "" if text == "NA" else text


def fraction(text: str) -> Decimal | None:
    """0.45 of "45.00%" and of "0.45"; None of what is published as a temperature or an intensity, and of nothing."""
    if not given(text) or text.endswith(("°C", "gCO₂e/kWh")):
        return None
    return Decimal(text.removesuffix("%")) / 100 if text.endswith("%") else Decimal(text)


def broken(row: RawRow) -> str | None:
    if has_invisible_characters(row["Company Name"]):
        return "sbti_target.company_id.type"
    try:
        value = fraction(row["Target Value"])
    except ArithmeticError:
        return "sbti_target.reduction.type"
    if value is not None and abs(value) > 10:
        return "sbti_target.reduction.range"
    if has_control_characters(given(row["Target Wording"])):
        return "sbti_target.wording.type"
    years = [given(row[column]) for column in ("Base Year", "Target Year")]
    return "sbti_target.target_year.order" if all(years) and int(years[1]) < int(years[0]) else None


def test_targets_of_a_list_with_one_row_a_target(books: Books) -> None:
    raw = rows(LIST_2023)
    expected = Expected("sbti_target")
    places: dict[str, RawRow] = {}
    for number, row in enumerate(raw, 1):
        key = "\0".join(row[column] for column in DESCRIBING)
        places.setdefault(key, row)
        expected.take(number, key, tuple(given(row[column]) for column in BESIDE), broken(row))
    assert Counter(expected.refused.values()) == {
        "sbti_target.wording.type": 13,
        "sbti_target.company_id.type": 7,
        "sbti_target.reduction.type": 3,  # 54%%, 1OO% with two letters O, and a sentence
        "sbti_target.reduction.range": 1,  # 2500%
        "sbti_target.target_year.order": 1,  # by 2020 against 2021
    }
    run, ledger = books.bring(LIST_2023, "sbti_targets")
    assert (ledger.read, ledger.inserted, ledger.merged) == (11808, len(expected.standing), expected.merged)
    assert expected.agrees_with(books.refused(run))

    kept = [places[key] for key in expected.standing]
    found = books.rows(
        "SELECT measure, scope, count(*) AS targets, sum(reduction) AS reduction FROM sbti_target_v1 GROUP BY 1, 2"
    )
    groups: dict[tuple[str | None, str | None], list[RawRow]] = {}
    for row in kept:
        measure = given(row["Type"]).lower().replace(" ", "_").replace("-", "_") or None
        groups.setdefault((measure, given(row["Scope"]) or None), []).append(row)
    assert {(row["measure"], row["scope"]): (row["targets"], row["reduction"]) for row in found} == {
        group: (len(members), sum(known) if (known := fractions(members)) else None)
        for group, members in groups.items()
    }
    assert books.one("SELECT count(*) FROM sbti_target_v1 WHERE stated_value IS NOT NULL") == sum(
        row["Target Value"].endswith(("°C", "gCO₂e/kWh")) for row in kept
    )
    by_hand = books.rows(
        "SELECT * FROM sbti_target_v1 WHERE company_id = 'AcBel Polytech Inc.' AND action = 'target' ORDER BY scope"
    )
    assert [(str(row["reduction"]), row["scope"], row["measure"]) for row in by_hand] == [
        ("0.450000", "1+2", "absolute"),
        ("0.517000", "3", "intensity"),
    ]
    assert (by_hand[0]["base_year"], by_hand[0]["target_year"]) == (2021, 2030)
    assert (by_hand[0]["published"], by_hand[0]["status"]) == (date(2023, 6, 15), "targets_set")


def fractions(members: list[RawRow]) -> list[Decimal]:
    return [value for row in members if (value := fraction(row["Target Value"])) is not None]


TERMS: dict[str, tuple[tuple[str, str, str], ...]] = {
    LIST_2022: (
        ("Near term - Target Status", "Near term - Target Year", "near_term"),
        ("Long term - Target Status", "Long term - Target Year", "long_term"),
        ("Net-Zero Committed", "Net-Zero Year", "net_zero"),
    ),
    LIST_2025: (
        ("near_term_status", "near_term_target_year", "near_term"),
        ("long_term_status", "long_term_target_year", "long_term"),
        ("net_zero_status", "net_zero_year", "net_zero"),
    ),
}
STATES = {"targets set": "targets_set", "committed": "committed", "yes": "committed", "commitment removed": "removed"}


def summaries(
    name: str, raw: list[RawRow], company: str, wording: str
) -> tuple[Expected, dict[str, Any], Counter[str]]:
    """Three records a row, one each of its terms; what each has to say, and what is skipped."""
    said: dict[str, Any] = {}
    expected, skipped = Expected("sbti_target"), Counter[str]()
    for place, row in enumerate(raw):
        for term, (state, year, target_type) in enumerate(TERMS[name]):
            if row[state] in {"", "No"}:
                skipped["no_target" if row[state] else "blank"] += 1
                continue
            key = f"{row[company]}\0{target_type}"
            words = row[wording] if target_type == "near_term" else ""
            rule = "sbti_target.company_id.type" if has_invisible_characters(row[company]) else None
            rule = rule or ("sbti_target.wording.type" if has_control_characters(words) else None)
            single = re.fullmatch(r"(?:FY)?(\d{4})", row[year])
            content = (STATES[row[state].lower()], single[1] if single else "", "" if single else row[year])
            expected.take(3 * place + term + 1, key, (*content, words, *row.cells.values()), rule)
            said.setdefault(key, (target_type, *content))
    return expected, said, skipped


@pytest.mark.parametrize(
    ("name", "mapping", "company", "wording"),
    [
        (LIST_2022, "sbti_summaries_2022", "Company Name", "Target"),
        (LIST_2025, "sbti_summaries_2025", "company_name", "full_target_language"),
    ],
)
def test_lists_with_one_row_a_company_become_a_record_a_target(
    books: Books, name: str, mapping: str, company: str, wording: str
) -> None:
    raw = rows(name)
    expected, said, skipped = summaries(name, raw, company, wording)
    run, ledger = books.bring(name, mapping)
    assert ledger.read == 3 * len(raw)
    assert ledger.skipped == skipped
    assert expected.agrees_with(books.refused(run))
    assert ledger.inserted == len(expected.standing)
    found = books.rows("SELECT company_id, target_type, status, target_year, target_years FROM sbti_target_v1")
    assert {
        f"{row['company_id']}\0{row['target_type']}": (
            row["target_type"],
            row["status"],
            str(row["target_year"] or ""),
            row["target_years"] or "",
        )
        for row in found
    } == {key: said[key] for key in expected.standing}
    if name == LIST_2022:
        several = sum("," in row["target_years"] or "/" in row["target_years"] for row in found if row["target_years"])
        assert several == sum(
            bool(re.search(r"\d[,/]", text[3])) for key, text in said.items() if key in expected.standing
        )
        assert books.stands()
    else:
        stored = books.rows("SELECT company_id, published FROM sbti_target_v1 WHERE target_type = 'near_term'")
        updated = {row["company_name"]: day(row["date_updated"]) for row in raw}
        assert all(row["published"] == updated[row["company_id"]] for row in stored)


PLEDGED = {"end_target_percentage_reduction": "end_target_reduction"}
PLEDGED |= {"interim_target_percentage_reduction": "interim_target_reduction"}
YEARS = {
    "end_target_year": "end_target_year",
    "end_target_baseline_year": "end_target_base_year",
    "interim_target_year": "interim_target_year",
    "interim_target_baseline_year": "interim_target_base_year",
}


def wrong_pledge(row: RawRow) -> str | None:
    for column, field in PLEDGED.items():
        if row[column] and not -100 <= Decimal(row[column]) <= 200:
            return f"climate_pledge.{field}.range"
    for column, field in YEARS.items():
        if row[column] and not (1970 if "base" in column else 1990) <= int(row[column]) <= 2150:
            return f"climate_pledge.{field}.range"
    texts = {"end_target_text", "interim_target_text"}
    return next((f"climate_pledge.{each}.type" for each in texts if has_control_characters(row[each])), None)


def test_pledges_with_line_breaks_in_thousands_of_cells(books: Books) -> None:
    raw = rows(TRACKER)
    wrong = {number: rule for number, row in enumerate(raw, 1) if (rule := wrong_pledge(row))}
    assert Counter(wrong.values()) == {
        "climate_pledge.end_target_reduction.range": 1,  # a year, 2030, among the per cents
        "climate_pledge.end_target_base_year.range": 1,
        "climate_pledge.interim_target_base_year.range": 1,
        "climate_pledge.end_target_text.type": 1,
    }
    run, ledger = books.bring(TRACKER, "net_zero_tracker")
    assert (ledger.read, ledger.inserted) == (4089, 4089 - len(wrong))
    assert {number: rules[0] for number, rules in books.refused(run).items()} == wrong

    kept = [row for number, row in enumerate(raw, 1) if number not in wrong]
    kinds = books.rows("SELECT actor_type, count(*) AS actors FROM climate_pledge_v1 GROUP BY 1")
    assert {row["actor_type"]: row["actors"] for row in kinds} == Counter(row["actor_type"].lower() for row in kept)
    for column, field in PLEDGED.items():
        given_here = [Decimal(row[column]) for row in kept if row[column]]
        (found,) = books.rows(f"SELECT count({field}) AS given, sum({field}) AS total FROM climate_pledge_v1")
        assert (found["given"], found["total"]) == (len(given_here), sum(given_here) / 100)
    for column, field in YEARS.items():
        given_years = [int(row[column]) for row in kept if row[column]]
        (found,) = books.rows(f"SELECT count({field}) AS given, sum({field}) AS total FROM climate_pledge_v1")
        assert (found["given"], found["total"]) == (len(given_years), sum(given_years))
    by_id = {row["actor_id"]: row for row in books.rows("SELECT * FROM climate_pledge_v1")}
    for row in kept:
        stored = by_id[row["id_code"]]
        assert (stored["end_target_text"] or "") == row["end_target_text"].strip()
        assert stored["updated"] == datetime.fromisoformat(f"{row['last_updated']}+00:00")
    assert (by_id["COU-0001"]["country"], str(by_id["COU-0001"]["interim_target_reduction"])) == ("AFG", "0.136000")
    assert books.warnings(run)["climate_pledge.end_target_year.given"] == sum(
        row["end_target"] not in {"", "No target"} and not row["end_target_year"] for row in kept
    )
