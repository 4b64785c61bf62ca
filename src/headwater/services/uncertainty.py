"""How sure an inventory is: intervals of its total and of its parts, ratings of its data, what to improve next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from headwater.accounting.quality_rating import Rating, rate
from headwater.accounting.uncertainty import FIGURES_SCHEMA, Assessment, Assumed, Interval, assess, build_model
from headwater.accounting.uncertainty.pedigree import pedigree_table
from headwater.documents.counted import counted
from headwater.errors import Misuse
from headwater.services.access.policy import Right
from headwater.services.inventories.calculating import opened_engine
from headwater.services.inventory_lines import COUNTED, Wanted, called, line_fields, load_lines
from headwater.services.reports.charts import Bar, Chart, room_for, rows
from headwater.services.reports.figure_page import Page, Section, Table
from headwater.services.reports.figures import tonnes, words
from headwater.services.reports.licences import of_lines, section

if TYPE_CHECKING:
    from headwater.accounting.factors import RestsOn
    from headwater.services.installation import Installation

NAMED = {"site": "facility_code"}
GROUPS = ("scope", "category", "site", "activity_type", "region", "stage", "factor_source", "data_quality")
WITHOUT = "none"
LABEL = 46
NOT_STATED = "not stated"
NOTHING_STATED = (
    "neither activities nor factors state a spread, so none is known:"
    " assume one with --assume-activity and --assume-factor"
)
STATES_NOTHING = "(states nothing)"
INTERVAL = ("t CO2e", "± %", "2.5 %", "97.5 %", "states a spread, %", "found")
IMPROVE = ("datum", "what", "t CO2e on it", "its own ± %", "variance removed, %", "total then ± %")
RATED = ("technology", "time", "geography", "completeness", "reliability")
"""Heads of the tables, as terminal and page have them."""
_FIGURES = {
    "activity": "activity_id",
    "factor": "coalesce(factor_id, 'instrument ' || instrument_id)",
    "co2e_kg": "co2e_kg",
    "activity_percent": "CAST(quantity_uncertainty_percent AS DOUBLE)",
    "activity_pedigree": "activity_pedigree",
    "factor_percent": "CAST(factor_uncertainty_percent AS DOUBLE)",
    "factor_pedigree": "factor_pedigree",
}


@dataclass(frozen=True, kw_only=True)
class Uncertainty:
    """An inventory's total with how sure it is. `activity_ratings` and `factor_ratings` begin with the whole."""

    inventory: str
    method: str
    gwp_set: str
    lines: str
    licences: tuple[RestsOn, ...]
    caveat: str | None
    total_kg: Decimal
    by: tuple[str, ...]
    assumed: Assumed
    assessment: Assessment
    activity_ratings: tuple[Rating, ...]
    factor_ratings: tuple[Rating, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values. Figures of uncertainty are numbers of a computation, the total is a text with its places."""
        whole, assessment = self.assessment.whole, self.assessment
        return {
            "inventory": self.inventory,
            "method": self.method,
            "gwp_set": self.gwp_set,
            "lines_sha256": self.lines,
            "licences": [asdict(each) for each in self.licences],
            "caveat": self.caveat,
            "co2e_kg": f"{self.total_kg:f}",
            "assumed": asdict(self.assumed),
            "total": _interval_json(whole),
            "groups": [
                {"key": dict(zip(self.by, group.group, strict=True)), **_interval_json(group)}
                for group in assessment.groups
            ],
            "improve": [asdict(each) for each in assessment.improve],
            "uncertain_data": assessment.uncertain,
            "draws": assessment.draws,
            "seed": assessment.seed,
            "drawn_alone": assessment.alone,
            "drawn_in_pools": assessment.pooled,
            "ratings": {
                name: [_rating_json(each, self.by) for each in ratings]
                for name, ratings in (("activities", self.activity_ratings), ("factors", self.factor_ratings))
            },
        }


def inventory_uncertainty(
    installation: Installation,
    inventory: str,
    *,
    by: Sequence[str] = ("scope",),
    wanted: Wanted | None = None,
    assumed: Assumed | None = None,
    draws: int,
    seed: int,
    first: int,
) -> Uncertainty:
    """Assess the designated total of an inventory, or another of its totals.

    by: what its parts are. assumed: what is taken for data that state nothing. draws, seed: of Monte Carlo.
    """
    installation.require(Right.QUERY)
    assumed = assumed or Assumed()
    pedigree_table(assumed.table)  # before anything is read
    with opened_engine(installation) as engine:
        loaded = load_lines(installation, engine, [inventory], wanted or Wanted())
        columns = _group_columns(by)
        figures = engine.sql(_figures_sql(columns, assumed)).to_arrow_table()
        licences = of_lines(installation, engine, COUNTED, loaded.inventories)
        ((total,),) = engine.execute(f"SELECT coalesce(sum(co2e_kg), 0) FROM {COUNTED}").fetchall()
    figures = figures.cast(_schema(figures))
    names = [name for name, _ in columns]
    return Uncertainty(
        inventory=called(loaded.inventories[0]),
        method=loaded.method,
        gwp_set=loaded.gwp_set,
        lines=loaded.sha256,
        licences=tuple(licences),
        caveat=loaded.caveat,
        total_kg=total,
        by=tuple(by),
        assumed=assumed,
        assessment=assess(build_model(figures, by=names, assumed=assumed), draws=draws, seed=seed, first=first),
        activity_ratings=tuple(rate(figures, "activity_pedigree", by=names)),
        factor_ratings=tuple(rate(figures, "factor_pedigree", by=names)),
    )


def page(found: Uncertainty, *, organisation: str) -> Page:
    """The assessment as a page: the interval, its parts, what to improve, how good the data are."""
    whole = found.assessment.whole
    unknown = states_nothing(whole, found.assumed)
    return Page(
        title=f"How sure {found.inventory} of {organisation} is",
        eyebrow="uncertainty",
        context=f"{words(found.method)} · {found.gwp_set} · {'; '.join(sentences(found))}",
        tiles=[
            (tonnes(found.total_kg), "t CO₂e, as reported"),
            (NOT_STATED if unknown else f"± {whole.half_width:.1f} %", "half-width of the 95 % interval"),
            (NOT_STATED if unknown else f"{_t(whole.low)} to {_t(whole.high)}", "t CO₂e, 95 % interval"),
            (f"{100 * whole.covered:.0f} %", "of the total states how sure it is"),
        ],
        sections=[
            Section(
                heading=f"By {' and '.join(found.by) or 'whole'}",
                tables=[
                    Table(
                        caption=counted(1 + len(found.assessment.groups), "total"),
                        columns=["", *INTERVAL],
                        rows=interval_rows(found),
                        numbers=(1, 2, 3, 4, 5),
                    )
                ],
            ),
            Section(
                heading="What to improve next",
                sentences=["By how much the variance of the total would fall if one datum were known exactly."]
                if found.assessment.improve
                else ["Nothing has a spread here."],
                drawing=_drawing(found.assessment),
                tables=[
                    Table(
                        caption=f"{len(found.assessment.improve):,} of {found.assessment.uncertain:,} data shown",
                        columns=IMPROVE,
                        rows=improve_rows(found),
                        numbers=(2, 3, 4, 5),
                    )
                ],
            ),
            Section(
                heading="Quality of data",
                sentences=["Pedigree scores weighted by emissions: 1 is best, 5 worst."],
                tables=[_ratings_table("activities", found.activity_ratings),
                        _ratings_table("factors", found.factor_ratings)],
            ),
            section(found.licences),
        ],
    )  # fmt: skip


def sentences(found: Uncertainty) -> list[str]:
    """How the interval was found, how much states a spread, and what was assumed."""
    assessment, assumed = found.assessment, found.assumed
    said = [] if found.caveat is None else [found.caveat]
    whole = assessment.whole
    if states_nothing(whole, assumed):
        return [*said, NOTHING_STATED]
    if assessment.draws:
        said.append(f"{assessment.draws:,} draws, seed {assessment.seed}")
        if assessment.pooled:
            said.append(
                f"{counted(assessment.alone, 'activity', 'activities')} drawn each, {assessment.pooled:,} in pools"
            )
    else:
        said.append("in closed form, nothing drawn")
    said.append(
        f"a spread is stated by activities for {100 * whole.activities_covered:.0f} % of the total,"
        f" by factors for {100 * whole.factors_covered:.0f} %"
    )
    for what, percent in (("activities", assumed.activity_percent), ("factors", assumed.factor_percent)):
        if percent is not None:
            said.append(f"assumed: ± {percent:g} % where {what} state nothing")
    said.append(f"pedigrees by the table {assumed.table}")
    return said


def states_nothing(each: Interval, assumed: Assumed) -> bool:
    """Whether no spread is known of it: nothing in it states one, and none is assumed."""
    is_assumed = assumed.activity_percent is not None or assumed.factor_percent is not None
    return not each.covered and not is_assumed


def interval_rows(found: Uncertainty) -> list[list[str]]:
    """The intervals of the whole and of its parts as texts."""
    return [_interval_row(each, found.assumed) for each in (found.assessment.whole, *found.assessment.groups)]


def _interval_row(each: Interval, assumed: Assumed) -> list[str]:
    """An interval as texts: its name, total, half-width, bounds, cover, how it was found."""
    if states_nothing(each, assumed):
        return [_name(each.group), _t(each.kg), NOT_STATED, "", "", "0", NOT_STATED]
    return [
        _name(each.group), _t(each.kg), f"{each.half_width:.1f}", _t(each.low), _t(each.high),
        f"{100 * each.covered:.0f}", each.how,
    ]  # fmt: skip


def _name(group: Sequence[Any]) -> str:
    return ", ".join(WITHOUT if part is None else str(part) for part in group) or "total"


def improve_rows(found: Uncertainty) -> list[list[str]]:
    """What to improve next as texts, the first the most."""
    return [
        [each.name, each.kind, _t(each.kg), f"{each.percent:.1f}", f"{100 * each.share:.1f}", f"{each.half_width:.1f}"]
        for each in found.assessment.improve
    ]


def rating_rows(ratings: Sequence[Rating]) -> list[list[str]]:
    """Ratings as texts: name, overall, the five indicators, how much of the total is rated."""
    return [
        [
            _name(each.group),
            "not rated" if each.overall is None else f"{each.overall}",
            *(str(each.indicators[name]) if each.indicators else "" for name in RATED),
            f"{tonnes(each.rated_kg)} of {tonnes(each.kg)}",
        ]
        for each in ratings
    ]


def _ratings_table(what: str, ratings: Sequence[Rating]) -> Table:
    return Table(
        caption=f"Of {what}",
        columns=["", "overall", *RATED, "rated, t CO₂e"],
        rows=rating_rows(ratings),
        numbers=range(1, 8),
    )


def _group_columns(by: Sequence[str]) -> list[tuple[str, str]]:
    """Columns of lines that make groups, each under a name that no figure has."""
    known = line_fields()
    for name in by:
        if NAMED.get(name, name) not in known or name not in GROUPS:
            raise Misuse("parts are not told apart by this", where="--by", value=name, valid=", ".join(GROUPS))
    return [(f"group_{place}", NAMED.get(name, name)) for place, name in enumerate(dict.fromkeys(by))]


def _figures_sql(groups: Sequence[tuple[str, str]], assumed: Assumed) -> str:
    """Lines as `FIGURES_SCHEMA` asks for. Activities that count as certain are one: millions of them often are."""
    figures = dict(_FIGURES)
    if assumed.activity_percent is None:
        nothing = "quantity_uncertainty_percent IS NULL AND activity_pedigree IS NULL"
        figures["activity"] = f"CASE WHEN {nothing} THEN '{STATES_NOTHING}' ELSE activity_id END"
    columns = [*figures.items(), *groups]
    selected = ", ".join(f"{sql} AS {name}" for name, sql in columns)
    names = [name for name, _ in columns if name != "co2e_kg"]
    ordered = ", ".join("sum(co2e_kg) AS co2e_kg" if name == "co2e_kg" else name for name, _ in columns)
    return f"SELECT {ordered} FROM (SELECT {selected} FROM {COUNTED}) GROUP BY {', '.join(names)}"


def _schema(figures: pa.Table) -> pa.Schema:
    wanted = {field.name: field for field in FIGURES_SCHEMA}
    return pa.schema([wanted.get(field.name, field) for field in figures.schema])


def _interval_json(each: Interval) -> dict[str, Any]:
    return {name: value for name, value in asdict(each).items() if name != "group"}


def _rating_json(each: Rating, by: Sequence[str]) -> dict[str, Any]:
    indicators: Mapping[str, Decimal] = each.indicators or {}
    return {
        "key": dict(zip(by, each.group, strict=True)) if each.group else {},
        "overall": None if each.overall is None else str(each.overall),
        "indicators": {name: str(score) for name, score in indicators.items()},
        "rated_kg": f"{each.rated_kg:f}",
        "co2e_kg": f"{each.kg:f}",
    }


def _drawing(assessment: Assessment) -> Any:
    shown = assessment.improve[:10]
    if len(shown) < 2:
        return None
    bars = [Bar(label=each.name[:LABEL], parts={each.kind: Decimal(f"{100 * each.share:.2f}")}) for each in shown]
    return rows(
        Chart(
            title="Share of the variance that would be removed, in per cent",
            bars=bars,
            series={"activity": "scope3", "factor": "scope2"},
            number=lambda value: f"{value} %",
        ),
        names=room_for(bar.label for bar in bars),
    )


def _t(kg: float) -> str:
    return tonnes(Decimal(repr(kg)))
