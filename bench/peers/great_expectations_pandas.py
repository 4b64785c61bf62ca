"""The rules as a Great Expectations suite on pandas, with complete results: the index of every failing row."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import great_expectations as gx
import great_expectations.expectations as gxe
import pandas as pd

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


def _number(text: pd.Series) -> pd.Series:
    plain = text.where(text.str.match(NUMBER_PATTERN)).str.replace(",", "", regex=False)
    return pd.to_numeric(plain, errors="coerce")


def _date(text: pd.Series) -> pd.Series:
    return pd.to_datetime(text.where(text.str.match(DATE_PATTERN)), format="%Y-%m-%d", errors="coerce")


def _where_given(column: str) -> dict[str, str]:
    return {"row_condition": f"{column}.notnull()", "condition_parser": "pandas"}


def _by_column() -> dict[str, Any]:
    return {
        **{f"{column}.required": gxe.ExpectColumnValuesToNotBeNull(column=column) for column in REQUIRED},
        **{
            f"{column}.length": gxe.ExpectColumnValueLengthsToBeBetween(column=column, max_value=longest)
            for column, longest in LONGEST.items()
        },
        **{
            f"{column}.characters": gxe.ExpectColumnValuesToNotMatchRegex(column=column, regex=pattern)
            for column, pattern in UNSEEN.items()
        },
        **{
            rule: gxe.ExpectColumnValuesToNotBeNull(column=f"{column}_value", **_where_given(column))
            for column, rule in READ.items()
        },
    }


def _expectations() -> dict[str, Any]:
    return {
        **_by_column(),
        "activity_id.unique": gxe.ExpectColumnValuesToBeUnique(column="activity_id"),
        "period.order": gxe.ExpectColumnPairValuesAToBeGreaterThanB(
            column_A="period_end_value",
            column_B="period_start_value",
            or_equal=False,
            ignore_row_if="either_value_is_missing",
        ),
        "period.length": gxe.ExpectColumnValuesToBeBetween(column="period_days", max_value=LONGEST_PERIOD_DAYS),
        "period_start.plausible": gxe.ExpectColumnValuesToBeBetween(
            column="period_start_value", min_value=pd.Timestamp(EARLIEST), max_value=pd.Timestamp(LATEST)
        ),
        "quantity.minimum": gxe.ExpectColumnValuesToBeBetween(column="quantity_value", min_value=0),
        "quantity.plausible": gxe.ExpectColumnValuesToBeBetween(column="quantity_value", max_value=MOST),
        "data_quality.enum": gxe.ExpectColumnValuesToBeInSet(column="data_quality", value_set=list(QUALITIES)),
        "currency.pattern": gxe.ExpectColumnValuesToMatchRegex(column="currency", regex="^[A-Z]{3}$"),
        "cost.needs_currency": gxe.ExpectColumnValuesToNotBeNull(column="currency", **_where_given("cost")),
    }


def load(path: Path) -> pd.DataFrame:
    """The text as a data frame in memory."""
    return pd.read_parquet(path)


def validate(data: pd.DataFrame) -> list[Failure]:
    """Every broken (row, rule)."""
    parsed = data.assign(
        quantity_value=_number(data["quantity"]),
        cost_value=_number(data["cost"]),
        period_start_value=_date(data["period_start"]),
        period_end_value=_date(data["period_end"]),
    )
    parsed["period_days"] = (parsed["period_end_value"] - parsed["period_start_value"]).dt.days
    context = gx.get_context(mode="ephemeral")
    batch = (
        context.data_sources.add_pandas("bench")
        .add_dataframe_asset("activity")
        .add_batch_definition_whole_dataframe("all")
        .get_batch({"dataframe": parsed})
    )
    expectations = _expectations()
    suite = gx.ExpectationSuite(name="activity")
    for rule, expectation in expectations.items():
        expectation.meta = {"rule": rule}
        suite.add_expectation(expectation)
    outcome = batch.validate(
        suite, result_format={"result_format": "COMPLETE", "unexpected_index_column_names": ["row"]}
    )
    failures: list[Failure] = []
    for result in outcome.results:
        if result.exception_info.get("raised_exception"):
            raise RuntimeError(
                f"Great Expectations could not check {result.expectation_config}: {result.exception_info}"
            )
        rule = result.expectation_config.meta["rule"]
        failures.extend((entry["row"], rule) for entry in result.result.get("unexpected_index_list") or ())
    return failures


if __name__ == "__main__":
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    tell(load, validate)
