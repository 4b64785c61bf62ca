"""Points in time, kept in UTC to the microsecond."""

from __future__ import annotations

import datetime
import re
import zoneinfo
from dataclasses import dataclass
from typing import ClassVar

from headwater.errors import Misuse
from headwater.values.characters import fold, fold_sql, trim, trim_sql
from headwater.values.kinds import calendar_forms as calendar
from headwater.values.kinds.absence import absence, is_value, mark, outcome_of, reading_sql
from headwater.values.outcome import Outcome, Parsed
from headwater.values.sql_text import let, literal
from headwater.values.text_format import TextFormat, absent_words

_DAY = datetime.timedelta(days=1)
_FIRST = datetime.datetime(1000, 1, 1, tzinfo=datetime.UTC)
_LAST_LOCAL = datetime.datetime.max  # noqa: DTZ901  a time by the clock on the wall
_MICROSECOND_DIGITS = 6

_PLAIN = "[1-9][0-9]{3}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](?:[.][0-9]{1,6})?Z"
_CLOCK = "([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]+))?)?(?: ?([ap]m))?"
_OFFSET = "(?: ?(z|utc|gmt|[+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?))?"
_TIME = f"[t ] ?{_CLOCK}{_OFFSET}"
# Finds the time behind a day in any form: no form of a day has a colon.
_TIME_AT_END = f"[t ] ?{_CLOCK}{_OFFSET}$"
_HOUR, _MINUTE, _SECOND, _FRACTION, _HALF, _ZONE = range(1, 7)


@dataclass(frozen=True)
class Timestamp:
    """A point in time from the year 1000 to 9999. A time without an offset is read in the declared zone, or refused."""

    duckdb_type: ClassVar[str] = "TIMESTAMPTZ"
    postgres_type: ClassVar[str] = "timestamptz"

    def parse(self, text: str | None, fmt: TextFormat) -> Parsed:
        """Read day, time and offset."""
        trimmed = trim(text or "")
        absent = absence(trimmed, absent_words(fmt, with_defaults=True))
        if absent is not None:
            return Parsed(None, absent)
        folded = fold(trimmed)
        found = calendar.year_month_day(folded, calendar.forms(fmt.date_order), _TIME)
        clock = re.search(_TIME_AT_END, folded)
        if found is None or clock is None:
            ambiguous = re.fullmatch(calendar.AMBIGUOUS + _TIME, folded)
            return Parsed(None, Outcome.AMBIGUOUS_DATE if ambiguous else Outcome.NOT_A_TIMESTAMP)
        return _point(found, clock, fmt.time_zone)

    def reading_sql(self, text: str, fmt: TextFormat) -> str:
        """Twin of `parse`: day, time and offset as a cast reads them, perhaps none of the calendar, or a mark."""
        parts = _PartsSql.of("trimmed", fmt)
        utc = f"CASE WHEN {parts.zone} = '' THEN {parts.in_zone} ELSE {parts.shifted} END"
        outcome = (
            f"CASE WHEN {parts.local} IS NULL THEN {Outcome.NO_SUCH_TIME:d}"
            f" WHEN strlen({parts.fraction}) > {_MICROSECOND_DIGITS} THEN {Outcome.TOO_MANY_DECIMALS:d}"
            f" WHEN {parts.zone} = '' THEN {parts.zone_outcome} ELSE {_range_outcome_sql(parts.shifted)} END"
        )
        told = f"CASE WHEN found = 0 THEN {_plain_sql(utc)} ELSE chr(1) || found END"
        check = (
            f"CASE WHEN {parts.day} IS NULL THEN"
            f" CASE WHEN regexp_full_match({parts.folded}, {literal(calendar.AMBIGUOUS + _TIME)})"
            f" THEN {mark(Outcome.AMBIGUOUS_DATE)} ELSE {mark(Outcome.NOT_A_TIMESTAMP)} END"
            f" WHEN {parts.day} < '1' OR TRY_CAST({parts.day} AS DATE) IS NULL THEN {mark(Outcome.NO_SUCH_DATE)}"
            f" ELSE {let('found', outcome, lambda _: told)} END"
        )
        return reading_sql(text, plain=_PLAIN, words=absent_words(fmt, with_defaults=True), otherwise=check)

    def outcome_sql(self, reading: str) -> str:
        """Twin of the outcome."""
        return (
            f"(CASE WHEN {reading} IS NULL OR {reading} < ' ' THEN {outcome_of(reading)}"
            f" WHEN substr({reading}, 12, 2) > '23' THEN CASE WHEN TRY_CAST(left({reading}, 10) AS DATE) IS NULL"
            f" THEN {Outcome.NO_SUCH_DATE:d} ELSE {Outcome.NO_SUCH_TIME:d} END"
            f" WHEN TRY_CAST({reading} AS TIMESTAMPTZ) IS NULL THEN {Outcome.NO_SUCH_DATE:d} ELSE 0 END)::UTINYINT"
        )

    def value_sql(self, reading: str, fmt: TextFormat) -> str:  # noqa: ARG002  the protocol's signature
        """Twin of the value."""
        on_the_clock = f"{is_value(reading)} AND substr({reading}, 12, 2) <= '23'"
        return f"CASE WHEN {on_the_clock} THEN TRY_CAST({reading} AS TIMESTAMPTZ) END"

    def canonical(self, value: object) -> str:
        """UTC with six decimals: 2024-03-31T12:30:00.000000Z."""
        if not isinstance(value, datetime.datetime) or value.utcoffset() is None:
            raise Misuse("not a point in time", value=value, valid="a datetime with a time zone")
        return value.astimezone(datetime.UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"

    def canonical_sql(self, value: str) -> str:
        """Twin of `canonical`; does not depend on the session's time zone."""
        return f"strftime(timezone('UTC', {value}), '%Y-%m-%dT%H:%M:%S.%fZ')"

    def valid(self, fmt: TextFormat) -> str:
        """Day, time and offset, or the declared zone."""
        zone = f"; without an offset the time is in {fmt.time_zone}" if fmt.time_zone else ""
        return f"Day, time and offset, to the microsecond: 2024-03-31T14:30:00+02:00{zone}."


def _point(day: tuple[int, int, int], clock: re.Match[str], time_zone: str | None) -> Parsed:
    """The point in time, or the first thing that is wrong with it, in the order of the SQL twin."""
    try:
        midnight = datetime.datetime(*day)  # noqa: DTZ001  a time by the clock on the wall
    except ValueError:
        return Parsed(None, Outcome.NO_SUCH_DATE)
    if midnight < _FIRST.replace(tzinfo=None):
        return Parsed(None, Outcome.NO_SUCH_DATE)
    hour, minute, second = (int(clock[group] or 0) for group in (_HOUR, _MINUTE, _SECOND))
    if clock[_HALF]:
        hour = hour % 12 + (12 if clock[_HALF] == "pm" else 0) if 1 <= hour <= 12 else 99
    if hour > 23 or minute > 59 or second > 59:
        return Parsed(None, Outcome.NO_SUCH_TIME)
    fraction = (clock[_FRACTION] or "").rstrip("0")
    if len(fraction) > _MICROSECOND_DIGITS:
        return Parsed(None, Outcome.TOO_MANY_DECIMALS)
    microsecond = int(fraction.ljust(_MICROSECOND_DIGITS, "0"))
    local = midnight.replace(hour=hour, minute=minute, second=second, microsecond=microsecond)
    if clock[_ZONE]:
        return _in_range(local, _offset(clock[_ZONE]))
    return _in_zone(local, time_zone) if time_zone else Parsed(None, Outcome.NO_TIME_ZONE)


def _offset(written: str) -> datetime.timedelta:
    if written[0] not in "+-":
        return datetime.timedelta(0)
    minutes = int(written[1:3]) * 60 + int(written[3:].lstrip(":") or 0)
    return datetime.timedelta(minutes=-minutes if written[0] == "-" else minutes)


def _in_range(local: datetime.datetime, offset: datetime.timedelta) -> Parsed:
    try:
        point = (local - offset).replace(tzinfo=datetime.UTC)
    except OverflowError:
        return Parsed(None, Outcome.NO_SUCH_DATE)
    return Parsed(point, Outcome.VALUE) if point >= _FIRST else Parsed(None, Outcome.NO_SUCH_DATE)


def _in_zone(local: datetime.datetime, time_zone: str) -> Parsed:
    """Try the offsets of the day before and the day after: both hold, and differ, where clocks were put back; neither
    holds where they were put forward.
    """
    zone = zoneinfo.ZoneInfo(time_zone)
    points = set()
    out_of_range = False
    for near in (local - _DAY, local + _DAY if local < _LAST_LOCAL - _DAY else _LAST_LOCAL):
        offset = near.replace(tzinfo=zone).utcoffset() or datetime.timedelta(0)
        parsed = _in_range(local, offset)
        if not isinstance(parsed.value, datetime.datetime):
            out_of_range = True
        elif parsed.value.astimezone(zone).replace(tzinfo=None) == local:
            points.add(parsed.value)
    if len(points) > 1:
        return Parsed(None, Outcome.AMBIGUOUS_TIME)
    if points:
        return Parsed(points.pop(), Outcome.VALUE)
    return Parsed(None, Outcome.NO_SUCH_DATE if out_of_range else Outcome.NO_SUCH_TIME)


def _plain_sql(utc: str) -> str:
    return f"strftime({utc}, '%Y-%m-%d %H:%M:%S.%f') || '+00'"


def _range_outcome_sql(utc: str) -> str:
    return (
        f"CASE WHEN {utc} >= TIMESTAMP '1000-01-01' AND {utc} < TIMESTAMP '10000-01-01'"
        f" THEN 0 ELSE {Outcome.NO_SUCH_DATE:d} END"
    )


@dataclass(frozen=True, kw_only=True)
class _PartsSql:
    """SQL of the parts of a written point in time. `local`, `shifted` and `in_zone` are TIMESTAMP."""

    folded: str
    day: str
    fraction: str
    zone: str
    local: str
    shifted: str
    in_zone: str
    zone_outcome: str

    @staticmethod
    def of(text: str, fmt: TextFormat) -> _PartsSql:
        folded = fold_sql(trim_sql(text))
        day = calendar.iso_sql(folded, calendar.forms(fmt.date_order), _TIME)

        def part(group: int) -> str:
            return f"regexp_extract({folded}, {literal(_TIME_AT_END)}, {group})"

        fraction = f"rtrim({part(_FRACTION)}, '0')"
        hour = f"CAST({part(_HOUR)} AS INTEGER)"
        hour = (
            f"(CASE WHEN {part(_HALF)} = '' THEN {hour} WHEN {hour} BETWEEN 1 AND 12"
            f" THEN {hour} % 12 + CASE WHEN {part(_HALF)} = 'pm' THEN 12 ELSE 0 END ELSE 99 END)"
        )
        seconds = f"CASE WHEN {part(_SECOND)} = '' THEN '00' ELSE {part(_SECOND)} END"
        local = (
            f"(CASE WHEN {hour} < 24 AND {seconds} < '60' THEN TRY_CAST({day} || ' ' || {hour} || ':' || {part(_MINUTE)}"
            f" || ':' || {seconds} || '.' || left({fraction} || '000000', 6) AS TIMESTAMP) END)"
        )
        zone = part(_ZONE)
        minutes = (
            f"(60 * CAST({zone}[2:3] AS INTEGER) + coalesce(TRY_CAST(right({zone}, -3).ltrim(':') AS INTEGER), 0))"
        )
        shifted = (
            f"({local} - to_minutes(CASE WHEN left({zone}, 1) = '+' THEN {minutes}"
            f" WHEN left({zone}, 1) = '-' THEN -{minutes} ELSE 0 END))"
        )
        in_zone, zone_outcome = _zone_sql(local, fmt.time_zone)
        return _PartsSql(
            folded=folded,
            day=day,
            fraction=fraction,
            zone=zone,
            local=local,
            shifted=shifted,
            in_zone=in_zone,
            zone_outcome=zone_outcome,
        )


def _zone_sql(local: str, time_zone: str | None) -> tuple[str, str]:
    """SQL of the UTC time of a local one and of its outcome, twins of `_in_zone`."""
    if time_zone is None:
        return "CAST(NULL AS TIMESTAMP)", str(int(Outcome.NO_TIME_ZONE))
    name = literal(time_zone)

    def by_offset_near(near: str) -> str:
        return f"({local} - ({near} - timezone('UTC', timezone({name}, {near}))))"

    def holds(utc: str) -> str:
        in_range = f"{utc} >= TIMESTAMP '1000-01-01' AND {utc} < TIMESTAMP '10000-01-01'"
        return f"({in_range} AND timezone({name}, timezone('UTC', {utc})) = {local})"

    before = by_offset_near(f"({local} - INTERVAL 1 DAY)")
    after = by_offset_near(f"least({local} + INTERVAL 1 DAY, TIMESTAMP '9999-12-31 23:59:59.999999')")
    outside = f"({_range_outcome_sql(before)} <> 0 OR {_range_outcome_sql(after)} <> 0)"
    outcome = (
        f"CASE WHEN {holds(before)} AND {holds(after)} AND {before} <> {after} THEN {Outcome.AMBIGUOUS_TIME:d}"
        f" WHEN {holds(before)} OR {holds(after)} THEN 0"
        f" WHEN {outside} THEN {Outcome.NO_SUCH_DATE:d} ELSE {Outcome.NO_SUCH_TIME:d} END"
    )
    return f"CASE WHEN {holds(before)} THEN {before} ELSE {after} END", outcome
