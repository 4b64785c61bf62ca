"""A mapping that makes the key of records otherwise than before: told before anything is loaded.

Records stand under the key that was made for them. Under another they are other records, and what was loaded before
stands beside them, twice in every figure.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import pyarrow as pa

from headwater.engine.duck import engine
from headwater.errors import Misuse
from headwater.mapping import read_mapping
from headwater.pipeline.seen import SeenKeys
from headwater.services.full_loads import KeysRead, stored_key_hashes
from headwater.services.ways_of_a_key import other_way
from headwater.store import runs
from headwater.store.deletions import KEY_SEPARATOR
from headwater.store.documents import get_document
from headwater.store.load_names import contract_of
from headwater.store.sealed import opened_keys
from headwater.store.sweep import chunks_since, has_rows, older_keys, refused_keys, runs_that_mended

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from headwater.contracts import Document
    from headwater.mapping import Mapping
    from headwater.services.installation import Installation
    from headwater.services.logic import Logic
    from headwater.store.database import TenantConnection
    from headwater.store.runs import Run

KEYS_NAMED = 20
"""So many of the records that are to be deleted are named."""


def refuse_another_key(
    installation: Installation, logic: Logic, columns: Sequence[str], *, source_id: bytes, name: str
) -> None:
    """Misuse where records of a source stand under a key that its mapping makes otherwise now, unless the load is a
    full one, which deletes what stands under the old.

    columns: those that the source has now.
    """
    if logic.recipe.load.strategy == "full":
        return
    with installation.database.connect(installation.tenant_id) as connection:
        loaded = runs.changes_of_mapping(connection, installation.tenant_id, source_id)
        told = _Keys(installation, connection, logic).stand_otherwise(loaded, columns, source_id)
    if told is None:
        return
    raise Misuse(
        "the key of its records is made otherwise than when they were loaded: those that stand under the old one "
        "would stay beside the new",
        where=f"mapping {logic.mapping.mapping} {logic.mapping.version}, {name}",
        value="; ".join(told.ways),
        remedy=_of_mended(told.mended, logic.contract) if told.mended else _OF_LOADED,
    )


_OF_LOADED = (
    "Load all of it once with load.strategy: full, which deletes what stands under the old key once none of its records"
    " is open in quarantine; of what was mended under it and is sent wrong still, the next load says how it is deleted;"
    " where a column has only another name, list both names; where both are to stand, give the mapping another name."
)


def _of_mended(mended: _Mended, contract: Document) -> str:
    named = contract_of(contract)
    said = shlex.join(["headwater", "records", "delete", named, *(mended.keys or ("KEY",))])
    listed = f" (more than the {KEYS_NAMED} records named here)" if mended.more and mended.keys else ""
    where = "" if mended.keys else f" (`headwater records list {named} --clear` lists them by key)"
    return (
        f"What stands under the old key was mended in quarantine{listed}: a full load leaves it be while the source"
        " sends it wrong. Correct it at the source, and load all of it once with load.strategy: full, which deletes it"
        f" then; or delete it now{where}, to be mended anew under the new key when it is sent wrong again:"
        f' {said} --reason "mended under the old key".'
    )


@dataclass(frozen=True, kw_only=True)
class _Mended:
    """Rows that were mended: the first keys as `records delete` takes them, none where they are personal."""

    keys: tuple[str, ...]
    more: bool


@dataclass(frozen=True, kw_only=True)
class _Otherwise:
    """How each field of the key was filled and how it is, and the rows in question where all of them were mended."""

    ways: Sequence[str]
    mended: _Mended | None = None


class _Keys:
    """How the key of a source's records was made, run by run, and how it is."""

    def __init__(self, installation: Installation, connection: TenantConnection, logic: Logic) -> None:
        self._installation = installation
        self._connection = connection
        self._tenant_id = installation.tenant_id
        self._contract = logic.contract
        self._mapping = logic.mapping
        self._names = {spec.name for spec in logic.contract.key}

    def stand_otherwise(self, loaded: Sequence[Run], columns: Sequence[str], source_id: bytes) -> _Otherwise | None:
        """How the key was that rows stand under, and how it is, field by field; None where it is as it was.

        Rows are as the last run made them; and as runs made them before a full load by another key that could delete
        nothing, where that has not read their keys too. What only reads the same key otherwise has put no row beside
        another.
        """
        if not loaded:
            return None
        told = self._told(loaded[-1], self._mapping, columns)
        if told and has_rows(self._connection, self._tenant_id, self._contract, source_id):
            return _Otherwise(ways=told)
        for before, after in pairwise(loaded):
            told = self._told(before, self._mapping, columns)
            if not told or not self._told(before, self._read(after), _header(after)):
                continue
            if self._unread_rows(after, enough=1):
                return _Otherwise(ways=told)
        return self._mended_otherwise(loaded[0], columns)

    def _mended_otherwise(self, first: Run, columns: Sequence[str]) -> _Otherwise | None:
        """The same of rows that were mended before the full load from which on all others are: it leaves them be."""
        for mended in runs_that_mended(self._connection, self._tenant_id, self._contract, first):
            told = self._told(runs.get_run(self._connection, self._tenant_id, mended), self._mapping, columns)
            if told and (keys := self._unread_rows(first, enough=KEYS_NAMED + 1)):
                newest = self._installation.contract(self._contract.name, self._contract.major)
                named = () if any(spec.personal for spec in newest.key) else tuple(keys[:KEYS_NAMED])
                return _Otherwise(ways=told, mended=_Mended(keys=named, more=len(keys) > KEYS_NAMED))
        return None

    def _unread_rows(self, after: Run, *, enough: int) -> list[str]:
        """The keys of the first so many older rows whose key neither a run nor a later one has read, nor refused.

        Which run a row is of does not tell: one that was found equal stays that of the run which loaded it.
        """
        reading = chunks_since(self._connection, self._tenant_id, after)
        refused = refused_keys(self._connection, self._tenant_id, reading)
        keys_read, found = KeysRead(reading, refused), list[str]()
        with engine() as duck, SeenKeys(lambda: keys_read.hashes(self._installation)) as seen:
            for batch in older_keys(self._connection, self._tenant_id, self._contract, after):
                keys = opened_keys(self._connection, self._contract, pa.Table.from_batches([batch]))
                unread = ~seen.among(stored_key_hashes(duck, self._contract, keys))
                rows = keys.filter(pa.array(unread)).slice(0, enough - len(found)).to_pylist()
                found += [KEY_SEPARATOR.join(str(row[spec.name]) for spec in self._contract.key) for row in rows]
                if len(found) >= enough:
                    break
        return found

    def _told(self, run: Run, mapping: Mapping, columns: Sequence[str]) -> list[str]:
        """By what the mapping makes another key than a run did."""
        if run.mapping_hash == mapping.hash:
            return []
        header = _header(run)
        before = _of_keys(self._read(run), self._names).for_columns(header)
        now = _as_of(_of_keys(mapping, self._names), header, columns)
        ways = [(spec.name, other_way(spec, before, now, header)) for spec in self._contract.key]
        return [f"{key} was {way[0]} and is {way[1]}" for key, way in ways if way is not None]

    def _read(self, run: Run) -> Mapping:
        stored = get_document(self._connection, self._tenant_id, run.mapping_hash)
        return read_mapping(stored.body, where=f"mapping {stored.name} {stored.version}")


def _header(run: Run) -> tuple[str, ...]:
    """The columns of what a run read, or mended."""
    return tuple(run.layout.get("mends", run.layout)["columns"])


def _of_keys(mapping: Mapping, keys: Collection[str]) -> Mapping:
    """The mapping without its other fields: their columns need not be in the header that was."""
    fields = {name: rule for name, rule in mapping.fields.items() if name in keys}
    variants = tuple(
        when.model_copy(update={"fields": {name: rule for name, rule in when.fields.items() if name in keys}})
        for when in mapping.when
    )
    return mapping.model_copy(update={"fields": fields, "when": variants})


def _as_of(mapping: Mapping, then: Sequence[str], now: Sequence[str]) -> Mapping:
    """As it holds for the columns there were, or for those there are where these do not fit."""
    try:
        return mapping.for_columns(then)
    except Misuse:
        return mapping.for_columns(now)
