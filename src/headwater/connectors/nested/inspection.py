"""What a JSON or XML file is, before anything is loaded: found with evidence, or refused in words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from headwater.connectors.csv_file.layout import column_names
from headwater.connectors.inspection import SAMPLE_ROWS, Inspection
from headwater.connectors.nested.config import TOP, NestedConfig, path_of, steps_of
from headwater.connectors.nested.find import find_records, outline, shape_of
from headwater.connectors.nested.json_records import JsonRecords
from headwater.connectors.nested.read import paths_of, records_of
from headwater.connectors.nested.text import JsonText, unicode_of
from headwater.connectors.nested.xml_find import find_elements
from headwater.connectors.nested.xml_records import xml_encoding
from headwater.errors import InputRefused, Misuse, cannot_open

_HEAD_BYTES = 4096


def inspect_nested(path: Path, hints: NestedConfig, *, name: str) -> Inspection[NestedConfig]:
    """Inspect a file whose format is said; what else `hints` say is taken as said. Reads the file to its end.

    Raises InputRefused for what is no such file, for a guess that would not be sure enough (naming `source.records`
    and the candidates), and for faults anywhere in it. Misuse where there is no such file.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        raise cannot_open(path, error) from error
    if size == 0:
        raise InputRefused("the file is empty", where=name, value="0 bytes", remedy="Fetch it again or leave it out.")
    if hints.format is None:
        raise Misuse("which format the file has is not known", where="source.format", valid="json, jsonl, geojson, xml")
    encoding, about_encoding = _encoding(head, hints, name)
    said = replace(hints, encoding=encoding)
    config, confidence, evidence, warnings = _find(path, said, name)
    records = records_of(path, config, name)
    paths, first = paths_of(records, name, SAMPLE_ROWS)
    header = list(map(records.column, paths))
    columns = column_names(header)
    return Inspection(
        format=config.format or "",
        name=name,
        size=size,
        encoding=encoding,
        confidence=confidence,
        evidence=(about_encoding, *evidence),
        config=config,
        header_line=0,
        preamble=(),
        columns=columns,
        sample=tuple(tuple(cells.get(path) or "" for path in paths) for cells in first) if paths else (),
        sample_lines=tuple(range(records.first_number, records.first_number + len(first))) if paths else (),
        warnings=(*warnings, *_about_names(header, columns)),
    )


def _encoding(head: bytes, hints: NestedConfig, name: str) -> tuple[str, str]:
    if hints.encoding is not None:
        return hints.encoding, "encoding said by source.encoding"
    if hints.format != "xml":
        return unicode_of(head)
    encoding, evidence = xml_encoding(head)
    try:
        replace(hints, encoding=encoding)
    except Misuse as error:
        raise InputRefused(
            "the encoding that the file declares is not known",
            where=name,
            value=encoding,
            valid="an encoding that Python knows",
            remedy="Set source.encoding to the encoding the file is in, or save it as UTF-8.",
        ).settled_by("source.encoding") from error
    return encoding, evidence


Found = tuple[NestedConfig, float, tuple[str, ...], tuple[str, ...]]


def _find(path: Path, said: NestedConfig, name: str) -> Found:
    """The config completed, how sure it is, evidence and warnings."""
    if said.format == "xml":
        return _find_elements(path, said, name)
    warnings: tuple[str, ...] = ()
    if said.format == "jsonl":
        config, confidence, evidence = replace(said, records=TOP), 1.0, "every line is a record"
    elif said.records is not None:
        config = replace(said, records=path_of(steps_of(said.records)))
        confidence, evidence = 1.0, "records said by source.records"
    else:
        place = find_records(outline(JsonText(path, said.encoding or "", name)), name)
        config = replace(said, records=path_of(place.records))
        confidence, evidence, warnings = place.confidence, place.evidence, place.warnings
    if config.shape is None:
        shape = shape_of(value for _, value in JsonRecords(path, config, name).values())
        is_empty_collection = said.format == "geojson" and steps_of(config.records or "") == ("features",)
        config = replace(config, shape="features" if is_empty_collection else shape)
    if config.shape == "features" and config.format == "json":
        config = replace(config, format="geojson")
    if config.format == "geojson" and config.shape != "features":
        raise InputRefused(
            "this is no GeoJSON with records",
            where=name,
            valid="a FeatureCollection, or one Feature",
            remedy="Set source.format to json, and source.records if need be.",
        ).settled_by("source.format")
    return config, confidence, (evidence,), warnings


def _find_elements(path: Path, said: NestedConfig, name: str) -> Found:
    if said.records is not None:
        config = replace(said, records=path_of(steps_of(said.records)), shape="elements")
        return config, 1.0, ("records said by source.records",), ()
    found = find_elements(path, said.encoding or "", name)
    config = replace(said, records=path_of(found.records), shape="elements")
    return config, found.confidence, (found.evidence,), ()


def _about_names(header: list[str], columns: tuple[str, ...]) -> list[str]:
    if not columns:
        return ["there are no records"]
    return [
        f"column {number} has a name that stands before it already, or none; it is called {column}"
        for number, (cell, column) in enumerate(zip(header, columns, strict=True), start=1)
        if cell != column
    ]
