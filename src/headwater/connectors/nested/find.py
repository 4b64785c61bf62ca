"""Where the records of a JSON document are: its outline, and the place that is sure enough."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from headwater.connectors.inspection import CONFIDENT
from headwater.connectors.nested.cells import is_feature, is_fixture
from headwater.connectors.nested.config import KEYED, TOP, path_of
from headwater.connectors.nested.text import JsonText
from headwater.errors import InputRefused

_DEEPEST = 4
_PEEKED = 50
_MOST_CANDIDATES = 8
_MOST_MEMBERS = 1000
# Path -> names one of which stands beside it, and who writes so. () where the name alone tells.
_ENVELOPES = {
    ("d", "results"): ((), "OData V2 (SAP)"),
    ("value",): (("@odata.context", "odata.metadata", "@odata.count", "@odata.nextLink", "@context"), "OData V4"),
    ("items",): (("hasMore", "totalResults"), "an Oracle REST collection"),
    ("Report_Entry",): ((), "a Workday report"),
    ("features",): (("type",), "a GeoJSON FeatureCollection"),
}
# What an envelope says of itself: not lost when only the records are read.
_ASIDE = frozenset(
    [
        "@context",
        "@odata.context",
        "@odata.count",
        "@odata.nextLink",
        "count",
        "total",
        "totalResults",
        "total_count",
        "hasMore",
        "limit",
        "offset",
        "links",
        "next",
        "previous",
        "page",
        "pages",
        "per_page",
        "pagination",
        "paging",
        "meta",
        "metadata",
        "status",
        "success",
        "message",
        "code",
        "error",
        "errors",
        "warnings",
        "type",
        "name",
        "crs",
        "bbox",
        "version",
        "schema",
    ]
)


@dataclass(kw_only=True)
class Outline:
    """A container near the top of a document.

    kind   object, array, scalar or null
    size   members or items; of an array at the top those looked at
    kinds  what its members or items are -> how many
    inner  what its members are, as far as they were looked at
    """

    steps: tuple[str, ...]
    kind: str
    size: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    inner: dict[str, Outline] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the records are, how sure that is and why."""

    records: tuple[str, ...]
    confidence: float
    evidence: str
    warnings: tuple[str, ...] = ()


def outline(text: JsonText) -> Outline:
    """Look a document through. Of an array at the top the beginning tells all there is to tell."""
    found = _outline(text, ())
    if found.kind != "array":
        text.close()
    return found


def _outline(text: JsonText, steps: tuple[str, ...]) -> Outline:
    opening = text.peek()
    if opening == "[":
        return _array(text, steps)
    if opening != "{" or len(steps) > _DEEPEST:
        return Outline(steps=steps, kind=kind_of(text.value()))
    found = Outline(steps=steps, kind="object")
    for key in text.members():
        found.size += 1
        if len(found.inner) < _MOST_MEMBERS:
            member = _outline(text, (*steps, key))
            found.inner[key] = member
            kind = member.kind
        else:
            kind = {"{": "object", "[": "array"}.get(text.peek(), "scalar")
            text.skip(len(steps) + 1)
        found.kinds[kind] = found.kinds.get(kind, 0) + 1
    return found


def _array(text: JsonText, steps: tuple[str, ...]) -> Outline:
    found = Outline(steps=steps, kind="array")
    for index in text.items():
        found.size += 1
        # An array in the second place may be long itself: [{…}, [records]].
        if not steps and index == 1 and text.peek() == "[" and found.kinds == {"object": 1}:
            found.inner["1"] = _array(text, ("1",))
            kind = "array"
        else:
            kind = kind_of(text.value())
        found.kinds[kind] = found.kinds.get(kind, 0) + 1
        if not steps and found.size == _PEEKED:
            break
    return found


def kind_of(value: Any) -> str:
    if isinstance(value, dict):
        return "object"
    if isinstance(value, list):
        return "array"
    return "null" if value is None else "scalar"


def find_records(top: Outline, name: str) -> Place:
    """The place of the records. Raises InputRefused with the candidates where none is sure enough."""
    if top.kind == "array":
        return _in_array(top, name)
    if top.kind != "object":
        raise InputRefused(
            "there are no records: the file is one single value",
            where=name,
            value=top.kind,
            valid="an array of objects, or an object that holds one",
        )
    known = _known_envelope(top)
    if known:
        return known
    arrays = [each for each in _arrays(top) if each.kinds.keys() <= {"object", "null"} and each.size]
    if len(arrays) == 1:
        return _only_array(top, arrays[0])
    if arrays:
        raise _doubtful(name, [path_of(each.steps) for each in arrays], "several arrays could be the records")
    return _no_array(top, name)


def _in_array(top: Outline, name: str) -> Place:
    inner = top.inner.get("1")
    if inner and top.size == 2:
        return Place(
            records=("1",),
            confidence=1.0,
            evidence="an array of an object and an array: an envelope as the World Bank's",
        )
    kinds = set(top.kinds) - {"null"}
    if inner or len(kinds) > 1:
        told = ", ".join(f"{count} {kind}" for kind, count in sorted(top.kinds.items()))
        raise InputRefused(
            f"the items of the array are not of one kind: {told}",
            where=name,
            valid="an array of objects, or of arrays",
            remedy="Set source.records to the array that holds the records.",
        ).settled_by("source.records")
    return Place(records=(), confidence=1.0, evidence="the file is an array")


def _known_envelope(top: Outline) -> Place | None:
    for steps, (beside, who) in _ENVELOPES.items():
        holder: Outline | None = top
        for step in steps[:-1]:
            holder = holder.inner.get(step) if holder else None
        array = holder.inner.get(steps[-1]) if holder else None
        if array is None or array.kind != "array" or (beside and not any(key in top.inner for key in beside)):
            continue
        return Place(
            records=steps,
            confidence=1.0,
            evidence=f"{path_of(steps)} holds {array.size:,} items, as in {who}",
        )
    return None


def _arrays(top: Outline) -> list[Outline]:
    if top.kind == "array":
        return [top]
    return [array for inner in top.inner.values() for array in _arrays(inner)]


def _only_array(top: Outline, array: Outline) -> Place:
    left = [key for key in top.inner if key != array.steps[0] and key not in _ASIDE]
    warning = f"not read, because it stands beside the records: {', '.join(left[:10])}"
    return Place(
        records=array.steps,
        confidence=0.9,
        evidence=f"{path_of(array.steps)} is the only array of objects, of {array.size:,}",
        warnings=(warning,) if left else (),
    )


def _no_array(top: Outline, name: str) -> Place:
    empty = [array for array in _arrays(top) if not array.size]
    if len(empty) == 1 and not top.kinds.keys() - {"array", "scalar", "null"} and top.inner.keys() - _ASIDE:
        only = top.inner.keys() - _ASIDE == {empty[0].steps[0]}
        if only:
            return Place(
                records=empty[0].steps,
                confidence=0.9,
                evidence=f"{path_of(empty[0].steps)} is an array, and empty",
            )
    columns = [array for array in _arrays(top) if array.size > 1]
    if len(columns) > 1 and len({array.size for array in columns}) == 1:
        raise InputRefused(
            f"the file holds columns, not records: {len(columns)} arrays of {columns[0].size} values",
            where=name,
            valid="an array of objects",
            remedy="Export the table as records (with pandas: orient='records').",
        )
    if top.size and set(top.kinds) == {"object"}:
        return _keyed(top, name)
    return Place(records=(), confidence=0.85, evidence="the file is one object: one record")


def _keyed(top: Outline, name: str) -> Place:
    sets = [frozenset(member.inner) for member in list(top.inner.values())[:_PEEKED]]
    shared = frozenset.intersection(*sets)
    widest = max(len(each) for each in sets)
    if len(sets) > 1 and widest and len(shared) >= widest / 2:
        return Place(
            records=(KEYED,),
            confidence=0.9,
            evidence=f"the file is an object of {top.size:,} objects with the same names in them",
        )
    raise _doubtful(name, [KEYED, TOP], "the file is an object of objects")


def _doubtful(name: str, candidates: list[str], what: str) -> InputRefused:
    shown = ", ".join(candidates[:_MOST_CANDIDATES])
    more = f" and {len(candidates) - _MOST_CANDIDATES} more" if len(candidates) > _MOST_CANDIDATES else ""
    return InputRefused(
        f"{what}, and none is surer than {CONFIDENT:.0%}",
        where=name,
        value=shown + more,
        remedy=(
            'Set source.records to the one that is meant ("*": each member of the object is a record, '
            '"/": the whole file is one).'
        ),
    ).settled_by("source.records", candidates)


def shape_of(values: Iterator[Any]) -> str:
    """What records are, by the first of them."""
    kinds: set[str] = set()
    fixtures = features = header = True
    for value in islice((value for value in values if value is not None), _PEEKED):
        header = (
            header if kinds else isinstance(value, list) and bool(value) and all(type(cell) is str for cell in value)
        )
        kinds.add(kind_of(value))
        fixtures = fixtures and is_fixture(value)
        features = features and is_feature(value)
    if kinds == {"array"}:
        return "rows with header" if header else "rows"
    if kinds == {"scalar"}:
        return "values"
    if kinds and features:
        return "features"
    return "fixtures" if kinds and fixtures else "objects"
