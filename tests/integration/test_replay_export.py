"""Figures and runs exported into one file, checked where there is no Headwater, and after every kind of change."""

from __future__ import annotations

import csv
import io
import json
import random
import subprocess
import sys
import zipfile
from pathlib import Path

import openpyxl
import pytest
import yaml

from headwater.errors import InputRefused, Misuse, Stopped
from headwater.replay.container import Writer
from headwater.replay.differences import Findings
from headwater.replay.told import lines_of
from headwater.services import deletions
from headwater.services.imports import carry_out
from headwater.services.quarantine import exports, quarantines
from headwater.services.replay_export.export import check, export_emission, export_run
from headwater.services.replay_export.script import script
from headwater.telemetry import SilentProgress
from tests.plugin_skips import Some
from tests.river import ACTIVITY_COLUMNS, River, activities, factors

pytestmark = pytest.mark.server

FACTORS = factors(
    [
        {"factor_id": "grid", "co2e_kg_per_unit": "0.4", "co2_kg_per_unit": "0.39", "licence": "CC BY 4.0"},
        {"factor_id": "gas", "activity_type": "natural_gas", "scope": "1", "method": "activity_based"},
    ]
)
RECORDS = activities(
    [
        {"activity_id": "a"},
        {"activity_id": "b", "quantity": "1,500.5", "unit": "MWh", "note": "größer"},
        {"activity_id": "b", "quantity": "1,500.5", "unit": "MWh", "note": "größer"},
        {"activity_id": "bad", "quantity": "many"},
        {"activity_id": "worse", "quantity": "-1", "region": ""},
        {},
        {"activity_id": "a", "quantity": "2"},
        {"activity_id": "nowhere", "region": "FR"},
        {"activity_id": "gas", "activity_type": "natural_gas", "unit": "kWh", "quantity": "0.333333"},
        {"activity_id": "litres", "unit": "l"},
    ]
)


def loaded(river: River, **how: object) -> str:
    river.load(FACTORS, name="factors.csv", mapping="factor_form")
    run_id, _ = river.load(RECORDS, **how)  # type: ignore[arg-type]
    return str(run_id)


def alone(file: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """As Python runs it with nothing else: isolated, without site-packages, in an empty folder."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-I", "-S", str(file)]
    return subprocess.run(command, cwd=folder, env={"PATH": ""}, capture_output=True, text=True, check=False)


def test_a_run_is_computed_again_where_there_is_no_headwater(river: River, tmp_path: Path) -> None:
    file = tmp_path / "run.pyz"
    export_run(river.installation, loaded(river, chunk_size=4), file)
    assert told(check(file)) == []
    ended = alone(file, tmp_path / "empty")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "Everything agrees" in ended.stdout
    assert "10 records worked through" in ended.stdout


def test_a_figure_is_computed_again_where_there_is_no_headwater(river: River, tmp_path: Path) -> None:
    loaded(river)
    file = tmp_path / "b.pyz"
    export_emission(river.installation, "b", file)
    assert told(check(file)) == []
    ended = alone(file, tmp_path / "empty")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "600,200 kg CO2e (AR5, scope 2)" in ended.stdout


def told(findings: Findings) -> list[str]:
    return [f"{each.member}, {each.row}, {each.field}: {each.stored} / {each.recomputed} ({each.why})"
            for each in findings.differences]  # fmt: skip


def test_the_same_export_gives_the_same_bytes(river: River, tmp_path: Path) -> None:
    run_id = loaded(river, chunk_size=3)
    for name in ("one", "other"):
        export_run(river.installation, run_id, tmp_path / f"{name}.pyz")
        export_emission(river.installation, "b", tmp_path / f"{name}-figure.pyz")
    assert (tmp_path / "one.pyz").read_bytes() == (tmp_path / "other.pyz").read_bytes()
    assert (tmp_path / "one-figure.pyz").read_bytes() == (tmp_path / "other-figure.pyz").read_bytes()


def holds(file: Path) -> bool:
    """What cannot be read as a replay at all does not hold either."""
    try:
        return check(file).ok
    except InputRefused:
        return False


def members(file: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(file) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def rewritten(file: Path, changed: dict[str, bytes]) -> Path:
    """A file of the same members, some with other content, by an attacker who does not mend seal and hashes."""
    to = file.with_name("changed.pyz")
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, changed.get(name, old.read(name)))
        new.comment = old.comment
    return to


def resealed(file: Path, changed: dict[str, bytes], **told: object) -> Path:
    """The same by one who mends every hash that the file has of its members, and the seal; `told` in the manifest."""
    to = file.with_name("resealed.pyz")
    old = members(file)
    manifest = json.loads(old.pop("manifest.json")) | told
    for name in ("format", "members"):
        del manifest[name]
    with to.open("w+b") as out:
        writer = Writer(out)
        for name, content in (old | changed).items():
            if name.startswith("lines/"):
                continue
            if f"lines/{name}.bin" in old:
                writer.add_lines(name, content.splitlines(keepends=True))
            else:
                writer.add(name, content)
        writer.seal(manifest)
    return to


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["run", "emission"])
@pytest.mark.long
def test_every_changed_byte_of_a_member_is_found_and_named(river: River, tmp_path: Path, kind: str, some: Some) -> None:
    run_id = loaded(river, chunk_size=6)
    file = tmp_path / "file.pyz"
    if kind == "run":
        export_run(river.installation, run_id, file)
    else:
        export_emission(river.installation, "b", file)
    drawn = random.Random(7)
    for name, content in members(file).items():
        sampled = 1 if name.startswith(("headwater/", "lines/")) else 4
        places = {*(drawn.randrange(len(content)) for _ in range(sampled))} if content else set()
        places |= {0, len(content) - 1} if sampled > 1 else set()
        for place in some(sorted(places), 4):
            changed = bytearray(content)
            changed[place] ^= 1 << drawn.randrange(8)
            if name == "manifest.json":
                assert not holds(rewritten(file, {name: bytes(changed)}))
                continue
            found = check(rewritten(file, {name: bytes(changed)}))
            assert not found.ok, (name, place)
            assert found.first is not None
            assert name in {each.member for each in found.differences}, (name, place, told(found))
            if f"lines/{name}.bin" in members(file):
                line = content[:place].count(b"\n") + 1
                assert (name, f"line {line}") in {(each.member, each.row) for each in found.differences}


@pytest.mark.slow
@pytest.mark.long
def test_every_changed_byte_of_the_file_is_found(river: River, tmp_path: Path) -> None:
    run_id = loaded(river)
    file = tmp_path / "file.pyz"
    export_run(river.installation, run_id, file)
    whole = file.read_bytes()
    drawn = random.Random(8)
    places = [0, len(whole) - 1, len(whole) - 70, len(whole) - 110, *(drawn.randrange(len(whole)) for _ in range(25))]
    for place in places:
        changed = bytearray(whole)
        changed[place] ^= 1 << drawn.randrange(8)
        to = tmp_path / "changed.pyz"
        to.write_bytes(changed)
        assert not holds(to), place


@pytest.mark.long
def test_what_was_changed_and_sealed_again_is_found_against_the_chain(river: River, tmp_path: Path) -> None:
    """Each with the first record and field that no longer follows."""
    run_id = loaded(river)
    file = tmp_path / "file.pyz"
    export_run(river.installation, run_id, file)
    old = members(file)
    assert told(check(resealed(file, {}))) == []

    def first(member: str, before: bytes, after: bytes) -> tuple[str, str, str]:
        assert old[member].count(before) >= 1, (member, before)
        found = check(resealed(file, {member: old[member].replace(before, after, 1)})).first
        assert found is not None
        return found.member, found.row, found.field

    folder = "chunks/1"
    assert first(f"{folder}/records.jsonl", b'"1,500.5"', b'"2,500.5"') == (
        f"{folder}/records.jsonl", "record 2", "raw_hash",
    )  # fmt: skip
    assert first(f"{folder}/rows.jsonl", b'"1500.500000"', b'"1500.600000"') == (
        f"{folder}/rows.jsonl", "record 2", "quantity",
    )  # fmt: skip
    assert first(f"{folder}/figures.jsonl", b'"600200.000000"', b'"600.200000"') == (
        f"{folder}/figures.jsonl", "record 2", "co2e_kg",
    )  # fmt: skip
    assert first(f"{folder}/records.jsonl", b'"refused",["', b'"refused",["x.')[1:] == ("record 4", "fate")
    assert first("factors.csv", b"0.4000000000", b"0.5000000000")[0] == f"{folder}/figures.jsonl"
    assert first("program.json", b'["column","quantity"]', b'["constant","7"]')[1] == "record 1"
    assert first("documents/mapping.json", b'"quantity"', b'"quantitx"')[0] == "documents/mapping.json"
    assert first("units.txt", b"MWh\tMWh\t", b"MWh\tkWh\t")[0] == "units.txt"
    assert first("chain.jsonl", b"run.planned", b"run.planted")[1].startswith("entry ")


@pytest.mark.long
def test_a_file_that_leaves_out_chunks_or_is_about_another_thing_is_found(river: River, tmp_path: Path) -> None:
    run_id = loaded(river, chunk_size=4)
    run, figure = tmp_path / "run.pyz", tmp_path / "figure.pyz"
    export_run(river.installation, run_id, run)
    export_emission(river.installation, "b", figure)
    part = json.loads(members(figure)["manifest.json"])["part"]
    for file, change in (
        (run, {"chunks": []}), (run, {"chunks": [1]}), (run, {"part": part}), (run, {"about": {"run": "another"}}),
        (run, {"kind": "emission", "part": part}), (figure, {"kind": "run"}), (figure, {"chunks": []}),
        (figure, {"about": {"activity_id": "a", "run": run_id}}), (run, {"run": None}), (run, {"chain": {}}),
    ):  # fmt: skip
        is_same = change == {"part": part}  # a run is whole, whatever else is said
        assert holds(resealed(file, {}, **change)) is is_same, change


def test_what_would_unpack_to_too_much_is_not_opened(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.pyz"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("manifest.json", '{"format":1,"members":{}}')
        opened.writestr("chunks/1/records.jsonl", b"0" * 50_000_000)
    with pytest.raises(InputRefused, match="packed too tightly"):
        check(bomb)
    for content in (b"", b"PK", b"no zip at all"):
        bomb.write_bytes(content)
        with pytest.raises(InputRefused, match="not a file of `headwater replay export`"):
            check(bomb)


def test_a_factor_that_may_not_be_passed_on_is_left_out_and_its_figure_checked_by_hash(
    river: River, tmp_path: Path
) -> None:
    secret = factors([
        {"factor_id": "grid", "co2e_kg_per_unit": "0.4321", "redistributable": "false", "licence": "paid for"},
        {"factor_id": "gas", "activity_type": "natural_gas", "scope": "1", "method": "activity_based"},
    ])  # fmt: skip
    river.load(secret, name="factors.csv", mapping="factor_form")
    run_id, _ = river.load(RECORDS)
    file = tmp_path / "file.pyz"
    export_run(river.installation, str(run_id), file)
    assert b"0.4321" not in members(file)["factors.csv"]
    found = check(file)
    assert told(found) == []
    assert any("lacks 1 factor that may not be passed on" in note for note in found.notes)
    assert "2 figures calculated again" not in "\n".join(lines_of(found))
    old = members(file)["chunks/1/figures.jsonl"]
    changed = check(resealed(file, {"chunks/1/figures.jsonl": old.replace(b'"AR5"', b'"AR4"', 1)}))
    assert changed.first is not None
    assert changed.first.field == "row_hash"


def test_the_script_imports_nothing_but_the_standard_library(tmp_path: Path) -> None:
    folder = tmp_path / "script"
    for name, content in script().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import headwater.replay.told;"
        " print('\\n'.join(sorted(name.partition('.')[0] for name in sys.modules)))"
    )
    command = [sys.executable, "-I", "-S", "-c", program, str(folder)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, env={})
    foreign = set(ended.stdout.split()) - set(sys.stdlib_module_names)
    assert {name for name in foreign if not name.startswith("_")} == {"headwater"}


@pytest.mark.long
def test_a_run_that_found_much_unchanged_is_computed_again(river: River, tmp_path: Path) -> None:
    """Chunks found equal, records known by their hash, conflicts with other sources, new factors on old records."""
    loaded(river, chunk_size=4)
    again = RECORDS.replace("0.333333", "0.444444").replace("größer", "kleiner")
    for number, how in enumerate([
        {"content": RECORDS, "chunk_size": 4},
        {"content": again, "chunk_size": 4},
        {"content": RECORDS, "name": "other.csv"},
        {"content": again + again.partition("\n")[2], "name": "third.csv", "chunk_size": 7},
    ]):  # fmt: skip
        run_id, _ = river.load(**how)  # type: ignore[arg-type]
        file = tmp_path / f"{number}.pyz"
        export_run(river.installation, str(run_id), file)
        assert told(check(file)) == [], number
    river.load(FACTORS.replace("0.4,", "0.7,"), name="factors.csv", mapping="factor_form")
    run_id, _ = river.load(RECORDS, chunk_size=4)
    export_run(river.installation, str(run_id), tmp_path / "new.pyz")
    assert told(check(tmp_path / "new.pyz")) == []


@pytest.mark.parametrize("chunk_size", [2, 50])
@pytest.mark.long
def test_versions_of_a_record_are_told_apart_again(river: River, tmp_path: Path, chunk_size: int) -> None:
    river.load(FACTORS, name="factors.csv", mapping="factor_form")
    rows = [("a", "2024-02-01", "1"), ("a", "2024-03-01", "2"), ("a", "2024-01-15", "3"), ("b", "2024-02-01", "4")]
    rows += [("a", "2024-03-01", "2"), ("b", "2024-02-01", "5")]
    records = activities(
        [{"activity_id": name, "period_end": end, "quantity": quantity} for name, end, quantity in rows]
    )
    for number, name in enumerate(("one.csv", "two.csv")):
        content = records.replace("2024-03-01", "2024-02-20") if number else records
        run_id, _ = river.load(content, name=name, version="period_end", chunk_size=chunk_size)
        export_run(river.installation, str(run_id), tmp_path / name)
        assert told(check(tmp_path / name)) == [], name


def test_a_resubmission_is_computed_again(river: River, tmp_path: Path) -> None:
    loaded(river)
    out = io.StringIO(newline="")
    exports.export(river.installation, out, run=None, rule=None)
    mended = tmp_path / "mend.csv"
    mended.write_text(out.getvalue().replace("many", "12"), encoding="utf-8", newline="")
    run_id = quarantines.plan_resubmission(river.installation, mended)
    carry_out(river.installation, run_id, progress=SilentProgress())
    export_run(river.installation, str(run_id), tmp_path / "mended.pyz")
    found = check(tmp_path / "mended.pyz")
    assert told(found) == []
    export_emission(river.installation, "bad", tmp_path / "bad.pyz")
    assert told(check(tmp_path / "bad.pyz")) == []


def test_of_a_workbook_the_reading_is_known_by_hash_and_told(river: River, tmp_path: Path) -> None:
    river.load(FACTORS, name="factors.csv", mapping="factor_form")
    book = openpyxl.Workbook()
    for row in csv.reader(io.StringIO(RECORDS)):
        book.worksheets[0].append(row)
    book.save(tmp_path / "book.xlsx")
    run_id, ledger = river.load((tmp_path / "book.xlsx").read_bytes(), name="meters.xlsx")
    assert ledger.inserted
    export_run(river.installation, str(run_id), tmp_path / "book.pyz")
    found = check(tmp_path / "book.pyz")
    assert told(found) == []
    assert any("it was made the text" in note for note in found.notes)


def test_a_run_whose_mapping_may_mean_two_things_is_refused_in_words(river: River, tmp_path: Path) -> None:
    fields = {name: {"column": name} for name in ACTIVITY_COLUMNS}
    fields["supplier"] = {"expression": "regexp_extract(supplier, '(?i)ab', 0)"}
    body = {"mapping": "strange", "version": "1.0.0", "contract": "activity@1", "fields": fields}
    path = river.folder / "strange.yaml"
    path.write_text(yaml.safe_dump(body))
    run_id, _ = river.load(RECORDS, mapping=str(path))
    with pytest.raises(Misuse, match="the run cannot be exported: the pattern holds"):
        export_run(river.installation, str(run_id), tmp_path / "file.pyz")
    assert not (tmp_path / "file.pyz").exists()


def test_what_was_deleted_by_hand_is_left_out_again_and_what_was_destroyed_is_not_exported(
    river: River, tmp_path: Path
) -> None:
    first = loaded(river)
    deletions.delete(river.installation, "activity", ["b", "gas"], reason="not ours")
    again = loaded(river)
    file = tmp_path / "run.pyz"
    export_run(river.installation, again, file)
    assert told(check(file)) == []
    assert alone(file, tmp_path / "empty").returncode == 0
    hanging = deletions.hanging_on(river.installation, "activity", ["gas"])
    deletions.destroy(river.installation, "activity", ["gas"], reason="x", confirmation=hanging.confirmation)
    with pytest.raises(Stopped, match="destroyed by hand"):
        export_run(river.installation, first, tmp_path / "first.pyz")
