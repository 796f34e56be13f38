"""What suppliers ask for: their lead times in periods, packs, minimums, costs, and budgets that are not enough."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.forecast.orders.budgets import within_budget
from jobs.forecast.orders.levels import OUTCOMES
from jobs.forecast.orders.policy import Policy

if TYPE_CHECKING:
    import pandas as pd

SUPPLIED: Final = ("supplier", "lead_time_periods", "length", "pack_size", "min_order", "unit_cost", "budget")
"""What ``with_terms`` adds; ``length`` is how many periods the stock at the reorder point must last."""

BUDGET_SPENT: Final = "the budget of the supplier is spent"
"""What the reason of an order says that a budget has cut."""

# The longest period of each frequency, so that 31 days are a month and a year of 365 days is twelve.
_DAYS: Final = {"H": 1 / 24, "D": 1.0, "W": 7.0, "M": 31.0, "Q": 92.0, "Y": 366.0}


def with_terms(facts: DataFrame, terms: DataFrame | None, policy: Policy) -> DataFrame:
    """``facts`` (unique_id, freq) with SUPPLIED, by ``terms`` (``terms_as_of``), or by the policy where there are none.

    A lead time in days counts in whole periods, rounded up, and at least one.
    """
    if terms is None:
        names = {"supplier": "string", "pack_size": "double", "min_order": "double", "unit_cost": "double"}
        unknown = {**names, "budget": "double", "lead_time_days": "double"}
        rows = facts.withColumns({name: F.lit(None).cast(kind) for name, kind in unknown.items()})
    else:
        rows = facts.join(terms, "unique_id", "left")
    lead = F.coalesce(_periods("lead_time_days"), F.lit(policy.lead_time_periods))
    review = policy.review_periods if policy.is_periodic else 0
    return rows.withColumns(
        {
            "lead_time_periods": lead,
            "length": (lead + review).cast("int"),
            "pack_size": F.coalesce("pack_size", F.lit(float(policy.pack_size))),
            "min_order": F.coalesce("min_order", F.lit(0.0)),
        }
    ).drop("lead_time_days")


def _periods(days: str) -> Column:
    length = F.lit(None).cast("double")
    for freq, longest in _DAYS.items():
        length = F.when(F.col("freq") == freq, longest).otherwise(length)
    whole = F.greatest(F.ceil(F.round(F.col(days) / length, 9)).cast("int"), F.lit(1))
    return F.when(F.col(days).isNotNull() & length.isNotNull(), whole)


def whole_packs(wanted: Column) -> Column:
    """``wanted`` units, at least ``min_order`` where there are any, rounded up to whole packs."""
    least = F.when(wanted > 0, F.greatest(wanted, F.col("min_order"))).otherwise(0.0)
    return (F.ceil(F.round(least / F.col("pack_size"), 9)) * F.col("pack_size")).cast("double")


def expected_short(position: Column) -> Column:
    """Units that the covered time lacks on average from ``position`` on, by OUTCOMES."""
    short = F.transform(OUTCOMES, lambda units: F.greatest(units - position, F.lit(0.0)))
    return F.aggregate(short, F.lit(0.0), lambda total, one: total + one) / F.size(OUTCOMES)


def within_budgets(rows: DataFrame) -> DataFrame:
    """``rows`` (SUPPLIED, order_quantity, ``short_without``: units short without the order), cut to the budgets.

    Each supplier's rows go through one task at once: see ``within_budget`` for which orders come first.
    """
    has_budget = F.col("budget").isNotNull() & F.col("supplier").isNotNull()
    wanted = (
        "unique_id",
        "supplier",
        "order_quantity",
        "unit_cost",
        "short_without",
        "pack_size",
        "min_order",
        "budget",
    )

    def spend(group: pd.DataFrame) -> pd.DataFrame:
        ranked = group.sort_values("unique_id")
        wanted_, cost, short, pack, least = (
            ranked[name].to_numpy(dtype=np.float64)
            for name in ("order_quantity", "unit_cost", "short_without", "pack_size", "min_order")
        )
        paid = within_budget(wanted_, cost, short, pack, least, budget=float(ranked["budget"].iloc[0]))
        return ranked[["unique_id"]].assign(_paid=paid)

    cut = (
        rows.where(has_budget)
        .select(*wanted)
        .groupBy("supplier")
        .applyInPandas(spend, "unique_id string, _paid double")
    )
    found = rows.join(cut, "unique_id", "left").withColumn("_paid", F.coalesce("_paid", "order_quantity"))
    is_cut = F.col("_paid") < F.col("order_quantity")
    why = F.format_string(f"; %.0f wanted, {BUDGET_SPENT}", F.col("order_quantity"))
    return found.withColumns(
        {
            "reason": F.when(is_cut, F.concat("reason", why)).otherwise(F.col("reason")),
            "order_quantity": F.col("_paid"),
        }
    ).drop("_paid")
