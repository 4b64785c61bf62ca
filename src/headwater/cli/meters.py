"""`headwater meters`: which days are billed twice and which not at all, and named estimates for those that are not."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headwater.cli.imports import AsJson
from headwater.cli.licences import print_licences
from headwater.cli.pages import present
from headwater.cli.printing import print_json, print_table
from headwater.cli.session import installation
from headwater.documents.counted import counted

if TYPE_CHECKING:
    from headwater.services.meters import Asked, MeterCalendar

app = typer.Typer(no_args_is_help=True, help="Meters: the calendar of their bills, and estimates for its gaps.")

DAY = ["%Y-%m-%d"]
Facility = Annotated[str | None, typer.Option(help="Only of this site.", show_default="all")]
Start = Annotated[
    datetime.datetime | None,
    typer.Option("--from", formats=DAY, help="First day to be billed.", show_default="each meter's first"),
]
End = Annotated[
    datetime.datetime | None,
    typer.Option("--to", formats=DAY, help="Day after the last to be billed.", show_default="each meter's last"),
]
Method = Annotated[str | None, typer.Option(help="The method of scope 2, where both stand.")]
GwpSet = Annotated[str | None, typer.Option(help="The set of warming potentials, where several stand.")]


@app.command("calendar")
def calendar(
    *,
    facility: Facility = None,
    start: Start = None,
    end: End = None,
    method: Method = None,
    gwp_set: GwpSet = None,
    html: Annotated[Path | None, typer.Option(help="Write it as a page with a row of days for each meter.")] = None,
    as_json: AsJson = False,
) -> None:
    """Lay out billing periods meter by meter: overlaps, gaps, and the CO2e at risk in them.

    A meter is known by site and id; bills without an id by site and activity type. Nothing is changed.

    \b
    Examples:
      headwater meters calendar
      headwater meters calendar --facility LON --from 2024-01-01 --to 2025-01-01
      headwater meters calendar --html meters.html
    """
    from headwater.services.meters import meter_calendar, page

    with installation() as opened:
        found = meter_calendar(opened, _asked(facility, start, end, method, gwp_set))
        organisation = opened.settings.organisation
    present(
        page=lambda: page(found, organisation=organisation),
        html=html,
        body=found.as_json,
        as_json=as_json,
        tables=lambda: _print(found),
    )


@app.command("fill")
def fill(
    *,
    method: Annotated[str, typer.Option(help="mean_of_neighbours, same_period_last_year or none.", show_default=False)],
    out: Annotated[Path, typer.Option(help="File to write the estimates to.", show_default=False)],
    facility: Facility = None,
    start: Start = None,
    end: End = None,
    as_json: AsJson = False,
) -> None:
    """Write estimates for gaps, as activities whose data quality is `estimated`.

    Nothing is loaded: look at the file, then import it. Made again after a bill has come, its estimate is no longer
    among them.

    \b
    Examples:
      headwater meters fill --method mean_of_neighbours --out estimates.csv
      headwater import estimates.csv --mapping activity_form
    """
    from headwater.services.meters import FORM, estimates, write_estimates

    with installation() as opened:
        found = estimates(opened, _asked(facility, start, end, None, None, figures=False), method)
        write_estimates(opened, found, out)
    left = found.left.to_pylist()
    if as_json:
        print_json({"method": found.method, "estimates": found.estimates.to_pylist(), "left": left, "file": str(out)})
        return
    print_table(
        ["meter", "from", "up to", "quantity", "unit", "how"],
        [
            (
                row["meter_id"] or f"{row['facility_code']}, {row['activity_type']}",
                row["period_start"],
                row["period_end"],
                f"{row['quantity']:,f}",
                row["unit"],
                row["note"],
            )
            for row in found.estimates.to_pylist()
        ],
        title="Estimates",
        numbers=["quantity"],
    )
    if left:
        print_table(
            ["meter", "from", "up to", "days", "why not"],
            [(row["meter"], row["period_start"], row["period_end"], row["days"], row["reason"]) for row in left],
            title="Gaps that stay",
            numbers=["days"],
        )
    stay = counted(len(left), "gap stays", "gaps stay")
    typer.echo(f"{counted(found.estimates.num_rows, 'estimate')} written to {out}, {stay}")
    if found.estimates.num_rows:
        typer.echo(f"load them: headwater import {out} --mapping {FORM}")


def _asked(
    facility: str | None,
    start: datetime.datetime | None,
    end: datetime.datetime | None,
    method: str | None,
    gwp_set: str | None,
    *,
    figures: bool = True,
) -> Asked:
    from headwater.services.meters import Asked

    return Asked(
        facility=facility,
        start=start.date() if start else None,
        end=end.date() if end else None,
        method=method,
        gwp_set=gwp_set,
        figures=figures,
    )


def _print(found: MeterCalendar) -> None:
    from headwater.services.meters import remarks
    from headwater.services.reports.figures import tonnes

    calendar = found.calendar
    print_table(
        ["what", "meter", "from", "up to", "days", "bills", "quantity", "t CO2e at risk", "remarks"],
        [
            (
                row["kind"],
                row["meter"],
                row["period_start"],
                row["period_end"],
                row["days"],
                ", ".join(row["bills"]),
                None if row["quantity"] is None else f"{row['quantity']:,f} {row['unit']}",
                None if row["co2e_kg"] is None else tonnes(row["co2e_kg"]),
                remarks(row),
            )
            for row in calendar.findings.to_pylist()
        ],
        numbers=["days", "quantity", "t CO2e at risk"],
    )
    typer.echo(f"{counted(calendar.judged, 'bill')} of {counted(calendar.meters.num_rows, 'meter')} laid out")
    for reason, count in calendar.unjudged.items():
        typer.echo(f"{counted(count, 'activity', 'activities')} not judged: {reason}")
    for kind, what in (("overlap", "billed more than once"), ("gap", "not billed")):
        typer.echo(
            f"{counted(len(calendar.of_kind(kind)), 'stretch', 'stretches')} {what}: {found.risk_in_words(kind)}"
        )
    print_licences(found.licences)
