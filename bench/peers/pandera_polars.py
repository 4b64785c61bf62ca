"""The rules as a Pandera schema on Polars, its fastest engine, with lazy validation (all failures, not the first)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandera.polars as pa
import polars as pl

from bench.peers.validation import (
    DATE_PATTERN,
    EARLIEST,
    LATEST,
    LONGEST,
    LONGEST_PERIOD_DAYS,
    MOST,
    NUMBER_PATTERN,
    QUALITIES,
    READ,
    REQUIRED,
    UNSEEN,
    Failure,
    tell,
)

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


def _text(column: str, *checks: pa.Check) -> pa.Column:
    shared = []
    if column in LONGEST:
        shared.append(pa.Check.str_length(max_value=LONGEST[column], error=f"{column}.length"))
    if column in UNSEEN:
        unseen = pl.col(column).str.contains(UNSEEN[column])
        shared.append(_across(~unseen, f"{column}.characters"))
    return pa.Column(pl.String, checks=[*shared, *checks], nullable=column not in REQUIRED)


_DAYS = (pl.col("period_end_value") - pl.col("period_start_value")).dt.total_days()
_SCHEMA = pa.DataFrameSchema(
    {
        **{column: _text(column) for column in (*REQUIRED, *LONGEST)},
        "data_quality": _text("data_quality", pa.Check.isin(QUALITIES, error="data_quality.enum")),
        "currency": _text("currency", pa.Check.str_matches("^[A-Z]{3}$", error="currency.pattern")),
        "quantity_value": pa.Column(
            pl.Decimal(18, 6),
            [
                pa.Check.greater_than_or_equal_to(0, error="quantity.minimum"),
                pa.Check.less_than_or_equal_to(MOST, error="quantity.plausible"),
            ],
            nullable=True,
        ),
        "period_start_value": pa.Column(
            pl.Date, pa.Check.in_range(EARLIEST, LATEST, error="period_start.plausible"), nullable=True
        ),
    },
    checks=[
        *(_parsed(column, rule) for column, rule in READ.items()),
        _across(pl.col("period_end_value") > pl.col("period_start_value"), "period.order"),
        _across(_DAYS <= LONGEST_PERIOD_DAYS, "period.length"),
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
