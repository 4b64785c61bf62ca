"""A chunk refuses by its references what row enforcement refuses, whatever the codes, the texts and the other rules."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from typing import Annotated

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headwater.contracts import Code, Contract, Date, compile_contract, enforce_row
from headwater.engine.duck import engine
from headwater.mapping import compile_mapping, read_mapping
from headwater.pipeline.known_rows import RowNames
from headwater.pipeline.references import ReferenceCodes
from headwater.pipeline.transform import ChunkTransform
from headwater.values import Outcome, TextFormat
from tests.examples import examples


class Referring(
    Contract, name="referring", version="1.0.0", title="Referring", description="References beside other rules."
):
    name: Annotated[str, Code(key=True, max_length=4, description="d")]
    code: Annotated[str | None, Code(reference="other.code", max_length=3, description="d")] = None
    again: Annotated[str | None, Code(reference="other.code", description="d")] = None
    long: Annotated[str, Code(reference="other.long_code", pattern="[a-z]*", description="d")] = "a"
    own: Annotated[str | None, Code(reference="referring.name", enum=("a", "ü", "o"), description="d")] = None
    needed: Annotated[str, Code(reference="third.code", description="d")]
    day: Annotated[datetime.date | None, Date(description="d")] = None


DOCUMENT = compile_contract(Referring)
COLUMNS = tuple(DOCUMENT.by_name)
MAPPING = read_mapping(
    json.dumps(
        {
            "mapping": "m", "version": "1.0.0", "contract": "referring@1", "absent": {"-": "not_reported"},
            "fields": {name: {"column": name} for name in COLUMNS},
        }
    ),
    where="test",
)  # fmt: skip
FORMAT = TextFormat(absent={"-": Outcome.NOT_REPORTED})
REFERENCES = ("other.code", "other.long_code", "referring.name", "third.code")

words = st.sampled_from(("a", "b", "A", "ü", "u\u0308", "o'", '"', "abcd", "null", "2024-01-01", "0", "00"))
texts = st.sampled_from((None, "", " ", "n/a", "-", " a ", "a\tb", "\u00a0b", "x,y")) | words
records = st.lists(st.fixed_dictionaries(dict.fromkeys(COLUMNS, texts)), min_size=1, max_size=8)
stand = st.fixed_dictionaries(dict.fromkeys(REFERENCES, st.sets(words, max_size=6)))


@pytest.fixture(scope="module")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    with engine() as connection:
        yield connection


@given(records=records, stand=stand)
@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_chunk_and_single_records_are_refused_alike(
    duck: duckdb.DuckDBPyConnection, records: list[dict[str, str | None]], stand: dict[str, set[str]]
) -> None:
    pinned = [(reference, DOCUMENT.fields[0].kind.canonical(code)) for reference in stand for code in stand[reference]]
    columns = list(zip(*pinned, strict=True)) or [(), ()]
    table = pa.table([pa.array(column, pa.string()) for column in columns], ["reference", "code"])
    transform = ChunkTransform(
        duck,
        document=DOCUMENT,
        mapping=compile_mapping(MAPPING, DOCUMENT, COLUMNS),
        columns=COLUMNS,
        names=RowNames(source_id=b""),
        references=ReferenceCodes(duck, DOCUMENT, table.to_batches),
    )
    raw = pa.table({name: pa.array([record[name] for record in records], pa.string()) for name in COLUMNS})
    done = transform.run(raw, np.arange(len(records), dtype=np.int32), first_record=1)

    found = {
        row["record_no"]: [(each["rule"], each["field"], each["value"]) for each in json.loads(row["findings"])]
        for row in done.refused.to_pylist()
    }
    expected = {}
    for number, record in enumerate(records):
        broken = [each for each in enforce_row(DOCUMENT, record, FORMAT, stand).findings if each.severity == "reject"]
        if broken:
            expected[number] = [(each.rule_id, each.field, each.value) for each in broken]
    assert found == expected
