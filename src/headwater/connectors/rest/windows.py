"""A table cut by time, where the service takes only parameters: what is sent, and what of the answer is in the window.

Services differ in whether their bounds are included. So a little more is asked for than is wanted, and rows outside the
window are left out here: `from` is included, `to` is not.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from headwater.connectors.http.cursors import earlier, iso, later, moment
from headwater.connectors.http.exact_json import Record
from headwater.connectors.http.text_columns import cells
from headwater.connectors.protocol import Selection, SourceChunk
from headwater.connectors.rest.config import RestCursor
from headwater.errors import InputRefused

_UNITS = {"iso": 1.0, "epoch": 1.0, "epoch_ms": 0.001, "date": 86400.0}
_EPOCH = datetime.datetime(1970, 1, 1)  # noqa: DTZ001 - moments are compared in UTC, without their zone


def beginning(selection: Selection) -> str | None:
    """The first moment wanted; None for all."""
    return None if selection.since is None else earlier(selection.since, selection.lag, "time_window")


def chunks(cursor: RestCursor, selection: Selection, newest: str | None) -> tuple[list[SourceChunk], str | None]:
    """Windows that hold all from `since` on, the last open above; and the cursor they end at."""
    low = beginning(selection)
    upto = selection.since if newest is None else later(selection.since, newest, "time_window")
    begin = low if low is not None else cursor.start
    bounds: list[str] = []
    if cursor.window_days and cursor.until and begin is not None and upto is not None:
        step = datetime.timedelta(days=cursor.window_days)
        at = moment(begin) + step
        while at < moment(upto):
            bounds.append(iso(at, has_zone=True))
            at += step
    made = [
        SourceChunk(
            chunk_no=number,
            locator={"by": "time_window", "cursor": cursor.field, "from": start, "to": end},
            rows=0,
            cursor_to=end or upto,
            window_start=start,
            window_end=end,
        )
        for number, (start, end) in enumerate(zip([low, *bounds], [*bounds, None], strict=True), start=1)
    ]
    return made, upto


def newest_of(records: Iterable[Record], cursor: RestCursor, where: str) -> str | None:
    """The greatest cursor of these records; None where none has one."""
    texts = (cells(record, where).get(cursor.field) for record in records)
    found = [_read(text, cursor, where) for text in texts if text is not None and text.strip()]
    return iso(max(found), has_zone=True) if found else None


def now(date: str) -> str:
    """The service's own now, by its header Date."""
    try:
        found = parsedate_to_datetime(date).astimezone(datetime.UTC)
    except ValueError:
        found = datetime.datetime.now(datetime.UTC)
    return iso(found.replace(tzinfo=None, microsecond=0), has_zone=True)


def parameters(cursor: RestCursor, locator: Mapping[str, Any]) -> dict[str, str]:
    """What to send so that at least the window is answered."""
    asked = {}
    unit = datetime.timedelta(seconds=_UNITS[cursor.format])
    if locator["from"] is not None:
        asked[cursor.since] = _written(moment(locator["from"]) - unit, cursor.format)
    if locator["to"] is not None and cursor.until:
        asked[cursor.until] = _written(moment(locator["to"]) + unit, cursor.format)
    return asked


def _written(at: datetime.datetime, kind: str) -> str:
    if kind == "date":
        return at.date().isoformat()
    if kind == "iso":
        return iso(at.replace(microsecond=0), has_zone=True)
    seconds = (at - _EPOCH) // datetime.timedelta(milliseconds=1)
    return str(seconds if kind == "epoch_ms" else seconds // 1000)


def inside(record: Record, cursor: RestCursor, locator: Mapping[str, Any], where: str) -> bool:
    """Whether a record is in the window. One without a moment is in the first of a whole table."""
    low, high = locator["from"], locator["to"]
    text = cells(record, where).get(cursor.field)
    if text is None or not text.strip():
        return low is None
    at = _read(text, cursor, where)
    return (low is None or at >= moment(low)) and (high is None or at < moment(high))


def _read(text: str, cursor: RestCursor, where: str) -> datetime.datetime:
    try:
        if cursor.format in {"epoch", "epoch_ms"}:
            return _EPOCH + datetime.timedelta(seconds=float(text) * _UNITS[cursor.format])
        found = datetime.datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise InputRefused(
            "the cursor of a record is no moment",
            where=f"{where}, {cursor.field}",
            value=text,
            valid="ISO 8601" if cursor.format in {"iso", "date"} else "a number",
            remedy="Correct cursor.field or cursor.format.",
        ) from None
    return found.astimezone(datetime.UTC).replace(tzinfo=None) if found.tzinfo else found
