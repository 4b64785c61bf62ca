"""Real files: what is planned and read is what Python's csv module makes of their bytes."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path

import pytest

from headwater.connectors.csv_file import CsvConfig, RawChunk, inspect_file, is_utf8, plan, read_chunk, to_utf8
from headwater.connectors.files import FileConfig
from headwater.connectors.files import inspect_file as inspect_any_file
from headwater.errors import InputRefused

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("HEADWATER_SHARED", ROOT / "../shared")) / "data"

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the folder of real files (HEADWATER_SHARED) is not there")

# file -> encoding, delimiter, lines above the header, columns, records, instruction lines among them
FILES = {
    "companies/synthese_bilans_financiers_ademe_only.csv": ("utf-8", ",", 0, 6, 9434, 0),
    "encodings/latin1_emission_factors_transport.csv": ("latin-1", ",", 0, 13, 60, 0),
    "encodings/worldbank_API_AG.LND.TOTL.K2.csv": ("utf-8-sig", ",", 4, 67, 266, 0),
    "facilities/animation_yearly_facilities.csv": ("utf-8", ",", 0, 5, 89690, 0),
    "facilities/ghgrp_2023_facilities.csv": ("utf-8", ",", 0, 16, 8106, 0),
    "facilities/ghgrp_2023_primary_operator.csv": ("utf-8", ",", 0, 2, 8106, 0),
    "inventories/2016_-_Citywide_GHG_Emissions.csv": ("utf-8", ",", 0, 27, 187, 0),
    "inventories/2018_City-wide_Emissions.csv": ("utf-8", ",", 0, 33, 488, 0),
    "inventories/2021_City-wide_Emissions.csv": ("utf-8", ",", 0, 32, 989, 0),
    "inventories/climate_trace_emissions_inventory_20221201.csv": ("utf-8", ",", 0, 8, 15750, 0),
    "inventories/dairy_hourly_load_2023.csv": ("utf-8", ",", 0, 2, 8760, 0),
    "inventories/demo_iot_stream.csv": ("utf-8", ",", 0, 7, 200, 0),
    "laboratory/equipment_scientific_template.csv": ("utf-8", ",", 0, 9, 1, 0),
    "laboratory/headcount_template.csv": ("utf-8", ",", 0, 5, 14, 6),
    "laboratory/purchases_common_template.csv": ("utf-8", ",", 0, 9, 1, 0),
    "laboratory/travel_planes_template.csv": ("utf-8", ",", 0, 7, 3, 0),
    "laboratory/trips_and_meters_business_trips_train.csv": ("utf-8", ";", 0, 11, 30, 0),
    "laboratory/trips_and_meters_commuting.csv": ("utf-8", ";", 0, 11, 29, 0),
    "laboratory/trips_and_meters_electricity.csv": ("utf-8", ";", 0, 6, 6, 0),
    "laboratory/trips_and_meters_heating.csv": ("utf-8", ";", 0, 7, 10, 0),
    "laboratory/trips_and_meters_users.csv": ("utf-8", ";", 0, 7, 45, 0),
    "laboratory/trips_and_meters_working_groups.csv": ("utf-8", ";", 0, 5, 5, 0),
    "places/constituencies.csv": ("utf-8", ",", 0, 4, 290, 0),
    "places/coordinates.csv": ("utf-8", ",", 0, 4, 337, 0),
    "places/counties.csv": ("utf-8", ",", 0, 3, 47, 0),
    "places/wards.csv": ("utf-8", ",", 0, 6, 1450, 0),
    "regulation/demo_import_portfolio.csv": ("utf-8", ",", 0, 20, 500, 0),
    "regulation/demo_subsidiary_data.csv": ("utf-8", ",", 0, 13, 680, 0),
}


def by_csv_module(path: Path, encoding: str, delimiter: str, preamble: int) -> list[tuple[int, list[str]]]:
    """Every record below the preamble with the line it starts at: the header first."""
    text = io.StringIO(path.read_bytes().decode(encoding), newline="")
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    records = []
    line = 1
    for cells in reader:
        records.append((line, cells))
        line = reader.line_num + 1
    return [record for record in records if record[0] > preamble]


def read_all(path: Path, config: CsvConfig, tmp_path: Path, chunk_size: int) -> list[RawChunk]:
    assert config.encoding is not None
    if not is_utf8(config.encoding):
        transcoded = tmp_path / "text.csv"
        with transcoded.open("wb") as out:
            to_utf8(path, config.encoding, out)
        path = transcoded
    planned = plan(path, config, chunk_size)
    with path.open("rb") as file:
        return [read_chunk(file, span, planned) for span in planned.chunks]


@pytest.mark.parametrize("name", FILES)
def test_a_real_file_is_read_whole(name: str, tmp_path: Path) -> None:
    encoding, delimiter, preamble, columns, records, instructions = FILES[name]
    path = SHARED / name
    (_, header), *expected = by_csv_module(path, encoding, delimiter, preamble)
    assert len(expected) == records

    found = inspect_file(path)
    assert json.loads(json.dumps(found.as_json()))["size"] == path.stat().st_size
    assert found.config.delimiter == delimiter
    assert found.config.preamble == preamble
    assert len(found.columns) == len(header) == columns
    chunks = read_all(path, found.config, tmp_path, chunk_size=97)

    data = [(line, tuple(cells)) for line, cells in expected if cells and not cells[0].startswith("#")]
    rows = [
        (line, row)
        for chunk in chunks
        for line, row in zip(
            chunk.lines.tolist(), zip(*(column.to_pylist() for column in chunk.table.columns), strict=True), strict=True
        )
    ]
    assert rows == data
    assert sum(len(chunk.skipped.get("instruction", ())) for chunk in chunks) == instructions
    assert [ragged for chunk in chunks for ragged in chunk.ragged] == []
    assert list(found.sample) == [row for _, row in rows[:20]]


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("inventories/2016_-_Citywide_GHG_Emissions.csv", "Average annual temperature (in Celsius)"),
        ("inventories/2016_-_Citywide_GHG_Emissions.csv", "Land area (in square km)"),
        ("inventories/2018_City-wide_Emissions.csv", "Land area (in square km)"),
        ("encodings/worldbank_API_AG.LND.TOTL.K2.csv", "Country Name"),
    ],
)
def test_names_hold_nothing_invisible(name: str, column: str) -> None:
    assert column in inspect_file(SHARED / name).columns


def test_the_latin1_file_reads_as_german() -> None:
    found = inspect_file(SHARED / "encodings/latin1_emission_factors_transport.csv")
    data = (SHARED / "encodings/latin1_emission_factors_transport.csv").read_bytes()
    assert data.decode(found.encoding) == data.decode("latin-1")
    assert "Bahn Österreich" in data.decode(found.encoding)


@pytest.mark.parametrize("path", sorted(SHARED.rglob("*.xls*")), ids=lambda path: path.name)
def test_a_workbook_under_a_csv_name_is_refused_as_one(path: Path, tmp_path: Path) -> None:
    renamed = tmp_path / "table.csv"
    renamed.write_bytes(path.read_bytes())
    with pytest.raises(InputRefused, match="Excel workbook"):
        inspect_any_file(renamed, FileConfig())
