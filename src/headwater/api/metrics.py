"""What Prometheus reads: counts of this server's processes, and what is measured of the installation when it asks.

The figures of the installation are totals over all organisations, read from the database: they are the same whichever
process answers, and no label names an organisation, a connector or a file. Labels have few values by their making:
routes are those of the interface, queues beyond MOST_QUEUES are added up as `other`.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from threading import Lock
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, generate_latest, multiprocess, values
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import REGISTRY, Collector

from headwater import __version__
from headwater.api.problems import StatusError
from headwater.errors import Misuse, Unauthenticated
from headwater.services.connectors.secrets import resolve
from headwater.services.watching.measuring import Measured, measure_all
from headwater.telemetry import get_logger

if TYPE_CHECKING:
    from fastapi import Request

    from headwater.services.installation import Installation

MOST_QUEUES = 20
FRESH_SECONDS = 10.0
"""So long one measurement serves all who ask."""


@dataclass(frozen=True)
class Gauge:
    """One figure of the installation, and how it is labelled."""

    name: str
    help: str
    labels: tuple[str, ...] = ()


GAUGES = (
    Gauge("headwater_build_info", "1, labelled with the version.", ("version",)),
    Gauge("headwater_database_up", "1 where the database answers, else 0: then nothing is known below of its work."),
    Gauge("headwater_database_size_bytes", "Size of the database."),
    Gauge("headwater_database_connections", "Sessions of clients at the database server."),
    Gauge("headwater_database_connections_limit", "Sessions that the database server takes."),
    Gauge("headwater_disk_free_bytes", "Free where blobs, scratch or the embedded database lie.", ("place",)),
    Gauge("headwater_disk_size_bytes", "Size of that disk.", ("place",)),
    Gauge("headwater_memory_used_bytes", "Memory in use, of the container where it has a limit."),
    Gauge("headwater_memory_limit_bytes", "Memory that may be used."),
    Gauge("headwater_queue_waiting_jobs", "Jobs, messages and times of schedules, due and not begun.", ("queue",)),
    Gauge("headwater_queue_working_jobs", "Jobs that workers have in hand.", ("queue",)),
    Gauge("headwater_queue_oldest_seconds", "How long the first of the waiting jobs has waited.", ("queue",)),
    Gauge("headwater_workers_alive", "Workers, as processes, that gave a sign of life in the last minute."),
    Gauge("headwater_runs_running", "Runs at work."),
    Gauge("headwater_runs_stuck", "Runs at work that have committed no chunk for `stuck_minutes` of `health_limits`."),
    Gauge("headwater_runs_ended_last_hour", "Runs that ended in the last hour, by how.", ("state",)),
    Gauge("headwater_records_read_last_day", "Records read by runs that began within a day."),
    Gauge("headwater_records_quarantined_last_day", "Records of those that were refused."),
    Gauge("headwater_schedules", "Schedules that are not paused."),
    Gauge("headwater_schedules_failing", "Those whose last job failed or left gaps."),
    Gauge("headwater_schedules_late", "Those that are due for more than ten minutes."),
    Gauge("headwater_organisations_measured", "Organisations in these figures: those with files or jobs."),
)  # fmt: skip


class Measurement(Collector):
    """The installation's figures, measured when they are asked for, at most every ten seconds."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._lock = Lock()
        self._last: tuple[float, Measured] | None = None

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """As Prometheus has them."""
        figures = dict(figures_of(self._measured()))
        for gauge in GAUGES:
            if gauge.name in figures:
                family = GaugeMetricFamily(gauge.name, gauge.help, labels=gauge.labels)
                for labels, value in figures[gauge.name]:
                    family.add_metric(labels, value)
                yield family

    def _measured(self) -> Measured:
        with self._lock:
            if self._last is None or time.monotonic() - self._last[0] > FRESH_SECONDS:
                self._last = (time.monotonic(), measure_all(self._installation))
            return self._last[1]


Labelled = list[tuple[tuple[str, ...], float]]


def figures_of(measured: Measured) -> Iterator[tuple[str, Labelled]]:
    """Each gauge by name, with its labels and values."""
    yield "headwater_build_info", [((__version__,), 1)]
    yield "headwater_database_up", _one(measured.server is not None)
    yield "headwater_disk_free_bytes", [((disk.place,), disk.free) for disk in measured.disks]
    yield "headwater_disk_size_bytes", [((disk.place,), disk.size) for disk in measured.disks]
    yield "headwater_memory_used_bytes", _one(measured.memory.used)
    yield "headwater_memory_limit_bytes", _one(measured.memory.limit)
    server, work = measured.server, measured.work
    if server is None or work is None:
        return
    yield "headwater_database_size_bytes", _one(server.size)
    yield "headwater_database_connections", _one(server.connections)
    yield "headwater_database_connections_limit", _one(server.most_connections)
    named, rest = work.queues[:MOST_QUEUES], work.queues[MOST_QUEUES:]
    for name, field, added in (
        ("headwater_queue_waiting_jobs", "waiting", sum),
        ("headwater_queue_working_jobs", "at_work", sum),
        ("headwater_queue_oldest_seconds", "oldest_seconds", max),
    ):
        told: Labelled = [((each.name,), getattr(each, field)) for each in named]
        told += [(("other",), float(added(getattr(each, field) for each in rest)))] if rest else []
        yield name, told
    yield "headwater_workers_alive", _one(work.workers)
    yield "headwater_runs_running", _one(work.runs.running)
    yield "headwater_runs_stuck", _one(work.runs.stuck)
    ended = {"succeeded": work.runs.succeeded, "partial_success": work.runs.partial, "failed": work.runs.failed}
    yield "headwater_runs_ended_last_hour", [((state,), count) for state, count in ended.items()]
    yield "headwater_records_read_last_day", _one(work.records.read)
    yield "headwater_records_quarantined_last_day", _one(work.records.quarantined)
    active = [schedule for schedule in work.schedules if not schedule.paused]
    yield "headwater_schedules", _one(len(active))
    yield "headwater_schedules_failing", _one(sum(schedule.is_failing for schedule in active))
    yield "headwater_schedules_late", _one(sum(schedule.late for schedule in active))
    yield "headwater_organisations_measured", _one(work.organisations)


def exposition(measurement: Collector) -> bytes:
    """All of it as text: of every process of this server where there are several."""
    registry = CollectorRegistry()
    registry.register(measurement)
    if values.ValueClass.__name__ == "MmapedValue":
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # it has none
        return generate_latest(registry)
    return generate_latest(registry) + generate_latest(REGISTRY)


def refuse_strangers(installation: Installation, request: Request) -> None:
    """Who may read: by the token of the settings or, where there is none, from this machine and through no proxy."""
    reference = installation.settings.metrics_token
    if reference is not None:
        scheme, _, said = request.headers.get("authorization", "").partition(" ")
        wanted = _token(installation, reference.get_secret_value())
        if scheme.lower() != "bearer" or not hmac.compare_digest(said.strip().encode(), wanted.encode()):
            raise Unauthenticated("this needs the token that metrics_token names", where="Authorization")
        return
    forwarded = any(name == "forwarded" or name.startswith("x-forwarded-") for name in request.headers)
    if forwarded or request.client is None or not _is_here(request.client.host):
        raise StatusError(
            403,
            "metrics are shown to this machine only",
            where="address",
            remedy="Set HEADWATER_METRICS_TOKEN, and have Prometheus send it.",
        )


def _token(installation: Installation, reference: str) -> str:
    """StatusError for a token that cannot be read, or is empty: where it lies is told to the log, not to strangers."""
    try:
        wanted, why = resolve(installation, reference).strip(), "it is empty"
    except Misuse as error:
        wanted, why = "", str(error)
    if not wanted:
        get_logger(__name__).error("metrics are shown to nobody: metrics_token names no token", error=why)
        raise StatusError(503, "the token of metrics cannot be read", remedy="The server's log says why.")
    return wanted


def _is_here(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _one(value: float) -> Labelled:
    return [((), float(value))]


def described() -> Iterable[tuple[str, str, str, tuple[str, ...]]]:
    """Name, kind, meaning and labels of every metric, for the page of reference."""
    from headwater.api.envelope import REQUESTS, SECONDS  # noqa: PLC0415 - they are counted there

    counted: tuple[Any, ...] = (REQUESTS, SECONDS)
    for each in counted:
        (family,) = each.describe()
        name = f"{family.name}_total" if family.type == "counter" else family.name
        yield name, family.type, family.documentation, tuple(each._labelnames)  # noqa: SLF001 - told nowhere else
    for gauge in GAUGES:
        yield gauge.name, "gauge", gauge.help, gauge.labels
