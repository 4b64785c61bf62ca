from __future__ import annotations

import csv
import io
from collections import Counter
from pathlib import Path

import pytest

from bench.generate import BLOCK_START, COLUMNS, Fault, Recipe, read_contents, write_activities, write_factors

ROWS = 5_000


def written(folder: Path, recipe: Recipe) -> str:
    path = folder / "activity.csv"
    write_activities(recipe, path)
    return path.read_text(encoding="utf-8")


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))[1:]


def test_a_larger_file_begins_with_the_rows_of_a_smaller_one(tmp_path: Path) -> None:
    small = written(tmp_path, Recipe(rows=ROWS))
    assert written(tmp_path, Recipe(rows=2 * ROWS)).startswith(small)
    assert written(tmp_path, Recipe(rows=ROWS, seed=1)) != small


def test_the_contents_tell_what_is_in_the_file(tmp_path: Path) -> None:
    contents = write_activities(Recipe(rows=ROWS, bad_share=0.5), tmp_path / "activity.csv")
    found = rows((tmp_path / "activity.csv").read_text(encoding="utf-8"))
    assert len(found) == contents.rows == ROWS
    assert contents == read_contents(tmp_path / "activity.csv")
    quality, quantity, keys = COLUMNS.index("data_quality"), COLUMNS.index("quantity"), Counter(row[0] for row in found)
    counted = {
        Fault.MISSING_KEY: keys.pop(""),
        Fault.DUPLICATE_KEY: sum(keys.values()) - len(keys),
        Fault.RAGGED_ROW: sum(len(row) != len(COLUMNS) for row in found),
        Fault.UNKNOWN_ENUM: sum(row[quality] == "guessed" for row in found),
        Fault.NEGATIVE_QUANTITY: sum(row[quantity][:1] == "-" and row[quantity] != "--" for row in found),
    }
    assert counted == {fault: contents.faults[fault.name.lower()] for fault in counted}
    assert min(contents.faults.values()) > 0
    assert contents.bad_rows == sum(contents.faults.values())


def test_rows_with_an_omitted_fault_are_left_out(tmp_path: Path) -> None:
    text = written(tmp_path, Recipe(rows=ROWS, omitted=("ragged_row",)))
    contents = read_contents(tmp_path / "activity.csv")
    assert contents is not None
    assert contents.faults["ragged_row"] == 0
    assert {len(row) for row in rows(text)} == {len(COLUMNS)}
    assert len(rows(text)) == contents.rows < ROWS


@pytest.mark.parametrize("changed", ["scattered", "block"])
def test_a_changed_file_has_other_quantities_in_the_rows_told(tmp_path: Path, changed: str) -> None:
    before = rows(written(tmp_path, Recipe(rows=ROWS)))
    after = rows(written(tmp_path, Recipe(rows=ROWS, changed=changed)))
    contents = read_contents(tmp_path / "activity.csv")
    assert contents is not None
    different = [place for place, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
    quantity = COLUMNS.index("quantity")
    assert len(different) == contents.changed_rows > 0
    assert all(before[place][:quantity] == after[place][:quantity] for place in different)
    if changed == "block":
        assert different[0] >= ROWS * BLOCK_START
        assert different[-1] - different[0] < ROWS * 0.01


def test_every_good_activity_meets_exactly_one_factor(tmp_path: Path) -> None:
    assert write_factors(tmp_path / "factors.csv") == 2_000
    with (tmp_path / "factors.csv").open(encoding="utf-8", newline="") as file:
        factors = list(csv.DictReader(file))
    places = Counter((factor["activity_type"], factor["region"], factor["valid_from"][:4]) for factor in factors)
    assert set(places.values()) == {1}
    assert all(factor["valid_to"] == f"{int(factor['valid_from'][:4]) + 1}-01-01" for factor in factors)
    for row in rows(written(tmp_path, Recipe(rows=ROWS, bad_share=0))):
        start = row[COLUMNS.index("period_start")]
        assert places[row[1], row[3], start[:4]] == 1
