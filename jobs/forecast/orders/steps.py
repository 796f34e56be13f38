"""Forecasts to orders: demand over the time an order must last as a distribution, levels, an order, and why."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.days import DayRange
from jobs.forecast.analogies.steps import ANALOGY
from jobs.forecast.analogies.sums import bands_of_sums
from jobs.forecast.demand.inputs import day_of
from jobs.forecast.orders.first_orders import stock_with_new, with_later_reviews
from jobs.forecast.orders.levels import ORDERS_UP_TO, REORDER_POINTS, with_levels
from jobs.forecast.orders.params import ReplenishParams
from jobs.forecast.orders.policy import Policy, policy_of
from jobs.forecast.orders.suppliers import expected_short, whole_packs, with_terms, within_budgets
from jobs.forecast.orders.tables import ORDERS
from jobs.forecast.stock.steps import terms_as_of
from jobs.forecast.trials.calibration import sampled_of
from jobs.forecast.trials.residuals import of_published, path_residuals

# Grids of probabilities, fine enough for an expectation over the distribution; costs are decided in its tail.
_GRID = tuple((n + 0.5) / 100 for n in range(100))
_FINE_GRID = tuple((n + 0.5) / 1_000 for n in range(1_000))
# Below this many units an order fills up to nothing absurd, however little was ever sold.
_ALWAYS_PLAUSIBLE_UNITS = 100.0


def replenishment(
    params: ReplenishParams,
    series: DataFrame,
    forecasts: DataFrame,
    backtests: DataFrame,
    stock: DataFrame | None,
    reconciled: DataFrame | None = None,
    *,
    days: DayRange,
) -> DataFrame:
    """The step of forecast.replenish: rows of ORDERS from those of SERIES, FORECASTS, BACKTESTS and STOCK, or from
    RECONCILED instead of FORECASTS where the parameters say so.

    Raises UsageError FCT-003 for more than one day.
    """
    as_of, policy = day_of(days, "forecast.replenish"), policy_of(params)
    terms = None if stock is None else terms_as_of(stock, as_of)
    facts = with_terms(
        series.select("unique_id", "item_name", "demand_class", "units", "periods", "freq"), terms, policy
    )
    reviews = [policy.review_periods] if policy.is_costed else []
    lengths: Sequence[int] | DataFrame = (policy.covered_periods, *reviews)
    if terms is not None:
        lengths = facts.select(F.explode(F.array("length", *map(F.lit, reviews))).alias("length")).distinct()
    residuals = path_residuals(of_published(backtests), facts.select("unique_id", "demand_class"), lengths)
    residuals = sampled_of(residuals, series, params.calibration_series)
    # Aggregates are forecast too, and nobody orders them.
    chosen = chosen_forecasts(params, forecasts, reconciled)
    demand = with_later_reviews(covered_demand(chosen, policy, facts))
    demand = demand.join(bands_of_sums(chosen, facts, policy.review_periods), "unique_id", "left")
    demand = demand.withColumn("largest_plausible", _largest_plausible(policy, params.most_of_history))
    known = None if stock is None else stock_with_new(stock, series, as_of, params.old_stock_days)
    rows = orders(demand, residuals, known, policy, fewest=params.min_calibration)
    if terms is not None:
        rows = within_budgets(rows)
    money = F.round(F.col("order_quantity") * F.col("unit_cost"), 6)
    return rows.withColumns({"as_of_date": F.lit(as_of), "order_money": money}).select(*ORDERS.schema.names)


def chosen_forecasts(params: ReplenishParams, forecasts: DataFrame, reconciled: DataFrame | None) -> DataFrame:
    """The forecasts that orders are made from; no rows where ``reconciled`` ones are asked for and there are none."""
    if params.forecasts == "base":
        return forecasts
    return forecasts.limit(0) if reconciled is None else reconciled


def covered_demand(forecasts: DataFrame, policy: Policy, facts: DataFrame | None = None) -> DataFrame:
    """One row per series of FORECASTS: expected demand over lead time, covered time and a review, and its spread.

    ``unique_id, model, spread, lead_time_demand, protection_demand, covered_demand, review_demand, covered_until``
    (the last period of the covered time), and the columns of ``facts``: one row per series with SUPPLIED; without it
    all series have the times, packs and minimums of the policy.
    """
    if facts is None:
        facts = with_terms(
            forecasts.select("unique_id", F.lit(None).cast("string").alias("freq")).distinct(), None, policy
        )

    def within(periods: Column | int) -> Column:
        return F.sum(F.when(F.col("step") <= periods, F.col("y_hat")).otherwise(0.0))

    lead = F.col("lead_time_periods")
    times = facts.select("unique_id", "lead_time_periods", "length")
    sums = (
        forecasts.join(times, "unique_id", "inner")
        .where(F.col("step") <= lead + policy.review_periods)
        .groupBy("unique_id")
        .agg(
            within(lead).alias("lead_time_demand"),
            within(lead + policy.review_periods).alias("protection_demand"),
            within(F.col("length")).alias("covered_demand"),
            within(policy.review_periods).alias("review_demand"),
            F.max(F.when(F.col("step") <= F.col("length"), F.col("ds"))).alias("covered_until"),
            F.first("spread").alias("spread"),
            F.min("model").alias("model"),
        )
    )
    return sums.join(facts, "unique_id", "inner")


def _largest_plausible(policy: Policy, multiple: float) -> Column:
    periods = F.greatest(F.coalesce("periods", F.lit(1)), F.lit(1))
    longer = F.greatest(F.lit(1.0), (F.col("lead_time_periods") + policy.review_periods) / periods)
    # Of a new item little was sold: what is expected of it stands in for its history.
    expected = F.when(F.col("model") == ANALOGY, F.col("protection_demand")).otherwise(0.0)
    history = multiple * F.greatest(F.coalesce("units", F.lit(0.0)) * longer, expected)
    return F.greatest(history, F.lit(_ALWAYS_PLAUSIBLE_UNITS), F.col("pack_size"), F.col("min_order"))


def orders(
    demand: DataFrame, residuals: DataFrame, stock: DataFrame | None, policy: Policy, *, fewest: int
) -> DataFrame:
    """``covered_demand`` (with demand_class) as orders.

    ``residuals`` (unique_id, model, demand_class, step, r) are errors summed over paths of the covered time and, for a
    policy with costs, of a review. ``stock`` (see ``stock_as_of``) may be absent: then the order is what the policy
    usually orders.
    """
    grid = _FINE_GRID if policy.is_costed else _GRID
    # Every path begins with the first step; its length tells it from others.
    asked = demand.withColumn("step", F.lit(1))
    known = residuals.withColumns({"length": F.col("step"), "step": F.lit(1)})
    if policy.costs is not None:
        costs = {
            "holding_cost": F.lit(policy.costs.holding),
            "shortage_costs": F.array(F.lit(policy.costs.shortage)),
            "order_cost": F.lit(policy.costs.order),
        }
        asked = asked.withColumns(costs)
    rows = with_levels(asked, known, policy, (policy.service_level,), grid=grid, fewest=fewest)
    point, upper = F.get(REORDER_POINTS, F.lit(0)), F.get(ORDERS_UP_TO, F.lit(0))
    rows = rows.withColumns({"reorder_point": point, "order_up_to": upper})
    rows = rows.withColumns(
        {
            "expected_shortage": expected_short(F.col("reorder_point")),
            "safety_stock": F.col("reorder_point") - F.col("covered_demand"),
        }
    )
    return _ordered(rows, stock, policy)


def _ordered(levels: DataFrame, stock: DataFrame | None, policy: Policy) -> DataFrame:
    if stock is None:
        rows = levels.withColumn("stock_position", F.lit(None).cast("double"))
    else:
        rows = levels.join(stock, "unique_id", "left")
        if "old_count_days" not in stock.columns:
            rows = rows.withColumn("old_count_days", F.lit(None).cast("int"))
        rows = rows.withColumn("due_too_late", _due_too_late() if "dues" in stock.columns else F.lit(0.0))
        rows = rows.withColumn("stock_position", F.col("on_hand") + F.col("on_order") - F.col("due_too_late"))
    found = rows.withColumns(
        {
            "order_quantity": _quantity(policy),
            "reason": _reason(policy, knows_dues=stock is not None),
            "policy": F.lit(policy.name),
            "review_periods": F.lit(policy.review_periods),
            "service_level": F.lit(policy.service_level),
        }
    )
    usual = F.col("order_up_to") - F.col("order_quantity")
    return found.withColumn("short_without", expected_short(F.coalesce("stock_position", usual)))


def _due_too_late() -> Column:
    """Open orders that come after the last covered period has begun: what is ordered now comes no later."""
    late = F.filter("dues", lambda one: one["due_on"] > F.col("covered_until"))
    return F.coalesce(F.aggregate(late, F.lit(0.0), lambda total, one: total + one["units"]), F.lit(0.0))


def _is_due(policy: Policy) -> Column:
    position, point = F.col("stock_position"), F.col("reorder_point")
    # Under (R, S) the two levels are one: what was sold since the last review is ordered again.
    return position < point if policy.name == "(R, S)" else position <= point


def _quantity(policy: Policy) -> Column:
    """What to order, in whole packs; without a known position, what the policy orders at a time."""
    position, upper, point = F.col("stock_position"), F.col("order_up_to"), F.col("reorder_point")
    if policy.is_periodic:
        usual = F.col("review_demand") if policy.costs is None else upper - point
        missing = upper - position
    else:
        usual = upper - point
        # After a large sale one fixed quantity may not bring the position above the reorder point.
        times = F.when(usual > 0, F.floor((point - position) / usual) + 1).otherwise(1)
        missing = F.greatest(times, F.lit(1)) * usual
    wanted = F.when(position.isNull(), usual).when(_is_due(policy), missing).otherwise(0.0)
    return whole_packs(F.greatest(wanted, F.lit(0.0)))


def _reason(policy: Policy, *, knows_dues: bool) -> Column:
    position, upper, point = F.col("stock_position"), F.col("order_up_to"), F.col("reorder_point")
    length = F.col("length")
    lasts = F.when(length == 1, "1 period").otherwise(F.format_string("%d periods", length))
    if policy.name == "(R, S)":
        unknown = F.format_string("stock unknown: at each review fill up to %.0f", upper)
        due = F.format_string("stock and open orders of %.0f are filled up to %.0f for %s", position, upper, lasts)
        enough = F.format_string("stock and open orders of %.0f are enough: %.0f are needed", position, upper)
    else:
        up_to = "; fills up to %.0f for %s" if policy.is_periodic else "; orders a fixed quantity, up to %.0f%s"
        tail = lasts if policy.is_periodic else F.lit("")
        unknown = F.format_string(
            "stock unknown: order this much when stock and open orders are at or below %.0f", point
        )
        due = F.format_string(
            f"stock and open orders of %.0f are at or below the reorder point %.0f{up_to}", position, point, upper, tail
        )
        enough = F.format_string("stock and open orders of %.0f are above the reorder point %.0f", position, point)
    said = (
        F.when(upper <= 0, "no demand is expected")
        .when(position.isNull(), unknown)
        .when(_is_due(policy), due)
        .otherwise(enough)
    )
    if not knows_dues:
        return said
    old = F.format_string("; its last count is %d days old", F.col("old_count_days"))
    said = F.when(F.col("old_count_days").isNotNull(), F.concat(said, old)).otherwise(said)
    late = F.format_string("; %.0f on order come too late to help", F.col("due_too_late"))
    return F.when(F.col("due_too_late") > 0, F.concat(said, late)).otherwise(said)
