"""Exported files of which a byte was changed on the way: the member and its first differing row are named."""

from __future__ import annotations

import random
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from headwater.errors import InputRefused
from headwater.replay.container import Reader
from headwater.replay.differences import Difference, Findings
from headwater.services.replay_export.export import check, export_emission, export_inventory, export_run
from tests.integration.test_replay_export import loaded
from tests.integration.test_replay_inventory import made
from tests.plugin_skips import Some
from tests.river import River

pytestmark = [pytest.mark.server, pytest.mark.long]


def exported(river: River, folder: Path, kind: str) -> Path:
    file = folder / f"{kind}.pyz"
    if kind == "inventory":
        export_inventory(river.installation, made(river), file)
        return file
    run_id = loaded(river, chunk_size=6)
    if kind == "run":
        export_run(river.installation, run_id, file)
    else:
        export_emission(river.installation, "b", file)
    return file


def flipped(file: Path, place: int, bit: int = 0) -> Path:
    """The very file with one bit of one byte changed."""
    content = bytearray(file.read_bytes())
    content[place] ^= 1 << bit
    to = file.with_name("flipped.pyz")
    to.write_bytes(content)
    return to


def places(file: Path) -> dict[str, range]:
    """Where in the file the bytes of each member stand."""
    whole, found = file.read_bytes(), {}
    with zipfile.ZipFile(file) as opened:
        for info in opened.infolist():
            header = whole[info.header_offset : info.header_offset + 30]
            start = info.header_offset + 30 + int.from_bytes(header[26:28], "little")
            start += int.from_bytes(header[28:30], "little")
            found[info.filename] = range(start, start + info.compress_size)
    return found


def named(file: Path) -> tuple[Difference | None, Findings | None]:
    """The first difference; of a file that is no replay any more, where the refusal says it is not."""
    try:
        found = check(file)
    except InputRefused as error:
        return Difference(member=str(error.where).rpartition(", ")[2]), None
    return found.first, found


@pytest.mark.parametrize("kind", ["run", "emission", "inventory"])
def test_a_byte_changed_anywhere_in_a_member_names_it_and_its_row(
    river: River, tmp_path: Path, kind: str, some: Some
) -> None:
    file = exported(river, tmp_path, kind)
    drawn, whole = random.Random(15), file.read_bytes()
    for name, standing in places(file).items():
        if not standing:
            continue
        is_code = name.startswith(("headwater/", "lines/"))
        sampled = [drawn.choice(standing)] if is_code else [standing[0], standing[-1], drawn.choice(standing)]
        if is_code and drawn.random() > 0.2:
            continue
        for place in some(sampled, 3):
            first, found = named(flipped(file, place, drawn.randrange(8)))
            assert first is not None, (name, place)
            assert first.member == name, (name, place, first)
            if found is not None and f"lines/{name}.bin" in places(file):
                line = whole[standing.start : place].count(b"\n") + 1
                told = {(each.member, each.row) for each in found.differences}
                assert (name, f"line {line}") in told, (name, place, told)
                assert first.row.partition(" ")[0] in {"record", "entry", "line"}, (name, place, first)


def test_a_row_that_was_changed_is_named_with_both_values(river: River, tmp_path: Path) -> None:
    file = exported(river, tmp_path, "run")
    place = file.read_bytes().index(b'"1500.500000"') + 1
    first, _ = named(flipped(file, place, 1))
    assert first is not None
    assert (first.member, first.row, first.field) == ("chunks/1/rows.jsonl", "record 2", "quantity")
    assert (first.stored, first.recomputed) == ("3500.500000", "1500.500000")


def is_whole(file: Path) -> bool:
    """Whether it opens and its seal holds; no other error than a refusal in words comes of it."""
    try:
        reader = Reader(file)
    except InputRefused:
        return False
    reader.close()
    return reader.is_whole


def test_a_damaged_archive_is_refused_in_words(river: River, tmp_path: Path) -> None:
    """Between the members and behind them: headers, the directory, the seal."""
    file = exported(river, tmp_path, "emission")
    size, held = file.stat().st_size, [place for standing in places(file).values() for place in standing]
    between = sorted(set(range(size)) - set(held))
    drawn = random.Random(16)
    for place in [*drawn.sample(between, 300), *range(size - 120, size)]:
        assert not is_whole(flipped(file, place, drawn.randrange(8))), place
    for place in drawn.sample(between, 12):
        _, found = named(flipped(file, place, drawn.randrange(8)))
        assert found is None or not found.ok, place


def test_python_says_in_a_sentence_what_is_damaged(river: River, tmp_path: Path) -> None:
    """Wherever Python can start the file: not where its own first lines or the archive's last 22 bytes were changed."""
    file = exported(river, tmp_path, "emission")
    whole, standing = file.read_bytes(), places(file)
    directory = max(each.stop for each in standing.values())
    cases = {
        standing["factors.csv"][40]: "factors.csv, ",
        standing["headwater/replay/told.py"][0]: "the script inside it cannot be read",
        whole.index(b"a", standing["headwater/values/__init__.py"].start): "headwater/values/__init__.py",
        whole.index(b"headwater/replay/told.py", directory) + 3: "the script inside it cannot be read",
        whole.index(b"units.txt", directory) + 3: "units.txt",
        whole.index(b"manifest.json", directory) - 46: "this is not a file of `headwater replay export`",
        len(whole) - 90: "manifest.json",
        len(whole) - 1: "its seal does not hold",
    }
    for place, said in cases.items():
        command = [sys.executable, "-I", "-S", str(flipped(file, place, 3))]
        ended = subprocess.run(command, cwd=tmp_path, env={"PATH": ""}, capture_output=True, text=True, check=False)
        output = ended.stdout + ended.stderr
        assert ended.returncode == 1, (place, said, output)
        assert said in output, (place, said, output)
        assert "Traceback" not in output, (place, said, output)
