"""A source opened by the suite: secrets noted, rows read as the suite's own, errors held to be the house's."""

from __future__ import annotations

import contextlib
import datetime
import json
import string
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from headwater.connectors.protocol import Config, Connector, Selection, SourceChunk, SourcePlan
from headwater.errors import HeadwaterError
from headwater.testing.case import Case, Opened, Row
from headwater.testing.checking import Nonconformity, require

BEFORE_SUMMER_TIME = datetime.datetime(2024, 3, 30, 21, 59, tzinfo=datetime.UTC)
"""Rows are some minutes apart from here on, across the night in which European clocks skip an hour."""

_LETTERS = string.ascii_lowercase + string.ascii_uppercase + string.digits
_SHIFTED = str.maketrans(_LETTERS, _LETTERS[1:] + _LETTERS[0])


def wrong_secret(secret: str) -> str:
    """Another secret of the same form: a key that must be Base64 still is."""
    return secret.translate(_SHIFTED)


@contextlib.contextmanager
def opened(
    case: Opened,
    config: Config | None = None,
    *,
    secrets: set[str] | None = None,
    resolve: Callable[[str], str] | None = None,
) -> Iterator[Any]:
    """The source, closed again at the end. Secrets it asks for are added to `secrets`."""
    give = resolve or case.resolve

    def noting(reference: str) -> str:
        secret = give(reference)
        if secrets is not None:
            secrets.add(secret)
        return secret

    connector = case.kind.open(config or case.config(), noting)
    try:
        yield connector
    finally:
        connector.close()


@contextlib.contextmanager
def unreachable(case: Opened, cause: Any, secrets: set[str] | None = None) -> Iterator[Any]:
    """The source, opened so that this stands in the way."""
    config = case.wrong(cause)
    shifts = cause == "login" and config == case.config()
    resolve = (lambda reference: wrong_secret(case.resolve(reference))) if shifts else None
    with opened(case, config, secrets=secrets, resolve=resolve) as connector:
        yield connector


def numbered(count: int, *, tie: int = 1) -> list[Row]:
    """Rows with gaps between their ids, `tie` of them each time at the same moment, texts of several kinds."""
    texts = ("plain", "ä 漢 😀", 'it\'s; "quoted"', "", None, "  blanks  ", "line\nline")
    return [
        Row(
            id=3 * n + 2,
            at=BEFORE_SUMMER_TIME + (n // tie) * datetime.timedelta(minutes=7, microseconds=1000),
            value=texts[n % len(texts)],
        )
        for n in range(count)
    ]


def selection(case: Case, **more: Any) -> Selection:
    """The case's table, rows told apart by `id`; with `cursor=True` those changed, by `at`."""
    if more.pop("cursor", False):
        more["cursor"] = case.columns[1]
    return Selection(table=case.table, **{"key": case.columns[:1], "chunk_rows": 10, **more})


def by_another_process(chunk: SourceChunk) -> SourceChunk:
    """The chunk as a process that resumes finds it: its locator written as JSON and read again."""
    try:
        locator = json.loads(json.dumps(dict(chunk.locator), allow_nan=False))
    except (TypeError, ValueError) as error:
        message = f"the locator of chunk {chunk.chunk_no} is no JSON: {error}"
        raise Nonconformity(message) from error
    return SourceChunk(chunk_no=chunk.chunk_no, locator=locator, rows=chunk.rows)


def batches(connector: Connector, asked: Selection, chunk: SourceChunk) -> list[pa.RecordBatch]:
    """All batches of a chunk, at least one."""
    with connector.read(asked, by_another_process(chunk)) as stream:
        found = list(stream)
    require(bool(found), f"chunk {chunk.chunk_no} gives no batch; an empty one is needed to tell the schema")
    for batch in found:
        require(batch.schema.equals(found[0].schema), f"the batches of chunk {chunk.chunk_no} differ in their schemas")
    return found


def rows_in(case: Case, found: Iterable[pa.RecordBatch]) -> list[Row]:
    """Batches as the suite's rows."""
    return [case.row(record) for batch in found for record in batch.to_pylist()]


def rows_of(case: Case, connector: Connector, asked: Selection, plan: SourcePlan) -> list[Row]:
    """All rows of a plan, chunk after chunk."""
    return [row for chunk in plan.chunks for row in rows_in(case, batches(connector, asked, chunk))]


def planned(case: Case, asked: Selection) -> SourcePlan:
    """A plan made by a connection of its own."""
    with opened(case) as connector:
        return _checked_plan(connector.plan(asked))


def read_back(case: Case, asked: Selection, plan: SourcePlan | None = None) -> tuple[SourcePlan, list[Row]]:
    """All rows of a selection, planned by one connection and read by another."""
    plan = plan or planned(case, asked)
    with opened(case) as connector:
        return plan, rows_of(case, connector, asked, plan)


def _checked_plan(plan: SourcePlan) -> SourcePlan:
    numbers = [chunk.chunk_no for chunk in plan.chunks]
    require(numbers == list(range(1, len(numbers) + 1)), f"chunks are numbered from 1; these are {numbers}")
    return plan


def largest(plan: SourcePlan) -> SourceChunk:
    """The chunk with most rows."""
    return max(plan.chunks, key=lambda chunk: chunk.rows)


def require_rows(found: Sequence[Row], expected: Sequence[Row], what: str, *, optional: Sequence[Row] = ()) -> None:
    """Each expected row once, optional ones once at most, and no others."""
    lost = Counter(expected) - Counter(found)
    beyond = Counter(found) - (Counter(expected) | Counter(optional))
    require(not lost, f"{what}: {sum(lost.values())} of {len(expected)} rows are lost, for example {_first(lost)}")
    known = set(expected) | set(optional)
    repeated = [row for row in beyond if row in known]
    require(not repeated, f"{what}: {len(repeated)} rows come more than once, for example {repeated[:1]}")
    require(not beyond, f"{what}: {sum(beyond.values())} rows are not those asked for, for example {_first(beyond)}")


def _first(rows: Counter[Row]) -> Row | None:
    return min(rows, key=lambda row: (row.id is None, row.id or 0), default=None)


def error_of(call: Callable[[], object], what: str) -> HeadwaterError:
    """The error of a call that must fail, held to be one of the house's."""
    try:
        call()
    except HeadwaterError as error:
        require(
            type(error) is not HeadwaterError, f"{what} raises HeadwaterError itself, which says not what to do next"
        )
        require_sentence(error.what, f"the error of {what}")
        return error
    except Exception as error:
        message = f"{what} raises {type(error).__module__}.{type(error).__qualname__}, which is no error of the house"
        raise Nonconformity(message) from error
    message = f"{what} raises no error"
    raise Nonconformity(message)


def require_sentence(text: str, what: str) -> None:
    """Words for a person: more than one, and no name or memory address of a Python object."""
    require(len(text.split()) > 1, f"{what} says only {text!r}")
    for sign in ("Traceback (", "Exception(", "Error(", "<class '", "object at 0x", "[Errno"):
        require(sign not in text, f"{what} shows the inside of a program ({sign}): {text!r}")
