"""`headwater demo`: nasty files to figures that can be traced, in a database of its own, told step by step.

Everything goes through the same use cases as any command; nothing here is staged but the files.
"""

from __future__ import annotations

import csv
import shutil
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from headwater.errors import Misuse
from headwater.services.emissions import calculated_emissions, without_figure
from headwater.services.factors.library import plan_factors
from headwater.services.imports import carry_out, plan_file
from headwater.services.installation import open_installation
from headwater.services.quarantine.exports import export
from headwater.services.quarantine.quarantines import list_records, plan_resubmission
from headwater.services.reports.of_run import write_report
from headwater.services.runs_view import show_run
from headwater.services.tracing.tracer import trace_emission
from headwater.services.verification import verify
from headwater.store.embedded import EmbeddedServer
from headwater.telemetry import SilentProgress

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from headwater.services.installation import Installation
    from headwater.services.quarantine.quarantines import Listing
    from headwater.services.runs_view import RunView
    from headwater.services.tracing.trace import Trace
    from headwater.services.verification import Verification
    from headwater.settings import Settings
    from headwater.store.emissions import EmissionSum, WithoutFigure

FOLDER = "headwater-demo"
FACTORS = "factors_uk_2020.csv"
METERS = "electricity_meters_2020.csv"
REPORT = "report.html"
MADE_BY = "# Written by `headwater demo`, which empties what this names when it runs again."
SHOWN = 100
TRACED = "M-100/01.03.2020"
"""The activity of the record with the first correction."""


@dataclass(frozen=True, kw_only=True)
class DemoFile:
    """A file of activities that the demo brings; its mapping lies beside it as `.yaml`."""

    name: str
    nasty: str

    @property
    def mapping(self) -> str:
        """The file name of its mapping."""
        return f"{Path(self.name).stem}.yaml"


@dataclass(frozen=True, kw_only=True)
class Correction:
    """One cell that a person would correct in the export, knowing what was meant."""

    column: str
    was: str
    now: str
    why: str


FILES = (
    DemoFile(
        name=METERS, nasty="Latin-1, ';', decimal commas, three lines above the header, '#' lines, totals, 'k.A.'"
    ),
    DemoFile(
        name="gas_bills_2020.csv", nasty="byte order mark, '1,234.5' and '2.655,75', (brackets), two units, a total"
    ),
    DemoFile(name="fuel_cards_2020.txt", nasty="tabs, month before day, gallons, a field too many, a blank line"),
    DemoFile(
        name="travel_and_water_2020.csv", nasty="'|', remarks of two lines, miles, a time in a date, a line twice"
    ),
)

CORRECTIONS = (
    Correction(column="Verbrauch", was="12.3O4,50", now="12.304,50", why="a letter O for a zero"),
    Correction(column="Bis", was="30.02.2020", now="29.02.2020", why="February 2020 had 29 days"),
)


class Audience(Protocol):
    """Who is told. Each step is told when it is done, in this order; how it looks is theirs."""

    def opening(self, *, folder: Path, data_dir: Path, files: Sequence[tuple[str, str]]) -> None:
        """What is going to happen; each file with what is nasty in it."""

    def imports(self, *, factors: RunView, runs: Sequence[RunView]) -> None:
        """The factors and the files are in."""

    def emissions(self, sums: Sequence[EmissionSum]) -> None:
        """Emissions by scope and activity type."""

    def refused(self, listing: Listing, *, names: Mapping[bytes, str]) -> None:
        """Every refused record; `names` has the files by source."""

    def without_figure(self, found: Sequence[WithoutFigure]) -> None:
        """Records without a factor of theirs."""

    def mending(
        self,
        *,
        folder: Path,
        corrections: Sequence[Correction],
        run: RunView,
        before: Sequence[EmissionSum],
        after: Sequence[EmissionSum],
    ) -> None:
        """Records were corrected and sent again by `run`."""

    def trace(self, found: Trace) -> None:
        """One figure, back to its line."""

    def verification(self, found: Verification, *, tampered: Verification, blob: str) -> None:
        """What verify says, and what it says while one byte of `blob` is another one."""

    def report(self, page: Path) -> None:
        """The report of a run was written."""

    def closing(self, *, folder: Path, traced: str) -> None:
        """What to try next."""


def run_demo(settings: Settings, audience: Audience) -> None:
    """Run the whole demo below the current folder; its database and blobs in a folder `demo` of `data_dir`.

    Each time from an empty database. Misuse where either folder holds what no demo has made.
    """
    folder = Path.cwd() / FOLDER
    own = settings.model_copy(
        update={
            "database_url": None,
            "owner_url": None,
            "data_dir": settings.data_dir / "demo",
            "blob_dir": settings.data_dir / "demo" / "blobs",
        }
    )
    _begin_anew(folder, own)
    audience.opening(folder=folder, data_dir=own.data_dir, files=[(each.name, each.nasty) for each in FILES])
    with open_installation(own) as installation:
        _tell(installation, audience, folder)
    audience.closing(folder=folder, traced=TRACED)


def _tell(installation: Installation, audience: Audience, folder: Path) -> None:
    factors = _carried_out(installation, plan_factors(installation, folder / FACTORS))
    runs = [
        _carried_out(installation, plan_file(installation, folder / each.name, str(folder / each.mapping)))
        for each in FILES
    ]
    audience.imports(factors=factors, runs=runs)
    before = calculated_emissions(installation)
    audience.emissions(before)
    refused = list_records(installation, state="open", run=None, rule=None, limit=SHOWN)
    names = {run.run.source_id: run.run.source_name for run in runs}
    audience.refused(refused, names=names)
    audience.without_figure(without_figure(installation, [run.run.run_id for run in runs]))
    mended = _mend(installation, folder, runs[0])
    after = calculated_emissions(installation)
    audience.mending(folder=folder, corrections=CORRECTIONS, run=mended, before=before, after=after)
    audience.trace(trace_emission(installation, TRACED))
    proof = verify(installation, progress=SilentProgress())
    audience.verification(proof, tampered=_with_a_byte_changed(installation, runs[0]), blob=METERS)
    audience.report(write_report(installation, str(runs[0].run.run_id), folder / REPORT))


def _begin_anew(folder: Path, settings: Settings) -> None:
    """An empty data folder, and the demo's files in a folder of the person's own with a configuration beside them."""
    marker = folder / "headwater.toml"
    if folder.exists() and any(folder.iterdir()) and not _is_ours(marker):
        raise Misuse(
            "the folder is there already and no demo has made it",
            where=str(folder),
            remedy="Run the demo in another folder, or move that one away.",
        )
    data = settings.data_dir
    if data.exists() and any(data.iterdir()):
        if not (data / FOLDER).is_file():
            raise Misuse("the folder is there already and no demo has made it", where=str(data), remedy="Move it away.")
        if (data / "postgres").exists() and not EmbeddedServer.start(data / "postgres").stop():
            raise Misuse(
                "another command is working with the demo's database", where=str(data), remedy="Wait until it ends."
            )
        shutil.rmtree(data)
    data.mkdir(parents=True)
    (data / FOLDER).write_text(f"{MADE_BY}\n", encoding="utf-8")
    folder.mkdir(exist_ok=True)
    marker.write_text(f'{MADE_BY}\ndata_dir = "{data}"\n', encoding="utf-8")
    for entry in resources.files("headwater.services").joinpath("demo_files").iterdir():
        (folder / entry.name).write_bytes(entry.read_bytes())


def _is_ours(marker: Path) -> bool:
    return marker.is_file() and marker.read_text(encoding="utf-8").startswith(MADE_BY)


def _mend(installation: Installation, folder: Path, run: RunView) -> RunView:
    """Export what a run refused, correct two cells as a person would in a spreadsheet, and send the file again."""
    path = folder / "mend.csv"
    with path.open("w", encoding="utf-8", newline="") as out:
        export(installation, out, run=str(run.run.run_id), rule=None)
    with path.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file)
    for correction in CORRECTIONS:
        place = header.index(correction.column)
        for row in rows:
            if row[place] == correction.was:
                row[place] = correction.now
    path = folder / "mended.csv"
    with path.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([header, *rows])
    return _carried_out(installation, plan_resubmission(installation, path))


def _with_a_byte_changed(installation: Installation, run: RunView) -> Verification:
    """What `verify` says while the first byte of a run's raw file is another one."""
    path = installation.blobs.path(installation.tenant_id, run.run.blob_sha256)
    content, rights = path.read_bytes(), path.stat().st_mode
    try:
        path.chmod(0o600)
        path.write_bytes(b"z" + content[1:])
        return verify(installation, progress=SilentProgress())
    finally:
        path.write_bytes(content)
        path.chmod(rights)


def _carried_out(installation: Installation, run_id: UUID) -> RunView:
    return show_run(installation, carry_out(installation, run_id, progress=SilentProgress()))
