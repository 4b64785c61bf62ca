"""Exact decimal numbers of a fixed precision and scale."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from headwater.errors import Misuse
from headwater.values.characters import trim
from headwater.values.kinds import notation as written
from headwater.values.kinds.absence import absence, is_value, mark, outcome_of, reading_sql
from headwater.values.outcome import Outcome, Parsed
from headwater.values.sql_text import let, literal
from headwater.values.text_format import TextFormat, absent_words

MAX_PRECISION = 38


@dataclass(frozen=True, kw_only=True)
class Number:
    """A decimal with `precision` digits, `scale` of them decimals. More decimals are refused, not rounded."""

    precision: int = 18
    scale: int = 6

    def __post_init__(self) -> None:
        """Refuse what DECIMAL cannot hold."""
        if not (1 <= self.precision <= MAX_PRECISION and 0 <= self.scale < self.precision):
            raise Misuse(
                "a decimal cannot have this precision and scale",
                value=f"({self.precision},{self.scale})",
                valid=f"precision 1 to {MAX_PRECISION}, scale from 0 and less than the precision",
            )

    @property
    def duckdb_type(self) -> str:
        """DECIMAL(p,s)."""
        return f"DECIMAL({self.precision},{self.scale})"

    @property
    def postgres_type(self) -> str:
        """numeric(p,s)."""
        return f"numeric({self.precision},{self.scale})"

    def parse(self, text: str | None, fmt: TextFormat) -> Parsed:
        """Read a number in the declared notation, exactly."""
        trimmed = trim(text or "")
        absent = absence(trimmed, absent_words(fmt, with_defaults=True))
        if absent is not None:
            return Parsed(None, absent)
        form = written.notation(fmt)
        parts = written.digits(trimmed, form)
        if parts is None:
            other = re.fullmatch(form.other, trimmed)
            return Parsed(None, Outcome.AMBIGUOUS_NUMBER if other else Outcome.NOT_A_NUMBER)
        if not parts.significant:
            return Parsed(Decimal((0, (0,) * (self.scale + 1), -self.scale)), Outcome.VALUE)
        if parts.integer_digits > self.precision - self.scale:
            return Parsed(None, Outcome.NUMBER_TOO_LARGE)
        if parts.decimals > self.scale:
            return Parsed(None, Outcome.TOO_MANY_DECIMALS)
        unscaled = parts.significant + "0" * (self.scale - parts.decimals)
        return Parsed(Decimal((int(parts.negative), tuple(map(int, unscaled)), -self.scale)), Outcome.VALUE)

    def reading_sql(self, text: str, fmt: TextFormat) -> str:
        """Twin of `parse`: the number as a cast reads it once groups are taken out, or a mark."""
        form = written.notation(fmt)
        fixed = written.fixed_sql("parts", self.scale)
        fixed = fixed if form.decimal == "." else f"replace({fixed}, '.', ',')"
        check = (
            f"CASE WHEN NOT parts.is_number THEN CASE WHEN regexp_full_match(trimmed, {literal(form.other)})"
            f" THEN {mark(Outcome.AMBIGUOUS_NUMBER)} ELSE {mark(Outcome.NOT_A_NUMBER)} END"
            f" WHEN parts.significant = '' THEN '0'"
            f" WHEN parts.integer_digits > {self.precision - self.scale} THEN {mark(Outcome.NUMBER_TOO_LARGE)}"
            f" WHEN parts.decimals > {self.scale} THEN {mark(Outcome.TOO_MANY_DECIMALS)} ELSE {fixed} END"
        )
        words = absent_words(fmt, with_defaults=True)
        otherwise = let("parts", written.digits_sql("trimmed", form), lambda _: check)
        return reading_sql(text, plain=self._plain(form), words=words, otherwise=otherwise)

    def outcome_sql(self, reading: str) -> str:
        """Twin of the outcome."""
        return outcome_of(reading)

    def value_sql(self, reading: str, fmt: TextFormat) -> str:
        """Twin of the value."""
        form = written.notation(fmt)
        ungrouped = reading
        if form.group:  # to see that there is no group is cheaper than to replace none
            sign = literal(form.group)
            replaced = f"replace({reading}, {sign}, '')"
            ungrouped = f"CASE WHEN contains({reading}, {sign}) THEN {replaced} ELSE {reading} END"
        plain = ungrouped if form.decimal == "." else f"replace({ungrouped}, ',', '.')"
        return f"CASE WHEN {is_value(reading)} THEN CAST({plain} AS {self.duckdb_type}) END"

    def canonical(self, value: object) -> str:
        """All decimals of the scale, as DuckDB and PostgreSQL print them: 12.500000."""
        if not isinstance(value, Decimal | int) or isinstance(value, bool):
            raise Misuse("not a decimal", value=value, valid="a Decimal or an int")
        number = Decimal(value)
        if not number.is_finite():
            raise Misuse("not a finite number", value=value, valid="a finite Decimal")
        if not number:
            number = Decimal(0)  # without a sign, and whatever its exponent
        elif not -self.scale <= number.adjusted() < self.precision - self.scale:
            raise Misuse("a number that the field cannot hold", value=value, valid=self.duckdb_type)
        whole, _, fraction = f"{number:f}".partition(".")
        if len(fraction) > self.scale:
            fraction = fraction.rstrip("0")
        if len(fraction) > self.scale:
            raise Misuse("a number that the field cannot hold", value=value, valid=self.duckdb_type)
        return f"{whole}.{fraction.ljust(self.scale, '0')}" if self.scale else whole

    def canonical_sql(self, value: str) -> str:
        """Twin of `canonical`."""
        return f"CAST({value} AS VARCHAR)"

    def valid(self, fmt: TextFormat) -> str:
        """Digits before and after the declared decimal sign."""
        before = self.precision - self.scale
        grouping = f' and "{fmt.group}" between thousands' if fmt.group else ""
        decimals = f', "{fmt.decimal}" and at most {self.scale} decimals' if self.scale else ", without decimals"
        return f"A number of at most {before} digits{decimals}{grouping}."

    def _plain(self, form: written.Notation) -> str:
        """What a cast reads, with or without groups; groups are common enough (one number in ten) to be read fast."""
        fraction = f"(?:[{form.decimal}][0-9]{{1,{self.scale}}})?" if self.scale else ""
        whole = f"[0-9]{{1,{self.precision - self.scale}}}"
        groups = (self.precision - self.scale) // 3 - 1  # after a first one of up to three digits
        if form.group and groups > 0:
            whole = f"(?:{whole}|[1-9][0-9]{{0,2}}(?:[{form.group}][0-9]{{3}}){{1,{groups}}})"
        return f"[+-]?{whole}{fraction}"
