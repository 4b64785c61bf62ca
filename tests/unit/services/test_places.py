"""The place of a record is one that whoever opens the file finds."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import pytest

from headwater.connectors.csv_file import Layout, Planner
from headwater.connectors.files import FileConfig, inspect_file, write_text_of
from headwater.connectors.nested import NestedConfig
from headwater.services.tracing.places import place_in_file

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "records", "place"),
    [
        # Of an object keyed by id no array has an item 1.
        ('{"x": {"a": 1}, "y": {"a": 2}}', "*", "/*, number 2"),
        ('{"d": {"x": {"a": 1}, "y": {"a": 2}}}', "d/*", "/d/*, number 2"),
        ('{"d": [{"a": 1}, {"a": 2}]}', "d", "/d/1"),
    ],
)
def test_records_of_json(tmp_path: Path, text: str, records: str, place: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    found = inspect_file(path, FileConfig(nested=NestedConfig(records=records)))
    planner = Planner(found.config.text, 10, name="text")
    parts = write_text_of(path, found.config, planner.feed, name="a.json")
    body = asdict(planner.finish())
    layout = {name: body[name] for name in Layout.__dataclass_fields__}
    layout |= {"parts": [asdict(part) for part in parts], "reading": found.config.as_json()}
    assert place_in_file(layout, 2, parts[0].number(2)) == place
