"""What is found in a file that was sent: by what its mapping says of its form, and where none does, by itself.

A file that can be read in several ways is not refused for it: what a mapping would have to say is told as `undecided`,
with the choices, and a mapping that says it can be chosen then.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from headwater.connectors.files import FileConfig
from headwater.connectors.formats import find_format
from headwater.connectors.text_table.shape import Shape
from headwater.errors import InputRefused, Misuse
from headwater.mapping import read_mapping
from headwater.services import kept_mappings
from headwater.services.inspections import inspect
from headwater.services.sources import config_of

if TYPE_CHECKING:
    from pathlib import Path

    from headwater.services.installation import Installation
    from headwater.store.imports import Import

LINES_KEPT, SIGNS_KEPT, CHOICES_KEPT = 100, 1000, 100
"""Lines above a header, signs of each text, and choices that are kept of what inspection found."""


def refuse_no_table(path: Path) -> None:
    """InputRefused for what is no table, whatever a mapping says of its format."""
    try:
        find_format(path, path.name)
    except InputRefused as refused:
        if refused.setting is None:
            raise


def found_in(installation: Installation, import_: Import, path: Path) -> dict[str, Any]:
    """What inspection found, as much of it as is looked at: a cell, or what stands above a header, may be very long.

    InputRefused for what no mapping could settle. That a mapping does not fit is for whoever plans by it to say: the
    file is told as it is by itself, so that another can be chosen.
    """
    try:
        return _told(path, form_of(installation, import_))
    except (InputRefused, Misuse):
        if import_.mapping is None:
            raise
        return _told(path, FileConfig())


def form_of(installation: Installation, import_: Import) -> FileConfig:
    """What its mapping says of how the file is written, as it stands there: columns are no records yet."""
    if import_.mapping is None:
        return FileConfig()
    mapping = read_mapping(kept_mappings.text_of(installation, import_.mapping), where=import_.mapping)
    return replace(config_of(mapping), shape=Shape())


def is_undecided(import_: Import) -> bool:
    """Whether the file could be read in several ways when it was looked at."""
    return import_.found is not None and "undecided" in import_.found


def _told(path: Path, form: FileConfig) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(json.dumps(inspect(path, form).as_json(), default=str))
    except InputRefused as refused:
        if refused.setting is None or form != FileConfig():
            raise
        return _undecided(refused)
    found["preamble"] = found["preamble"][:LINES_KEPT]
    return {name: _cut(value) for name, value in found.items()}


def _undecided(refused: InputRefused) -> dict[str, Any]:
    """`sample` is there, and empty, as in all that was found: by it whoever erases a person knows where cells stand."""
    told = {name: getattr(refused, name) for name in ("what", "where", "value", "valid", "remedy")}
    said = {name: None if value is None else str(value) for name, value in told.items()}
    choices = list(refused.choices[:CHOICES_KEPT])
    body = {"setting": refused.setting, "choices": choices, "of": len(refused.choices), **said}
    return {"format": None, "encoding": None, "columns": [], "sample": [], "undecided": _cut(body)}


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= SIGNS_KEPT else value[:SIGNS_KEPT] + "…"
    if isinstance(value, dict):
        return {_cut(name): _cut(each) for name, each in value.items()}
    return [_cut(each) for each in value] if isinstance(value, list) else value
