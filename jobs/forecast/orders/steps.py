"""Forecasts to orders: demand over the lead time as a distribution, a reorder point, an order quantity, and why.

A review every R periods, goods L periods after the order: what is ordered now must last until the next order's goods
arrive, L + R periods. The order-up-to level is the wanted quantile of demand over L + R, the reorder point that over L
(Silver, Pyke and Thomas, Inventory and Production Management, chapter 7: the (R, s, S) system).
"""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.days import DayRange
from common.report.wording import plural
from jobs.forecast.demand.inputs import day_of
from jobs.forecast.orders.params import ReplenishParams
from jobs.forecast.orders.tables import ORDERS
from jobs.forecast.trials.calibration import OFFSETS, sampled_of, with_offsets
from jobs.forecast.trials.residuals import path_residuals

# A grid of probabilities, fine enough for an expectation over the distribution.
_GRID = tuple((n + 0.5) / 100 for n in range(100))


@dataclass(frozen=True)
class Policy:
    """The stock policy; the service level is the target probability that a cycle ends without a shortage."""

    lead_time_periods: int
    review_periods: int
    service_level: float
    pack_size: int = 1

    @property
    def protection_periods(self) -> int:
        """How long an order must last."""
        return self.lead_time_periods + self.review_periods


def policy_of(params: ReplenishParams) -> Policy:
    """The policy that the parameters ask for."""
    return Policy(params.lead_time_periods, params.review_periods, params.critical_ratio, params.pack_size)


def replenishment(
    params: ReplenishParams,
    series: DataFrame,
    forecasts: DataFrame,
    backtests: DataFrame,
    stock: DataFrame | None,
    *,
    days: DayRange,
) -> DataFrame:
    """The step of forecast.replenish: rows of ORDERS from those of SERIES, FORECASTS, BACKTESTS and STOCK.

    Raises UsageError FCT-003 for more than one day.
    """
    as_of, policy = day_of(days, "forecast.replenish"), policy_of(params)
    facts = series.select("unique_id", "item_name", "demand_class")
    lengths = (policy.lead_time_periods, policy.protection_periods)
    residuals = path_residuals(backtests, facts.select("unique_id", "demand_class"), lengths)
    residuals = sampled_of(residuals, series, params.calibration_series)
    demand = lead_time_demand(forecasts, policy).join(facts, "unique_id", "left")
    rows = orders(demand, residuals, stock, policy, fewest=params.min_calibration)
    return rows.withColumn("as_of_date", F.lit(as_of)).select(*ORDERS.schema.names)


def lead_time_demand(forecasts: DataFrame, policy: Policy) -> DataFrame:
    """One row a series of FORECASTS: expected demand over the lead and over the protection time, and its spread."""
    inside = F.col("step") <= policy.lead_time_periods
    return (
        forecasts.where(F.col("step") <= policy.protection_periods)
        .groupBy("unique_id")
        .agg(
            F.sum(F.when(inside, F.col("y_hat")).otherwise(0.0)).alias("lead_time_demand"),
            F.sum("y_hat").alias("protection_demand"),
            F.first("spread").alias("spread"),
            F.min("model").alias("model"),
        )
    )


def orders(
    demand: DataFrame, residuals: DataFrame, stock: DataFrame | None, policy: Policy, *, fewest: int
) -> DataFrame:
    """``lead_time_demand`` (with demand_class) as orders.

    ``residuals`` (model, demand_class, step, r) are errors summed over paths of the lead and of the protection time;
    ``stock`` (STOCK) may be absent: then the order is that of a shelf just at its reorder point.
    """
    is_zero = F.col("model") == "zero"
    levels = (policy.service_level, *_GRID)
    lead = with_offsets(
        demand.withColumn("step", F.lit(policy.lead_time_periods)), residuals, levels[:1], fewest=fewest
    )
    lead = lead.withColumn("reorder_point", _quantile(F.col("lead_time_demand"), 0, is_zero)).drop(
        OFFSETS, "calibrated_on"
    )
    both = with_offsets(lead.withColumn("step", F.lit(policy.protection_periods)), residuals, levels, fewest=fewest)
    both = both.withColumn(
        "order_up_to", F.greatest(_quantile(F.col("protection_demand"), 0, is_zero), F.col("reorder_point"))
    )
    outcomes = F.transform(
        F.slice(OFFSETS, 2, len(_GRID)),
        lambda offset: F.greatest(
            F.greatest(F.col("protection_demand") + offset * F.col("spread"), F.lit(0.0)) - F.col("order_up_to"),
            F.lit(0.0),
        ),
    )
    shortage = F.aggregate(outcomes, F.lit(0.0), lambda total, short: total + short) / len(_GRID)
    both = both.withColumns(
        {
            "expected_shortage": F.when(is_zero, 0.0).otherwise(shortage),
            "safety_stock": F.col("reorder_point") - F.col("lead_time_demand"),
        }
    )
    return _ordered(both, stock, policy)


def _quantile(centre: Column, position: int, is_zero: Column) -> Column:
    value = F.greatest(centre + F.get(OFFSETS, F.lit(position)) * F.col("spread"), F.lit(0.0))
    return F.when(is_zero, F.lit(0.0)).otherwise(value)


def _ordered(levels: DataFrame, stock: DataFrame | None, policy: Policy) -> DataFrame:
    if stock is None:
        rows = levels.withColumn("stock_position", F.lit(None).cast("double"))
    else:
        known = stock.select("unique_id", (F.col("on_hand") + F.col("on_order")).alias("stock_position"))
        rows = levels.join(known, "unique_id", "left")
    position = F.col("stock_position")
    is_due = position.isNull() | (position <= F.col("reorder_point"))
    missing = F.greatest(F.col("order_up_to") - F.coalesce(position, F.col("reorder_point")), F.lit(0.0))
    packs = F.ceil(F.round(missing / policy.pack_size, 9)) * policy.pack_size
    quantity = F.when(is_due, packs.cast("double")).otherwise(0.0)
    until = plural(policy.protection_periods, "period")
    why = (
        F.when(F.col("model") == "zero", "no demand is expected")
        .when(
            position.isNull(),
            F.format_string(
                f"stock unknown: order this much whenever stock and open orders fall to %.0f; lasts {until}",
                F.col("reorder_point"),
            ),
        )
        .when(
            is_due,
            F.format_string(
                f"stock and open orders of %.0f are at or below the reorder point %.0f; fills up to %.0f for {until}",
                position,
                F.col("reorder_point"),
                F.col("order_up_to"),
            ),
        )
        .otherwise(
            F.format_string(
                "stock and open orders of %.0f are above the reorder point %.0f", position, F.col("reorder_point")
            )
        )
    )
    return rows.withColumns(
        {
            "order_quantity": quantity,
            "reason": why,
            "lead_time_periods": F.lit(policy.lead_time_periods),
            "review_periods": F.lit(policy.review_periods),
            "service_level": F.lit(policy.service_level),
        }
    )
