"""Real workbooks: what is read is what regular expressions over their raw XML count."""

from __future__ import annotations

import re
import zipfile
from collections import Counter
from html import unescape
from pathlib import Path

import pytest

from headwater.connectors.workbook import WorkbookConfig, inspect_workbook, read_workbook
from headwater.errors import InputRefused
from tests.acceptance.raw import SHARED, needs_real_files
from tests.acceptance.raw import plain as shortest
from tests.acceptance.raw import sheet as raw_sheet

pytestmark = needs_real_files

# file -> sheet's part, lines above the records, columns, records
LISTS = {
    "companies/CTA_2022-02_schemaA.xlsx": (20, 2497),
    "companies/CTA_2023-08_schemaC_targets.xlsx": (25, 11808),
    "companies/CTA_2025-05_schemaD.xlsx": (22, 11348),
    "companies/snapshot_2022-12-20_13-07-14.xlsx": (65, 4089),
}


def sheet_xml(name: str, number: int = 1) -> str:
    with zipfile.ZipFile(SHARED / name) as archive:
        return archive.read(f"xl/worksheets/sheet{number}.xml").decode()


def shared_strings(name: str) -> list[str]:
    with zipfile.ZipFile(SHARED / name) as archive:
        items = re.findall(r"<si>(.*?)</si>|<si/>", archive.read("xl/sharedStrings.xml").decode(), re.DOTALL)
    return [unescape("".join(re.findall(r"<t(?: [^>]*)?>([^<]*)</t>", item))) for item in items]


def plain(text: str) -> str:
    """Escapes of characters that XML cannot hold, spelt out; line ends as XML gives them."""
    return re.sub(
        "_x([0-9A-F]{4})_", lambda found: chr(int(found[1], 16)), text.replace("\r\n", "\n").replace("\r", "\n")
    )


def read(
    name: str, config: WorkbookConfig | None = None
) -> tuple[tuple[str, ...], list[tuple[str, int, dict[str, str]]]]:
    path: Path = SHARED / name
    table = read_workbook(path, inspect_workbook(path, config).config, name=name, decimal=".")
    records = [
        (batch.part, batch.first_number + offset, record)
        for batch in table.batches
        for offset, record in enumerate(batch.rows.to_pylist())
    ]
    return table.columns, records


@pytest.mark.parametrize("name", sorted(LISTS))
def test_every_value_of_a_list_arrives(name: str) -> None:
    columns, records = read(name)
    assert (len(columns), len(records)) == LISTS[name]
    xml = sheet_xml(name)
    strings = shared_strings(name) if 't="s"' in xml else []
    expected: Counter[str] = Counter(
        strings[int(index)] for index in re.findall(r'<c [^>]*t="s"[^>]*><v>(\d+)</v>', xml)
    )
    expected.update(unescape(text) for text in re.findall(r"<is><t[^>]*>([^<]*)</t></is>", xml))
    got = Counter(text for _, _, record in records for text in record.values())
    header = Counter(columns)
    texts = {text: count for text, count in expected.items() if text and text not in header}
    texts = dict(Counter({plain(text): count for text, count in texts.items()}))
    figure = re.compile(r"-?[\d.]+(e-?\d+)?%?|\d{4}-\d\d-\d\d.*|TRUE|FALSE")
    assert {t: n for t, n in texts.items() if not figure.fullmatch(t)} == {
        t: n for t, n in got.items() if t and not figure.fullmatch(t) and t not in header
    }


def test_line_breaks_inside_cells_are_kept() -> None:
    name = "companies/snapshot_2022-12-20_13-07-14.xlsx"
    raw = sum("\n" in text for text in re.findall(r"<is><t[^>]*>([^<]*)</t></is>", sheet_xml(name)))
    _, records = read(name)
    assert sum("\n" in text for _, _, record in records for text in record.values()) == raw == 3241


def test_per_cents_dates_and_ids_of_the_youngest_list() -> None:
    name = "companies/CTA_2025-05_schemaD.xlsx"
    _, records = read(name)
    assert records[0][2]["sbti_id"] == "40009754"
    ids = re.findall(r'<c r="A\d+"[^>]*><v>([\d.E]+)</v>', sheet_xml(name))
    assert [record["sbti_id"] for _, _, record in records[:100]] == [str(int(float(text))) for text in ids[1:101]]


def test_the_codes_of_an_old_workbook() -> None:
    columns, records = read("companies/naf2008_liste_n5.xls")
    assert columns == ("Code", "Libellé")
    assert (records[0][1], records[-1][1]) == (4, 735)
    codes = [record["Code"] for _, _, record in records]
    assert len(codes) == len(set(codes)) == 732
    assert all(re.fullmatch(r"\d\d\.\d\d[A-Z]", code) for code in codes)


def test_albertas_years_are_one_table() -> None:
    name = "inventories/EN_GHG_IPCC_AB.xlsx"
    with pytest.raises(InputRefused, match=r"source\.sheets"):
        inspect_workbook(SHARED / name)
    config = WorkbookConfig(sheets=("[0-9][0-9]",), header=4, header_rows=2, units_row=6)
    columns, records = read(name, config)
    assert columns[0] == "Greenhouse Gas Categories"
    assert "CO2" in columns
    assert Counter(part for part, _, _ in records) == {f"{year % 100:02}": 79 for year in range(1990, 2022)}
    totals = {part: record["TOTAL"] for part, number, record in records if number == 7}
    assert totals["21"] == "256148.803204248"
    for number in range(4, 36):
        stored = re.search(r'<c r="O7"[^>]*><v>([^<]*)</v>', sheet_xml(name, number))
        assert stored is not None
        assert float(totals[[f"{year % 100:02}" for year in range(2021, 1989, -1)][number - 4]]) == float(stored[1])
    units = dict(inspect_workbook(SHARED / name, config).units)
    assert units["CO2"] == "kt"


def test_kenyas_sheets_ranges_and_missing_values() -> None:
    path = SHARED / "inventories/KEN_ghg_profile.xlsx"
    with pytest.raises(InputRefused, match=r"source\.sheets"):
        inspect_workbook(path)
    found = inspect_workbook(path, WorkbookConfig(sheets=("Data_by_gas",)))
    assert [(sheet.name, sheet.state, len(sheet.merged)) for sheet in found.sheets] == [
        ("Data_by_sector", "visible", 0),
        ("Data_by_gas", "visible", 0),
        ("Summary Data", "visible", 77),
        ("ChartData", "very hidden", 0),
    ]
    formulas = len(re.findall(r"<c [^>]*><f>[^<]*</f></c>", sheet_xml("inventories/KEN_ghg_profile.xlsx", 2)))
    assert any(f"{formulas} formulas were saved without their value" in warning for warning in found.warnings)


def test_fuels_of_the_uk_without_the_noise_of_stored_decimals() -> None:
    columns, records = read("factors/desnz_2020_condensed.xlsx", WorkbookConfig(sheets=("Fuels",)))
    assert columns == ("Activity", "Fuel", "Unit", "kg CO2e", "kg CO2", "kg CH4", "kg N2O")
    assert tuple(records[0][2].values()) == ("Gaseous fuels", "CNG", "tonnes", "2533", "2528.26", "3.4", "1.33")
    longest = max(
        len(text) for _, _, record in records[:20] for column, text in record.items() if column.startswith("kg")
    )
    assert longest <= 10


FACTORS = "factors/desnz_2020_condensed.xlsx"


def names_of_sheets(name: str) -> list[str]:
    with zipfile.ZipFile(SHARED / name) as archive:
        return [
            unescape(each) for each in re.findall(r'<sheet name="([^"]*)"', archive.read("xl/workbook.xml").decode())
        ]


@pytest.mark.parametrize("number", range(1, 25))
def test_every_figure_of_the_uks_factors_is_read_once(number: int) -> None:
    """Below the first row of each of 24 sheets, titles, guidance and tables alike. Only dates are written otherwise."""
    xml = sheet_xml(FACTORS, number)
    cells = re.findall(r'<c r="[A-Z]+(\d+)"([^>]*)>(?:<f[^>]*>[^<]*</f>|<f[^>]*/>)?<v>([^<]*)</v></c>', xml)
    first = next(row for row, filled in raw_sheet(FACTORS, number) if filled)
    stored = [shortest(float(text)) for row, kind, text in cells if int(row) > first and " t=" not in kind]
    tiny = {"0.00000009997611682200014": "9.997611682200014e-08", "44348": "2021-06-01"}
    strings = shared_strings(FACTORS)
    words = [plain(strings[int(text)]) for row, kind, text in cells if int(row) > first and ' t="s"' in kind]

    sheet = names_of_sheets(FACTORS)[number - 1]
    _, records = read(FACTORS, WorkbookConfig(sheets=(sheet,), header=first, header_rows=1, units_row=0))
    got = Counter(text for _, _, record in records for text in record.values() if text)
    figure = re.compile(r"-?\d[\d.]*(e-\d+)?|\d{4}-\d\d-\d\d")
    assert {text: count for text, count in got.items() if figure.fullmatch(text)} == Counter(
        tiny.get(text, text) for text in stored
    )
    # A merged range says its text once and holds it in each of its cells.
    assert not Counter(text for text in words if text.strip() and not figure.fullmatch(text)) - got
