"""The page of the metrics, made from their declarations."""

from __future__ import annotations

from headwater.api.metrics import described

TEXT = """
What `/metrics` shows Prometheus. Counters and histograms are of the processes of one server, added up; gauges are
measured when they are asked for, at most every ten seconds, and are the same whichever server is asked: take one
(`max by (…)`) where several are scraped. All are totals of the installation: no label names an organisation. Where
the database does not answer, those that come from it are left out.
[How to watch with them](../how-to/watch-an-installation.md).
"""


def metrics_page(note: str) -> str:
    """Every metric with its kind, labels and meaning."""
    lines = [
        "# Metrics",
        "",
        note,
        *TEXT.strip().splitlines(),
        "",
        "| metric | kind | labels | what it is |",
        "|---|---|---|---|",
    ]
    for name, kind, meaning, labels in described():
        lines.append(f"| `{name}` | {kind} | {', '.join(f'`{label}`' for label in labels)} | {meaning} |")
    return "\n".join(lines) + "\n"
