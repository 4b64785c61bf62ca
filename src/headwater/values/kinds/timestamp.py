"""Points in time, kept in UTC to the microsecond."""

from __future__ import annotations

import datetime
import re
import zoneinfo
from dataclasses import dataclass
from typing import ClassVar

from headwater.errors import Misuse
from headwater.values.characters import fold, fold_sql, trim
from headwater.values.kinds import calendar_forms as calendar
from headwater.values.kinds.absence import absence, is_value, mark, outcome_of, reading_sql
from headwater.values.outcome import Outcome, Parsed
from headwater.values.sql_text import let, literal
from headwater.values.text_format import TextFormat, absent_words

_DAY = datetime.timedelta(days=1)
_FIRST = datetime.datetime(1000, 1, 1, tzinfo=datetime.UTC)
_LAST_LOCAL = datetime.datetime.max  # noqa: DTZ901  a time by the clock on the wall
_MICROSECOND_DIGITS = 6

_PLAIN_TIME = "(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:[.][0-9]{1,6})?)?"
# With an offset, only years for which no offset leads out of the range.
_PLAIN = (
    f"[1-9][0-9]{{3}}-[01][0-9]-[0-3][0-9][T ]{_PLAIN_TIME}Z"
    f"|(?:1[1-9]|[2-8][0-9])[0-9]{{2}}-[01][0-9]-[0-3][0-9][T ]{_PLAIN_TIME}[+-](?:0[0-9]|1[0-4]):[0-5][0-9]"
)
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
        """Twin of `parse`: day, time and offset as a cast reads them, perhaps no day of the calendar, or a mark."""
        form = calendar.AMBIGUOUS + _TIME

        def of_day(folded: str, day: str) -> str:
            return (
                f"CASE WHEN {day} IS NULL THEN CASE WHEN regexp_full_match({folded}, {literal(form)})"
                f" THEN {mark(Outcome.AMBIGUOUS_DATE)} ELSE {mark(Outcome.NOT_A_TIMESTAMP)} END"
                f" WHEN {day} < '1' OR TRY_CAST({day} AS DATE) IS NULL THEN {mark(Outcome.NO_SUCH_DATE)}"
                f" ELSE {_clock_sql(folded, day, fmt.time_zone)} END"
            )

        def of_text(folded: str) -> str:
            day = calendar.iso_sql(folded, calendar.forms(fmt.date_order), _TIME)
            return let("day", day, lambda name: of_day(folded, name))

        words = absent_words(fmt, with_defaults=True)
        otherwise = let("folded", fold_sql("trimmed"), of_text)
        return reading_sql(text, plain=_PLAIN, words=words, otherwise=otherwise)

    def outcome_sql(self, reading: str) -> str:
        """Twin of the outcome."""
        return (
            f"(CASE WHEN {reading} IS NULL OR {reading} < ' ' THEN {outcome_of(reading)}"
            f" WHEN TRY_CAST({reading} AS TIMESTAMPTZ) IS NULL THEN {Outcome.NO_SUCH_DATE:d} ELSE 0 END)::UTINYINT"
        )

    def value_sql(self, reading: str, fmt: TextFormat) -> str:  # noqa: ARG002  the protocol's signature
        """Twin of the value."""
        return f"CASE WHEN {is_value(reading)} THEN TRY_CAST({reading} AS TIMESTAMPTZ) END"

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


def _clock_sql(folded: str, day: str, time_zone: str | None) -> str:
    """SQL of the reading of a text whose day the calendar has: twin of `_point` from the time of day on."""
    names = "['hour', 'minute', 'second', 'fraction', 'half', 'zone']"
    clock = f"regexp_extract({folded}, {literal(_TIME_AT_END)}, {names})"
    hour = (
        "(CASE WHEN clock.half = '' THEN CAST(clock.hour AS INTEGER) WHEN CAST(clock.hour AS INTEGER) BETWEEN 1 AND 12"
        " THEN CAST(clock.hour AS INTEGER) % 12 + CASE WHEN clock.half = 'pm' THEN 12 ELSE 0 END ELSE 99 END)"
    )
    second = "CASE WHEN clock.second = '' THEN '00' ELSE clock.second END"
    local = (
        f"CASE WHEN {hour} < 24 AND clock.minute < '60' AND {second} < '60'"
        f" THEN CAST({day} || ' ' || {hour} || ':' || clock.minute || ':' || {second} || '.'"
        f" || left(clock.fraction || '000000', {_MICROSECOND_DIGITS}) AS TIMESTAMP) END"
    )
    minutes = "(60 * CAST(clock.zone[2:3] AS INTEGER) + coalesce(TRY_CAST(right(clock.zone, 2) AS INTEGER), 0))"
    minutes = f"CASE WHEN strlen(clock.zone) = 3 THEN 60 * CAST(clock.zone[2:3] AS INTEGER) ELSE {minutes} END"
    shifted = (
        f"local - to_minutes(CASE left(clock.zone, 1) WHEN '+' THEN {minutes} WHEN '-' THEN -({minutes}) ELSE 0 END)"
    )

    def of_local(_: str) -> str:
        return (
            f"CASE WHEN local IS NULL THEN {mark(Outcome.NO_SUCH_TIME)}"
            f" WHEN strlen(rtrim(clock.fraction, '0')) > {_MICROSECOND_DIGITS} THEN {mark(Outcome.TOO_MANY_DECIMALS)}"
            f" WHEN clock.zone = '' THEN {_zone_sql(time_zone)} ELSE {let('utc', shifted, _in_range_sql)} END"
        )

    return let("clock", clock, lambda _: let("local", local, of_local))


def _is_in_range_sql(utc: str) -> str:
    return f"({utc} >= TIMESTAMP '1000-01-01' AND {utc} < TIMESTAMP '10000-01-01')"


def _reading_sql(utc: str) -> str:
    return f"strftime({utc}, '%Y-%m-%d %H:%M:%S.%f') || '+00'"


def _in_range_sql(utc: str) -> str:
    return f"CASE WHEN {_is_in_range_sql(utc)} THEN {_reading_sql(utc)} ELSE {mark(Outcome.NO_SUCH_DATE)} END"


def _zone_sql(time_zone: str | None) -> str:
    """SQL of the reading of a `local` time without an offset: twin of `_in_zone`."""
    if time_zone is None:
        return mark(Outcome.NO_TIME_ZONE)
    if time_zone == "UTC":
        return _in_range_sql("local")
    name = literal(time_zone)

    def by_offset_near(near: str) -> str:
        return f"local - ({near} - timezone('UTC', timezone({name}, {near})))"

    def holds(utc: str) -> str:
        return f"({_is_in_range_sql(utc)} AND timezone({name}, timezone('UTC', {utc})) = local)"

    def of_two(_: str) -> str:
        return (
            f"CASE WHEN {holds('before')} AND {holds('later')} AND before <> later THEN {mark(Outcome.AMBIGUOUS_TIME)}"
            f" WHEN {holds('before')} THEN {_reading_sql('before')} WHEN {holds('later')} THEN {_reading_sql('later')}"
            f" WHEN {_is_in_range_sql('before')} AND {_is_in_range_sql('later')} THEN {mark(Outcome.NO_SUCH_TIME)}"
            f" ELSE {mark(Outcome.NO_SUCH_DATE)} END"
        )

    before = by_offset_near("(local - INTERVAL 1 DAY)")
    later = by_offset_near("least(local + INTERVAL 1 DAY, TIMESTAMP '9999-12-31 23:59:59.999999')")
    return let("before", before, lambda _: let("later", later, of_two))
