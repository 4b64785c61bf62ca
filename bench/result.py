"""One line of the benchmark's table, and how repeats of it are told as one."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Result:
    """One run of one contestant.

    `seconds` is what rates are taken from: the work itself for tools that say how long it took (their start is not
    held against them), the whole process else. Processor time and memory are always those of the whole process.
    """

    case: str
    rows: int
    seconds: float
    process_seconds: float
    client_cpu_seconds: float
    server_cpu_seconds: float | None
    peak_memory_mib: float
    facts: dict[str, object] = field(default_factory=dict)
    complaints: tuple[str, ...] = ()

    @property
    def rows_per_second(self) -> float:
        return self.rows / self.seconds


def middle(results: list[Result]) -> Result:
    """The run of median speed; of an even number, the slower of the two in the middle."""
    by_speed = sorted(results, key=lambda result: result.rows_per_second)
    return by_speed[(len(by_speed) - 1) // 2]


def spread(results: list[Result]) -> float:
    """Standard deviation of the speed as a share of its mean; 0 for a single run."""
    speeds = [result.rows_per_second for result in results]
    return statistics.pstdev(speeds) / statistics.fmean(speeds)
