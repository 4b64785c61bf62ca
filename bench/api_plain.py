"""The limit: the very SQL that requests ask, recorded once, then asked again by plain psycopg at the same rate."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import psycopg

from headwater.services import emissions, records
from headwater.services.listing import Question
from headwater.services.sign_in.authentication import authenticate
from headwater.services.tracing import tracer

if TYPE_CHECKING:
    from bench.api_data import Asked
    from headwater.services.installation import Installation

CONNECTIONS: Final = 16


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """The statements of one request, in order, each with whether it is in a transaction; None is the end of one."""

    kind: str
    statements: Sequence[tuple[str, Any, bool] | None]


@contextmanager
def _recording(into: list[tuple[str, Any, bool] | None]) -> Iterator[None]:
    """Keep whatever is asked while the block lasts."""
    execute, commit = psycopg.Cursor.execute, psycopg.Connection.commit

    def noted(cursor: Any, query: Any, params: Any = None, **more: Any) -> Any:
        text = query.as_string(cursor) if hasattr(query, "as_string") else query
        into.append((text.decode() if isinstance(text, bytes) else text, params, not cursor.connection.autocommit))
        return execute(cursor, query, params, **more)

    def ended(connection: Any) -> None:
        into.append(None)
        commit(connection)

    psycopg.Cursor.execute, psycopg.Connection.commit = noted, ended  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        psycopg.Cursor.execute, psycopg.Connection.commit = execute, commit  # type: ignore[method-assign]


def record(serving: Installation, asked: Sequence[Asked]) -> list[Recorded]:
    """What each request asks of the database, its token included. Each is asked twice: the first fills what is kept."""
    found = []
    for each in asked:
        statements: list[tuple[str, Any, bool] | None] = []
        _answer(serving, each)
        with _recording(statements):
            _answer(serving, each)
        found.append(Recorded(kind=each.kind, statements=statements))
    return found


def _answer(serving: Installation, asked: Asked) -> None:
    own = authenticate(serving, asked.token)
    parts = urlsplit(asked.path)
    pieces = [unquote(piece) for piece in parts.path.split("/")[1:]]
    query = parse_qsl(parts.query)
    if pieces == ["emissions"]:
        emissions.calculated_emissions(own)
    elif pieces[0] == "emissions":
        tracer.trace_emission(own, pieces[1])
    elif len(pieces) == 3:
        records.show_record(own, pieces[1], pieces[2])
    else:
        filters = [value for name, value in query if name == "filter"]
        limit = next(int(value) for name, value in query if name == "limit")
        records.list_records(own, pieces[1], Question(filters=filters, limit=limit))


def at_rate(url: str, recorded: Sequence[Recorded], *, rate: float, seconds: float) -> dict[str, list[float]]:
    """Milliseconds of each request by kind, from the moment it was due: who comes late is counted as late."""
    found: dict[str, list[float]] = {}
    lock, work = threading.Lock(), queue.Queue[tuple[float, Recorded] | None]()

    def ask() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            while (due := work.get()) is not None:
                at, each = due
                _ask(connection, each)
                with lock:
                    found.setdefault(each.kind, []).append((time.monotonic() - at) * 1000)

    threads = [threading.Thread(target=ask) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    began = time.monotonic()
    for number in range(int(rate * seconds)):
        at = began + number / rate
        time.sleep(max(0.0, at - time.monotonic()))
        work.put((at, recorded[number % len(recorded)]))
    for _ in threads:
        work.put(None)
    for thread in threads:
        thread.join()
    return found


def _ask(connection: psycopg.Connection[Any], request: Recorded) -> None:
    """Its statements, and all their rows; transactions as they were."""
    is_open = False
    for each in request.statements:
        if each is None:
            is_open = _end(connection, is_open=is_open)
            continue
        statement, values, in_transaction = each
        if in_transaction and not is_open:
            connection.execute("BEGIN")
            is_open = True
        answer = connection.execute(statement.encode(), values)
        if answer.description is not None:
            answer.fetchall()
    _end(connection, is_open=is_open)


def _end(connection: psycopg.Connection[Any], *, is_open: bool) -> bool:
    if is_open:
        connection.execute("COMMIT")
    return False
