"""The report of a run: one HTML page that needs nothing else, for people who were not there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

from headwater.accounting.factors import licences_of
from headwater.errors import Misuse
from headwater.services.access.policy import Right
from headwater.services.factors.factor_sets import FACTORS
from headwater.services.logic import CALCULATED, RESULTS
from headwater.services.reports.figures import sections, tonnes, words
from headwater.services.reports.pages import rendered
from headwater.services.runs_view import RunView, show_run
from headwater.services.sources import file_of
from headwater.store import audit, report
from headwater.store.cited_blobs import get_cited_blob
from headwater.store.stored_rows import parse_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from headwater.accounting.factors import Licence
    from headwater.services.installation import Installation
    from headwater.services.reports.figures import Section
    from headwater.store.cited_blobs import CitedBlob
    from headwater.store.report import FactorUse, Figure, Sample

SAMPLES = 5
FACTORS_SHOWN = 100
REPORTED = "facility_emission"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Findings of one rule: how many, and the first few; `message` is empty where each sample says its own."""

    rule_id: str
    field: str
    message: str
    valid: str
    mend: str
    total: int
    still_open: int
    samples: tuple[Sample, ...]


@dataclass(frozen=True, kw_only=True)
class Factor:
    """A factor as it stood in the set it was taken from, and what was calculated with it."""

    values: Mapping[str, Any]
    factor_set: str
    records: int
    tonnes: str


@dataclass(frozen=True, kw_only=True)
class Report:
    """All that the page shows. Figures are those that stand from the run's source, whichever of its runs made them."""

    organisation: str
    view: RunView
    file: CitedBlob
    refused: tuple[Rule, ...]
    noticed: tuple[Rule, ...]
    sections: tuple[Section, ...]
    factors: tuple[Factor, ...]
    factors_in_all: int
    licences: tuple[Licence, ...]  # of all factors used, shown or not
    as_of: datetime
    anchor: str


def write_report(installation: Installation, run: str, path: Path) -> Path:
    """Write the report of a run, named by its id or the beginning of it, as of now."""
    installation.require(Right.QUERY)
    page = render(read_report(installation, run))
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise Misuse(
            f"the report cannot be written: {error.strerror}", where=str(path), valid="a file in a folder that exists"
        ) from error
    return path


def read_report(installation: Installation, run: str) -> Report:
    """What the report of a run shows, as of now."""
    tenant_id = installation.tenant_id
    view = show_run(installation, run)
    run_id, source_id = view.run.run_id, view.run.source_id
    activity, emission = installation.contract(CALCULATED, 1), installation.contract(*RESULTS)
    is_reported = view.contract.startswith(f"{REPORTED} ")
    with installation.database.snapshot(tenant_id) as connection:
        figures: list[Figure] = []
        used: list[FactorUse] = []
        if is_reported:
            major = int(view.contract.partition(" ")[2].partition(".")[0])
            contract = installation.contract(REPORTED, major)
            figures = report.reported(connection, tenant_id, source_id, contract=contract)
        elif view.run.factor_set is not None:
            documents = {"activity": activity, "emission": emission}
            figures = report.calculated(connection, tenant_id, source_id, **documents)
            used = report.factors_used(connection, tenant_id, source_id, **documents)
        refused = report.findings_of(connection, tenant_id, run_id, refused=True, samples=SAMPLES)
        noticed = report.findings_of(connection, tenant_id, run_id, refused=False, samples=SAMPLES)
        blob = get_cited_blob(connection, tenant_id, view.run.blob_sha256)
        anchor = audit.head(connection, tenant_id)
    factors = _factors(installation, used)
    return Report(
        organisation=installation.settings.organisation,
        view=view,
        file=replace(blob, name=file_of(view.run.layout) or blob.name),
        refused=_rules(refused),
        noticed=_rules(noticed),
        sections=tuple(sections(figures)),
        factors=factors[:FACTORS_SHOWN],
        factors_in_all=len(factors),
        licences=_licences(factors),
        as_of=datetime.now(UTC),
        anchor=str(anchor),
    )


def render(shown: Report) -> str:
    """The report as HTML."""
    filters: dict[str, Callable[..., Any]] = {
        "count": _count,
        "moment": _moment,
        "sentence": _sentence,
        "words": words,
        "plain": _plain,
    }
    return rendered(
        "report.html.j2", filters, report=shown, view=shown.view, run=shown.view.run, ledger=shown.view.ledger,
        samples=SAMPLES,
    )  # fmt: skip


def _rules(samples: Sequence[Sample]) -> tuple[Rule, ...]:
    rules = []
    for rule_id, found in groupby(samples, key=lambda sample: sample.rule_id):
        shown = tuple(found)
        first = shown[0]
        rules.append(
            Rule(
                rule_id=rule_id,
                field=first.field,
                message=first.message if all(sample.message == first.message for sample in shown) else "",
                valid=first.valid,
                mend=first.mend,
                total=first.total,
                still_open=first.still_open,
                samples=shown,
            )
        )
    return tuple(rules)


def _factors(installation: Installation, used: Sequence[FactorUse]) -> tuple[Factor, ...]:
    """Each factor as its pinned set has it; sets are read once."""
    wanted: dict[bytes, set[str]] = {}
    for use in used:
        wanted.setdefault(use.factor_set, set()).add(use.factor_id)
    rows: dict[tuple[bytes, str], Mapping[str, Any]] = {}
    for factor_set, names in wanted.items():
        with installation.blobs.open(installation.tenant_id, factor_set) as file:
            table = parse_rows(file.read())
        for row in table.to_pylist():
            if row["factor_id"] in names:
                rows[factor_set, row["factor_id"]] = row
    unknown = dict.fromkeys(spec.name for spec in installation.contract(*FACTORS).fields)
    return tuple(
        Factor(
            values=rows.get((use.factor_set, use.factor_id), {**unknown, "factor_id": use.factor_id}),
            factor_set=use.factor_set.hex(),
            records=use.records,
            tonnes=tonnes(use.co2e_kg),
        )
        for use in used
    )


def _licences(factors: Sequence[Factor]) -> tuple[Licence, ...]:
    known = {"true": True, "false": False}
    rows = [
        {
            **each.values,
            "source": each.values["source"] or "",
            "redistributable": known.get(each.values["redistributable"]),
        }
        for each in factors
    ]
    return tuple(licences_of(rows))


def _count(number: int) -> str:
    return f"{number:,}"


def _sentence(text: str) -> str:
    return f"{text.rstrip('.')}."


def _plain(number: str | None) -> str:
    """A decimal without the zeros that say nothing."""
    text = number or ""
    return text.rstrip("0").rstrip(".") if "." in text else text


def _moment(at: datetime | None) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC") if at else "not ended"
