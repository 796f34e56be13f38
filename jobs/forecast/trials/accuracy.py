"""How good forecasts were: MASE, RMSSE, sMAPE, WAPE, pinball loss and coverage, for each series and model.

MASE: Hyndman and Koehler (2006). RMSSE: M5 guide. sMAPE: M4, 200 |e| / (|y| + |f|), in percent, 0 where both are 0.
WAPE: sum of |e| over sum of |y|. Pinball loss is divided by the scale of MASE, as in the M5 uncertainty competition.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.forecast.trials.tables import QUANTILES


def _unless_zero(divisor: Column) -> Column:
    # Spelled out because nullif in Spark 3.5 cannot take an unresolved column.
    return F.when(divisor != 0, divisor)


def absolute_error() -> Column:
    """|y - y_hat|."""
    return F.abs(F.col("y") - F.col("y_hat"))


def smape_term() -> Column:
    """200 |e| / (|y| + |f|), in percent; 0 where both are 0."""
    size = F.abs("y") + F.abs("y_hat")
    # The share first: 200 |e| / |e| may round to more than 200, which no sMAPE can be.
    return F.when(size > 0, 200 * (absolute_error() / size)).otherwise(0.0)


def mase_term() -> Column:
    """|e| over the in-sample error of the seasonal naive; null where that is 0."""
    return absolute_error() / _unless_zero(F.col("scale_mae"))


def rmsse_term() -> Column:
    """e squared over the squared in-sample error of the naive; null where that is 0. RMSSE is the root of its mean."""
    return F.pow(absolute_error(), 2.0) / _unless_zero(F.col("scale_mse"))


def pinball_term() -> Column:
    """The mean pinball loss over the published quantiles, over the scale of MASE; null without quantiles or scale."""
    losses = [
        F.greatest(level * (F.col("y") - F.col(name)), (level - 1) * (F.col("y") - F.col(name)))
        for name, level in QUANTILES.items()
    ]
    total = losses[0]
    for loss in losses[1:]:
        total = total + loss
    return total / len(losses) / _unless_zero(F.col("scale_mae"))


def covered(low: str, high: str) -> Column:
    """1 where y is between two quantiles, both included, else 0; null without quantiles."""
    return F.col("y").between(F.col(low), F.col(high)).cast("double")


def scores() -> list[Column]:
    """The aggregates of rows with y, y_hat, both scales and the quantiles (which may be null): one column a metric."""
    return [
        F.avg(mase_term()).alias("mase"),
        F.sqrt(F.avg(rmsse_term())).alias("rmsse"),
        F.avg(smape_term()).alias("smape"),
        (F.sum(absolute_error()) / _unless_zero(F.sum(F.abs("y")))).alias("wape"),
        F.avg(pinball_term()).alias("scaled_pinball"),
        F.avg(covered("q100", "q900")).alias("coverage_80"),
        F.avg(covered("q025", "q975")).alias("coverage_95"),
        F.avg(absolute_error()).alias("mae"),
        F.countDistinct("cutoff").cast("int").alias("windows"),
    ]


def scored(rows: DataFrame, *keys: str) -> DataFrame:
    """One row for each combination of ``keys``, with all metrics."""
    return rows.groupBy(*keys).agg(*scores())
