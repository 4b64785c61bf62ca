from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from headwater.connectors.inspection import Inspection
from headwater.connectors.nested import NestedConfig, inspect_nested, read_nested
from headwater.errors import InputRefused, Misuse

if TYPE_CHECKING:
    from pathlib import Path

Rows = list[dict[str, str]]


def inspect(tmp_path: Path, text: str | bytes, **said: Any) -> Inspection[NestedConfig]:
    path = tmp_path / "file.json"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return inspect_nested(path, NestedConfig(**{"format": "json"} | said), name="file.json")


def load(tmp_path: Path, text: str | bytes, decimal: str = ".", **said: Any) -> Rows:
    found = inspect(tmp_path, text, **said)
    table = read_nested(tmp_path / "file.json", found.config, name="file.json", decimal=decimal)
    assert table.columns == found.columns
    rows = [row for batch in table.batches for row in batch.rows.to_pylist()]
    assert [tuple(row.values()) for row in rows[:20]] == list(found.sample) or decimal != "."
    return rows


def refused(tmp_path: Path, text: str | bytes, **said: Any) -> InputRefused:
    with pytest.raises(InputRefused) as error:
        load(tmp_path, text, **said)
    assert (error.value.where or "").startswith("file.json")
    return error.value


def test_an_array_of_objects(tmp_path: Path) -> None:
    found = inspect(tmp_path, '[{"site": "Kisumu", "kWh": 12.50}, {"site": "Nakuru", "kWh": 7}]')
    assert (found.format, found.header_line, found.confidence) == ("json", 0, 1.0)
    assert found.columns == ("site", "kWh")
    assert found.sample == (("Kisumu", "12.50"), ("Nakuru", "7"))
    assert found.sample_lines == (0, 1)
    assert json.loads(json.dumps(found.as_json()))["config"]["records"] == "/"


def test_records_of_several_kinds_are_one_table(tmp_path: Path) -> None:
    rows = load(tmp_path, '[{"a": 1}, {"b": {"c": "x", "d": null}}, null, {"a": null, "e": [1.0, {"f": "é"}]}]')
    assert rows == [
        {"a": "1", "b.c": "", "b.d": "", "e": ""},
        {"a": "", "b.c": "x", "b.d": "", "e": ""},
        {"a": "", "b.c": "", "b.d": "", "e": ""},
        {"a": "", "b.c": "", "b.d": "", "e": '[1.0,{"f":"é"}]'},
    ]


def test_a_column_that_is_null_or_an_object_has_the_columns_of_the_object(tmp_path: Path) -> None:
    assert load(tmp_path, '[{"a": null}, {"a": {"b": "x"}}]') == [{"a.b": ""}, {"a.b": "x"}]
    assert load(tmp_path, '[{"a": ""}, {"a": {"b": "x"}}]') == [{"a": "", "a.b": ""}, {"a": "", "a.b": "x"}]


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("0.1", "0.1"),
        ("1.10", "1.10"),
        ("-0", "-0"),
        ("1e3", "1000"),
        ("1.5E-7", "0.00000015"),
        ("123456789012345678901234567890.123456789", "123456789012345678901234567890.123456789"),
        ("1e999999999", "1e999999999"),
        ("true", "TRUE"),
        ("false", "FALSE"),
        ("null", ""),
        ('"1e3"', "1e3"),
        ("[]", "[]"),
        ("[1e3, null, true]", "[1e3,null,true]"),
    ],
)
def test_values_keep_all_that_is_written(tmp_path: Path, written: str, text: str) -> None:
    assert load(tmp_path, f'[{{"id": "1", "v": {written}}}]') == [{"id": "1", "v": text}]


def test_numbers_take_the_decimal_sign_of_the_mapping_texts_do_not(tmp_path: Path) -> None:
    assert load(tmp_path, '[{"a": 1.5, "b": "1.5", "c": [1.5]}]', decimal=",") == [
        {"a": "1,5", "b": "1.5", "c": "[1.5]"}
    ]


@pytest.mark.parametrize(
    ("text", "records", "part"),
    [
        ('{"d": {"results": [{"a": 1}], "__count": "1"}}', "d/results", "/d/results"),
        ('{"@odata.context": "x", "value": [{"a": 1}], "other": [{"b": 1}]}', "value", "/value"),
        ('{"items": [{"a": 1}], "hasMore": false, "links": [{"rel": "self"}]}', "items", "/items"),
        ('{"Report_Entry": [{"a": 1}]}', "Report_Entry", "/Report_Entry"),
        ('[{"page": 1, "pages": 1}, [{"a": 1}]]', "1", "/1"),
        ('{"status": "ok", "payload": {"rows": [{"a": 1}]}}', "payload/rows", "/payload/rows"),
        ('{"a/b": [{"a": 1}]}', "a~1b", "/a~1b"),
    ],
)
def test_the_records_are_found(tmp_path: Path, text: str, records: str, part: str) -> None:
    found = inspect(tmp_path, text)
    assert found.config.records == records
    table = read_nested(tmp_path / "file.json", found.config, name="file.json", decimal=".")
    batches = [(batch.part, batch.first_number, batch.rows.to_pylist()) for batch in table.batches]
    assert batches == [(part, 0, [{"a": "1"}])]


def test_what_stands_beside_the_records_is_said(tmp_path: Path) -> None:
    found = inspect(tmp_path, '{"order": 7, "count": 1, "lines": [{"a": 1}]}')
    assert found.warnings == ("not read, because it stands beside the records: order",)


@pytest.mark.parametrize(
    ("text", "candidates"),
    [
        ('{"sites": [{"a": 1}], "meters": [{"b": 1}]}', "sites, meters"),
        ('{"x": {"a": 1}, "y": {"b": 1}}', "*, /"),
        ('{"only": {"a": 1}}', "*, /"),
    ],
)
def test_a_doubt_names_the_option_and_the_candidates(tmp_path: Path, text: str, candidates: str) -> None:
    error = refused(tmp_path, text)
    assert error.value == candidates
    assert "Set source.records" in (error.remedy or "")
    first = candidates.split(", ", maxsplit=1)[0]
    assert len(load(tmp_path, text, records=first)) >= 1


def test_objects_keyed_by_id(tmp_path: Path) -> None:
    text = '{"KE1": {"name": "Kisumu"}, "KE2": {"name": "Nakuru", "x": 1}}'
    assert inspect(tmp_path, text).config.records == "*"
    assert load(tmp_path, text) == [
        {"_key": "KE1", "name": "Kisumu", "x": ""},
        {"_key": "KE2", "name": "Nakuru", "x": "1"},
    ]
    assert load(tmp_path, f'{{"sites": {text}, "n": 2}}', records="sites/*")[1]["_key"] == "KE2"


def test_one_object_is_one_record(tmp_path: Path) -> None:
    assert load(tmp_path, '{"a": 1, "b": {"c": 2}, "d": ["x"]}') == [{"a": "1", "b.c": "2", "d": '["x"]'}]


def test_arrays_of_arrays_have_a_header_where_the_first_holds_texts_only(tmp_path: Path) -> None:
    assert load(tmp_path, '[["a", "b"], [1, "x"], [2], [3, "y", true]]') == [
        {"a": "1", "b": "x", "column_3": ""},
        {"a": "2", "b": "", "column_3": ""},
        {"a": "3", "b": "y", "column_3": "TRUE"},
    ]
    assert load(tmp_path, '[["a", 1], ["b", 2]]')[1] == {"column_1": "b", "column_2": "2"}
    assert inspect(tmp_path, '[["a", "b"], [1, 2]]').sample_lines == (1,)
    assert load(tmp_path, '[["a", "b"]]') == []


def test_an_array_of_values_is_one_column(tmp_path: Path) -> None:
    assert load(tmp_path, '["x", 2, null]') == [{"value": "x"}, {"value": "2"}, {"value": ""}]


def test_fixtures_of_django_lose_their_wrapping(tmp_path: Path) -> None:
    text = '[{"model": "a.b", "pk": 1, "fields": {"name": "x", "pk": 9}}, {"model": "a.c", "fields": {"code": "y"}}]'
    assert load(tmp_path, text) == [
        {"model": "a.b", "pk": "1", "name": "x", "pk_2": "9", "code": ""},
        {"model": "a.c", "pk": "", "name": "", "pk_2": "", "code": "y"},
    ]


def test_names_that_would_be_equal_stay_two_columns(tmp_path: Path) -> None:
    found = inspect(tmp_path, '[{"a.b": 1, "a": {"b": 2}}]')
    assert found.columns == ("a.b", "a.b_2")
    assert found.sample == (("1", "2"),)
    assert len(found.warnings) == 1


def test_which_of_two_equal_names_is_which_does_not_depend_on_their_order(tmp_path: Path) -> None:
    assert inspect(tmp_path, '[{"a": {"b": 2}, "a.b": 1}]').sample == (("1", "2"),)
    late = '[{"model": "m", "fields": {"pk": 9}}, {"model": "m", "pk": 1, "fields": {"pk": 8}}]'
    assert [(row["pk"], row["pk_2"]) for row in load(tmp_path, late)] == [("", "9"), ("1", "8")]


def test_a_valid_file_without_records_says_so(tmp_path: Path) -> None:
    for text in ("[]", '{"d": {"results": []}}', '{"rows": []}'):
        found = inspect(tmp_path, text)
        assert (found.columns, found.sample, found.warnings) == ((), (), ("there are no records",))
        assert load(tmp_path, text) == []


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"])
def test_unicode_of_every_kind_is_read(tmp_path: Path, encoding: str) -> None:
    assert load(tmp_path, '[{"a": "é"}]'.encode(encoding)) == [{"a": "é"}]


def test_another_encoding_is_to_be_said(tmp_path: Path) -> None:
    data = '[{"a":\n"é"}]'.encode("cp1252")
    assert refused(tmp_path, data).where == "file.json, line 2"
    assert load(tmp_path, data, encoding="cp1252") == [{"a": "é"}]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "empty"),
        ("  \n", "ends in the middle"),
        ('[{"a": 1}', "ends in the middle"),
        ('[{"a": "x', "ends in the middle"),
        ('{"d": {"results": [{"a": 1}]', "ends in the middle"),
        ('[{"a": 1},]', "not JSON"),
        ('[{"a": 01}]', "not JSON"),
        ("[{'a': 1}]", "not JSON"),
        ('[{"a": "x\ty"}]', "not JSON"),
        ('[{"a": NaN}]', "no number that JSON knows"),
        ('[{"a": -Infinity}]', "no number that JSON knows"),
        ('[{"a": 1, "b": 2, "a": 1}]', "same name twice"),
        ('{"d": {"results": []}, "d": 1}', "same name twice"),
        ('[{"a": "\\ud800"}]', "half of a surrogate"),
        ('[{"\\ud800": 1}]', "half of a surrogate"),
        ('[{"a": "\\u0000"}]', "zero character"),
        ('[{"a\\u0000b": 1}]', "zero character"),
        ('{"a": 1}\n{"a": 2}\n', "another value stands behind"),
        ("7", "one single value"),
        ('[{"a": 1}, 2]', "not of one kind"),
        ('[{"a": 1}, [2], {"a": 2}]', "not of one kind"),
        ('{"x": [1, 2, 3], "y": [4, 5, 6]}', "columns, not records"),
        ('[{"a": ' + "[" * 102 + "]" * 102 + "}]", "nested more than 100"),
        ("[" * 100_000, "nested more than 100"),
        ('[{"a": ' + '{"a": ' * 101 + "1" + "}" * 102 + "]", "nested more than 100"),
        ("[{" + ",".join(f'"k{n}": 1' for n in range(2001)) + "}]", "too many columns"),
        ('[{"a": "' + "x" * 17_000_000 + '"}]', "longer than 16 MB"),
    ],
    ids=lambda text: text[:30],
)
def test_what_is_refused_is_refused_in_words(tmp_path: Path, text: str, what: str) -> None:
    assert what in refused(tmp_path, text).what


def test_a_record_of_another_kind_late_in_the_file_is_named(tmp_path: Path) -> None:
    error = refused(tmp_path, "[" + '{"a": 1},' * 100 + "5]")
    assert (error.where, error.value) == ("file.json, /100", "5")


def test_a_path_that_leads_nowhere_is_refused_with_what_is_there(tmp_path: Path) -> None:
    error = refused(tmp_path, '{"d": {"result": [], "x": 1}}', records="d/results")
    assert (error.value, error.valid) == ("d/results", "at this place there are: result, x")
    refused(tmp_path, '{"d": 1}', records="d/results")
    refused(tmp_path, '{"d": 1}', records="d")


def test_many_records_come_in_batches_whose_numbers_follow(tmp_path: Path) -> None:
    text = json.dumps([{"n": number, "text": "é" * 300} for number in range(12_000)], ensure_ascii=False)
    config = inspect(tmp_path, text).config
    batches = list(read_nested(tmp_path / "file.json", config, name="file.json", decimal=".").batches)
    assert len(batches) > 2
    assert all(int(batch.rows.column("n")[0].as_py()) == batch.first_number for batch in batches)
    assert sum(batch.rows.num_rows for batch in batches) == 12_000


def test_reading_wants_a_complete_config(tmp_path: Path) -> None:
    with pytest.raises(Misuse, match=r"source\.records"):
        read_nested(tmp_path / "file.json", NestedConfig(format="json"), name="x", decimal=".")
    with pytest.raises(Misuse, match=r"source\.format"):
        inspect(tmp_path, "[]", format=None)
    with pytest.raises(Misuse, match="cannot be opened"):
        inspect_nested(tmp_path / "none", NestedConfig(format="json"), name="none")


@pytest.mark.parametrize("said", [{"records": "a//b"}, {"records": "*/a"}, {"format": "yaml"}, {"encoding": "klingon"}])
def test_a_config_that_means_nothing_is_misuse(said: dict[str, str]) -> None:
    with pytest.raises(Misuse):
        NestedConfig(**said)
