"""`headwater records export`: all records of a question as one file, or none."""

from __future__ import annotations

import csv
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.integration.cli.conftest import Headwater
from tests.river import activities

pytestmark = pytest.mark.usefixtures("form")
ROWS = 30


@pytest.fixture(autouse=True)
def loaded(headwater: Headwater, form: Path, tmp_path: Path) -> None:
    (tmp_path / "meters.csv").write_text(
        activities({"activity_id": f"m{n:02}", "quantity": f"{n}.25", "note": "a;b"} for n in range(1, ROWS + 1))
    )
    assert headwater("import", "meters.csv", "-m", form).code == 0


def test_all_records_come_in_each_format(headwater: Headwater, tmp_path: Path) -> None:
    done = headwater("records", "export", "activity@1")
    assert (done.code, done.out) == (0, f"activity.csv: {(tmp_path / 'activity.csv').stat().st_size:,} bytes\n")
    with (tmp_path / "activity.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["activity_id"], float(row["quantity"])) for row in rows] == [
        (f"m{n:02}", n + 0.25) for n in range(1, ROWS + 1)
    ]
    told = headwater(
        "records", "export", "activity", "-o", "some.parquet", "--filter", "quantity:gte:29", "--json"
    ).json
    assert (told["file"], told["format"], told["bytes"]) == (
        "some.parquet", "parquet", (tmp_path / "some.parquet").stat().st_size,
    )  # fmt: skip
    assert pq.read_table(tmp_path / "some.parquet")["activity_id"].to_pylist() == ["m29", "m30"]
    assert headwater("records", "export", "activity", "-o", "all.arrows", "--sort=-quantity").code == 0
    with pa.OSFile(str(tmp_path / "all.arrows"), "rb") as whole, pa.ipc.open_stream(whole) as stream:
        assert stream.read_all()["activity_id"].to_pylist()[:2] == ["m30", "m29"]
    for more, note in (((), "***"), (("--clear",), "a;b")):  # a note may be about people
        done = headwater("records", "export", "activity", "-o", "other.csv", "--delimiter", ";", *more)
        assert done.code == 0
        with (tmp_path / "other.csv").open(newline="") as file:
            assert {row["note"] for row in csv.DictReader(file, delimiter=";")} == {note}


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (("activity", "-o", "a.xlsx"), "its ending names no format that is written"),
        (("activities",), "activities"),
        (("activity", "--filter", "quantitty:gt:1"), "quantitty"),
        (("activity", "-o", "nowhere/a.csv"), "the file cannot be written"),
    ],
)
def test_what_cannot_be_written_leaves_the_file_as_it_was(
    headwater: Headwater, tmp_path: Path, said: tuple[str, ...], why: str
) -> None:
    (tmp_path / "activity.csv").write_text("as it was")
    refused = headwater("records", "export", *said)
    assert (refused.code, why in refused.err) == (2, True), refused.err
    assert (tmp_path / "activity.csv").read_text() == "as it was"
    assert not list(tmp_path.glob(".*.part"))
