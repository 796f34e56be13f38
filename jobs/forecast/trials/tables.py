"""Forecasts of the backtest with the actual values, and the trials they make up."""

from __future__ import annotations

from typing import Final

from pyspark.sql.types import (
    ArrayType,
    BooleanType,
    MapType,
    StructType,
)

from common.lake.table import Table
from jobs.forecast.fields import DAY, NUMBER, TEXT, WHOLE, optional, required

QUANTILES: Final[dict[str, float]] = {
    "q025": 0.025,
    "q100": 0.1,
    "q250": 0.25,
    "q500": 0.5,
    "q750": 0.75,
    "q900": 0.9,
    "q950": 0.95,
    "q975": 0.975,
    "q990": 0.99,
}
"""Column -> level of the published quantiles; the name is the level in thousandths."""


BACKTESTS = Table(
    name="forecast.backtests",
    layer="gold",
    schema=StructType(
        [
            *required(DAY, "as_of_date"),
            *required(TEXT, "unique_id", "model"),
            *required(DAY, "cutoff", "ds"),
            *required(WHOLE, "step"),
            *required(NUMBER, "y", "y_hat", "scale_mae", "scale_mse"),
            # Null in rows of earlier releases.
            *optional(NUMBER, "spread"),
            *optional(WHOLE, "hour", "cutoff_hour"),
        ]
    ),
    keys=("unique_id", "model", "cutoff", "cutoff_hour", "ds", "hour"),
    day_column="as_of_date",
    cluster_by=("unique_id",),
    suite="forecast.backtests",
    description=(
        "Every forecast of the backtest with the actual value. As of the cutoff: scale_mae and scale_mse are the "
        "in-sample errors of the seasonal naive (for MASE) and of the naive squared (for RMSSE), spread the unit in "
        "which errors are pooled."
    ),
)


TRIALS = Table(
    name="forecast.trials",
    layer="gold",
    schema=StructType(
        [
            *required(DAY, "as_of_date"),
            *required(TEXT, "unique_id", "model", "status"),
            *optional(TEXT, "reason", "demand_class"),
            *required(WHOLE, "windows", "season_length"),
            *optional(NUMBER, "mase", "rmsse", "smape", "wape", "scaled_pinball", "coverage_80", "coverage_95"),
            *required(BooleanType(), "is_champion"),
            *optional(TEXT, "chosen_because"),
            # Null in rows of earlier releases.
            *optional(NUMBER, "weight"),
            # Null in rows of earlier releases.
            *optional(MapType(TEXT, TEXT), "regressors"),
            *optional(ArrayType(WHOLE), "season_lengths"),
        ]
    ),
    keys=("unique_id", "model"),
    day_column="as_of_date",
    suite="forecast.trials",
    description=(
        "All trials of the backtest, one row per series and model. weight is the share of a model in the forecast of "
        "the series; is_champion marks the largest share, chosen_because says what it rests on. The model combined is "
        "the weighted mean, with the shares known at each origin. regressors has those of a model with regressors, by "
        "name: lagged or known_ahead, of holidays the country. season_length is the shortest season that the series "
        "holds, season_lengths are all that were asked for."
    ),
)
