"""`headwater connectors`, command by command: what people read, what programs read, and how each ends."""

from __future__ import annotations

import io
import json
import shlex
import zipfile
from pathlib import Path

import duckdb
import pytest
import yaml

from tests.integration.cli.conftest import Headwater, Lab
from tests.planted import planted
from tests.river import River

PLANTED = planted("planted-secret-of-the-tests")


def test_a_source_is_kept_looked_at_changed_and_let_go(headwater: Headwater, lab: Lab, tmp_path: Path) -> None:
    kinds = {each["name"]: each for each in headwater("connectors", "kinds", "--json").json}
    assert (kinds["sqlite"]["unproven"], "path" in kinds["sqlite"]["config"]["properties"]) == ("", True)
    assert "sqlserver" in headwater("connectors", "kinds").out
    assert headwater("connectors", "kinds", "sqlite", "--json").json == kinds["sqlite"]
    told = [" ".join(line.split()) for line in headwater("connectors", "kinds", "mysql").out.splitlines()]
    assert "user text yes who asks" in told
    assert "connect_timeout whole number, 1 to 600 no 10 seconds to wait for a connection" in told
    assert "there is no such kind of connector (value: 'sqlit')" in headwater("connectors", "kinds", "sqlit").err
    (tmp_path / "other.yaml").write_text(f"path: {lab.path}\nlock_timeout: 3\n")
    added = headwater(
        "connectors", "add", "other", "-k", "sqlite", "-c", "other.yaml", "-s", "lock_timeout=4", "--json"
    )
    assert added.json["config"] == {"path": str(lab.path), "count_at_source": True, "lock_timeout": 4.0}
    for wrong, said in (
        (("lab", "-k", "sqlite", "-s", "path=x"), "there is a connector of this name (value: 'lab')"),
        (("new", "-k", "sqlit", "-s", "path=x"), "there is no such kind of connector (value: 'sqlit')"),
        (("New", "-k", "sqlite", "-s", "path=x"), "no name for a connector (value: 'New')"),
        (("new", "-k", "sqlite", "-s", "pth=x"), "config of sqlite: pth: there is no such key; did you mean path?"),
        (("new", "-k", "sqlite", "-s", "pth=x"), "`headwater connectors kinds sqlite` tells what its config holds."),
        (("new", "-k", "sqlite", "-s", "path"), "a value is said as KEY=VALUE"),
        (("new", "-k", "sqlite", "-c", "nowhere.yaml"), "nowhere.yaml: there is no such config"),
    ):
        refused = headwater("connectors", "add", *wrong)
        assert (refused.code, said in refused.err) == (2, True), refused.err
    refused = headwater("connectors", "add", "new", "-k", "sqlite", "-c", lab.path)
    assert (refused.code, "the config cannot be read: byte " in refused.err) == (1, True)
    raw = ("host=h", "database=d", "user=u", f"password_ref={PLANTED}")
    refused = headwater(
        "connectors", "add", "new", "-k", "postgresql", *(word for each in raw for word in ("-s", each))
    )
    assert (refused.code, "secrets are not written into a config" in refused.err) == (2, True)
    assert PLANTED not in refused.err

    assert [each["name"] for each in headwater("connectors", "list", "--json").json] == ["lab", "other"]
    assert "other" in headwater("connectors", "list").out
    assert headwater("connectors", "change", "other", "-s", "lock_timeout=5").out == "other is changed.\n"
    changed = headwater("connectors", "change", "other", "-s", "lock_timeout=6", "--json").json
    assert headwater("connectors", "show", "other", "--json").json == changed
    assert changed["config"] == {"path": str(lab.path), "count_at_source": True, "lock_timeout": 6.0}
    assert "lock_timeout     6.0" in headwater("connectors", "show", "other").out
    assert headwater("connectors", "remove", "other").code == 0
    for command in (("show", "other"), ("remove", "other"), ("validate", "other"), ("status", "other")):
        gone = headwater("connectors", *command)
        assert (gone.code, "there is no such connector (value: 'other'). Valid: lab" in gone.err) == (2, True)


def test_a_config_may_say_its_kind(headwater: Headwater, lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text(f"kind: sqlite\npath: {lab.path}\n")
    added = headwater("connectors", "add", "other", "-c", "other.yaml", "--json").json
    assert (added["kind"], "kind" in added["config"]) == ("sqlite", False)
    assert headwater("connectors", "change", "other", "-c", "other.yaml").code == 0
    assert headwater("connectors", "add", "third", "-k", "sqlite", "-c", "other.yaml").code == 0
    refused = headwater("connectors", "add", "fourth", "-k", "duckdb", "-c", "other.yaml")
    assert (refused.code, "the connector is of kind duckdb (value: 'sqlite')" in refused.err) == (2, True)
    refused = headwater("connectors", "add", "fourth", "-s", "path=lab.db")
    assert (refused.code, "--kind: a kind is needed. `headwater connectors kinds` lists" in refused.err) == (2, True)


@pytest.mark.usefixtures("lab")
def test_a_source_is_asked(headwater: Headwater) -> None:
    assert headwater("connectors", "validate", "lab", "-t", "a").out == "lab can be reached and read.\n"
    missing = headwater("connectors", "validate", "lab", "-t", "c", "--json")
    assert (missing.code, [each["cause"] for each in missing.json["problems"]]) == (1, ["not_found"])
    told = headwater("connectors", "validate", "lab", "-t", "c")
    assert (told.code, "there is no table or view 'c'" in " ".join(told.out.split())) == (1, True)

    tables = {each["table"]: each for each in headwater("connectors", "discover", "lab", "--json").json}
    assert (set(tables), tables["a"]["key"]) == ({"a", "b"}, ["reading_id"])
    assert tables["a"]["cursors"] == ["changed_at"]
    assert [each["name"] for each in tables["a"]["columns"]][:2] == ["reading_id", "site"]
    listed = headwater("connectors", "discover", "lab").out
    assert "reading_id" in listed
    assert "headwater connectors discover lab --table a" in listed
    columns = headwater("connectors", "discover", "lab", "--table", "a")
    assert [
        line.split() for line in columns.out.splitlines() if line.startswith(("reading_id", "site", "changed_at"))
    ] == [
        ["reading_id", "INTEGER", "no", "key"],
        ["site", "TEXT", "yes"],
        ["changed_at", "TIMESTAMP", "yes", "cursor"],
    ]
    assert headwater("connectors", "discover", "lab", "-t", "a", "--json").json == [tables["a"]]
    missing = headwater("connectors", "discover", "lab", "-t", "aa")
    assert (missing.code, "no table of this name" in missing.err, "Did you mean a" in missing.err) == (2, True, True)
    rows = headwater("connectors", "sample", "lab", "-t", "a", "--rows", "2", "--json").json
    assert [row["kwh"] for row in rows] == ["1.5", "3"]
    assert "2024-06-01 00:00:01" in headwater("connectors", "sample", "lab", "-t", "a").out
    kept = headwater("connectors", "sample", "lab", "-t", "a", "--kept", "--rows", "1")
    assert ("2024-06-01 00:00:01" in kept.out, "00:00:02" in kept.out, "as they were at 20" in kept.out) == (
        True,
        False,
        True,
    )
    assert len(headwater("connectors", "sample", "lab", "-t", "b", "--kept", "--rows", "100", "--json").json) == 40
    plan = headwater("connectors", "plan", "lab", "-t", "a", "--chunk-size", "10", "--json").json
    assert (plan["key"], sum(each["rows"] for each in plan["chunks"])) == (["reading_id"], 40)
    assert len(plan["chunks"]) >= 4
    planned = headwater("connectors", "plan", "lab", "-t", "a").out
    assert ("rows, about" in planned, "noticed" in planned) == (True, False)


def test_what_is_discovered_is_noted_with_what_changed_since(headwater: Headwater, full_lab: Lab, river: River) -> None:
    assert headwater("connectors", "discover", "lab").code == 0
    noted = river.rows("SELECT table_name, seen_no FROM source_schema_cache ORDER BY table_name")
    assert noted == [{"table_name": "a", "seen_no": 1}, {"table_name": "b", "seen_no": 1}]
    sync = ("connectors", "sync", "lab", "-t", "a", "-m", full_lab.mapping)
    assert headwater(*sync).code == 0
    assert headwater("connectors", "discover", "lab").code == 0
    assert len(river.rows("SELECT * FROM source_schema_cache")) == 2  # nothing has changed
    full_lab.change("CREATE TABLE site (code TEXT PRIMARY KEY)", "ALTER TABLE a ADD COLUMN owner TEXT REFERENCES site")
    columns = headwater("connectors", "discover", "lab", "-t", "a")
    assert ["owner", "TEXT", "yes", "references", "site", "(code)"] in [
        line.split() for line in columns.out.splitlines()
    ]
    told = headwater("connectors", "discover", "lab", "-t", "a", "--json").json
    assert told[0]["references"] == [{"columns": ["owner"], "table": "site", "to": ["code"]}]
    changes = headwater("connectors", "status", "lab", "--json").json["schema_changes"]
    assert [(change["kind"], change["after"]) for each in changes for change in each["changes"]] == [
        ("added", "owner"),
        ("reference", "site (code)"),
    ]


def test_a_table_is_synced_and_how_far_is_told(
    headwater: Headwater, full_lab: Lab, river: River, tmp_path: Path
) -> None:
    first = headwater("connectors", "sync", "lab", "-t", "a", "-m", full_lab.mapping, "--chunk-size", "20")
    assert first.code == 0
    assert first.out.startswith("run ")
    assert "lab/a to activity 1." in first.out
    assert "Sums, source against target" in first.out
    (quantity,) = (line.split() for line in first.out.splitlines() if line.startswith("quantity"))
    assert quantity == ["quantity", "kwh", "not", "told", "1,230", "1,230", "0"]  # fractions in SQLite
    full_lab.change("UPDATE b SET kwh = -1 WHERE reading_id = 207")
    recipe = tmp_path / "b.yaml"
    source = {"connector": "lab", "table": "b", "cursor": "changed_at", "lag": 5}
    recipe.write_text(yaml.safe_dump({"recipe": "b", "source": source, "mapping": "readings.yaml"}))
    second = headwater("run", recipe, "--json")
    assert (second.code, second.json["ledger"]["inserted"], second.json["open_in_quarantine"]) == (3, 39, 1)
    full_lab.change("UPDATE b SET kwh = 1, changed_at = '2024-07-01 00:00:00' WHERE reading_id = 207")
    third = headwater("run", recipe, "--json").json
    assert (third["ledger"]["read"] < 10, third["ledger"]["inserted"]) == (True, 1)
    assert third["reconciliation"]["read"] == third["ledger"]["read"]
    full_lab.change("DELETE FROM b WHERE reading_id > 230")
    assert headwater("connectors", "sync", "lab", "-t", "b", "-m", full_lab.mapping, "--full", "--json").code == 0
    assert river.rows("SELECT count(*) FROM activity_v1") == [{"count": 70}]
    full_lab.change("ALTER TABLE a ADD COLUMN remark TEXT")
    assert headwater("connectors", "sync", "lab", "-t", "a", "-m", full_lab.mapping).code == 0

    status = headwater("connectors", "status", "lab", "--json").json
    assert ([each["source_name"] for each in status["syncs"]], status["circuit"]["state"]) == (
        ["lab/a", "lab/b", "lab/b", "lab/b", "lab/a"], "closed",
    )  # fmt: skip
    assert [change["after"] for each in status["schema_changes"] for change in each["changes"]] == ["remark"]
    told = headwater("connectors", "status", "lab").out
    assert all(said in told for said in ("Latest syncs", "What changed at the source", "remark", "closed"))
    states = {each["source_name"]: each for each in headwater("connectors", "state", "lab", "--json").json}
    assert (set(states), states["lab/b"]["gaps"], states["lab/a"]["last_row_id"]) == ({"lab/a", "lab/b"}, [], "40")
    assert "lab/b" in headwater("connectors", "state", "lab").out


def test_a_cursor_of_another_column_is_told_and_a_sync_without_news_too(headwater: Headwater, full_lab: Lab) -> None:
    full_lab.change("ALTER TABLE a ADD COLUMN due TIMESTAMP", "UPDATE a SET due = '2027-01-01 00:00:00'")
    sync = ("connectors", "sync", "lab", "-t", "a", "-m", full_lab.mapping, "--cursor")
    assert headwater(*sync, "due").code == 0
    full_lab.change("UPDATE a SET kwh = 0.5, changed_at = '2024-07-01 00:00:00' WHERE reading_id = 7")
    said = "all rows are read: the sync before read by due, and how far that came says nothing of changed_at"
    assert f"noticed: {said}" in " ".join(headwater(*sync, "changed_at", "--dry-run").out.split())
    second = headwater(*sync, "changed_at", "--json").json
    assert (second["ledger"]["read"], second["ledger"]["updated"], second["warnings"]) == (40, 1, [said])
    full_lab.change("DELETE FROM a WHERE reading_id = 7")
    third = headwater(*sync, "changed_at").out
    assert "nothing in lab/a has a changed_at of 2024-07-01 00:00:00, up to which it was read, or later" in third


def test_what_stands_as_an_earlier_mapping_made_it_is_told(headwater: Headwater, full_lab: Lab) -> None:
    sync = ("connectors", "sync", "lab", "-t", "a", "-m", full_lab.mapping, "--cursor", "changed_at")
    assert headwater(*sync).code == 0
    said = yaml.safe_load(full_lab.mapping.read_text())
    said |= {"version": "1.1.0", "fields": {**said["fields"], "unit": {"constant": "MWh"}}}
    full_lab.mapping.write_text(yaml.safe_dump(said))
    full_lab.change("UPDATE a SET changed_at = '2024-07-01 00:00:00' WHERE reading_id = 7")
    second = headwater(*sync, "--json").json
    assert second["ledger"]["read"] == 2  # that, and the one at which the first sync ended
    (told,) = second["left_as_made"]
    assert told.startswith(f"38 records stand as mapping {said['mapping']} 1.0.0 made them, since only what changed")
    assert f"noticed: {told}" in " ".join(headwater("runs", "show", second["run_id"]).out.split())
    third = " ".join(headwater(*sync).out.split())
    assert f"noticed: {told}" in third
    full = headwater(*sync, "--full", "--json").json
    assert (full["ledger"]["updated"], "left_as_made" in full) == (38, False)
    assert "left_as_made" not in headwater(*sync, "--json").json
    assert headwater("verify").code == 0


def test_a_trace_counts_earlier_versions_as_people_say_them(headwater: Headwater, full_lab: Lab) -> None:
    for version, told in (
        (0, None), (1, "1 earlier version was replaced"), (2, "2 earlier versions were replaced"),
    ):  # fmt: skip
        full_lab.change(f"UPDATE a SET kwh = {500 + version} WHERE reading_id = 7")
        assert headwater("connectors", "sync", "lab", "-t", "a", "-m", full_lab.mapping).code == 0
        traced = headwater("trace", "activity", "7")
        assert traced.code == 0
        assert told is None or told in traced.out, traced.out


def test_an_export_names_a_run_only_where_all_records_are_of_it(headwater: Headwater, full_lab: Lab) -> None:
    sync = ("connectors", "sync", "lab", "-t", "b", "-m", full_lab.mapping, "--cursor", "changed_at", "--json")
    full_lab.change("UPDATE b SET kwh = -1 WHERE reading_id IN (207, 208)")
    first = headwater(*sync).json["run_id"]
    of_one = headwater("quarantine", "export", "-o", "one.csv").out
    assert of_one.startswith(f"2 records of run {first} written to one.csv")
    full_lab.change("UPDATE b SET kwh = -1, changed_at = '2024-07-01 00:00:00' WHERE reading_id = 209")
    second = headwater(*sync).json["run_id"]
    of_both = headwater("quarantine", "export", "-o", "two.csv").out
    assert of_both.startswith("3 records of lab/b, refused by 2 runs, written to two.csv")
    told = headwater("quarantine", "export", "-o", "two.csv", "--force", "--json").json
    assert (told["run_id"], told["source"], told["runs"], told["records"]) == (None, "lab/b", 2, 3)
    of_the_second = headwater("quarantine", "export", "--run", second, "-o", "mend.csv").out
    assert of_the_second.startswith(f"1 record of run {second} written to mend.csv")
    refused = headwater("quarantine", "export", "--run", second, "--workbook", "-o", "mend.xlsx")
    assert (refused.code, "this run synced a connector, and no workbook was imported" in refused.err) == (2, True)


def test_values_within_others_are_said_with_points(headwater: Headwater) -> None:
    url = ("-k", "odata", "-s", "url=https://sap.example.org/odata")
    login = ("-s", "auth.kind=basic", "-s", "auth.user=reader", "-s", "auth.password_ref=env:SAP")
    assert headwater("connectors", "add", "sap", *url, *login).code == 0
    changed = headwater("connectors", "change", "sap", "-s", "auth.user=other", "--json").json
    assert changed["config"]["auth"] == {"kind": "basic", "user": "other", "password_ref": "env:SAP"}
    assert headwater("connectors", "change", "sap", "-s", "requests_a_minute=5977").code == 0
    shown = [line.split() for line in headwater("connectors", "show", "sap").out.splitlines()]
    assert ["requests_a_minute", "5977"] in shown  # as --set takes it, and a port too
    assert [pair for pair in shown if pair[0].startswith("auth")] == [
        ["auth.kind", "basic"], ["auth.user", "other"], ["auth.password_ref", "env:SAP"],
    ]  # fmt: skip
    refused = headwater("connectors", "change", "sap", "-s", "url.host=x")
    assert (refused.code, "config, url: this key holds no other keys" in refused.err) == (2, True)
    refused = headwater("connectors", "change", "sap", "-s", "auth.usr=x")
    assert (refused.code, "auth.basic.usr" in refused.err or "usr: there is no such key" in refused.err) == (2, True)


def test_what_is_said_of_a_sync_must_go_together(headwater: Headwater, lab: Lab) -> None:
    folder = lab.path.parent / "empty"
    folder.mkdir()
    assert headwater("connectors", "add", "bills", "-k", "folder", "-s", f"path={folder}").code == 0
    for words, said in (
        (("lab", "--cursor", "changed_at"), "connectors sync: source: cursor is said of a table, and no table is said"),
        (("lab", "-t", "a", "--lag", "5"), "connectors sync: source: lag is said of a cursor, and no cursor is said"),
        (("lab",), "connector lab: a table must be said"),
        (("lab", "-t", "a", "--cursor", "nothing"), "'nothing'"),
        (("bills", "-t", "a"), "connector bills: this connector brings files, not tables"),
    ):
        refused = headwater("connectors", "sync", *words, "-m", lab.mapping)
        assert (refused.code, said in refused.err) == (2, True), refused.err
    empty = headwater("connectors", "sync", "bills", "-m", lab.mapping)
    assert (empty.code, "connector bills: there is no file to read" in empty.err) == (1, True), empty.err
    recipe = folder.parent / "bills.yaml"
    recipe.write_text("recipe: bills\nsource: {connector: bills}\nmapping: readings.yaml\n")
    assert headwater("run", recipe).code == headwater("import", folder, "-m", lab.mapping).code == 1
    as_json = headwater("connectors", "sync", "lab", "-m", lab.mapping, "--json")
    assert (as_json.code, as_json.out) == (2, "")
    assert json.loads(as_json.err)["error"]["where"] == "connector lab"
    refused = headwater("connectors", "plan", "bills", "-t", "a")
    assert (refused.code, "this connector brings files, not tables" in refused.err) == (2, True)
    refused = headwater("connectors", "plan", "bills")
    assert (refused.code, "this connector brings files, and a plan is that of a table" in refused.err) == (2, True)
    refused = headwater("connectors", "plan", "lab")
    assert (refused.code, "--table: a table must be said" in refused.err) == (2, True)
    refused = headwater("connectors", "fetch", "lab", "a")
    assert (refused.code, "this connector brings tables, not files" in refused.err) == (2, True)


def test_a_file_of_a_store_is_looked_at_and_brought_here(headwater: Headwater, tmp_path: Path) -> None:
    bills = tmp_path / "bills"
    (bills / "2024").mkdir(parents=True)
    (bills / "2024/of january.csv").write_text("meter,kwh\nm1,10\nm2,20\nm3,30\n")
    (bills / "both.zip").write_bytes(_zipped({"a.csv": "a\n1\n", "b.csv": "a\n1\n"}))
    assert headwater("connectors", "add", "bills", "-k", "folder", "-s", f"path={bills}").code == 0

    sample = ("connectors", "sample", "bills", "-t", "2024/of january.csv")
    assert headwater(*sample, "--rows", "2", "--json").json == [
        {"meter": "m1", "kwh": "10"}, {"meter": "m2", "kwh": "20"},
    ]  # fmt: skip
    assert "m3" in headwater(*sample).out
    several = headwater("connectors", "sample", "bills", "-t", "both.zip")
    assert (several.code, "the archive holds several files" in several.err) == (1, True)
    assert "headwater connectors fetch bills both.zip" in several.err
    wrong = headwater("connectors", "sample", "bills", "-t", "2024/of January.csv")
    assert (wrong.code, "Did you mean 2024/of january.csv?" in wrong.err) == (2, True), wrong.err
    assert "Valid: 2024/of january.csv, both.zip" in wrong.err

    brought = headwater("connectors", "fetch", "bills", "2024/of january.csv")
    assert (brought.code, brought.out.splitlines()[0]) == (0, "Written: of january.csv, 28 bytes")
    *_, look, begin = brought.out.splitlines()
    for line in (look, begin):
        words = shlex.split(line.partition(": headwater ")[2])
        assert headwater(*words).code == 0, line
    again = headwater("connectors", "fetch", "bills", "2024/of january.csv")
    assert (again.code, "of january.csv: the file is there already" in again.err) == (2, True)
    assert "Say another name with --out, as --out '2024-of january.csv'" in again.err
    Path("of january.csv").write_text("something else")
    assert headwater("connectors", "fetch", "bills", "2024/of january.csv", "--force").code == 0
    assert Path("of january.csv").read_bytes() == (bills / "2024/of january.csv").read_bytes()
    assert headwater("connectors", "fetch", "bills", "both.zip", "--out", "nowhere/both.zip").code == 2
    Path("samples").mkdir()
    assert headwater("connectors", "fetch", "bills", "both.zip", "--out", "samples").code == 0
    assert Path("samples/both.zip").read_bytes() == (bills / "both.zip").read_bytes()


def test_a_pattern_that_means_no_file_is_told_with_what_there_is(
    headwater: Headwater, lab: Lab, tmp_path: Path
) -> None:
    bills = tmp_path / "bills"
    bills.mkdir()
    (bills / "january.CSV").write_text("meter,kwh\n")
    added = headwater("connectors", "add", "bills", "-k", "folder", "-s", f"path={bills}", "-s", "pattern=*.csv")
    assert added.code == 0
    what, there = "no file matches the pattern *.csv", "a pattern that means what is there: january.CSV"
    (problem,) = headwater("connectors", "validate", "bills", "--json").json["problems"]
    assert (problem["cause"], problem["what"], problem["valid"]) == ("not_found", what, there)
    assert headwater("connectors", "validate", "bills").code == 1
    told = headwater("connectors", "discover", "bills")
    assert (told.code, told.out.startswith(f"{bills}: {what}. Valid: {there}.")) == (1, True), told.out
    listed = headwater("connectors", "discover", "bills", "--json")
    assert (listed.code, listed.json) == (1, [])
    refused = headwater("connectors", "sync", "bills", "-m", lab.mapping)
    assert (refused.code, f"there is no file to read: {what}. Valid: {there}" in refused.err) == (1, True), refused.err


def test_numbers_of_a_sample_are_shown_as_the_source_has_them(headwater: Headwater, tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "plants.duckdb")) as connection:
        connection.execute(
            "CREATE TABLE plants AS"
            " SELECT 1000004::INTEGER AS plant, 2024::BIGINT AS year, 1234.5 AS kwh, 0.1::FLOAT AS share"
        )
    assert headwater("connectors", "add", "plants", "-k", "duckdb", "-s", "path=plants.duckdb").code == 0
    told = headwater("connectors", "sample", "plants", "-t", "main.plants").out.splitlines()
    assert ["1000004", "2024", "1234.5", "0.1"] in [line.split() for line in told]
    assert headwater("connectors", "sample", "plants", "-t", "main.plants", "--json").json[0]["share"] == 0.1


def test_a_sample_too_wide_for_the_terminal_has_one_column_a_line(headwater: Headwater, lab: Lab) -> None:
    names = [f"measured_{number}" for number in range(104)]
    lab.change(f"CREATE TABLE wide ({', '.join(f'{name} INTEGER' for name in names)})")
    empty = headwater("connectors", "sample", "lab", "-t", "wide").out.splitlines()
    assert (empty[-1], empty[2].split()) == ("0 rows", ["measured_0", "string"])
    for row in range(9):
        lab.change(f"INSERT INTO wide VALUES ({', '.join(str(1000 * row + place) for place in range(104))})")
    told = headwater("connectors", "sample", "lab", "-t", "wide").out
    lines = told.splitlines()
    assert lines[0].split()[:5] == ["column", "comes", "as", "row", "1"]
    assert [line.split()[0] for line in lines[2:106]] == names
    assert lines[105].split()[:4] == ["measured_103", "string", "103", "1103"]
    assert max(map(len, lines)) <= 150
    assert lines[-1] == "9 rows; --json has all columns of each."
    lab.change(f"UPDATE wide SET measured_7 = '{'long ' * 40}'")
    folded = headwater("connectors", "sample", "lab", "-t", "wide").out.splitlines()
    assert folded[-1].startswith("4 of 9 rows shown")


def _zipped(files: dict[str, str]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return packed.getvalue()


def test_credentials_are_kept_listed_and_never_shown(headwater: Headwater) -> None:
    said = headwater("connectors", "credentials", "set", "plant", typed=f"{PLANTED}\n")
    assert (said.code, said.out) == (0, "stored; say in a config: stored:plant\n")
    for typed in ("", "x" * 70_000):
        assert headwater("connectors", "credentials", "set", "lab", typed=typed).code == 2
    assert headwater("connectors", "credentials", "set", "Lab", typed=PLANTED).code == 2
    listed = headwater("connectors", "credentials", "list", "--json")
    assert [(each["name"], each["key"]) for each in listed.json] == [("plant", "k1")]
    shown = headwater("connectors", "credentials", "list")
    assert "plant" in shown.out
    assert headwater("connectors", "credentials", "rotate").out.startswith(
        "Encrypted by the first key now: 0 credentials"
    )
    assert headwater("connectors", "credentials", "remove", "plant").code == 0
    assert headwater("connectors", "credentials", "remove", "plant").code == 2
    assert PLANTED not in said.out + said.err + listed.out + shown.out


def test_a_credential_that_is_in_use_is_kept_and_by_whom_is_told(
    headwater: Headwater, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("plant", "spare"):
        assert headwater("connectors", "credentials", "set", name, typed=PLANTED).code == 0
    config = ("-k", "s3", "-s", "endpoint_url=http://127.0.0.1:1", "-s", "bucket=bills", "-s", "access_key_id=reader")
    for name, reference in (("erp", "stored:plant"), ("crm", "stored:plant"), ("lab", "env:LAB_PASSWORD")):
        assert headwater("connectors", "add", name, *config, "-s", f"secret_access_key_ref={reference}").code == 0
    monkeypatch.setenv("HEADWATER_METRICS_TOKEN", "stored:plant")
    used = {each["name"]: each["used_by"] for each in headwater("connectors", "credentials", "list", "--json").json}
    assert used == {"plant": ["connector crm", "connector erp", "setting metrics_token"], "spare": []}
    assert "nothing" in headwater("connectors", "credentials", "list").out
    refused = headwater("connectors", "credentials", "remove", "plant")
    assert refused.code == 2
    assert "it is in use: connector crm, connector erp, setting metrics_token" in refused.err
    missing = headwater("connectors", "credentials", "remove", "plants")
    assert (missing.code, "Valid: plant, spare. Did you mean plant?" in missing.err) == (2, True)
    assert headwater("connectors", "credentials", "remove", "spare").code == 0
    assert headwater("connectors", "credentials", "remove", "plant", "--force").code == 0
    told = headwater("connectors", "validate", "erp")
    assert "no credential is stored under the name plant" in " ".join((told.out + told.err).split())
    told = headwater("connectors", "validate", "lab")
    assert "the environment variable LAB_PASSWORD is not set" in " ".join((told.out + told.err).split())

    monkeypatch.chdir(tmp_path)
    relative = ("-s", "secret_access_key_ref=file:secrets/erp")
    for words in (("add", "new", *config, *relative), ("change", "erp", *relative)):
        refused = headwater("connectors", *words)
        assert (refused.code, f"Say it as file:{tmp_path}/secrets/erp" in refused.err) == (2, True), refused.err
    absolute = f"secret_access_key_ref=file:{tmp_path}/secrets/erp"
    assert headwater("connectors", "change", "erp", "-s", absolute).code == 0
    told = headwater("connectors", "validate", "erp", "--json")
    assert f"{tmp_path}/secrets/erp, cannot be read: No such file" in told.out + told.err


def test_a_connector_that_is_removed_names_the_secrets_it_leaves_unused(headwater: Headwater) -> None:
    for name in ("shared", "own"):
        assert headwater("connectors", "credentials", "set", name, typed=PLANTED).code == 0
    config = ("-k", "s3", "-s", "endpoint_url=http://127.0.0.1:1", "-s", "bucket=bills", "-s", "access_key_id=reader")
    secrets = {"erp": ("shared", "own"), "crm": ("shared", "shared")}
    for name, (login, key) in secrets.items():
        said = ("-s", f"session_token_ref=stored:{login}", "-s", f"secret_access_key_ref=stored:{key}")
        assert headwater("connectors", "add", name, *config, *said).code == 0
    told = headwater("connectors", "remove", "erp").out
    assert "headwater connectors credentials remove own" in told
    assert "credentials remove shared" not in told
    assert "credentials remove shared" in headwater("connectors", "remove", "crm").out


def test_what_is_removed_is_told_as_json_too(headwater: Headwater) -> None:
    config = ("-k", "s3", "-s", "endpoint_url=http://127.0.0.1:1", "-s", "bucket=bills", "-s", "access_key_id=reader")
    assert headwater("connectors", "credentials", "set", "own", typed=PLANTED).code == 0
    unused_after: dict[str, list[str]] = {"erp": [], "crm": ["own"]}
    for name in unused_after:
        assert headwater("connectors", "add", name, *config, "-s", "secret_access_key_ref=stored:own").code == 0
    for name, unused in unused_after.items():
        removed = headwater("connectors", "remove", name, "--json").json
        assert removed == {"removed": name, "unused_credentials": unused}
    assert headwater("connectors", "credentials", "remove", "own", "--json").json == {"removed": "own"}


def test_a_connector_that_schedules_read_through_is_kept_and_they_are_named(
    headwater: Headwater, full_lab: Lab, tmp_path: Path
) -> None:
    recipe = tmp_path / "a.yaml"
    recipe.write_text(
        yaml.safe_dump({"recipe": "a", "source": {"connector": "lab", "table": "a"}, "mapping": str(full_lab.mapping)})
    )
    for name in ("nightly", "weekly"):
        assert headwater("schedules", "add", name, recipe, "--cron", "30 2 * * *").code == 0
    refused = headwater("connectors", "remove", "lab")
    assert (refused.code, "it is in use: schedule nightly, schedule weekly" in refused.err) == (2, True), refused.err
    assert headwater("schedules", "remove", "nightly").code == 0
    assert "it is in use: schedule weekly." in headwater("connectors", "remove", "lab").err
    assert headwater("connectors", "remove", "lab", "--force").code == 0
    assert headwater("connectors", "list", "--json").json == []
