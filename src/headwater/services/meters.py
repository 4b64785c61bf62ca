"""The calendar of meters over the activities that stand, and estimates for its gaps as a file to import."""

from __future__ import annotations

import csv
import datetime
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from headwater.accounting.meters import BILLS_SCHEMA, Calendar, Filling, fill_gaps, read_calendar
from headwater.accounting.meters.filling import ACTIVITY_COLUMNS, MADE_HERE
from headwater.documents.counted import counted
from headwater.errors import Misuse
from headwater.services.access.policy import Right
from headwater.services.contract_rows import load_rows
from headwater.services.inventories.calculating import opened_engine
from headwater.services.inventories.inputs import FACTOR
from headwater.services.logic import CALCULATED, RESULTS
from headwater.services.reports.charts import Drawing, Label, Mark
from headwater.services.reports.figure_page import Page, Section, Table
from headwater.services.reports.figures import tonnes, words
from headwater.services.reports.licences import of_figures, section

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import duckdb
    import pyarrow as pa

    from headwater.accounting.factors import RestsOn
    from headwater.services.installation import Installation

FORM = "activity_form"
MOST_METERS = 60
WIDTH, NAMES, PITCH, TOP = 880, 220, 28, 24
HEIGHTS = {"gap": 4, "billed": 12, "overlap": 22}
KINDS = {"gap": "scope2", "billed": "scope3", "overlap": "scope1"}
SAID = {"gap": "not billed", "billed": "billed", "overlap": "billed more than once"}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Which bills and figures are looked at; None: all there are.

    start, end    days that every meter should be billed for, end the day after the last
    figures       whether figures are looked at: estimates need none
    """

    facility: str | None = None
    start: datetime.date | None = None
    end: datetime.date | None = None
    method: str | None = None
    gwp_set: str | None = None
    figures: bool = True

    def __post_init__(self) -> None:
        """Misuse: there is no day between the two."""
        if self.start is not None and self.end is not None and self.end <= self.start:
            raise Misuse(
                f"{self.end}, the day after the last, does not come after {self.start}, the first", where="--from, --to"
            )


@dataclass(frozen=True, kw_only=True)
class MeterCalendar:
    """A calendar, and what its figures are in and rest on. `gwp_set` is absent where there are none."""

    calendar: Calendar
    gwp_set: str | None
    licences: tuple[RestsOn, ...] = ()

    def at_risk(self, kind: str) -> Decimal | None:
        """Kilograms of CO2e in all overlaps or all gaps that have a figure; None where there are some and none has."""
        found = self.calendar.of_kind(kind)
        figures = [row["co2e_kg"] for row in found if row["co2e_kg"] is not None]
        return None if found and not figures else sum(figures, Decimal(0))

    def without_figure(self, kind: str) -> int:
        """How many overlaps or gaps have no figure of CO2e."""
        return sum(row["co2e_kg"] is None for row in self.calendar.of_kind(kind))

    def risk_in_words(self, kind: str) -> str:
        """What is at risk in all of a kind, in tonnes; what has no figure is told, never counted as 0."""
        kg, without = self.at_risk(kind), self.without_figure(kind)
        if kg is None:
            return f"CO2e at risk not available: {without:,} without a figure"
        in_set = f" by {self.gwp_set}" if self.gwp_set else ""
        return f"{tonnes(kg)} t CO2e{in_set} at risk" + (f", {without:,} without a figure" if without else "")

    def as_json(self) -> dict[str, Any]:
        """Plain values; figures are texts."""
        return {
            "gwp_set": self.gwp_set,
            "judged": self.calendar.judged,
            "unjudged": dict(self.calendar.unjudged),
            "co2e_kg_at_risk": {
                kind: None if (kg := self.at_risk(kind)) is None else f"{kg:f}" for kind in ("overlap", "gap")
            },
            "without_figure": {kind: self.without_figure(kind) for kind in ("overlap", "gap")},
            "meters": self.calendar.meters.to_pylist(),
            "findings": self.calendar.findings.to_pylist(),
            "licences": [asdict(each) for each in self.licences],
        }


def meter_calendar(installation: Installation, asked: Asked) -> MeterCalendar:
    """Lay out the bills that stand."""
    installation.require(Right.READ)
    with opened_engine(installation) as connection:
        bills, gwp_set = _bills(installation, connection, asked)
        return MeterCalendar(
            calendar=read_calendar(connection, bills, start=asked.start, end=asked.end),
            gwp_set=gwp_set,
            licences=tuple(_licences(installation, connection, asked)),
        )


def estimates(installation: Installation, asked: Asked, method: str) -> Filling:
    """Estimates for the gaps between the bills that stand, earlier estimates of this kind left aside."""
    installation.require(Right.QUERY)
    with opened_engine(installation) as connection:
        bills, _ = _bills(installation, connection, asked)
        own = f"activity_id NOT LIKE '{MADE_HERE}%'"
        connection.register("all_bills", bills)
        measured = connection.sql(f"SELECT * FROM all_bills WHERE {own}").to_arrow_table()
        connection.unregister("all_bills")
        read_calendar(connection, measured, start=asked.start, end=asked.end)
        return fill_gaps(connection, method)


def write_estimates(installation: Installation, filling: Filling, path: Path) -> Path:
    """Write estimates as activities in the form of the contract, ready to import with the mapping `activity_form`."""
    installation.require(Right.QUERY)
    fields = [spec.name for spec in installation.contract(CALCULATED, 1).fields]
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, fields, restval="", lineterminator="\n")
            writer.writeheader()
            for row in filling.estimates.select(list(ACTIVITY_COLUMNS)).to_pylist():
                writer.writerow({name: "" if value is None else value for name, value in row.items()})
    except OSError as error:
        raise Misuse(
            f"the file cannot be written: {error.strerror}", where=str(path), valid="a file in a folder that exists"
        ) from error
    return path


def remarks(finding: Mapping[str, Any]) -> str:
    """What there is to say of a finding beside its numbers."""
    said = []
    if finding["same_period"]:
        said.append("one period billed several times: the same bill twice, or two meters without ids")
    if finding["estimated"]:
        said.append(f"{finding['estimated']} of them estimated")
    if finding["without_figure"]:
        said.append(f"{finding['without_figure']} without a figure")
    if finding["unit"] is None and finding["bills"]:
        said.append("units differ")
    return "; ".join(said)


def page(found: MeterCalendar, *, organisation: str) -> Page:
    """The calendar as a page: a row of days for each meter, then what was found."""
    calendar = found.calendar
    overlaps, gaps = calendar.of_kind("overlap"), calendar.of_kind("gap")
    meters = counted(calendar.meters.num_rows, "meter")
    return Page(
        title=f"Meters of {organisation}",
        eyebrow="calendar of meters",
        context=f"{counted(calendar.judged, 'bill')} of {meters} laid out"
        + "".join(f" · {count:,} not judged: {reason}" for reason, count in calendar.unjudged.items()),
        tiles=[
            (f"{len(overlaps):,}", "stretches billed more than once"),
            _risk_tile(found, "overlap", "at risk of being counted twice"),
            (f"{len(gaps):,}", "stretches not billed"),
            _risk_tile(found, "gap", "at risk of missing"),
        ],
        sections=[
            Section(
                heading="Days",
                sentences=[
                    f"{min(calendar.meters.num_rows, MOST_METERS):,} of {meters} shown.",
                    "A thin bar is not billed, a middling one billed, a thick one billed more than once.",
                ],
                drawing=_drawing(calendar),
            ),
            _section("Billed more than once", overlaps),
            _section("Not billed", gaps),
            section(found.licences),
        ],
    )


def _risk_tile(found: MeterCalendar, kind: str, said: str) -> tuple[str, str]:
    kg, without = found.at_risk(kind), found.without_figure(kind)
    in_set = f" {words(found.gwp_set)}" if found.gwp_set else ""
    left = f"; {without:,} without a figure" if without else ""
    return ("not available" if kg is None else tonnes(kg), f"t CO₂e{in_set} {said}{left}")


def _section(heading: str, findings: Sequence[Mapping[str, Any]]) -> Section:
    rows = [
        [
            row["meter"], str(row["period_start"]), str(row["period_end"]), f"{row['days']:,}", ", ".join(row["bills"]),
            "" if row["quantity"] is None else f"{row['quantity']:,f} {row['unit']}",
            "" if row["co2e_kg"] is None else tonnes(row["co2e_kg"]), remarks(row),
        ]
        for row in findings
    ]  # fmt: skip
    columns = ["Meter", "From", "Up to", "Days", "Bills", "Quantity", "t CO₂e at risk", "Remarks"]
    return Section(heading=heading, tables=[Table(caption=f"{len(rows):,} found", columns=columns, rows=rows,
                                                  numbers=(3, 5, 6))])  # fmt: skip


def _drawing(calendar: Calendar) -> Drawing | None:
    """A row a meter, a bar for each stretch of days."""
    names = calendar.meters["meter"].to_pylist()[:MOST_METERS]
    segments = [row for row in calendar.segments.to_pylist() if row["meter"] in set(names)]
    if not segments:
        return None
    first = min(row["period_start"] for row in segments)
    last = max(row["period_end"] for row in segments)
    a_day = Decimal(WIDTH - NAMES) / (last - first).days
    place = {name: number for number, name in enumerate(names)}
    marks = []
    for row in segments:
        height = HEIGHTS[row["kind"]]
        middle = TOP + PITCH * place[row["meter"]] + PITCH // 2
        marks.append(
            Mark(
                kind=KINDS[row["kind"]],
                x=f"{NAMES + a_day * (row['period_start'] - first).days:.2f}",
                y=str(middle - height // 2),
                width=f"{max(a_day * (row['period_end'] - row['period_start']).days, Decimal(1)):.2f}",
                height=str(height),
                title=f"{row['meter']}, {row['period_start']} up to {row['period_end']}: {SAID[row['kind']]}",
            )
        )
    labels = [
        Label(kind="label", x="0", y=str(TOP + PITCH * number + PITCH // 2 + 4), anchor="start", text=str(name)[:34])
        for name, number in place.items()
    ]
    ends = ((NAMES, "start", first), (WIDTH, "end", last))
    labels += [Label(kind="axis", x=str(x), y="14", anchor=anchor, text=str(day)) for x, anchor, day in ends]
    return Drawing(
        title="Days billed, missing and billed more than once, by meter",
        width=WIDTH,
        height=TOP + PITCH * len(names),
        lines=(),
        marks=tuple(marks),
        labels=tuple(labels),
    )


def _bills(
    installation: Installation, connection: duckdb.DuckDBPyConnection, asked: Asked
) -> tuple[pa.Table, str | None]:
    """The activities that stand with the figures that count, and the set these are in."""
    for name, contract in (("bill_rows", (CALCULATED, 1)), ("figure_rows", RESULTS)):
        load_rows(installation, connection, installation.contract(*contract), name)
    _choose_figures(connection, asked)
    given = ", ".join(f"bill.{name}" for name in BILLS_SCHEMA.names if name != "co2e_kg")
    where = "WHERE bill.facility_code = $facility" if asked.facility is not None else ""
    bills = connection.sql(
        f"SELECT {given}, figure.co2e_kg FROM bill_rows AS bill"
        f" LEFT JOIN chosen_figures AS figure ON figure.activity_id = bill.activity_id {where}",
        params={"facility": asked.facility} if asked.facility is not None else None,
    ).to_arrow_table()
    if asked.facility is not None and not bills.num_rows:
        raise Misuse("no activity is of this site", where="--facility", value=asked.facility)
    sets = connection.execute("SELECT DISTINCT gwp_set FROM chosen_figures").fetchall()
    return bills, sets[0][0] if sets else None


def _licences(installation: Installation, connection: duckdb.DuckDBPyConnection, asked: Asked) -> list[RestsOn]:
    """What the figures of the bills looked at rest on."""
    load_rows(installation, connection, installation.contract(*FACTOR), "rows_of_factors")
    connection.execute(
        "CREATE OR REPLACE TABLE looked_at AS FROM chosen_figures SEMI JOIN"
        " (FROM bill_rows WHERE $facility IS NULL OR facility_code = $facility) USING (activity_id)",
        {"facility": asked.facility},
    )
    return of_figures(connection, "looked_at", "rows_of_factors")


def _choose_figures(connection: duckdb.DuckDBPyConnection, asked: Asked) -> None:
    """The table chosen_figures, one figure an activity. Misuse: several stand beside each other."""
    connection.execute(
        "CREATE OR REPLACE TABLE chosen_figures AS"
        " SELECT activity_id, factor_id, method, scope, gwp_set, co2e_kg FROM figure_rows"
        " WHERE $figures AND ($set IS NULL OR gwp_set = $set) AND ($method IS NULL OR scope <> 2 OR method = $method)",
        {"set": asked.gwp_set, "method": asked.method, "figures": asked.figures},
    )
    several = (
        ("--gwp-set", "SELECT DISTINCT gwp_set FROM chosen_figures ORDER BY 1"),
        ("--method", "SELECT DISTINCT method FROM chosen_figures WHERE scope = 2 ORDER BY 1"),
    )
    for option, query in several:
        found = [row[0] for row in connection.execute(query).fetchall()]
        if len(found) > 1:
            raise Misuse(
                f"figures stand by {' and by '.join(map(words, found))}, and are not added up",
                where=option,
                valid=", ".join(found),
                remedy=f"Say which with {option}.",
            )
