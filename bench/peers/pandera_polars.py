"""The rules as a Pandera schema on Polars, its fastest engine, with lazy validation (all failures, not the first)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandera.polars as pa
import polars as pl

from bench.peers.validation import DATE_PATTERN, NUMBER_PATTERN, QUALITIES, Failure, tell

if TYPE_CHECKING:
    from pathlib import Path


def _number(column: str, scale: int) -> pl.Expr:
    text = pl.when(pl.col(column).str.contains(NUMBER_PATTERN)).then(
        pl.col(column).str.replace_all(",", "", literal=True)
    )
    return text.cast(pl.Decimal(18, scale), strict=False).alias(f"{column}_value")


def _date(column: str) -> pl.Expr:
    text = pl.when(pl.col(column).str.contains(DATE_PATTERN)).then(pl.col(column))
    return text.str.to_date("%Y-%m-%d", strict=False).alias(f"{column}_value")


def _parsed(column: str, name: str) -> pa.Check:
    """Where there is text there is a value."""
    holds = pl.col(column).is_null() | pl.col(f"{column}_value").is_not_null()
    return pa.Check(lambda data: data.lazyframe.select(holds), name=name)


def _across(holds: pl.Expr, name: str) -> pa.Check:
    # What is unknown is not broken.
    return pa.Check(lambda data: data.lazyframe.select(holds.fill_null(value=True)), name=name)


def _text(*checks: pa.Check, required: bool = False, unique: bool = False) -> pa.Column:
    return pa.Column(pl.String, checks=list(checks), nullable=not required, unique=unique)


_SCHEMA = pa.DataFrameSchema(
    {
        "activity_id": _text(pa.Check.str_length(max_value=64, error="activity_id.length"), required=True),
        "activity_type": _text(pa.Check.str_length(max_value=64, error="activity_type.length"), required=True),
        "region": _text(pa.Check.str_length(max_value=32, error="region.length"), required=True),
        "period_start": _text(required=True),
        "quantity": _text(required=True),
        "unit": _text(required=True),
        "quantity_value": pa.Column(
            pl.Decimal(18, 6), pa.Check.greater_than_or_equal_to(0, error="quantity.minimum"), nullable=True
        ),
        "data_quality": _text(pa.Check.isin(QUALITIES, error="data_quality.enum")),
        "currency": _text(pa.Check.str_matches("^[A-Z]{3}$", error="currency.pattern")),
    },
    checks=[
        _parsed("period_start", "period_start.date"),
        _parsed("period_end", "period_end.date"),
        _parsed("quantity", "quantity.number"),
        _parsed("cost", "cost.number"),
        _across(pl.col("period_end_value") > pl.col("period_start_value"), "period.order"),
        _across(pl.col("cost").is_null() | pl.col("currency").is_not_null(), "cost.needs_currency"),
        _across(pl.col("activity_id").is_null() | pl.col("activity_id").is_first_distinct(), "activity_id.unique"),
    ],
)


def load(path: Path) -> pl.DataFrame:
    """The text as a data frame in memory."""
    return pl.read_parquet(path)


def validate(data: pl.DataFrame) -> list[Failure]:
    """Every broken (row, rule)."""
    parsed = data.with_columns(_number("quantity", 6), _number("cost", 2), _date("period_start"), _date("period_end"))
    try:
        _SCHEMA.validate(parsed, lazy=True)
    except pa.errors.SchemaErrors as found:
        cases = found.failure_cases
        return [
            (index, f"{column}.required" if check == "not_nullable" else check)
            for column, check, index in cases.select("column", "check", "index").unique().iter_rows()
        ]
    return []


if __name__ == "__main__":
    tell(load, validate)
