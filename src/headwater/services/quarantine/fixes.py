"""Fix all like this: what was done to one refused record becomes a rule of the mapping, previewed, applied, recorded.

The mapping's next version is tried on every open record that the same rule refused, and on what was read of the source
last: it may load what was refused, and must change nothing that stands. Where that is not known, it is not applied.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from headwater.connectors.files import TEXT, FileConfig
from headwater.documents.counted import counted
from headwater.engine.duck import engine
from headwater.errors import Misuse
from headwater.mapping import Mapping, read_mapping
from headwater.mapping.amending import Amendment, Mended, amendments, difference, raised, to_yaml
from headwater.pipeline.mending import MendForm
from headwater.services.access.policy import Right
from headwater.services.imports import plan_run, stored_logic
from headwater.services.logic import compile_logic, pinned
from headwater.services.quarantine.effects import compare
from headwater.services.quarantine.mended_text import keep_text
from headwater.services.quarantine.reading_again import reading_again
from headwater.services.quarantine.wanted_fixes import Wanted, wanted_like
from headwater.services.quarantine.written_numbers import WrittenNumbers
from headwater.services.sources import TakenIn, layout_from_json
from headwater.store import audit, fixes, runs
from headwater.store.documents import get_document

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

    from headwater.pipeline.transform import ChunkTransform
    from headwater.services.installation import Installation
    from headwater.services.logic import Logic
    from headwater.services.quarantine.effects import Compared
    from headwater.services.quarantine.reading_again import ReadingAgain
    from headwater.services.quarantine.two_versions import Effect
    from headwater.store.fixes import Group, OpenRecord
    from headwater.store.runs import Run
    from headwater.telemetry import Progress

BATCH = 20_000
CONFLICT = "key.conflict"
NOT_ONE = "not one open record would load"
SHOWN = "`headwater quarantine fix` without options shows what is worth fixing."


@dataclass(frozen=True, kw_only=True)
class Figure:
    """What was calculated by one method with one GWP set: kg of CO2e."""

    method: str
    gwp_set: str
    co2e_kg: Decimal


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A way to say in the mapping what was done to one record, and what would come of it.

    name           by which it is chosen
    says           a sentence
    mapping        the next version
    difference     from the version that holds now, as a diff of YAML
    would_load     keys of open records that would load, as far as rules go
    refused_still  keys of open records that other rules would refuse
    by_rule        rule -> how many of `refused_still`
    unlike         open records of the rule that it does not help, or in which it would misread numbers of the source
    figures        of those that would load
    effect         on records that stand: of a fix that would change or refuse any, or of which it is not known, nothing
                   is applied
    """

    name: str
    says: str
    mapping: Mapping
    difference: str
    would_load: tuple[str, ...]
    refused_still: tuple[str, ...]
    by_rule: dict[str, int]
    unlike: int
    figures: tuple[Figure, ...]
    effect: Effect | None

    @property
    def moved(self) -> int | None:
        """Records that stand and would be read otherwise or refused; None where that is not known."""
        return None if self.effect is None else self.effect.moved

    @property
    def open(self) -> int:
        """Open records of the rule, all of them."""
        return len(self.would_load) + len(self.refused_still) + self.unlike

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "as": self.name,
            "says": self.says,
            "mapping": f"{self.mapping.mapping} {self.mapping.version}",
            "difference": self.difference,
            "open": self.open,
            "would_load": list(self.would_load),
            "refused_still": {"records": list(self.refused_still), "rules": self.by_rule},
            "unlike": self.unlike,
            "co2e": [vars(figure) | {"co2e_kg": str(figure.co2e_kg)} for figure in self.figures],
            "moved": self.moved,
            "moved_as": None if self.effect is None else asdict(self.effect),
        }


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What was done, and the ways to do it to all.

    source    its name
    elsewhere open records of the rule that were read with other columns or by another contract: not looked at
    compared  what of the records that stand was read by both versions
    again     how the source is read through another mapping
    """

    wanted: Wanted
    source: str
    mapping: Mapping
    offers: tuple[Offer, ...]
    elsewhere: int
    compared: Compared
    again: ReadingAgain

    @property
    def looked_at(self) -> int | None:
        """How many records were read by both versions; None where nothing could be compared, or nothing is offered."""
        return self.compared.records

    def named(self, name: str | None) -> Offer:
        """The offer of this name; where none is given, the only one that would load anything. Misuse where it is not
        clear which.
        """
        named = [offer for offer in self.offers if name == offer.name]
        useful = [offer for offer in self.offers if offer.would_load]
        if found := named or (useful if name is None and len(useful) == 1 else []):
            return found[0]
        if not self.offers:
            problem, remedy = "the mapping cannot say this", "Correct the mapping by hand."
        elif name is None and not useful:
            problem, remedy = NOT_ONE, SHOWN
        else:
            problem, remedy = "it is not said which of these is meant", "Choose one with --as."
        raise Misuse(
            problem,
            where="quarantine fix",
            value=name or self.wanted.sentence,
            valid=", ".join(offer.name for offer in self.offers) or None,
            remedy=remedy,
        )

    def chosen(self, name: str | None) -> Offer:
        """As `named`; Misuse where it would load nothing, or would change what stands, or that is not known."""
        offer = self.named(name)
        if offer.moved is None:
            raise Misuse(
                f"it is not known what this would do to records that stand: {self.compared.unknown}",
                where="quarantine fix",
                value=offer.says,
                remedy=f"Save the mapping with --out and without --apply, and see what it would do now: "
                f"{self.again.trial}",
            )
        if offer.moved:
            raise Misuse(
                f"{counted(offer.moved, 'record that stands', 'records that stand')} would be read otherwise, too",
                where="quarantine fix",
                value=offer.says,
                valid="a change that touches refused records only",
                remedy=f"If that is right, save the mapping with --out and without --apply, and {self.again.whole}.",
            )
        if not offer.would_load:
            raise Misuse(NOT_ONE, where="quarantine fix", value=offer.says, remedy=SHOWN)
        return offer

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            **self.wanted.as_json(),
            "source": self.source,
            "mapping": f"{self.mapping.mapping} {self.mapping.version}",
            "offers": [offer.as_json() for offer in self.offers],
            "elsewhere": self.elsewhere,
            "looked_at": self.looked_at,
            "not_compared": self.compared.unknown,
        }


@dataclass(frozen=True, kw_only=True)
class _Scope:
    """The open records of one source and rule that share columns and contract, and what they are tried with.

    logic   its mapping is the newest of the source
    latest  the last of the runs that refused them; `origins` are all
    reader  the last run that read the source
    """

    wanted: Wanted
    logic: Logic
    latest: Run
    reader: Run
    origins: tuple[Run, ...]
    columns: tuple[str, ...]


def preview(installation: Installation, wanted: Wanted, *, progress: Progress) -> Preview:
    """Try every way to say it on all open records that the rule refused. Nothing is changed."""
    installation.require(Right.WRITE)
    scope = _scope(installation, wanted)
    base = scope.logic.mapping
    with installation.database.connect(installation.tenant_id) as connection:
        version = raised(base.version, fixes.versions(connection, installation.tenant_id, base.mapping))
    found = _ways(scope)
    logics = [replace(scope.logic, mapping=way.mapping.model_copy(update={"version": version})) for way in found]
    compared = compare(installation, wanted.source_id, scope.columns, logics, base=scope.logic, progress=progress)
    tried = [_tried(installation, scope, logic) for logic in logics]
    return Preview(
        wanted=wanted,
        source=scope.latest.source_name,
        mapping=base,
        offers=tuple(
            Offer(
                name=way.name,
                says=way.says,
                mapping=logic.mapping,
                difference=difference(base, logic.mapping),
                would_load=tuple(each.loads),
                refused_still=tuple(each.refused),
                by_rule=dict(each.by_rule.most_common()),
                unlike=each.unlike,
                figures=each.figures(),
                effect=effect,
            )
            for way, logic, each, effect in zip(found, logics, tried, compared.effects, strict=True)
        ),
        elsewhere=tried[0].elsewhere if tried else 0,
        compared=compared,
        again=reading_again(installation, scope.reader, stored_logic(installation, scope.reader).recipe),
    )


def options_like(installation: Installation, group: Group) -> list[str] | None:
    """The options of `quarantine fix` that mend a group as its example was mended; None where no mapping can say it."""
    installation.require(Right.WRITE)
    for options in (None, group.rule):
        try:
            wanted = wanted_like(installation, group.example, rule=options)
            found = (wanted.rule, wanted.field) == (group.rule, group.field) and _ways(_scope(installation, wanted))
        except Misuse:
            continue  # more than one thing was mended: the rule is said too
        if found:
            return ["--like", group.example, *([] if options is None else ["--rule", options])]
    return None


def plan_fix(installation: Installation, shown: Preview, offer: Offer) -> UUID:
    """Plan the run that sends all records the offer helps through the mapping's next version; its id."""
    installation.require(Right.WRITE)
    wanted, scope = shown.wanted, _scope(installation, shown.wanted)
    how = {**wanted.as_json(), "as": offer.name, "mapping_before": scope.logic.mapping.hash.hex()}
    form = MendForm(
        columns=scope.columns,
        dialect=layout_from_json(dict(scope.latest.layout)).dialect,
        has_record=False,
        settled_from=min(run.started_at for run in scope.origins),
        fix=how,
    )
    sent = {*offer.would_load, *offer.refused_still}
    name = f"{offer.mapping.mapping} {offer.mapping.version}, {offer.name}.csv"
    text, plan = keep_text(installation, form, _rows(installation, scope, sent, offer.says), name=name)
    taken = TakenIn(
        name=name, raw=text, text=text, encoding="utf-8", reading=FileConfig(format="csv", csv=TEXT), plan=plan
    )
    logic = replace(scope.logic, mapping=offer.mapping)
    run_id = plan_run(
        installation, logic, taken, source_id=scope.latest.source_id, source_name=scope.latest.source_name, mends=form
    )
    with installation.database.connect(installation.tenant_id) as connection:
        audit.append(
            connection,
            installation.tenant_id,
            action="quarantine.fixed",
            resource="quarantine",
            payload={
                **how,
                "run": str(run_id),
                "mapping": f"{offer.mapping.mapping} {offer.mapping.version}",
                "mapping_after": offer.mapping.hash.hex(),
                "records": len(sent),
            },
        )
    return run_id


def written(offer: Offer) -> str:
    """The mapping's next version as the text of a YAML file."""
    return to_yaml(offer.mapping)


def _scope(installation: Installation, wanted: Wanted) -> _Scope:
    tenant_id = installation.tenant_id
    with installation.database.connect(tenant_id) as connection:
        origins = [
            runs.get_run(connection, tenant_id, run_id)
            for run_id in fixes.origins(
                connection, tenant_id, source_id=wanted.source_id, rule=wanted.rule, field=wanted.field
            )
        ]
        if not origins:
            raise Misuse(
                "there is nothing to fix: no open record of this source was refused so",
                where="quarantine fix",
                value=f"{wanted.rule}, {wanted.field}",
                remedy=SHOWN,
            )
        latest = max(origins, key=lambda run: run.started_at)
        of_source = fixes.runs_of_source(connection, tenant_id, wanted.source_id)
        newest = max(of_source, key=lambda run: [int(part) for part in run.mapping_version.split(".")])
        document = get_document(connection, tenant_id, newest.mapping_hash)
        reader = next((each.run_id for each in of_source if each.kind != "resubmit"), latest.run_id)
        read_last = runs.get_run(connection, tenant_id, reader)
    before = stored_logic(installation, latest)
    mapping = read_mapping(document.body, where=f"mapping {document.name} {document.version}")
    return _Scope(
        wanted=wanted,
        logic=pinned(
            installation,
            contract=before.contract,
            mapping=mapping if mapping.contract == before.mapping.contract else before.mapping,
            recipe=before.recipe,
        ),
        latest=latest,
        reader=read_last,
        origins=tuple(run for run in origins if _kind(run) == _kind(latest)),
        columns=tuple(latest.layout["columns"]),
    )


def _ways(scope: _Scope) -> tuple[Amendment, ...]:
    wanted = scope.wanted
    kind = scope.logic.contract.by_name[wanted.field].type
    mended = Mended(field=wanted.field, type=kind, before=wanted.before, after=wanted.after)
    return amendments(scope.logic.mapping, scope.columns, mended)


def _kind(run: Run) -> tuple[Any, ...]:
    return run.contract_hash, tuple(run.layout.get("mends", run.layout)["columns"])


def _records(installation: Installation, scope: _Scope) -> Iterator[OpenRecord]:
    wanted = scope.wanted
    with installation.database.connect(installation.tenant_id) as connection:
        yield from fixes.open_like(
            connection, installation.tenant_id, source_id=wanted.source_id, rule=wanted.rule, field=wanted.field
        )


class _Tried:
    """What became of the open records under one version of the mapping."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self.loads: list[str] = []
        self.refused: list[str] = []
        self.by_rule: Counter[str] = Counter()
        self.unlike = 0
        self.elsewhere = 0
        self._figures: dict[tuple[str, str], Decimal] = {}

    def figures(self) -> tuple[Figure, ...]:
        """Sums, the greatest first."""
        found = [Figure(method=method, gwp_set=gwp, co2e_kg=total) for (method, gwp), total in self._figures.items()]
        return tuple(sorted(found, key=lambda figure: -figure.co2e_kg))

    def take(self, transform: ChunkTransform, columns: Sequence[str], records: Sequence[OpenRecord]) -> None:
        """Try some records."""
        table = pa.table(
            {name: pa.array([record.raw.get(name) or "" for record in records], pa.string()) for name in columns}
        )
        found = transform.run(table, np.arange(len(records), dtype=np.int32), first_record=1)
        refused = found.refused.select(["record_no", "findings"]).to_pylist()
        rules: dict[int, list[Any]] = {row["record_no"]: json.loads(row["findings"]) for row in refused}
        rules |= {conflict.record_no: [{"rule": CONFLICT, "field": ""}] for conflict in found.conflicts}
        loads = {*found.records["record_no"].to_pylist(), *found.merged}
        for number, record in enumerate(records):
            self._count(str(record.key), rules.get(number), loads=number in loads)
        if found.results is not None:
            self._add(found.results)

    def _count(self, key: str, findings: list[Any] | None, *, loads: bool) -> None:
        if findings is None and loads:
            self.loads.append(key)
        elif findings is None or any(
            (each["rule"], each["field"]) == (self._wanted.rule, self._wanted.field) for each in findings
        ):
            self.unlike += 1
        else:
            self.refused.append(key)
            self.by_rule.update({each["rule"] for each in findings})

    def _add(self, results: pa.Table) -> None:
        sums = results.group_by(["method", "gwp_set"]).aggregate([("co2e_kg", "sum")])
        for row in sums.to_pylist():
            key = (row["method"], row["gwp_set"])
            self._figures[key] = self._figures.get(key, Decimal(0)) + row["co2e_kg_sum"]


def _tried(installation: Installation, scope: _Scope, logic: Logic) -> _Tried:
    tried, here = _Tried(scope.wanted), {run.run_id for run in scope.origins}
    waiting: list[OpenRecord] = []
    with engine(memory_limit=_memory(installation)) as duck:
        transform, _ = compile_logic(installation, duck, logic, columns=scope.columns, source_id=scope.wanted.source_id)
        numbers = WrittenNumbers(scope.origins, logic.mapping, scope.columns)
        for record in _records(installation, scope):
            if record.run_id not in here:
                tried.elsewhere += 1
                continue
            if numbers.misread(record):
                tried.unlike += 1
                continue
            waiting.append(record)
            if len(waiting) == BATCH:
                tried.take(transform, scope.columns, waiting)
                waiting = []
        if waiting:
            tried.take(transform, scope.columns, waiting)
    return tried


def _rows(installation: Installation, scope: _Scope, sent: set[str], says: str) -> Iterator[tuple[str, ...]]:
    """The records that are sent, as they were refused."""
    for record in _records(installation, scope):
        key = str(record.key)
        if key in sent:
            yield (key, says, "", *(record.raw.get(column) or "" for column in scope.columns))


def _memory(installation: Installation) -> str:
    return f"{installation.settings.memory_limit // 2**20}MiB"
