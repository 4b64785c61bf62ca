"""What the benchmark of the HTTP interface tells of its figures."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from bench.api_imports import part_of
from bench.api_report import Report, Times, percentile, write
from bench.api_soak import Soaked


def report(own: list[float], failed: dict[str, int] | None = None) -> Report:
    plain = Times(times={"page": [1.0, 2.0]}, database_cpu_seconds=1)
    http = Times(times={"page": own}, database_cpu_seconds=2, server_cpu_seconds=3, failed=failed or {})
    return Report(
        records=10, organisations=2, filled_seconds=1, rate=2, seconds=5, plain=plain, http=http,
    )  # fmt: skip


def test_percentiles_are_by_nearest_rank() -> None:
    times = [float(number) for number in range(1, 101)]
    assert [percentile(times, each) for each in (50, 95, 99)] == [50, 95, 99]
    assert (percentile([7.0], 99), percentile([], 50)) == (7, 0)


@pytest.mark.parametrize(
    ("own", "failed", "told"),
    [
        ([10.0] * 10, {}, ": reached; 2 a second"),
        ([10.0] * 9, {}, ": not reached; 2 a second"),  # too few were answered for their times to count
        ([60.0] * 10, {}, ": not reached"),
        ([10.0] * 10, {"503": 1}, ": not reached; 2 a second were answered, 1 failed"),
        ([], {}, ": not reached; 0 a second"),
    ],
)
def test_the_goal_is_reached_only_where_all_was_answered_in_time(
    own: list[float], failed: dict[str, int], told: str
) -> None:
    assert told in report(own, failed).table()


def test_ratios_stand_beside_and_all_is_written(tmp_path: Path) -> None:
    found = report([4.0] * 10)
    assert "| page | 10 | 4.0 | 4.0 | 4.0 | 1.0 | 2.0 | 2.0 | 4.0 | 2.0 |" in found.table()
    found.soak = Soaked(samples=[(float(at), 100 + at / 36) for at in range(0, 360, 5)])
    assert round(found.soak.slope) == 100  # MiB an hour
    assert "slope +100.0 MiB an hour" in found.table()
    write(found, {"command": "x"}, tmp_path / "results.json")
    kept = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert kept["http"]["kinds"]["all"]["p95_ms"] == 4
    assert kept["soak"]["slope_mib_an_hour"] == pytest.approx(100)


def test_a_part_of_a_file_is_whole_lines_after_the_header(tmp_path: Path) -> None:
    path = tmp_path / "all.csv"
    path.write_text("a,b\n" + "".join(f"{number:060},x\n" for number in range(1000)), encoding="utf-8")
    for number in (0, 3):
        rows = list(csv.DictReader(io.StringIO(part_of(path, 5, number).decode())))
        assert [row["b"] for row in rows] == ["x"] * 5
        assert int(rows[0]["a"]) > number * 5 - 1
