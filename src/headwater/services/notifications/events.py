"""What is told: events by name, how grave each is, and which of them a channel wants.

An event that is a kind of another is told to who wants either, once: a failed sync is a failed run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

if TYPE_CHECKING:
    from datetime import datetime

Event = Literal[
    "run.completed", "run.partial", "run.failed", "sync.failed", "import.completed", "import.failed",
    "schedule.failed", "quarantine.above", "job.stuck",
]  # fmt: skip
EVENTS: tuple[str, ...] = get_args(Event)
Severity = Literal["info", "warning", "error", "critical"]
SEVERITIES: tuple[str, ...] = get_args(Severity)
URGENT = "critical"
"""What comes in quiet hours too, where a channel lets what is urgent pass."""

SEVERITY_OF: Mapping[str, Severity] = {
    "run.completed": "info",
    "import.completed": "info",
    "run.partial": "warning",
    "quarantine.above": "warning",
    "run.failed": "error",
    "sync.failed": "error",
    "import.failed": "error",
    "schedule.failed": "critical",
    "job.stuck": "critical",
}
KIND_OF: Mapping[str, str] = {
    "sync.failed": "run.failed",
    "import.failed": "run.failed",
    "schedule.failed": "run.failed",
    "import.completed": "run.completed",
}
"""Events that are another one too, whatever they are about."""

USUAL: tuple[Event, ...] = ("run.partial", "run.failed", "quarantine.above", "job.stuck")
"""What a channel is told where nothing is said: all that went wrong."""

TEST = "test"

WORDS: Mapping[str, tuple[str, str]] = {
    "run.completed": ("a run has completed", "runs have completed"),
    "run.partial": ("a run has left gaps", "runs have left gaps"),
    "run.failed": ("a run has failed", "runs have failed"),
    "sync.failed": ("a sync has failed", "syncs have failed"),
    "import.completed": ("an import has completed", "imports have completed"),
    "import.failed": ("an import has failed", "imports have failed"),
    "schedule.failed": ("a schedule has failed", "schedules have failed"),
    "quarantine.above": ("a run has refused many records", "runs have refused many records"),
    "job.stuck": ("a job does not get on", "jobs do not get on"),
    TEST: ("a test", "tests"),
}
"""One of an event, and several."""


@dataclass(frozen=True, kw_only=True)
class Happening:
    """What happened to one thing.

    occurrence  tells when a thing comes to the same again: what is told twice with one is told once
    also        what it is a kind of here, beyond what KIND_OF says
    share       percent of a run's records that it refused, of `quarantine.above`
    data        plain values, with no value of any record and nothing that is secret
    """

    event: Event
    resource: str
    occurrence: str
    correlation_id: str
    summary: str
    data: Mapping[str, Any] = field(default_factory=dict)
    also: Sequence[Event] = ()
    share: float | None = None
    happened_at: datetime

    @property
    def severity(self) -> Severity:
        """How grave it is."""
        return SEVERITY_OF[self.event]


class Wishes(Protocol):
    """What a channel wants to be told."""

    @property
    def events(self) -> Sequence[str]: ...
    @property
    def least_severity(self) -> str: ...
    @property
    def quarantine_above(self) -> float: ...


def wants(wishes: Wishes, happening: Happening) -> bool:
    """Whether a channel is told of it."""
    if {happening.event, KIND_OF.get(happening.event), *happening.also}.isdisjoint(wishes.events):
        return False
    if happening.share is not None and happening.share <= wishes.quarantine_above:
        return False
    return SEVERITIES.index(happening.severity) >= SEVERITIES.index(wishes.least_severity)
