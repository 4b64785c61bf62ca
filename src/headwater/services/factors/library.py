"""Emission factors: a form to import them in, the library of those that stand, and what of it may be passed on."""

from __future__ import annotations

import csv
import difflib
import io
from bisect import bisect_right
from dataclasses import asdict, dataclass, replace
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headwater.accounting.factors import broader, conflicts, gate, licences_of, statuses
from headwater.accounting.units import rounded
from headwater.engine.duck import small_engine
from headwater.errors import Misuse, NotFound
from headwater.services.access.policy import Right
from headwater.services.batches import import_each
from headwater.services.factors.factor_sets import FACTORS, typed
from headwater.services.imports import file_recipe, plan_file, source_files
from headwater.services.installation import shipped_mappings
from headwater.services.listing import Page, cursor_of, id_of_place, mark_of
from headwater.store.stored_rows import current_rows, parse_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from uuid import UUID

    from headwater.accounting.factors import Conflict, LeftOut, Licence
    from headwater.documents.delimiters import Delimiter
    from headwater.services.answers.figures import FactorConflict, FactorListed, FactorShown
    from headwater.services.batches import Imported
    from headwater.services.installation import Installation
    from headwater.telemetry import Progress

FORM = "emission_factor_form"
"""The mapping whose columns are named as the contract's fields."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which factors are asked for: all that every word given fits. None means any."""

    activity_type: str | None = None
    region: str | None = None
    source: str | None = None
    stage: str | None = None
    status: str | None = None


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What an export carries: how many factors, those it leaves out, and the licences that the others rest on."""

    factors: int
    left_out: Sequence[LeftOut]
    licences: Sequence[Licence]

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def plan_factors(installation: Installation, path: Path, mapping: str = FORM) -> UUID:
    """Plan the import of a file of factors; the run's id, for `carry_out`."""
    installation.require(Right.TRANSFORM)
    return plan_file(installation, path, mapping)


def series(installation: Installation, mapping: str) -> tuple[str, ...]:
    """The mappings that one word stands for: itself, or all that a pack brings under names that begin with it.

    `desnz_2020` stands for desnz_2020_fuels, desnz_2020_electricity and the others: a workbook has many tables.
    """
    installation.require(Right.READ)
    if Path(mapping).suffix or Path(mapping).is_file():
        return (mapping,)
    shipped = shipped_mappings(installation.packs)
    members = tuple(name for name in sorted(shipped) if name.startswith(f"{mapping}_"))
    return (mapping,) if mapping in shipped or not members else members


def import_series(
    installation: Installation, path: Path, mappings: Sequence[str], *, progress: Progress
) -> Iterator[Imported]:
    """Import one file through each of several mappings, a run each; `file` names the mapping. None is left out."""
    installation.require(Right.TRANSFORM)
    for mapping in mappings:
        recipe = file_recipe(str(path), mapping)
        files = source_files(installation, recipe, Path.cwd())
        for each in import_each(installation, recipe, Path.cwd(), files, again=True, progress=progress):
            yield replace(each, file=mapping)


def list_factors(installation: Installation, wanted: Wanted, *, limit: int) -> tuple[list[FactorListed], int]:
    """The first factors that stand, by key, as canonical texts with `status`, and how many there are of those wanted.

    Misuse where there are factors, and none with a word that is wanted.
    """
    installation.require(Right.READ)
    found: list[Any] = [text | {"status": status} for text, _, status in _wanted(installation, wanted)]
    return found[:limit], len(found)


def page_of_factors(installation: Installation, wanted: Wanted, *, cursor: str | None, limit: int) -> Page:
    """The factors that `list_factors` has, in the order of the characters of their ids, page by page."""
    installation.require(Right.READ)
    mark = mark_of(installation.tenant_id, ["factors", vars(wanted)])
    after = None if cursor is None else id_of_place(cursor, mark)
    items = sorted(
        (text | {"status": status} for text, _, status in _wanted(installation, wanted)), key=itemgetter("factor_id")
    )
    total = len(items)
    if after is not None:
        items = items[bisect_right(items, after, key=itemgetter("factor_id")) :]
    shown = items[:limit]
    following = cursor_of(mark, [shown[-1]["factor_id"]]) if len(items) > limit else None
    return Page(items=shown, next_cursor=following, total=total)


def show_factor(installation: Installation, factor_id: str) -> FactorShown:
    """One factor as canonical texts, with its status, its conflicts and the broader regions of its own."""
    installation.require(Right.READ)
    library = _library(installation)
    found = next((each for each in library if each[0]["factor_id"] == factor_id), None)
    if found is None:
        raise NotFound(
            "no factor has this id",
            where="factors",
            value=factor_id,
            valid=_near([text["factor_id"] for text, _, _ in library], factor_id) or "no factor stands yet",
            remedy="`headwater factors list` shows them.",
        )
    text, row, status = found
    against = [
        each for each in conflicts([row for _, row, _ in library]) if factor_id in {_id(each.one), _id(each.other)}
    ]
    told: Any = text | {
        "status": status,
        "conflicts": [conflict_as_json(each) for each in against],
        "broader_regions": list(broader(row["region"])),
    }
    shown: FactorShown = told
    return shown


def find_conflicts(installation: Installation, wanted: Wanted) -> list[Conflict]:
    """Factors of several sources that differ by more than a tenth, the largest difference first."""
    installation.require(Right.READ)
    return conflicts([row for _, row, _ in _wanted(installation, wanted)])


def conflict_as_json(conflict: Conflict) -> FactorConflict:
    """Figures as text: a difference in per cent to one place, CO2e to ten, both per `unit`."""
    share = conflict.difference
    return {
        "factors": [_id(conflict.one), _id(conflict.other)],
        "sources": [conflict.one["source"], conflict.other["source"]],
        "activity_type": conflict.one["activity_type"],
        "region": conflict.one["region"],
        "unit": conflict.unit,
        "co2e_kg_per_unit": [f"{rounded(each, 10):f}" for each in conflict.co2e],
        "difference_percent": None if share is None else f"{rounded(share * 100, 1):f}",
        "why": conflict.why,
    }


def find_licences(installation: Installation, wanted: Wanted) -> list[Licence]:
    """The licences that the factors that stand rest on."""
    installation.require(Right.READ)
    return licences_of(row for _, row, _ in _wanted(installation, wanted))


def export_factors(installation: Installation, path: Path, wanted: Wanted, *, delimiter: Delimiter = ",") -> Exported:
    """Write the factors that may be passed on as a CSV of the form, and say which may not. The file is made anew."""
    installation.require(Right.QUERY)
    kept = _wanted(installation, wanted)
    passed, left_out = gate(row for _, row, _ in kept)
    names = {_id(row) for row in passed}
    out = io.StringIO(newline="")
    fields = [spec.name for spec in installation.contract(*FACTORS).fields]
    writer = csv.DictWriter(out, fields, lineterminator="\n", extrasaction="ignore", delimiter=delimiter)
    writer.writeheader()
    writer.writerows(text for text, _, _ in kept if text["factor_id"] in names)
    try:
        path.write_text(out.getvalue(), encoding="utf-8")
    except OSError as error:
        raise Misuse("the file cannot be written", where=str(path), value=error.strerror) from error
    return Exported(factors=len(passed), left_out=left_out, licences=licences_of(passed))


Library = list[tuple[dict[str, Any], dict[str, Any], str]]
"""Factors by key: as canonical texts, as typed values, and their status."""


def _library(installation: Installation) -> Library:
    document = installation.contract(*FACTORS)
    with installation.database.connect(installation.tenant_id) as connection:
        texts = parse_rows(current_rows(connection, document))
    with small_engine() as duck:
        rows = typed(duck, document, texts).to_pylist()
    return list(zip(texts.to_pylist(), rows, statuses(rows), strict=True))


def _wanted(installation: Installation, wanted: Wanted) -> Library:
    """The status of a factor is that among all, whatever is wanted of them."""
    found = _library(installation)
    for name, word in vars(wanted).items():
        if word is None:
            continue
        there = [_word(each, name) for each in found]
        if found and word not in there:
            raise Misuse(
                f"no factor has this {name.replace('_', ' ')}", where=name, value=word, valid=_near(there, word)
            )
        found = [each for each, own in zip(found, there, strict=True) if own == word]
    return found


def _word(factor: tuple[dict[str, Any], dict[str, Any], str], name: str) -> str:
    text, _, status = factor
    if name == "status":
        return status
    return str(text[name] or "use") if name == "stage" else str(text[name])


def _near(there: Sequence[str], wanted: str) -> str:
    known = sorted(set(there))
    near = difflib.get_close_matches(wanted, known, n=5, cutoff=0.4) or known[:10]
    return ", ".join(near) + (f" and {len(known) - len(near):,} more" if len(known) > len(near) else "")


def _id(factor: Mapping[str, Any]) -> str:
    return str(factor["factor_id"])
