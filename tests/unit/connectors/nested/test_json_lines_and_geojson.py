from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from headwater.connectors.nested import NestedConfig, inspect_nested, read_nested
from headwater.errors import InputRefused, Misuse

if TYPE_CHECKING:
    from pathlib import Path

POINT = (
    '{"type": "Feature", "id": 7, "properties": {"id": "a", "n": 1}, "geometry": {"type": "Point", "coordinates": %s}}'
)


def load(tmp_path: Path, text: str, **said: Any) -> tuple[int, list[dict[str, str]]]:
    path = tmp_path / "file"
    path.write_text(text, encoding="utf-8", newline="")
    config = inspect_nested(path, NestedConfig(**said), name="file").config
    batches = list(read_nested(path, config, name="file", decimal=".").batches)
    return batches[0].first_number if batches else 0, [row for batch in batches for row in batch.rows.to_pylist()]


def test_lines_are_counted_from_one_and_blank_ones_are_blank_records(tmp_path: Path) -> None:
    text = '{"a": 1}\r\n\r\n{"b": "x\u2028y"}\n   \n{"a": 3}'
    first, rows = load(tmp_path, text, format="jsonl")
    assert first == 1
    assert [row["a"] for row in rows] == ["1", "", "", "", "3"]
    assert rows[2]["b"] == "x\u2028y"


def test_lines_may_be_arrays_below_a_header(tmp_path: Path) -> None:
    assert load(tmp_path, '["a","b"]\n[1,2]\n', format="jsonl") == (2, [{"a": "1", "b": "2"}])


@pytest.mark.parametrize(
    ("text", "what", "where"),
    [
        ('{"a": 1}\n{"a":\n 2}\n', "not one JSON value", "file, line 2"),
        ('{"a": 1}{"a": 2}\n', "several values stand on one line", "file, line 1"),
        ('{"a": 1}\n5\n', "another kind", "file, line 2"),
        ('{"a": 1}\n{"a": 1, "a": 2}\n', "same name twice", "file, line 2"),
        ('{"a": ' + "[" * 100_000 + "\n", "nested more than 100", "file, line 1"),
        ('{"a": "' + "x" * 18_000_000, "longer than 16 MB", "file, line 1"),
    ],
    ids=lambda text: text[:30],
)
def test_a_line_that_is_no_record_is_refused(tmp_path: Path, text: str, what: str, where: str) -> None:
    with pytest.raises(InputRefused, match=what) as error:
        load(tmp_path, text, format="jsonl")
    assert error.value.where == where


def test_lines_have_no_path(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="every line is a record"):
        load(tmp_path, "{}", format="jsonl", records="a")


def test_properties_are_columns_and_points_have_coordinates(tmp_path: Path) -> None:
    line = (
        POINT % "[36.80, -1.3, 12]"
        + ',{"type": "Feature", "properties": null, "geometry": null},'
        + POINT.replace("Point", "LineString") % "[[1, 2], [3, 4]]"
    )
    first, rows = load(tmp_path, f'{{"type": "FeatureCollection", "features": [{line}]}}', format="json")
    assert first == 0
    assert rows[0] == {
        "id": "7",
        "id_2": "a",
        "n": "1",
        "geometry": '{"type":"Point","coordinates":[36.80,-1.3,12]}',
        "longitude": "36.80",
        "latitude": "-1.3",
    }
    assert set(rows[1].values()) == {""}
    assert (rows[2]["geometry"], rows[2]["longitude"]) == ('{"type":"LineString","coordinates":[[1,2],[3,4]]}', "")


def test_one_feature_is_one_record_and_features_may_stand_on_lines(tmp_path: Path) -> None:
    assert load(tmp_path, POINT % "[1, 2]", format="geojson")[1][0]["longitude"] == "1"
    assert load(tmp_path, (POINT % "[1, 2]" + "\n") * 2, format="jsonl")[1][1]["latitude"] == "2"


def test_an_empty_collection_has_no_records(tmp_path: Path) -> None:
    assert load(tmp_path, '{"type": "FeatureCollection", "features": []}', format="geojson") == (0, [])


def test_json_that_is_no_geojson_is_refused_as_such(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="no GeoJSON"):
        load(tmp_path, '[{"a": 1}]', format="geojson")
