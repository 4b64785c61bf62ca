"""A mapping that makes the key of records otherwise than before: told before anything is loaded.

Records stand under the key that was made for them. Under another they are other records, and what was loaded before
stands beside them, twice in every figure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.errors import Misuse
from headwater.mapping import read_mapping
from headwater.services.ways_of_a_key import other_way
from headwater.store import runs
from headwater.store.documents import get_document
from headwater.store.sweep import has_rows

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from headwater.mapping import Mapping
    from headwater.services.installation import Installation
    from headwater.services.logic import Logic


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
        last = runs.last_loaded_of_source(connection, installation.tenant_id, source_id)
        if last is None or last.mapping_hash == logic.mapping.hash:
            return
        stored = get_document(connection, installation.tenant_id, last.mapping_hash)
        header = tuple(last.layout.get("mends", last.layout)["columns"])
        keys = {spec.name for spec in logic.contract.key}
        then = _of_keys(read_mapping(stored.body, where=f"mapping {stored.name} {stored.version}"), keys)
        before, now = then.for_columns(header), _as_of(_of_keys(logic.mapping, keys), header, columns)
        ways = [(spec.name, other_way(spec, before, now, header)) for spec in logic.contract.key]
        told = [f"{key} was {way[0]} and is {way[1]}" for key, way in ways if way is not None]
        if not told or not has_rows(connection, installation.tenant_id, logic.contract, source_id):
            return
    raise Misuse(
        "the key of its records is made otherwise than when they were loaded: those that stand under the old one "
        "would stay beside the new",
        where=f"mapping {logic.mapping.mapping} {logic.mapping.version}, {name}",
        value="; ".join(told),
        remedy=(
            "Load all of it once with load.strategy: full, which deletes what stands under the old key; where a"
            " column has only another name, list both names; where both are to stand, give the mapping another"
            " name."
        ),
    )


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
