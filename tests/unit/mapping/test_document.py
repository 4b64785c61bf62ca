from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from headwater.errors import InputRefused, Misuse
from headwater.mapping import load_mapping, mapping_json_schema, read_mapping
from headwater.packs.ghg import pack

ROOT = Path(__file__).parents[3]
SMALL = """
mapping: small
version: 1.0.0
contract: activity@1
fields:
  activity_id: {column: id}
"""


def test_every_scalar_stays_text() -> None:
    mapping = read_mapping(
        SMALL + "  region: {constant: NO}\n  unit: {constant: 1.10}\n  note: {constant: 2024-01-01}\n", where="m"
    )
    assert [mapping.fields[name].constant for name in ("region", "unit", "note")] == ["NO", "1.10", "2024-01-01"]


def test_true_and_false_words_keep_their_keys() -> None:
    mapping = read_mapping(SMALL + "locale: {true: [ja, yes], false: [nein, no], group: null}\n", where="m")
    assert mapping.locale.true_words == ("ja", "yes")
    assert mapping.locale.false_words == ("nein", "no")
    assert mapping.locale.group is None


def test_the_hash_says_what_the_document_means_not_how_it_is_written() -> None:
    mapping = read_mapping(SMALL, where="m")
    as_json = json.dumps(yaml.load(SMALL, Loader=yaml.BaseLoader))  # noqa: S506  (our own text, all scalars text)
    with_defaults = read_mapping(SMALL + "source: {fill_down: []}\nskip: []\n", where="m")
    assert mapping.hash == read_mapping(as_json, where="m").hash == with_defaults.hash
    assert len(mapping.hash) == 32
    assert mapping.hash != read_mapping(SMALL.replace("1.0.0", "1.0.1"), where="m").hash


VARIANTS = (
    SMALL.replace("{column: id}", "{column: [id, No., ID]}")
    + """  region: {constant: GB}
  quantity: {column: use}
  note: {column: remark}
locale: {decimal: ",", group: null}
skip: [{when: "id = 'Total'", reason: total_line}]
absent: {k.A.: not_reported}
source: {sheets: ["20*", Totals], header: 5, units_row: 6, fill_down: [site], add: [file, sheet],
         unpivot: {columns: "20??", name: year, value: use, unit: unit}}
when:
  - columns: [No., amount]
    fields: {quantity: {column: amount}, note: null}
    skip: []
    locale: {}
  - columns: [amount]
    fields: {quantity: {expression: amount * 2}}
"""
)


def test_the_first_variant_whose_columns_stand_in_the_header_holds() -> None:
    mapping = read_mapping(VARIANTS, where="m")
    plain = mapping.for_columns(("id", "use", "remark"))
    assert {name: rule.column for name, rule in plain.fields.items()} == {
        "activity_id": "id",
        "region": None,
        "quantity": "use",
        "note": "remark",
    }
    assert (plain.locale.decimal, plain.when, plain.skip) == (",", (), mapping.skip)
    first = mapping.for_columns(("No.", "amount"))
    assert {name: rule.column for name, rule in first.fields.items()} == {
        "activity_id": "No.",
        "region": None,
        "quantity": "amount",
    }
    assert (first.locale.decimal, first.skip, first.absent) == (".", (), mapping.absent)
    second = mapping.for_columns(("ID", "amount", "remark"))
    assert second.fields["quantity"].expression == "amount * 2"
    assert (second.locale.decimal, second.skip) == (",", mapping.skip)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (("use", "remark", "i.d."), "there is no column 'id' or 'No.' or 'ID' in the file"),
        (("id", "No.", "use", "remark"), "several names of one column stand in the file"),
        (("id", "used", "remark"), "Did you mean used?"),
    ],
)
def test_a_column_stands_in_the_file_under_exactly_one_of_its_names(columns: tuple[str, ...], words: str) -> None:
    with pytest.raises(Misuse) as caught:
        read_mapping(VARIANTS, where="m").for_columns(columns)
    assert words in str(caught.value)
    assert "mapping small 1.0.0, field " in str(caught.value)


def test_all_columns_that_are_missing_are_told_at_once() -> None:
    with pytest.raises(Misuse) as caught:
        read_mapping(VARIANTS, where="m").for_columns(("amonut", "remark"))
    assert (caught.value.where, caught.value.valid) == ("mapping small 1.0.0", "'amonut', 'remark'")
    assert "2 columns that the mapping reads are not in the file: 'id' or 'No.' or 'ID' for " in caught.value.what


def test_variants_keep_their_meaning_in_canonical_json() -> None:
    mapping = read_mapping(VARIANTS, where="m")
    again = read_mapping(mapping.to_json(), where="json")
    assert again == mapping
    assert again.hash == mapping.hash
    assert again.when[0].locale is not None
    assert again.when[0].skip == ()
    assert again.when[1].locale is None
    published = json.loads((ROOT / "docs/reference/mapping.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(published).validate(json.loads(mapping.to_json()))


def test_canonical_json_reads_back() -> None:
    for path in sorted(Path(str(pack.mappings)).glob("*.yaml")):
        mapping = load_mapping(path)
        assert read_mapping(mapping.to_json(), where="json").hash == mapping.hash


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not a document"),
        ("[1, 2]", "not a document"),
        ("just text", "not a document"),
        (SMALL + "colour: red\n", "colour: there is no such key. Valid: mapping, version, contract"),
        (SMALL + "feilds: {}\n", "feilds: there is no such key; did you mean fields?"),
        (SMALL.replace("{column: id}", "{colum: id}"), "activity_id.colum: there is no such key; did you mean column?"),
        (SMALL + "skip: [{wen: x, reason: y}]\n", "skip.0.wen: there is no such key; did you mean when?"),
        (SMALL + "column: id\n", "column: there is no such key here; it stands under fields."),
        (SMALL + "source: {preamble: two}\n", "source.preamble: a whole number is wanted, not 'two'"),
        (SMALL + "version: 2.0.0\n", "stands twice"),
        (SMALL + "  activity_id: {column: other}\n", "stands twice"),
        (SMALL.replace("{column: id}", "{column: id, column: other}"), "stands twice"),
        (SMALL.replace("{column: id}", "{column: id, constant: x}"), "exactly one of"),
        (SMALL.replace("{column: id}", "{}"), "exactly one of"),
        (SMALL.replace("{column: id}", "{column: ''}"), "activity_id.column"),
        (SMALL.replace("{column: id}", "{column: null}"), "exactly one of"),
        (SMALL.replace("{column: id}", "{column: id, otherwise: keep}"), "otherwise needs values"),
        (SMALL.replace("{column: id}", "{column: id, values: {A: x, ' a ': y}}"), "more than once"),
        (SMALL.replace("{column: id}", "{column: id, values: {' ': y}}"), "a blank is absent"),
        (SMALL.replace("{column: id}", "{constant: id, values: {a: y}}"), "beside a constant"),
        (SMALL.replace("{column: id}", "{column: id, otherwise: guess, values: {a: y}}"), "otherwise"),
        (SMALL.replace("activity@1", "activity"), "contract"),
        (SMALL.replace("1.0.0", "1"), "version"),
        (SMALL.replace("mapping: small", "mapping: Small One"), "mapping"),
        (SMALL + "locale: {decimal: ';'}\n", "decimal"),
        (SMALL + "source: {delimiter: ';;'}\n", "delimiter"),
        (SMALL + "absent: {x: unknown}\n", "absent.x"),
        (SMALL + "source: {format: pdf}\n", "source.format"),
        (SMALL + "source: {header: 0}\n", "source.header"),
        (SMALL + "source: {add: [line]}\n", "source.add"),
        (SMALL + "source: {sheets: []}\n", "source.sheets"),
        (SMALL + "source: {unpivot: {columns: '20??', name: v, value: V}}\n", "three different columns"),
        (SMALL + "source: {unpivot: {columns: [], name: year, value: v}}\n", "source.unpivot.columns"),
        (SMALL.replace("{column: id}", "{column: [id]}"), "activity_id.column"),
        (SMALL + "when: [{fields: {region: {column: r}}}]\n", "when.0.columns"),
        (SMALL + "skip: [{when: \"a = 'x'\"}]\n", "reason"),
        (SMALL + "source: &s {format: csv}\nlocale: *s\n", "aliases are not allowed"),
        (SMALL + "a: [" * 5, "cannot be read"),
        (SMALL + "? [a]\n: b\n", "a key must be a word"),
        ("a: !!python/object/apply:os.system [ls]", "cannot be read"),
        ("[" * 5_000, "nested too deeply"),
    ],
)
def test_refuses_in_words_that_name_the_key(text: str, words: str) -> None:
    with pytest.raises(Misuse) as caught:
        read_mapping(text, where="m.yaml")
    assert words in str(caught.value)
    assert "m.yaml" in str(caught.value)


def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path) -> None:
    (tmp_path / "meters.yaml").write_text(SMALL, encoding="utf-8")
    with pytest.raises(Misuse, match=r"there is no such mapping\. Did you mean meters\.yaml\?"):
        load_mapping(tmp_path / "metres.yaml")
    with pytest.raises(InputRefused, match="cannot be read: is a directory"):
        load_mapping(tmp_path)
    (tmp_path / "latin.yaml").write_bytes(SMALL.replace("small", "gr\u00f6\u00dfe").encode("latin-1"))
    with pytest.raises(InputRefused, match="not UTF-8"):
        load_mapping(tmp_path / "latin.yaml")
    (tmp_path / "huge.yaml").write_bytes(b"#" * 1_000_001)
    with pytest.raises(InputRefused, match="1,000,001 bytes"):
        load_mapping(tmp_path / "huge.yaml")


def test_a_byte_order_mark_is_no_part_of_the_mapping(tmp_path: Path) -> None:
    (tmp_path / "bom.yaml").write_bytes(b"\xef\xbb\xbf" + SMALL.lstrip().encode())
    assert load_mapping(tmp_path / "bom.yaml").hash == read_mapping(SMALL, where="m").hash


def test_the_published_schema_is_the_models_and_accepts_the_shipped_mappings() -> None:
    published = json.loads((ROOT / "docs/reference/mapping.schema.json").read_text(encoding="utf-8"))
    assert published == mapping_json_schema()
    jsonschema.Draft202012Validator.check_schema(published)
    validator = jsonschema.Draft202012Validator(published)
    for path in sorted(Path(str(pack.mappings)).glob("*.yaml")):
        validator.validate(json.loads(load_mapping(path).to_json()))
    assert not validator.is_valid({"mapping": "x"})
