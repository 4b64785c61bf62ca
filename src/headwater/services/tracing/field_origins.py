"""For each field of a stored record: which column, constant or expression filled it, and what the cells said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headwater.engine.expressions import render_value
from headwater.engine.readings import Readings
from headwater.services.tracing.trace import FieldOrigin
from headwater.values import OWN_FORMAT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headwater.contracts import Document
    from headwater.contracts.document import FieldSpec
    from headwater.mapping import Mapping as MappingDocument
    from headwater.mapping.document import FieldRule


def field_origins(
    contract: Document,
    mapping: MappingDocument,
    values: Mapping[str, str | None],
    absent: str | None,
    cells: Mapping[str, str] | None,
) -> tuple[FieldOrigin, ...]:
    """In the contract's order; `absent` as it is stored ("cost=not_reported;sector=default").

    With the cells at hand the mapping is taken as it holds for their columns; without them a column is told by all of
    its names.
    """
    if cells:
        mapping = mapping.for_columns(tuple(cells))
    states = dict(part.split("=", 1) for part in absent.split(";")) if absent else {}
    return tuple(
        _origin(spec, mapping.fields.get(spec.name), values.get(spec.name), states.get(spec.name), cells)
        for spec in contract.fields
    )


def _origin(
    spec: FieldSpec,
    rule: FieldRule | None,
    value: str | None,
    absent: str | None,
    cells: Mapping[str, str] | None,
) -> FieldOrigin:
    by, how, columns = _rule(rule, tuple(cells or ()))
    if absent == "default":
        by, how = "default", f"of the contract: {spec.default}"
    return FieldOrigin(
        field=spec.name,
        value=value,
        absent=absent,
        unit=spec.unit,
        by=by,
        how=how,
        raw={column: cells[column] for column in columns} if cells else {},
    )


def _rule(rule: FieldRule | None, header: tuple[str, ...]) -> tuple[str, str, tuple[str, ...]]:
    """By what, how, and from which columns."""
    if rule is None:
        return "open", "", ()
    if rule.constant is not None:
        return "constant", rule.constant, ()
    if rule.names:
        return "column", " or ".join(rule.names), rule.names
    expression = rule.expression or ""
    used = render_value(expression, header, Readings(OWN_FORMAT), where="trace").columns if header else ()
    return "expression", expression, used
