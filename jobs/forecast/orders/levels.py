"""Levels that weigh the fixed cost of an order against stock and shortages: Arrow batches of whole series."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql.types import StructField, StructType

from jobs.forecast.orders.inventory import Numbers, min_max_policy, reorder_policy

if TYPE_CHECKING:
    import pandas as pd

    from jobs.forecast.orders.policy import Costs, Policy

OUTCOMES, REVIEW_OUTCOMES = "outcomes", "review_outcomes"
"""Columns of equally likely amounts of demand, ascending: over the covered time, and over one review."""

# Levels that the search for (s, S) tells apart: its work grows with the square of them.
_STEPS: Final = 200


def with_costed_levels(rows: DataFrame, policy: Policy, costs: Costs) -> DataFrame:
    """``rows`` (mean_demand per period, OUTCOMES and REVIEW_OUTCOMES) with other ``reorder_point`` and ``order_up_to``.

    A series without demand keeps its levels, and so does one for which a shortage costs too little to hold stock.
    """

    def priced(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        for batch in batches:
            levels = [
                _levels(policy, costs, point, upper, mean, np.asarray(outcomes), np.asarray(review))
                for point, upper, mean, outcomes, review in zip(
                    batch["reorder_point"],
                    batch["order_up_to"],
                    batch["mean_demand"],
                    batch[OUTCOMES],
                    batch[REVIEW_OUTCOMES],
                    strict=True,
                )
            ]
            yield batch.assign(reorder_point=[point for point, _ in levels], order_up_to=[upper for _, upper in levels])

    schema = StructType([StructField(item.name, item.dataType) for item in rows.schema])
    return rows.mapInPandas(priced, schema)


def _levels(
    policy: Policy, costs: Costs, point: float, upper: float, mean: float, outcomes: Numbers, review: Numbers
) -> tuple[float, float]:
    if mean <= 0 or outcomes[-1] <= 0:
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
