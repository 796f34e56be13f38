"""Levels to order at and up to, for what orders now and for what would have ordered then.

Levels that weigh the fixed cost of an order against stock and shortages are sought in Arrow batches.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType

from jobs.forecast.analogies.sums import COVERED_BANDS, REVIEW_BANDS, at_levels
from jobs.forecast.forecasts.steps import calibrated_as
from jobs.forecast.orders.inventory import Numbers, min_max_policy, reorder_policy
from jobs.forecast.orders.policy import Costs, Policy
from jobs.forecast.trials.calibration import NORMAL, OFFSETS, POOLED_ON, with_offsets

if TYPE_CHECKING:
    import pandas as pd

OUTCOMES, REVIEW_OUTCOMES = "outcomes", "review_outcomes"
"""Columns of equally likely amounts of demand, ascending: over the covered time, and over one review."""

REORDER_POINTS, ORDERS_UP_TO = "reorder_points", "orders_up_to"
"""Columns of levels, one for each service level."""

# An item by analogy has no errors of its own, but quantiles of its sums.
_BANDS: Final = {"covered_demand": COVERED_BANDS, "review_demand": REVIEW_BANDS}

# Levels that the search for (s, S) tells apart: its work grows with the square of them.
_STEPS: Final = 200


def with_levels(
    rows: DataFrame,
    residuals: DataFrame,
    policy: Policy,
    service_levels: Sequence[float],
    *,
    grid: Sequence[float] = (),
    fewest: int,
    by: Sequence[str] = (),
) -> DataFrame:
    """``rows`` with the levels of ``policy``: REORDER_POINTS and ORDERS_UP_TO, units for each of ``service_levels``.

    ``rows``: unique_id, model, demand_class, spread, the key ``step`` of the errors that calibrate them, demand over
    ``length`` periods (``covered_demand``) and over a review (``review_demand``). ``residuals`` (unique_id, model,
    demand_class, step, length, r) are errors summed over paths of ``length`` periods, in units of spread; both may be
    separated ``by`` further columns. With ``grid`` also OUTCOMES: the quantiles of covered demand at these levels. A
    costed policy needs a grid, and ``holding_cost`` per unit and period, ``order_cost``, and ``shortage_costs`` per
    unit, one for each service level: these decide instead of it.
    """
    levels = (*service_levels, *grid)
    found = with_outcomes(rows, residuals, "covered_demand", levels, fewest=fewest, by=by)
    usual = F.lit(0.0) if policy.is_periodic else F.col("review_demand")
    found = found.withColumns(
        {
            REORDER_POINTS: F.slice("_outcomes", 1, len(service_levels)),
            OUTCOMES: F.slice("_outcomes", len(service_levels) + 1, len(grid)),
            "mean_demand": F.col("review_demand") / policy.review_periods,
        }
    ).drop("_outcomes")
    found = found.withColumn(ORDERS_UP_TO, F.transform(REORDER_POINTS, lambda point: point + usual))
    if not policy.is_costed:
        return found
    covered = found.withColumns({"_length": F.col("length"), "length": F.lit(policy.review_periods)})
    reviewed = with_outcomes(covered, residuals, "review_demand", grid, fewest=fewest, by=by)
    reviewed = reviewed.drop("length").withColumnsRenamed({"_length": "length", "_outcomes": REVIEW_OUTCOMES})
    return _with_costed_levels(reviewed, policy)


def with_outcomes(
    rows: DataFrame, residuals: DataFrame, centre: str, levels: Sequence[float], *, fewest: int, by: Sequence[str] = ()
) -> DataFrame:
    """``rows`` (see ``with_levels``) with ``_outcomes``: quantiles of demand over ``length`` periods, at least 0."""
    asked = rows.withColumnsRenamed({"model": "_model"}).withColumn("model", calibrated_as("_model"))
    found = with_offsets(asked, residuals, levels, fewest=fewest, by=("length", *by))
    found = found.drop("model").withColumnRenamed("_model", "model")
    # Paths have their own errors; the normal distribution is that of one period, and periods vary for themselves.
    root = F.sqrt(F.col("length").cast("double"))
    unit = F.when(F.col(POOLED_ON) == NORMAL, root).otherwise(1.0) * F.col("spread")
    values = F.transform(OFFSETS, lambda offset: F.greatest(F.col(centre) + offset * unit, F.lit(0.0)).cast("double"))
    bands = _BANDS[centre]
    if bands in rows.columns:
        values = F.when(F.col(bands).isNotNull(), at_levels(bands, levels)).otherwise(values)
    return found.withColumn("_outcomes", values).drop(OFFSETS)


def _with_costed_levels(rows: DataFrame, policy: Policy) -> DataFrame:
    """A series without demand keeps its levels, and so does one for which a shortage costs too little to hold stock."""

    def priced(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        import pandas as pd

        for batch in batches:
            found = [
                [
                    _levels(policy, Costs(holding, cost, order), point, upper, mean, outcomes, review)
                    for cost, point, upper in zip(shortages, points, uppers, strict=True)
                ]
                for holding, shortages, order, points, uppers, mean, outcomes, review in zip(
                    batch["holding_cost"],
                    batch["shortage_costs"],
                    batch["order_cost"],
                    batch[REORDER_POINTS],
                    batch[ORDERS_UP_TO],
                    batch["mean_demand"],
                    batch[OUTCOMES],
                    batch[REVIEW_OUTCOMES],
                    strict=True,
                )
            ]
            points = pd.Series([[point for point, _ in levels] for levels in found], index=batch.index)
            uppers = pd.Series([[upper for _, upper in levels] for levels in found], index=batch.index)
            yield batch.assign(**{REORDER_POINTS: points, ORDERS_UP_TO: uppers})

    schema = StructType([StructField(item.name, item.dataType) for item in rows.schema])
    return rows.mapInPandas(priced, schema).drop(REVIEW_OUTCOMES)


def _levels(
    policy: Policy, costs: Costs, point: float, upper: float, mean: float, outcomes: Numbers, review: Numbers
) -> tuple[float, float]:
    if mean <= 0 or outcomes[-1] <= 0 or not costs.holding > 0:
        return point, upper
    if policy.is_periodic:
        return _min_max(policy, costs, outcomes, review)
    try:
        found, quantity, _ = reorder_policy(costs.holding, costs.shortage, costs.order, mean, outcomes)
    except ValueError:
        return point, upper
    return found, found + quantity


def _min_max(policy: Policy, costs: Costs, outcomes: Numbers, review: Numbers) -> tuple[float, float]:
    unit = max(float(policy.pack_size), float(np.ceil(outcomes[-1] / _STEPS)))
    chances = np.bincount(np.rint(np.maximum(review, 0.0) / unit).astype(int)) / len(review)
    if chances[0] >= 1:  # a review sells less than the grid can tell apart
        chances = np.array([0.0, 1.0])
    holding = costs.holding * policy.review_periods

    def rate(level: int) -> float:
        left = level * unit - outcomes
        return float(np.mean(holding * np.maximum(left, 0.0) + costs.shortage * np.maximum(-left, 0.0)))

    s, upper, _ = min_max_policy(costs.order, chances, rate)
    return s * unit, upper * unit
