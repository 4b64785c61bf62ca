"""What wrk is given to ask, and what it found: `api_reads.lua` runs in it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bench.api_data import Asked

OK: Final = "200"


@dataclass(frozen=True, kw_only=True)
class Answered:
    """Milliseconds of answers by kind, counted from when each request was due, and how many were refused by status."""

    times: Mapping[str, Sequence[float]]
    failed: Mapping[str, int]


def write(drawn: Sequence[Asked], path: Path) -> None:
    """A request a line."""
    lines = (f"{each.kind}\t/api/v1{each.path}\t{each.token}\n" for each in drawn)
    path.write_text("".join(lines), encoding="utf-8")


def answered(path: Path) -> Answered:
    """What wrk has left. SystemExit where it did not even begin."""
    if not path.is_file():
        raise SystemExit(f"wrk did not begin: see {path.parent / 'wrk.log'}; it is installed by `apt install wrk`")
    times: dict[str, list[float]] = {}
    failed: Counter[str] = Counter()
    for line in path.read_text(encoding="utf-8").splitlines():
        kind, status, milliseconds = line.split("\t")
        times.setdefault(kind, []).append(float(milliseconds))
        failed.update([f"{kind}: {status}"] if status != OK else [])
    return Answered(times=times, failed=dict(failed))
