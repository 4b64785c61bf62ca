"""A mapping that makes the key of records otherwise than before: told before anything is loaded.

Records stand under the key that was made for them. Under another they are other records, and what was loaded before
stands beside them, twice in every figure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.errors import Misuse
from headwater.mapping import read_mapping
from headwater.store import runs
from headwater.store.documents import get_document

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from headwater.mapping import Mapping as MappingDocument
    from headwater.mapping.document import FieldRule
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
    then = read_mapping(stored.body, where=f"mapping {stored.name} {stored.version}")
    before = then.for_columns(tuple(last.layout["columns"])).fields
    now = _rules(logic.mapping, tuple(last.layout["columns"]), columns)
    keys = [spec.name for spec in logic.contract.key]
    changed = [key for key in keys if _is_otherwise(before.get(key), now.get(key))]
    if changed:
        raise Misuse(
            "the key of its records is made otherwise than when they were loaded: those that stand under the old one "
            "would stay beside the new",
            where=f"mapping {logic.mapping.mapping} {logic.mapping.version}, {name}",
            value="; ".join(f"{key} was {_said(before.get(key))} and is {_said(now.get(key))}" for key in changed),
            remedy=(
                "Load all of it once with load.strategy: full, which deletes what stands under the old key; where a"
                " column has only another name, list both names; where both are to stand, give the mapping another"
                " name."
            ),
        )


def _rules(mapping: MappingDocument, then: Sequence[str], now: Sequence[str]) -> Mapping[str, FieldRule]:
    """How the fields would be filled of the columns there were, or of those there are where these do not fit."""
    try:
        return mapping.for_columns(then).fields
    except Misuse:
        return mapping.for_columns(now).fields


def _is_otherwise(before: FieldRule | None, now: FieldRule | None) -> bool:
    """Whether it comes from elsewhere, or a word means another; words that were not listed were refused."""
    if before is None or now is None:
        return before is not now
    words = (before.values or {}).items()
    return _origin(before) != _origin(now) or not words <= (now.values or {}).items()


def _origin(rule: FieldRule) -> tuple[object, ...]:
    return (rule.names, rule.constant, rule.expression)


def _said(rule: FieldRule | None) -> str:
    if rule is None:
        return "nothing"
    if rule.expression is not None:
        return rule.expression
    if rule.constant is not None:
        return f"the constant {rule.constant!r}"
    return "column " + ", ".join(map(repr, rule.names))
