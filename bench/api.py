"""The HTTP interface under load: steady readers beside the same SQL by plain psycopg, imports at once, memory.

The records of 100 organisations are brought in by Headwater itself; wrk sends the requests (`apt install wrk`): it
shares the processors with the servers, and takes few of them. Figures are worth something on an idle machine only.
"""

from __future__ import annotations

import argparse
import os
import random
import shlex
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx

from bench import api_imports, api_plain, api_reads, api_soak, machine
from bench.api_data import MAPPING, MIX, Asked, prepare, requests
from bench.api_report import Report, Times, write
from bench.api_serving import Serving, serving
from bench.inputs import Inputs
from bench.measure import server_cpu_seconds
from bench.server import APP_ROLE, OWNER_ROLE, Server, running_server
from headwater.services.installation import open_installation
from headwater.services.installation import serving as pooled
from headwater.settings import load_settings
from headwater.telemetry import configure_logging

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bench.api_data import Organisation

REPOSITORY: Final = Path(__file__).resolve().parents[1]
DATABASE: Final = "api"
GROUPS: Final = ("reads", "cpu", "imports", "soak")
FULL_RECORDS, QUICK_RECORDS = 10_000_000, 20_000
FULL_ORGANISATIONS, QUICK_ORGANISATIONS = 100, 5
CONNECTIONS: Final = 40
EACH_KIND: Final = {"quick": 30, "full": 300}
PACKAGES: Final = ("fastapi", "uvicorn", "psycopg", "pyarrow", "duckdb")


class Bench:
    """One benchmark over an installation that is filled."""

    def __init__(self, asked: argparse.Namespace, server: Server, environment: Mapping[str, str]) -> None:
        self._asked = asked
        self._server = server
        self._environment = environment
        self._inputs = Inputs(asked.work, asked.records // asked.organisations)
        self._log = asked.work / "serve.log"

    def run(self) -> Report:
        """Fill it, then each group that is asked for."""
        made, seconds = prepare(load_settings(), self._inputs, self._asked.organisations)
        records = sum(each.records for each in made)
        rate = records / seconds
        print(f"{records:,} records of {len(made)} organisations in {seconds:,.0f} s: {rate:,.0f} rows/s", flush=True)
        self._server.execute(DATABASE, "VACUUM ANALYZE")
        self._server.settle()
        drawn = requests(self._server.url(DATABASE), made, self._asked.requests, seed=self._asked.seed)
        report = Report(
            records=records, organisations=len(made), filled_seconds=seconds, rate=self._asked.rate,
            seconds=self._asked.seconds,
        )  # fmt: skip
        if self._begins("reads"):
            report.plain = self._plain(drawn)
            with self._serving(workers=self._asked.workers, worker=False) as served:
                report.first_sums = self._first_sums(served, made)
                self._wrk(served, drawn, self._asked.seconds / 4)  # warms up
                report.http = self._reads(served, drawn)
        if self._begins("cpu"):
            with self._serving(workers=1, worker=False) as served:
                report.cpu = self._cpu(served, drawn)
        if self._begins("imports"):
            with self._serving(workers=self._asked.workers, worker=True) as served:
                report.imports = self._imports(served, made)
        if self._begins("soak"):
            with self._serving(workers=self._asked.workers, worker=True) as served:
                report.soak = self._soak(served, made, drawn)
        return report

    def _begins(self, group: str) -> bool:
        """Whether a group is asked for, and says so: minutes pass before its figures come."""
        if group in self._asked.only:
            print(f"{time.strftime('%H:%M:%S')} {group} …", flush=True)
        return group in self._asked.only

    def _serving(self, *, workers: int, worker: bool) -> Any:
        command = shlex.split(self._asked.headwater)
        return serving(command, self._environment, self._log, port=self._asked.port, workers=workers, worker=worker)

    def _plain(self, drawn: Sequence[Asked]) -> Times:
        some = drawn[: self._asked.requests // 5]
        with open_installation(load_settings()) as opened, pooled(opened) as installation:
            recorded = api_plain.record(installation, some)
        url = self._server.url(DATABASE, APP_ROLE)
        api_plain.at_rate(url, recorded, rate=self._asked.rate, seconds=self._asked.seconds / 4)
        before = server_cpu_seconds(self._server.postmaster)
        found = api_plain.at_rate(url, recorded, rate=self._asked.rate, seconds=self._asked.seconds)
        return Times(times=found, database_cpu_seconds=server_cpu_seconds(self._server.postmaster) - before)

    def _first_sums(self, served: Serving, made: Sequence[Organisation]) -> list[float]:
        """Milliseconds until the sums of each organisation are worked out; they are kept until a record changes."""
        found = []
        with httpx.Client(base_url=served.url, timeout=60) as client:
            for each in made:
                began = time.monotonic()
                _get(client, Asked(kind="sums", path="/emissions", token=each.token))
                found.append((time.monotonic() - began) * 1000)
        return found

    def _reads(self, served: Serving, drawn: Sequence[Asked]) -> Times:
        before, own = server_cpu_seconds(self._server.postmaster), served.cpu_seconds()
        told = self._wrk(served, drawn, self._asked.seconds)
        return Times(
            times=told.times,
            failed=told.failed,
            database_cpu_seconds=server_cpu_seconds(self._server.postmaster) - before,
            server_cpu_seconds=served.cpu_seconds() - own,
        )

    def _wrk(self, served: Serving, drawn: Sequence[Asked], seconds: float) -> api_reads.Answered:
        """What was answered to requests at the rate that is asked for."""
        with self._reading(served, drawn, seconds, self._asked.rate) as (process, answers):
            process.wait()
        return api_reads.answered(answers)

    @contextmanager
    def _reading(
        self, served: Serving, drawn: Sequence[Asked], seconds: float, rate: float
    ) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
        """The sender at work: its process, and the file in which it leaves what was answered."""
        asked, answers = self._asked.work / "requests.tsv", self._asked.work / "answers.tsv"
        api_reads.write(drawn, asked)
        answers.unlink(missing_ok=True)
        command = [
            *shlex.split(self._asked.wrk), "--threads", "1", "--connections", str(CONNECTIONS),
            "--duration", f"{max(1, round(seconds))}s",
            "--script", str(REPOSITORY / "bench" / "api_reads.lua"),
            served.url, "--", str(asked), str(answers), str(rate),
        ]  # fmt: skip
        with (self._asked.work / "wrk.log").open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            yield process, answers
        finally:
            if process.poll() is None:
                process.terminate()
            process.wait(60)

    def _cpu(self, served: Serving, drawn: Sequence[Asked]) -> dict[str, dict[str, float]]:
        """Processor milliseconds a request of each kind, one after another by one process."""
        count = EACH_KIND["quick" if self._asked.quick else "full"]
        with httpx.Client(base_url=served.url, timeout=60) as client:
            kinds = {kind: [each for each in drawn if each.kind == kind] for kind in MIX}
            return {
                kind: self._cpu_of(served, client, [wanted[number % len(wanted)] for number in range(count)])
                for kind, wanted in kinds.items()
                if wanted
            }

    def _cpu_of(self, served: Serving, client: httpx.Client, some: Sequence[Asked]) -> dict[str, float]:
        for each in some[:10]:
            _get(client, each)
        own, database, began = served.cpu_seconds(), server_cpu_seconds(self._server.postmaster), time.monotonic()
        for each in some:
            _get(client, each)
        return {
            "server_ms": (served.cpu_seconds() - own) * 1000 / len(some),
            "database_ms": (server_cpu_seconds(self._server.postmaster) - database) * 1000 / len(some),
            "ms": (time.monotonic() - began) * 1000 / len(some),
        }

    def _imports(self, served: Serving, made: Sequence[Organisation]) -> list[api_imports.Finished]:
        sent = api_imports.QUICK if self._asked.quick else api_imports.SENT
        content = api_imports.part_of(self._inputs.first.path, self._asked.import_records, 0)
        return api_imports.at_once(served.url, made[: len(sent)], sent, content, MAPPING.read_text(encoding="utf-8"))

    def _soak(self, served: Serving, made: Sequence[Organisation], drawn: Sequence[Asked]) -> api_soak.Soaked:
        draw = random.Random(self._asked.seed)
        mapping, seconds = MAPPING.read_text(encoding="utf-8"), self._asked.minutes * 60

        def each_minute() -> None:
            each = draw.choice(made)
            content = api_imports.part_of(self._inputs.first.path, 1000, draw.randrange(50))
            api_imports.send_one(served.url, each, content, mapping)
            api_imports.export_one(served.url, each)

        with self._reading(served, drawn, seconds, self._asked.rate / 4) as (_, _times):
            return api_soak.watch(served, seconds, each_minute)


def _get(client: httpx.Client, asked: Asked) -> None:
    client.get(f"/api/v1{asked.path}", headers={"Authorization": f"Bearer {asked.token}"}).raise_for_status()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.api", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small try; results are not kept")
    parser.add_argument("--records", type=int, help=f"{FULL_RECORDS:,} unless quick")
    parser.add_argument("--organisations", type=int, help=f"{FULL_ORGANISATIONS} unless quick")
    parser.add_argument("--rate", type=float, default=200, help="requests a second")
    parser.add_argument("--seconds", type=float, help="of reading; 120 unless quick")
    parser.add_argument("--requests", type=int, help="different requests that are drawn; 5000 unless quick")
    parser.add_argument("--import-records", type=int, help="of each of the imports at once; 20,000 unless quick")
    parser.add_argument("--minutes", type=float, help="of the soak; 60 unless quick")
    parser.add_argument("--workers", type=int, default=2, help="server processes")
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=GROUPS, help="run these groups only")
    parser.add_argument("--work", type=Path, help="folder for data and server; about 25 GB for a full run")
    parser.add_argument("--headwater", default=str(REPOSITORY / ".venv/bin/headwater"), help="how to call Headwater")
    parser.add_argument("--wrk", default="wrk", help="how to call wrk")
    asked = parser.parse_args()
    usual = (QUICK_RECORDS, QUICK_ORGANISATIONS, 16, 300, 200, 0.5) if asked.quick else (
        FULL_RECORDS, FULL_ORGANISATIONS, 120, 5000, 20_000, 60)  # fmt: skip
    for name, value in zip(
        ("records", "organisations", "seconds", "requests", "import_records", "minutes"), usual, strict=True
    ):
        if getattr(asked, name) is None:
            setattr(asked, name, value)
    asked.work = (asked.work or Path(tempfile.gettempdir()) / "headwater-bench-api").absolute()
    return asked


def main() -> None:
    """Run what is asked for, and tell it."""
    asked = _arguments()
    where = machine.facts(REPOSITORY, PACKAGES)
    if float(str(where["busy_processors_before"])) > machine.BUSY:
        print(f"careful: {where['busy_processors_before']} processors are busy with something else", file=sys.stderr)
    configure_logging("warning", "human")
    asked.work.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        server = stack.enter_context(running_server(asked.work / "postgres"))
        stack.enter_context(server.database(DATABASE))
        folder = stack.enter_context(tempfile.TemporaryDirectory(dir=asked.work))
        environment = {
            "HEADWATER_DATABASE_URL": server.url(DATABASE, APP_ROLE),
            "HEADWATER_OWNER_URL": server.url(DATABASE, OWNER_ROLE),
            "HEADWATER_DATA_DIR": folder,
        }
        os.environ.update(environment)
        report = Bench(asked, server, environment).run()
        settings = server.settings()
    print("\n" + report.table())
    command = " ".join(["python -m bench.api", *sys.argv[1:]])
    whole = set(asked.only) == set(GROUPS) and not asked.quick
    name = f"api-{where['date']}-{asked.records}" if whole else "latest-partial-api"
    write(
        report,
        {"command": command, "machine": where, "server": settings},
        REPOSITORY / "bench/results" / f"{name}.json",
    )


if __name__ == "__main__":
    main()
