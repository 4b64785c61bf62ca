"""`headwater connectors profile`: what columns hold, and nothing of what may be personal."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from headwater.connectors.sql.source import Source
from headwater.errors import HeadwaterError, InputRefused, Misuse, Stopped
from headwater.services.connectors.profiling import TableProfile, profile
from tests.integration.cli.conftest import Headwater, Lab
from tests.river import River
from tests.synced import MAPPING


def mapping_of(path: Path, name: str, **fields: dict[str, str]) -> Path:
    body: Any = deepcopy(MAPPING)
    body["fields"] |= fields
    path.write_text(yaml.safe_dump({**body, "mapping": name}))
    return path


def columns_of(told: Any) -> dict[str, Any]:
    return {each["name"]: each for each in told["columns"]}


def test_columns_are_counted_exactly_and_by_the_shared_parser(headwater: Headwater, lab: Lab) -> None:
    lab.change("UPDATE a SET site = NULL WHERE reading_id > 38", "UPDATE a SET site = 'Süd 12' WHERE reading_id < 4")
    whole = headwater("connectors", "profile", "lab", "-t", "a", "--json").json
    assert (whole["rows"], whole["is_whole"], whole["mappings"]) == (40, True, [])
    columns = columns_of(whole)
    kwh, site = columns["kwh"], columns["site"]
    assert (kwh["low"], kwh["high"], kwh["total"], kwh["mean"]) == ("1.5", "60", "1230", "30.75")
    assert (kwh["blank"], kwh["distinct"], kwh["most_often"]) == (0, 40, [])
    assert (site["blank"], site["longest"], site["total"], site["distinct"]) == (2, 6, None, 2)
    assert ["Süd 12", 3] in site["most_often"]
    assert site["patterns"] == [["9", 35], ["Aa+ 9+", 3]]
    assert columns["changed_at"]["low"].startswith("2024-06-01 00:00:01")
    assert headwater("connectors", "profile", "lab", "-t", "a", "--all", "--json").json == whole
    first = headwater("connectors", "profile", "lab", "-t", "a", "--rows", "10", "--json").json
    assert (first["rows"], first["is_whole"]) == (10, False)
    told = headwater("connectors", "profile", "lab", "-t", "a").out
    assert all(said in told for said in ("a, all 40 rows", "Süd 12 × 3", "1230", "30.75"))
    assert "No mapping of this connector is known" in told


def test_the_type_is_the_sources_own_beside_what_the_values_look_like(headwater: Headwater, tmp_path: Path) -> None:
    path = tmp_path / "kinds.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute(
            "CREATE TABLE t AS SELECT n::INTEGER AS id, 1.5::DECIMAL(38,10) AS kwh, '2024-01-0' || n AS month,"
            " DATE '2024-01-01' + n::INTEGER AS day, n || ',5' AS said, 'Kim' AS name,"
            " {'name': 'Kim', 'days': n::INTEGER} AS person FROM range(1, 5) r(n)"
        )
    assert headwater("connectors", "add", "duck", "-k", "duckdb", "-s", f"path={path}").code == 0
    mapping = mapping_of(tmp_path / "people.yaml", "people", note={"column": "name"})
    for more in ((), ("--all",)):
        told = columns_of(
            headwater("connectors", "profile", "duck", "-t", "main.t", "-m", mapping, "--json", *more).json
        )
        assert {name: (each["type"], each["holds"]) for name, each in told.items()} == {
            "id": ("INTEGER", "integer"),
            "kwh": ("DECIMAL(38,10)", "number"),
            "month": ("VARCHAR", "date"),
            "day": ("DATE", "date"),
            "said": ("VARCHAR", "number"),
            "name": ("string", ""),  # what a personal column looks like is not told
            "person": ('STRUCT("name" VARCHAR, "days" INTEGER)', "text"),
        }
        assert told["kwh"]["arrow"] == "decimal128(38, 10)"
    assert "DECIMAL(38,10)" in headwater("connectors", "profile", "duck", "-t", "main.t").out


def test_the_words_of_a_personal_enumeration_are_not_told(headwater: Headwater, tmp_path: Path) -> None:
    path = tmp_path / "enums.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute("CREATE TYPE someone AS ENUM ('Ada Byron', 'Bob Babbage')")
        connection.execute("CREATE TABLE t AS SELECT n AS id, 'Ada Byron'::someone AS name FROM range(1, 5) r(n)")
    assert headwater("connectors", "add", "duck", "-k", "duckdb", "-s", f"path={path}").code == 0
    mapping = mapping_of(tmp_path / "people.yaml", "people", note={"column": "name"})
    for more in ((), ("--all",)):
        open_to_all = headwater("connectors", "profile", "duck", "-t", "main.t", "--json", *more)
        assert columns_of(open_to_all.json)["name"]["type"] == "ENUM('Ada Byron', 'Bob Babbage')"
        told = headwater("connectors", "profile", "duck", "-t", "main.t", "-m", mapping, "--json", *more)
        name = columns_of(told.json)["name"]
        assert (name["personal"], name["type"]) == (True, name["arrow"])
        assert "Ada" not in told.out
        assert "Bob" not in told.out


def test_numbers_are_read_as_they_would_be_and_nothing_is_lost(headwater: Headwater, tmp_path: Path) -> None:
    path = tmp_path / "kinds.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute(
            "CREATE TABLE t AS SELECT n AS id, [0.1, 0.2, 0.30000000000000004, 1e-7][n]::DOUBLE AS fine,"
            " ['1', '2.5', 'n/a', ' 3 '][n] AS numbers, ['1_000', '1e3', '5', '6'][n] AS not_numbers,"
            " ['1,234', '5', '6', '7'][n] AS grouped, ['NaN', '1', '2', '3'][n]::DOUBLE AS broken,"
            " 99999999999999999999999999999999999999::DECIMAL(38,0) AS wide,"
            " {'name': 'Kim', 'days': n::INTEGER} AS person,"
            " TIMESTAMP '2024-01-01 00:00:00' + n * INTERVAL '500 milliseconds' AS at FROM range(1, 5) r(n)"
        )
        connection.execute("CREATE TABLE none AS SELECT * FROM t WHERE false")
    assert headwater("connectors", "add", "duck", "-k", "duckdb", "-s", f"path={path}").code == 0
    for more in ((), ("--all",)):
        done = headwater("connectors", "profile", "duck", "-t", "main.t", "--json", *more)
        assert done.err == ""
        columns = columns_of(done.json)
        figures = {name: (each["low"], each["high"], each["total"], each["mean"]) for name, each in columns.items()}
        assert figures["fine"] == ("0.0000001", "0.30000000000000004", "0.60000010000000004", "0.150000025")
        assert figures["numbers"] == ("1", "3", "6.5", "2.166666666667")
        assert figures["not_numbers"] == ("1_000", "6", None, None)
        assert figures["grouped"] == ("1,234", "7", None, None)  # nobody has said what the comma means
        assert figures["broken"] == (None, None, None, None)
        assert figures["wide"] == ("9" * 38, "9" * 38, None, None)
        assert figures["at"][:2] == ("2024-01-01T00:00:00.5", "2024-01-01T00:00:02")
        assert columns["broken"]["distinct"] == 4
        none = headwater("connectors", "profile", "duck", "-t", "main.none", "--json", *more).json
        assert (none["rows"], {each["distinct"] for each in none["columns"]}) == (0, {0})

    mapping = mapping_of(tmp_path / "people.yaml", "people", note={"expression": "upper(person)"})
    told = headwater("connectors", "profile", "duck", "-t", "main.t", "-m", mapping, "--json")
    assert ("Kim" in told.out, columns_of(told.json)["person"]["personal"]) == (False, True)


def test_what_was_ever_personal_is_not_told(headwater: Headwater, full_lab: Lab, river: River, tmp_path: Path) -> None:
    full_lab.change("UPDATE a SET site = 'Süd 12' WHERE reading_id < 4")
    remarks = mapping_of(tmp_path / "with_remarks.yaml", "with_remarks", note={"column": "site"})
    by_mapping = headwater("connectors", "profile", "lab", "-t", "a", "-m", remarks, "--json")
    hidden = columns_of(by_mapping.json)["site"]
    assert "Süd" not in by_mapping.out
    assert (hidden["personal"], hidden["distinct"], hidden["low"], hidden["most_often"]) == (True, 2, None, [])

    assert headwater("connectors", "sync", "lab", "-t", "b", "-m", remarks).code in {0, 3}  # another table, once
    for _ in range(2):
        assert headwater("connectors", "sync", "lab", "-t", "a", "-m", full_lab.mapping).code in {0, 3}
    (last,) = river.rows("SELECT run_id, mapping_hash FROM runs WHERE kind = 'sync' ORDER BY started_at DESC LIMIT 1")
    river.change(
        "INSERT INTO runs SELECT r.* FROM runs s, generate_series(1, 60) n, LATERAL jsonb_populate_record(s,"
        " jsonb_build_object('run_id', md5(n::text), 'started_at', clock_timestamp())) r WHERE s.run_id = %(id)s",
        id=last["run_id"],
    )
    for more in ((), ("-m", full_lab.mapping)):
        told = headwater("connectors", "profile", "lab", "-t", "a", *more)
        assert ("Süd" in told.out, "personal: not told" in told.out) == (False, True)
    assert "known from: meter_readings 1.0.0, with_remarks 1.0.0" in told.out
    assert headwater("connectors", "remove", "lab").code == 0
    assert headwater("connectors", "add", "lab", "-k", "sqlite", "-s", f"path={full_lab.path}").code == 0
    assert "Süd" not in headwater("connectors", "profile", "lab", "-t", "a").out


def test_what_the_engine_cannot_do_is_our_error(river: River, full_lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headwater.services.connectors.profiling.MOST_OFTEN", -1)
    with pytest.raises(InputRefused, match="the engine could not work with these rows"):
        profile(river.installation, "lab", "a", rows=None, mapping=None, base=full_lab.path.parent)


def test_a_source_that_is_lost_is_not_one_that_declares_no_types(
    river: River, full_lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    discover, asked = Source.discover, list[str]()

    def sampled(table: str | None) -> TableProfile:
        return profile(river.installation, "lab", table, rows=5, mapping=None, base=full_lab.path.parent)

    def once(source: Source) -> Any:
        asked.append("tables")
        return discover(source)[:1]

    monkeypatch.setattr(Source, "discover", once)
    whole = sampled(None)
    assert (whole.table, asked) == ("a", ["tables"])
    assert whole == sampled("a")

    def failing(error: HeadwaterError) -> Any:
        def refuse(_: Any) -> None:
            raise error

        return refuse

    monkeypatch.setattr(Source, "discover", failing(Misuse("there is no list of tables", where="lab")))
    assert all(each.type == each.arrow for each in sampled("a").columns)
    monkeypatch.setattr(Source, "discover", failing(Stopped("the source is gone", where="lab")))
    with pytest.raises(Stopped, match="the source is gone"):
        sampled("a")


@pytest.mark.usefixtures("lab")
def test_a_file_of_a_store_is_profiled_and_what_may_be_named_is_told(headwater: Headwater, tmp_path: Path) -> None:
    bills = tmp_path / "bills"
    bills.mkdir()
    (bills / "january.csv").write_text("meter;kwh;day\nm1;1.5;2024-01-31\n;;\nm2;2.5;2024-01-30\nm2;n/a;\n")
    assert headwater("connectors", "add", "bills", "-k", "folder", "-s", f"path={bills}").code == 0
    for more in ((), ("--all",), ("-t", "january.csv")):  # the only one there is need not be named
        told = headwater("connectors", "profile", "bills", *more, "--json").json
        assert (told["table"], told["rows"]) == ("january.csv", 3)
        columns = columns_of(told)
        assert [columns[name]["holds"] for name in ("meter", "kwh", "day")] == ["code", "number", "date"]
        assert (columns["kwh"]["total"], columns["day"]["blank"], columns["meter"]["distinct"]) == ("4", 1, 2)
    first = headwater("connectors", "profile", "bills", "--rows", "1", "--json").json
    assert (first["rows"], first["is_whole"]) == (1, False)
    (bills / "february.csv").write_text("meter;kwh\nm1;1.5\n")
    several = headwater("connectors", "profile", "bills")
    assert several.code == 2
    assert "a file must be said: this connector has 2 files. Valid: february.csv, january.csv." in several.err
    tables = headwater("connectors", "profile", "lab")
    assert (tables.code, "a table must be said: this connector has 2 tables. Valid: a, b." in tables.err) == (2, True)
    wrong = headwater("connectors", "profile", "bills", "-t", "januar.csv")
    assert (wrong.code, "Did you mean january.csv" in wrong.err) == (2, True)
