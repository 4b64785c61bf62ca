"""What a service says of itself in $metadata (EDMX): entity sets with their keys and typed columns.

Document types are refused whole, and with them every entity and external reference; size and depth have limits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from xml.parsers import expat

from headwater.errors import InputRefused

Version = Literal["v2", "v4"]
_EDMX = {"http://schemas.microsoft.com/ado/2007/06/edmx": "v2", "http://docs.oasis-open.org/odata/ns/edmx": "v4"}
_SAP = "http://www.sap.com/Protocols/SAPData "
_MAX_DEPTH = 50
_MAX_ELEMENTS = 500_000


@dataclass(frozen=True, kw_only=True)
class Property:
    """A column as declared; facets are None where they are not stated, `scale` too where it is variable.

    is_day  a DateTime that SAP uses as a date
    """

    name: str
    type: str
    nullable: bool = True
    precision: int | None = None
    scale: int | None = None
    is_day: bool = False
    can_filter: bool = True
    can_sort: bool = True
    comment: str = ""


@dataclass(frozen=True, kw_only=True)
class EntitySet:
    """A table of the service."""

    name: str
    key: tuple[str, ...]
    properties: tuple[Property, ...]
    comment: str = ""


@dataclass(frozen=True, kw_only=True)
class Service:
    """All tables, by name."""

    version: Version
    sets: tuple[EntitySet, ...]


@dataclass
class _Type:
    name: str
    base: str | None
    key: list[str] = field(default_factory=list)
    properties: list[Property] = field(default_factory=list)


@dataclass
class _Seen:
    """What was met so far, with namespaces (and their aliases) not resolved yet."""

    version: Version | None = None
    aliases: dict[str, str] = field(default_factory=dict)
    types: dict[str, _Type] = field(default_factory=dict)
    sets: list[tuple[str, str, str]] = field(default_factory=list)
    definitions: dict[str, dict[str, str]] = field(default_factory=dict)


class _Reader:
    def __init__(self, where: str) -> None:
        self.seen = _Seen()
        self._where = where
        self._path: list[str] = []
        self._namespace = ""
        self._type: _Type | None = None
        self._elements = 0
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = self._doctype

    def _doctype(self, *_: Any) -> None:
        raise InputRefused(
            "$metadata declares a document type (DOCTYPE), which may name entities and other files",
            where=self._where,
            valid="EDMX without a DOCTYPE",
        )

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(" ")
        self._elements += 1
        if len(self._path) >= _MAX_DEPTH or self._elements > _MAX_ELEMENTS:
            raise InputRefused("$metadata is larger or deeper than any service's", where=self._where)
        parent = self._path[-1] if self._path else ""
        self._path.append(local)
        if local == "Edmx":
            self.seen.version = _EDMX.get(namespace)  # type: ignore[assignment] # of the two
        elif local == "Schema":
            self._namespace = attributes.get("Namespace", "")
            if "Alias" in attributes:
                self.seen.aliases[attributes["Alias"]] = self._namespace
        elif local == "EntityType" and parent == "Schema":
            self._type = _Type(name=attributes.get("Name", ""), base=attributes.get("BaseType"))
            self.seen.types[f"{self._namespace}.{self._type.name}"] = self._type
        elif local == "TypeDefinition":
            self.seen.definitions[f"{self._namespace}.{attributes.get('Name', '')}"] = attributes
        elif local == "EntitySet" and parent == "EntityContainer":
            said = attributes.get("EntityType", ""), attributes.get(_SAP + "label", "")
            self.seen.sets.append((attributes.get("Name", ""), *said))
        elif self._type is not None:
            self._inside(local, parent, attributes)

    def _inside(self, local: str, parent: str, attributes: dict[str, str]) -> None:
        assert self._type is not None  # noqa: S101 - only called within a type
        if local == "PropertyRef" and parent == "Key":
            self._type.key.append(attributes.get("Name", ""))
        elif local == "Property" and parent == "EntityType":
            self._type.properties.append(_property(attributes))

    def _end(self, _: str) -> None:
        if self._path.pop() == "EntityType":
            self._type = None


def _property(attributes: dict[str, str]) -> Property:
    return Property(
        name=attributes.get("Name", ""),
        type=attributes.get("Type", "Edm.String"),
        nullable=attributes.get("Nullable", "true") != "false",
        precision=_facet(attributes.get("Precision")),
        scale=_facet(attributes.get("Scale")),
        is_day=attributes.get(_SAP + "display-format") == "Date",
        can_filter=attributes.get(_SAP + "filterable", "true") != "false",
        can_sort=attributes.get(_SAP + "sortable", "true") != "false",
        comment=attributes.get(_SAP + "label", ""),
    )


def _facet(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 6 else None


def service(document: bytes, where: str) -> Service:
    """The tables of a service. InputRefused for what is no EDMX of OData 2 or 4."""
    reader = _Reader(where)
    try:
        reader.parser.Parse(document, True)
    except expat.ExpatError as error:
        raise InputRefused(
            f"$metadata is not well-formed XML: {expat.ErrorString(error.code)}",
            where=f"{where}, line {error.lineno}",
            valid="EDMX",
            remedy="See that url leads to the service itself: below it there is $metadata.",
        ) from None
    seen = reader.seen
    if seen.version is None or not seen.sets:
        raise InputRefused(
            "this is no service of OData 2 or 4",
            where=where,
            valid="an EDMX document of version 1.0 or 4.0 with entity sets",
            remedy="See that url leads to the service itself: below it there is $metadata.",
        )
    sets = [_entity_set(seen, name, type_name, comment) for name, type_name, comment in seen.sets]
    return Service(version=seen.version, sets=tuple(sorted(sets, key=lambda found: found.name)))


def _entity_set(seen: _Seen, name: str, type_name: str, comment: str) -> EntitySet:
    types: list[_Type] = []
    at: str | None = type_name
    while at is not None:
        found = seen.types.get(_full(seen, at))
        if found is None or found in types:
            raise InputRefused(
                "$metadata names a type that it does not hold, or one that is based on itself", where=name, value=at
            )
        types.insert(0, found)
        at = found.base
    properties = [_resolved(seen, declared) for each in types for declared in each.properties]
    key = next((each.key for each in types if each.key), [])
    known = {declared.name for declared in properties}
    return EntitySet(
        name=name,
        key=tuple(key) if set(key) <= known else (),  # a path into a complex type is no column
        properties=tuple(properties),
        comment=comment,
    )


def _resolved(seen: _Seen, declared: Property) -> Property:
    """A type that is another name for a primitive one, as that one, with its facets."""
    definition = seen.definitions.get(_full(seen, declared.type))
    if definition is None:
        return declared
    return Property(
        name=declared.name,
        type=definition.get("UnderlyingType", "Edm.String"),
        nullable=declared.nullable,
        precision=declared.precision if declared.precision is not None else _facet(definition.get("Precision")),
        scale=declared.scale if declared.scale is not None else _facet(definition.get("Scale")),
    )


def _full(seen: _Seen, name: str) -> str:
    namespace, dot, local = name.rpartition(".")
    return seen.aliases.get(namespace, namespace) + dot + local


def named(sets: Sequence[EntitySet], name: str) -> EntitySet | None:
    """A table by its name; None where there is none."""
    return next((found for found in sets if found.name == name), None)
