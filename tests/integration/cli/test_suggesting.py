"""`headwater map suggest` of a table of a connector: what is found, what is written, and that a sync can read it."""

from __future__ import annotations

import shlex
from pathlib import Path

import duckdb
import yaml

from tests.integration.cli.conftest import Headwater, Lab

OF_A = ("map", "suggest", "--connector", "lab", "--table", "a")


def test_a_mapping_of_a_table_is_suggested_and_tried(headwater: Headwater, full_lab: Lab) -> None:
    discovered = headwater("connectors", "discover", "lab", "--table", "a").out.splitlines()[-1]
    assert discovered == "Begin a mapping with: headwater map suggest --connector lab --table a"

    body = headwater(*OF_A, "--contract", "activity", "--json").json
    assert (body["connector"], body["table"], body["records_looked_at"]) == ("lab", "a", 40)
    assert {each["name"] for each in body["profile"]["columns"]} == {"reading_id", "site", "month", "kwh", "changed_at"}
    fields = {each["field"]: each for each in body["fields"]}
    assert (fields["quantity"]["column"], fields["unit"]["constant"]) == ("kwh", "kWh")

    told = headwater(*OF_A, "--contract", "activity")
    assert (told.code, told.out.splitlines()[1].split()) == (0, ["looked", "at", "40", "records"]), told.out
    *_, last = told.out.splitlines()
    assert last == (
        "Write it with: headwater map suggest --connector lab --table a --contract activity@1 --out MAPPING.yaml"
    )
    written = headwater(*shlex.split(last.partition(": headwater ")[2].replace("MAPPING", "suggested")))
    *_, last = written.out.splitlines()
    first, _, then = last.partition(", then: headwater ")
    assert first == "Written: suggested.yaml. Fill what is open"
    mapping = yaml.safe_load(Path("suggested.yaml").read_text())
    assert (mapping["mapping"], "source" in mapping) == ("suggested", False)
    mapping["fields"] |= yaml.safe_load(full_lab.mapping.read_text())["fields"]
    Path("suggested.yaml").write_text(yaml.safe_dump(mapping))
    tried = headwater(*shlex.split(then))
    assert (tried.code, "40" in tried.out) == (0, True), tried.out + tried.err


def test_commands_that_are_told_can_be_typed_whatever_a_table_is_called(headwater: Headwater, tmp_path: Path) -> None:
    with duckdb.connect(tmp_path / "odd.duckdb") as made:
        made.execute('CREATE TABLE "Zähler ""1"" $HOME" (id INTEGER)')
        made.execute('INSERT INTO "Zähler ""1"" $HOME" VALUES (1)')
    assert headwater("connectors", "add", "odd", "-k", "duckdb", "-s", f"path={tmp_path / 'odd.duckdb'}").code == 0
    *_, told = headwater("connectors", "discover", "odd").out.splitlines()
    columns = headwater(*shlex.split(told.partition(": headwater ")[2]))
    assert "id" in columns.out, columns.err


def test_texts_alone_tell_how_numbers_are_written(headwater: Headwater, tmp_path: Path) -> None:
    with duckdb.connect(tmp_path / "meters.duckdb") as made:
        made.execute(
            "CREATE TABLE bills AS SELECT CASE n WHEN 7 THEN 'Total' ELSE 'Ulm' END AS site, n AS bill_no,"
            " n + 0.125 AS quantity, (n + 10) || ',25' AS cost FROM range(1, 9) numbers(n)"
        )
        made.execute("CREATE TABLE nothing (quantity DOUBLE)")
    added = headwater("connectors", "add", "meters", "-k", "duckdb", "-s", f"path={tmp_path / 'meters.duckdb'}")
    assert added.code == 0, added.err
    of = ("map", "suggest", "--connector", "meters", "--contract", "activity", "--table")
    table = headwater("connectors", "discover", "meters", "--json").json[0]["table"]
    mapping = headwater(*of, table, "--json").json["mapping"]
    assert 'locale: {decimal: ","' in mapping
    assert "row 7 of the first 2,000 (Total)" in mapping
    empty = headwater(*of, table.replace("bills", "nothing"))
    assert (empty.code, "there are no records to suggest a mapping from" in empty.err) == (1, True), empty.err


def test_a_file_of_a_store_is_taken_too(headwater: Headwater, tmp_path: Path) -> None:
    (tmp_path / "bills").mkdir()
    (tmp_path / "bills" / "of january.csv").write_text("a title\n\nmeter_id;kwh\nm1;10\nm2;20\n")
    assert headwater("connectors", "add", "bills", "-k", "folder", "-s", f"path={tmp_path / 'bills'}").code == 0
    found = headwater(
        "map", "suggest", "--connector", "bills", "-t", "of january.csv", "-c", "activity", "--out", "m.yaml"
    )
    assert "Fill what is open, then: headwater connectors sync bills --mapping m.yaml --dry-run" in found.out, found.err
    assert yaml.safe_load(Path("m.yaml").read_text())["source"]["delimiter"] == ";"


def test_what_does_not_go_together_is_refused(headwater: Headwater, lab: Lab) -> None:
    del lab  # it is there that we ask
    for words, said in (
        ((), "what is to be mapped must be said"),
        (("a.csv", "--connector", "lab", "--table", "a"), "a.csv: either a file or a table of a connector is mapped"),
        (("--connector", "lab"), "headwater connectors discover lab"),
        (("--table", "a"), "Valid: a file, or --connector and --table"),
        (("--connector", "lab", "--table", "a", "--format", "csv"), "a table is read as the source gives it"),
        (("--connector", "lap", "--table", "a"), "there is no such connector (value: 'lap')"),
        (("--connector", "lab", "--table", "c"), "there is no table or view 'c'"),
    ):
        refused = headwater("map", "suggest", *words)
        assert (refused.code, said in " ".join(refused.err.split())) == (2, True), (words, refused.err)
