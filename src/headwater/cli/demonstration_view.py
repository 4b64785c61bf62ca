"""What `headwater demo` shows: its words, tables and bars."""

from __future__ import annotations

import shutil
import sys
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from headwater.documents.counted import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from headwater.services.demonstration import Correction
    from headwater.services.quarantine.quarantines import Listing
    from headwater.services.runs_view import RunView
    from headwater.services.tracing.trace import Trace
    from headwater.services.verification import Verification
    from headwater.store.emissions import EmissionSum, WithoutFigure

SCOPES = {1: "Scope 1, burnt here", 2: "Scope 2, energy bought", 3: "Scope 3, others' doing"}
COLOURS = {1: "#8c3b1b", 2: "#c98500", 3: "#2a6f97"}
BAR = 32
VALUE = 40
TONNE = Decimal(1000)


class DemoOnConsole:
    """The demo's audience at a console: see `services.demonstration.Audience`."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._steps = 0

    def _step(self, title: str) -> None:
        self._steps += 1
        self._console.print()
        self._console.print(Text(f"{self._steps}. {title}", style="bold"))

    def opening(self, *, folder: Path, data_dir: Path, files: Sequence[tuple[str, str]]) -> None:
        """What is going to happen, and with which files."""
        self._console.print()
        self._console.print("[bold]Headwater: from nasty files to figures that can be traced.[/bold]")
        self._console.print(f"Files: {folder}. Database, made anew each time: {data_dir}.", soft_wrap=True)
        self._step("Four files of one year, kept by four people, and nobody meant harm")
        table = _table("file", "what is nasty in it")
        for name, nasty in files:
            table.add_row(name, Text(nasty))
        self._console.print(table)

    def imports(self, *, factors: RunView, runs: Sequence[RunView]) -> None:
        """The ledger of every file."""
        self._step("Import: each record is loaded, merged, skipped or refused, and the books balance")
        self._console.print(
            f"{factors.ledger.inserted} emission factors of the UK government for 2020, each with its sheet and cell."
        )
        numbers = ("read", "loaded", "merged", "skipped", "refused", "with a figure")
        table = _table("file", *numbers, numbers=numbers)
        for run in runs:
            ledger = run.ledger
            table.add_row(
                run.run.source_name,
                str(ledger.read),
                str(ledger.inserted + ledger.updated + ledger.unchanged),
                str(ledger.merged),
                str(sum(ledger.skipped.values())),
                str(ledger.quarantined + ledger.quarantined_raw),
                str(ledger.calculation.get("inserted", 0)),
            )
        self._console.print(table)
        self._console.print("read = loaded + merged + skipped + refused, held by a constraint of the database.")

    def emissions(self, sums: Sequence[EmissionSum]) -> None:
        """Emissions by scope with a bar, by activity type below each; sets of warming potentials are never added."""
        self._step("Emissions by scope")
        for gwp_set in sorted({each.gwp_set for each in sums}):
            self._console.print(f"t CO₂e by the warming potentials of {gwp_set}; electricity by location.")
            _emissions_of([each for each in sums if each.gwp_set == gwp_set], self._console)

    def refused(self, listing: Listing, *, names: Mapping[bytes, str]) -> None:
        """Every refused record with its place, value and reason; one in full, as each stands in the export."""
        self._step(f"{counted(listing.total, 'record')} refused, none lost")
        table = _table("file", "line", "value", "why", numbers=("line",))
        order = list(names)
        records = sorted(listing.records, key=lambda record: (order.index(record.source_id), record.record_no))
        for record in records:
            first, *more = record.findings
            value = " ".join(str(first["value"] or "").split())
            table.add_row(
                _short(names[record.source_id]),
                str(record.line),
                Text(value if len(value) <= VALUE else f"{value[: VALUE - 1]}…"),
                Text(str(first["message"]) + (f" And {len(more)} more." if more else "")),
            )
        self._console.print(table)
        told = records[0]
        self._console.print(
            f"Each is told what is valid and how to mend it. Line {told.line} of {names[told.source_id]}:"
        )
        self._console.print(Text(f"  {told.findings[0]['valid']}\n  {told.findings[0]['mend']}", style="dim"))

    def without_figure(self, found: Sequence[WithoutFigure]) -> None:
        """Records that were loaded but have no figure, with the candidates named."""
        records = counted(sum(each.records for each in found), "record")
        self._step(f"{records} loaded without a figure: no factor is taken unasked")
        table = _table("file", "records", "why", numbers=("records",))
        for each in found:
            table.add_row(_short(each.source_name), str(each.records), Text(each.message))
        self._console.print(table)

    def mending(
        self,
        *,
        folder: Path,
        corrections: Sequence[Correction],
        run: RunView,
        before: Sequence[EmissionSum],
        after: Sequence[EmissionSum],
    ) -> None:
        """What was corrected in the export, and what its resubmission changed."""
        self._step("Mend two of them in the export, as one would in a spreadsheet, and send it again")
        for each in corrections:
            self._console.print(Text(f"  {each.column}: {each.was} → {each.now}   ({each.why})"))
        ledger = run.ledger
        left = sum(ledger.skipped.values()) + ledger.quarantined
        self._console.print(
            f"{folder.name}/{run.run.source_name}: {ledger.inserted} loaded, {left} not touched and still open. "
            "What was refused, and what came in its place, is kept."
        )
        self._console.print(f"Scope 2: {tonnes(_total(before, 2))} t → [bold]{tonnes(_total(after, 2))} t CO₂e[/bold]")

    def trace(self, found: Trace) -> None:
        """One figure, back to the line it came from: a line for each step of the way."""
        self._step("Follow one figure back to its line")
        figure, record = found.figure, found.record
        if figure is None:
            raise AssertionError("an emission is traced with its figure")
        factor, mended = figure.factor.values, record.mended
        quantity = next(origin for origin in record.fields if origin.field == "quantity")
        steps = [
            (
                "emission",
                f"{figure.values['co2e_kg']} kg CO2e, scope {figure.values['scope']}, {figure.values['method']}",
            ),
            (
                "formula",
                figure.formula.rpartition("; ")[2] + (", the same again now" if figure.recomputed else ", DIFFERS"),
            ),
            ("factor", f"{factor['factor_id']}. {factor['note']}"),
            (
                "activity",
                f"{found.key}: quantity {quantity.value} from column {quantity.how}, {' '.join(quantity.raw.values())}",
            ),
            ("mapping", f"{record.mapping.name} {record.mapping.version}, SHA-256 {record.mapping.hash}"),
            ("record", f"{record.raw.file}, line {record.raw.line}"),
        ]
        if mended is not None and mended.raw is not None:
            steps.append(("in place of", f"{mended.raw.file}, line {mended.raw.line}: {mended.raw.text}"))
            steps.append(("its file", f"SHA-256 {mended.raw.sha256}"))
        if record.run.audit is not None:
            steps.append(("audit", f"entry {record.run.audit.seq}, {record.run.audit.entry_hash}"))
        for name, said in steps:
            self._console.print(Text.assemble("  ", (f"{name:<12}", "bold"), said), soft_wrap=True)

    def verification(self, found: Verification, *, tampered: Verification, blob: str) -> None:
        """What was checked, and what one changed byte does."""
        self._step("Prove that nothing was changed: everything is computed again from the raw files")
        counts = ", ".join(f"{number} {what}" for what, number in found.checked.items() if number)
        self._console.print(f"{counts}.")
        self._console.print(
            "[bold]Everything agrees.[/bold]" if found.ok else "[bold red]The evidence does not hold.[/bold red]"
        )
        self._console.print(
            f"Note the anchor elsewhere, and a chain whose end is cut off shows: {found.anchor}", soft_wrap=True
        )
        first = tampered.differences[0]
        self._console.print(
            f"Now one byte of {blob} is changed behind its back, and put back after. What verify finds:"
        )
        self._console.print(Text(f"  {first.table}: {first.key}"), soft_wrap=True)
        self._console.print(Text(f"  {first.why} is {first.stored} now"), soft_wrap=True)

    def report(self, page: Path) -> None:
        """Where the page is."""
        self._step("A report for who was not there")
        self._console.print(
            f"{page.parent.name}/{page.name}: one page that needs nothing else. What was read and loaded, findings "
            "with samples, emissions by scope and period, and the anchor."
        )

    def closing(self, *, folder: Path, traced: str) -> None:
        """What to try next."""
        self._step("Now you")
        for command, why in (
            *_activation(),
            (f"cd {folder.name}", "its headwater.toml points to the demo's database"),
            (f"headwater trace emission {traced}", "the whole tree of that figure"),
            ("headwater quarantine list", "what is still refused"),
            ("headwater import gas_bills_2020.csv --mapping gas_bills_2020.yaml", "once more: nothing changes"),
        ):
            self._console.print(Text.assemble(f"  {command}   ", (f"# {why}", "dim")), soft_wrap=True)


def _emissions_of(sums: Sequence[EmissionSum], console: Console) -> None:
    largest = max(_total(sums, scope) for scope in SCOPES)
    table = _table("", "records", "t CO₂e", "", numbers=("records", "t CO₂e"))
    for scope, title in SCOPES.items():
        of_scope = [each for each in sums if each.scope == scope]
        total = _total(sums, scope)
        length = max(1, round(BAR * total / largest)) if total else 0
        table.add_row(
            Text(title, style="bold"),
            str(sum(each.records for each in of_scope)),
            Text(tonnes(total), style="bold"),
            Text("█" * length, style=COLOURS[scope]),
        )
        for each in of_scope:
            table.add_row(f"  {each.activity_type}", str(each.records), tonnes(each.co2e_kg), "")
    table.add_section()
    table.add_row("All", str(sum(each.records for each in sums)), tonnes(sum(each.co2e_kg for each in sums)), "")
    console.print(table)


def _activation() -> list[tuple[str, str]]:
    """What makes `headwater` a command, where it is none: after `make demo` it is in the clone's own environment."""
    script = Path(sys.prefix) / "bin" / "activate"
    if shutil.which("headwater") or not script.is_file():
        return []
    here = script.relative_to(Path.cwd()) if script.is_relative_to(Path.cwd()) else script
    return [(f"source {here}", "so that headwater is found")]


def _short(name: str) -> str:
    """The first word of a file's name."""
    return name.partition("_")[0]


def tonnes(kilograms: Decimal | int) -> str:
    """Tonnes with three decimals, rounded half up."""
    return f"{(Decimal(kilograms) / TONNE).quantize(Decimal('0.001'), ROUND_HALF_UP):,}"


def _total(sums: Sequence[EmissionSum], scope: int) -> Decimal:
    return sum((each.co2e_kg for each in sums if each.scope == scope), Decimal(0))


def _table(*columns: str, numbers: Sequence[str] = ()) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        right = column in numbers
        table.add_column(column, justify="right" if right else "left", overflow="fold", no_wrap=right)
    return table
