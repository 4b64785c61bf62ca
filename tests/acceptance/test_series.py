"""Inventories, indicators and imports of real files: a table over many sheets, years across columns, preambles."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.acceptance.books import Books
from tests.acceptance.raw import SHARED, needs_real_files, records, sheet

pytestmark = [needs_real_files, pytest.mark.server]

ALBERTA = "inventories/EN_GHG_IPCC_AB.xlsx"
COLUMNS = {
    "F": ("CO2", "kt"), "G": ("CH4", "kt"), "H": ("CH4", "kt_co2e"), "I": ("N2O", "kt"), "J": ("N2O", "kt_co2e"),
    "K": ("HFCs", "kt_co2e"), "L": ("PFCs", "kt_co2e"), "M": ("SF6", "kt_co2e"), "N": ("NF3", "kt_co2e"),
    "O": ("all", "kt_co2e"),
}  # fmt: skip
"""As rows 4 to 6 of each sheet say; CH4 and N2O stand there twice, as mass and with their potential."""

Line = tuple[int, str, str, str]
"""Year, category, gas, unit."""


def lines_of_alberta() -> Iterator[tuple[Line, str]]:
    """Every cell below the header of the sheets of years, which follow each other from 2021 down to 1990."""
    for number, year in zip(range(4, 36), range(2021, 1989, -1), strict=True):
        table = dict(sheet(ALBERTA, number))
        assert table[1]["A"].startswith(f"Table A11-19: {year} ")
        for row, cells in table.items():
            category = next((cells[depth].strip() for depth in "CBA" if cells.get(depth, "").strip()), "")
            for column, (gas, unit) in COLUMNS.items():
                if row >= 7 and cells.get(column, "").strip():
                    yield (year, category, gas, unit), cells[column].strip()


def test_a_sheet_a_year_becomes_one_table(books: Books) -> None:
    cells = dict(lines_of_alberta())
    assert len(cells) == 32 * 68 * 10
    run, ledger = books.bring(ALBERTA, "canada_province_inventory")
    # 79 rows a sheet, ten figures each: eleven rows hold notes, or nothing.
    assert ledger.read == 32 * 79 * 10
    assert ledger.skipped == {"blank": 32 * 11 * 10}
    assert (ledger.inserted, ledger.quarantined, ledger.merged) == (len(cells), 0, 0)
    assert books.refused(run) == {}

    found = books.rows("SELECT year, category, gas, unit, amount, absent FROM national_inventory_v1")
    stored = {(row["year"], row["category"], row["gas"], row["unit"]): row for row in found}
    assert stored.keys() == cells.keys()
    words = {"-": "amount=not_applicable", "x": "amount=not_reported"}
    for line, text in cells.items():
        if text in words:
            assert (stored[line]["amount"], stored[line]["absent"]) == (None, words[text])
        else:
            assert stored[line]["amount"] == Decimal(text)
    assert str(stored[2021, "TOTAL", "all", "kt_co2e"]["amount"]).startswith("256148.803204248")
    assert stored[2021, "Cement Production", "CO2", "kt"]["absent"] == "amount=not_reported"
    parts = ("ENERGY", "INDUSTRIAL PROCESSES AND PRODUCT USE", "AGRICULTURE", "WASTE")
    for year in range(1990, 2022):
        total = sum(stored[year, part, "all", "kt_co2e"]["amount"] for part in parts)
        assert abs(total - stored[year, "TOTAL", "all", "kt_co2e"]["amount"]) < Decimal("0.000001")


KENYA = "inventories/KEN_ghg_profile.xlsx"


def test_years_across_columns_and_formulas_without_values(books: Books) -> None:
    (_, header), *table = sheet(KENYA, 1)
    years = {column: text for column, text in header.items() if re.fullmatch(r"\d{4}", text)}
    assert sorted(years.values()) == ["1994", "1995", "2000", "2005", "2010"]
    cells = {
        (int(year), row["A"].strip()): row[column]
        for _, row in table
        for column, year in years.items()
        if row.get(column)
    }
    run, ledger = books.bring(KENYA, "unfccc_profile_by_sector")
    assert (ledger.inserted, books.refused(run)) == (len(cells), {})
    # The yearly changes below are formulas, none of which was saved with its value.
    with zipfile.ZipFile(SHARED / KENYA) as archive:
        xml = archive.read("xl/worksheets/sheet1.xml").decode()
    assert ledger.skipped["formula_without_value"] == len(re.findall(r'<c r="[B-F]\d+"[^>]*><f[ >]', xml))
    found = books.rows("SELECT year, category, gas, amount, unit FROM national_inventory_v1")
    assert {(row["year"], row["category"]): row["amount"] for row in found} == {
        line: Decimal(text) for line, text in cells.items()
    }
    assert {row["gas"] for row in found if row["category"].startswith("CO2 ")} == {"CO2"}
    sums = Counter[int]()
    for (year, _), text in cells.items():
        sums[year] += Decimal(text)  # type: ignore[assignment]
    by_year = books.rows("SELECT year, sum(amount) AS total FROM national_inventory_v1 GROUP BY 1")
    assert {row["year"]: row["total"] for row in by_year} == sums


def test_a_column_a_year_below_a_preamble(books: Books) -> None:
    text = (SHARED / "encodings/worldbank_API_AG.LND.TOTL.K2.csv").read_bytes().decode("utf-8-sig")
    _, _, _, _, header, *table = csv.reader(io.StringIO(text, newline=""))
    years = [place for place, name in enumerate(header) if re.fullmatch(r"\d{4}", name)]
    cells = {(row[1], int(header[place])): row[place] for row in table for place in years if row[place]}
    assert (len(table), len(years), len(cells)) == (266, 62, 15608)
    run, ledger = books.bring("encodings/worldbank_API_AG.LND.TOTL.K2.csv", "world_bank_land_area")
    assert (ledger.read, ledger.inserted) == (266 * 62, 15608)
    assert ledger.skipped == {"blank": 266 * 62 - 15608}
    assert books.refused(run) == {}
    found = books.rows("SELECT country, year, amount FROM country_indicator_v1")
    assert {(row["country"], row["year"]): row["amount"] for row in found} == {
        line: Decimal(figure) for line, figure in cells.items()
    }
    assert books.one("SELECT country_name FROM country_indicator_v1 WHERE country = 'CIV' LIMIT 1") == "Cote d'Ivoire"


EMBEDDED = "total_emissions_tco2e"


def test_imports_under_cbam(books: Books) -> None:
    raw = records("regulation/demo_import_portfolio.csv")
    run, ledger = books.bring("regulation/demo_import_portfolio.csv", "cbam_import_portfolio")
    assert (ledger.read, ledger.inserted, ledger.quarantined) == (500, 500, 0)
    found = books.rows(
        "SELECT goods_category, count(*) AS lines, sum(net_mass) AS mass, sum(customs_value) AS paid,"
        " sum(embedded_emissions) AS embedded, count(DISTINCT cn_code) AS codes FROM cbam_import_v1 GROUP BY 1"
    )
    categories = {each["goods_category"] for each in raw}
    of = {category: [each for each in raw if each["goods_category"] == category] for category in categories}
    assert {row.pop("goods_category"): row for row in found} == {
        category: {
            "lines": len(lines),
            "mass": sum(Decimal(each["quantity_tonnes"]) for each in lines),
            "paid": sum(Decimal(each["value_eur"]) for each in lines),
            "embedded": sum(Decimal(each["total_emissions_tco2e"]) for each in lines),
            "codes": len({each["cn_code"].replace(" ", "") for each in lines}),
        }
        for category, lines in of.items()
    }
    apart = [
        abs(
            Decimal(each["quantity_tonnes"]) * Decimal(each["emission_intensity_tco2e_per_t"]) - Decimal(each[EMBEDDED])
        )
        for each in raw
    ]
    assert books.warnings(run)["cbam_import.embedded_emissions.product"] == sum(gap > Decimal("0.01") for gap in apart)
    assert books.stands()
