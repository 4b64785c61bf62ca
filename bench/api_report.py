"""What `bench.api` found, as a table and as JSON."""

from __future__ import annotations

import json
import statistics
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from bench.api_imports import Finished
    from bench.api_soak import Soaked

PERCENTILES: Final = (50, 95, 99)
GOAL_P95_MS: Final = 50
#: So much of the rate must have been answered for its times to count.
NEAR: Final = 0.97


@dataclass(frozen=True, kw_only=True)
class Times:
    """Milliseconds of requests by kind, what failed, and what processors did meanwhile."""

    times: Mapping[str, Sequence[float]]
    database_cpu_seconds: float
    server_cpu_seconds: float = 0.0
    failed: Mapping[str, int] = field(default_factory=dict)

    def of(self, kind: str | None) -> Sequence[float]:
        """Those of a kind, or all."""
        return self.times.get(kind, ()) if kind else [each for some in self.times.values() for each in some]

    @property
    def kinds(self) -> list[str]:
        """By name."""
        return sorted(self.times)


def percentile(times: Sequence[float], percent: int) -> float:
    """By nearest rank; 0 of none."""
    ordered = sorted(times)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] if ordered else 0.0


@dataclass(kw_only=True)
class Report:
    """One benchmark."""

    records: int
    organisations: int
    filled_seconds: float
    rate: float
    seconds: float
    first_sums: Sequence[float] = ()
    plain: Times | None = None
    http: Times | None = None
    cpu: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    imports: Sequence[Finished] = ()
    soak: Soaked | None = None

    def table(self) -> str:
        """For the terminal."""
        return "\n".join([*self._reads(), *self._cpu(), *self._imports(), *self._soak()])

    def _reads(self) -> Iterator[str]:
        if self.http is None or self.plain is None:
            return
        yield f"Reads at {self.rate:g} a second, {self.records:,} records, {self.organisations} organisations (ms):"
        yield "| request | n | p50 | p95 | p99 | same SQL p50 | p95 | p99 | p50 ratio | p95 ratio |"
        yield "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
        for kind in [*self.http.kinds, None]:
            own, limit = self.http.of(kind), self.plain.of(kind)
            figures = [percentile(own, each) for each in PERCENTILES] + [
                percentile(limit, each) for each in PERCENTILES
            ]
            ratios = [figures[at] / figures[at + 3] if figures[at + 3] else 0.0 for at in (0, 1)]
            told = [f"{each:.1f}" for each in figures + ratios]
            yield f"| {kind or 'all'} | {len(own):,} | " + " | ".join(told) + " |"
        failed = sum(self.http.failed.values())
        achieved = len(self.http.of(None)) / self.seconds
        is_reached = not failed and achieved > NEAR * self.rate and percentile(self.http.of(None), 95) < GOAL_P95_MS
        yield (
            f"goal: p95 below {GOAL_P95_MS} ms at {self.rate:g} a second, none failed: "
            f"{'reached' if is_reached else 'not reached'}; {achieved:.0f} a second were answered, {failed} failed"
        )
        yield from (f"  {count} x {what}" for what, count in self.http.failed.items())
        yield f"sums worked out for the first time, one after another: p50 {percentile(self.first_sums, 50):.0f} ms"
        yield (
            f"processors: servers {self.http.server_cpu_seconds:.1f} s, database "
            f"{self.http.database_cpu_seconds:.1f} s; plain: database {self.plain.database_cpu_seconds:.1f} s"
        )

    def _cpu(self) -> Iterator[str]:
        if not self.cpu:
            return
        yield "\nProcessor milliseconds a request, one after another:"
        yield "| request | server | database | until answered |"
        yield "|---|--:|--:|--:|"
        for kind, told in self.cpu.items():
            yield f"| {kind} | {told['server_ms']:.1f} | {told['database_ms']:.1f} | {told['ms']:.1f} |"

    def _imports(self) -> Iterator[str]:
        if not self.imports:
            return
        count = sum(each.imports for each in self.imports)
        yield f"\n{count} imports at once (seconds after the first was sent; in the order of sending):"
        yield "| organisation | imports | records | first done | last done | its last, had it been alone at this pace |"
        yield "|---|--:|--:|--:|--:|--:|"
        for each in self.imports:
            yield (
                f"| {each.organisation} | {each.imports} | {each.records:,} | {each.first:.1f} | {each.last:.1f} "
                f"| {each.alone:.1f} |"
            )
        yield from (f"  failed: {why}" for each in self.imports for why in each.failed)

    def _soak(self) -> Iterator[str]:
        if self.soak is None or not self.soak.samples:
            return
        sizes = [size for _, size in self.soak.warm]
        yield (
            f"\nMemory over {self.soak.samples[-1][0] / 60:.1f} minutes, once warm: {min(sizes):,.0f} to "
            f"{max(sizes):,.0f} MiB, mean {statistics.fmean(sizes):,.0f}, slope {self.soak.slope:+.1f} MiB an hour "
            f"({self.soak.share:+.1%})"
        )


def write(report: Report, about: Mapping[str, Any], path: Path) -> None:
    """Everything as JSON; of times their percentiles and number, for there are many."""
    told: dict[str, Any] = {**about, "records": report.records, "organisations": report.organisations}
    told |= {"filled_seconds": report.filled_seconds, "rate": report.rate, "cpu": report.cpu}
    for name, times in (("http", report.http), ("plain", report.plain)):
        if times is not None:
            told[name] = _times(times)
    told["first_sums_p50_ms"] = round(percentile(report.first_sums, 50), 1)
    told["imports"] = [asdict(each) for each in report.imports]
    told["soak"] = asdict(report.soak) | {"slope_mib_an_hour": report.soak.slope} if report.soak else None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    print(f"written: {path}")


def _times(times: Times) -> dict[str, Any]:
    kinds = {
        kind or "all": {f"p{each}_ms": round(percentile(times.of(kind), each), 2) for each in PERCENTILES}
        | {"requests": len(times.of(kind))}
        for kind in [*times.kinds, None]
    }
    return {
        "kinds": kinds,
        "failed": dict(times.failed),
        "database_cpu_seconds": round(times.database_cpu_seconds, 2),
        "server_cpu_seconds": round(times.server_cpu_seconds, 2),
    }
