"""The report of forecast.replenish: the order list, and what it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from common.report.wording import plural
from jobs.forecast.demand.periods import UNITS
from jobs.forecast.orders.policy import policy_of
from jobs.forecast.orders.supply_report import write_supply
from jobs.forecast.stock.steps import stock_as_of, without_old_counts

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import DataFrame

    from common.report.builder import ReportBuilder
    from jobs.forecast.orders.params import ReplenishParams
    from jobs.forecast.orders.policy import Policy


def orders_report(
    report: ReportBuilder,
    params: ReplenishParams,
    rows: DataFrame,
    *,
    as_of: date,
    inputs: Sequence[DataFrame | None],
) -> None:
    """Fill the report about ``rows`` of ORDERS; ``inputs`` are what the step was given."""
    series, _, _, stock, _ = inputs
    if series is None:
        return
    totals = rows.agg(
        F.count_if(F.col("order_quantity") > 0).alias("orders"),
        F.sum("order_quantity").alias("units"),
        F.sum("safety_stock").alias("safety_stock"),
        F.sum(F.col("reorder_point") - F.col("safety_stock")).alias("expected"),
    ).first()
    known = None if stock is None else without_old_counts(stock_as_of(stock, as_of), as_of, params.old_stock_days)
    matched = None if known is None else _matched(series, known)
    ranked = rows.join(series.select("unique_id", "value", "freq"), "unique_id", "left")
    top = ranked.orderBy(F.col("value").desc(), "unique_id").limit(params.report_top).collect()
    write_report(
        report,
        as_of=as_of,
        freq=top[0]["freq"],
        policy=policy_of(params),
        by_cost=params.holding_cost is not None,
        matched=matched,
        totals=totals,
        top=top,
    )
    write_supply(report, rows)


def _matched(series: DataFrame, stock: DataFrame) -> tuple[int, int, int]:
    """How many series have no stock or an old count, and how many rows of the stock belong to no series of the day."""
    known = stock.select("unique_id", F.lit(1).alias("_stock"), F.col("old_count_days").alias("_days"))
    asked = series.select("unique_id", F.lit(1).alias("_series"))
    found = (
        asked.join(known, "unique_id", "full")
        .agg(
            F.count_if(F.col("_stock").isNull()).alias("without"),
            F.count_if(F.col("_series").isNotNull() & F.col("_days").isNotNull()).alias("old"),
            F.count_if(F.col("_series").isNull()).alias("unknown"),
        )
        .first()
    )
    return (0, 0, 0) if found is None else (found["without"], found["old"], found["unknown"])


def write_report(
    report: ReportBuilder,
    *,
    as_of: date,
    freq: str,
    policy: Policy,
    by_cost: bool,
    matched: tuple[int, int, int] | None,
    totals: Any,
    top: Sequence[Any],
) -> None:
    """Fill the report; ``top`` are the orders of the most valuable series, ``matched`` as ``_matched`` counts."""
    unit = UNITS[freq]
    covered = _periods(policy.covered_periods, unit)
    report.title = f"Orders as of {as_of}"
    report.headline("Items to order", f"{totals['orders']:,}", "" if matched else "the usual ones: stock is not known")
    report.headline("Units", f"{totals['units']:,.0f}", "in whole packs")
    report.headline("Service level", f"{policy.service_level:.1%}", "from the given costs" if by_cost else "as set")
    report.headline(
        "Safety stock", f"{totals['safety_stock']:,.0f}", f"units, on top of {totals['expected']:,.0f} expected"
    )
    if matched is not None and any(matched):
        without, old, unknown = matched
        report.text(
            "Stock that does not match",
            [
                *(
                    [f"{plural(without, 'series')} without stock: the order is what is usual for it."]
                    if without
                    else []
                ),
                *([f"{plural(old, 'series')} with a count that is too old: likewise."] if old else []),
                *(
                    [f"{plural(unknown, 'row')} of forecast.stock: no series of that day has its unique_id."]
                    if unknown
                    else []
                ),
            ],
        )
    has_terms = any(row["supplier"] for row in top)
    has_point, has_stock = policy.name != "(R, S)", matched is not None
    report.table(
        "Orders of the most valuable items",
        (
            "item",
            "name",
            "order",
            *(("stock",) if has_stock else ()),
            *(("reorder point",) if has_point else ()),
            "fill up to",
            "expected" if has_terms else f"expected in {covered}",
            "safety stock",
        ),
        [
            (
                row["unique_id"],
                row["item_name"] or "",
                round(row["order_quantity"]),
                *((_stock_cell(row["stock_position"]),) if has_stock else ()),
                *((round(row["reorder_point"]),) if has_point else ()),
                round(row["order_up_to"]),
                round(row["reorder_point"] - row["safety_stock"]),
                round(row["safety_stock"]),
            )
            for row in top
        ],
        note=("stock: on the shelf, and on order in time. " if has_stock else "")
        + ("expected: until the order after this one comes, by the lead time of each supplier. " if has_terms else "")
        + "All orders, each with its reason, are in forecast.orders.",
        stack=True,
    )
    shown = sorted(top, key=lambda row: -row["reorder_point"])[:12]
    if shown:
        report.bars(
            "What stock and open orders must cover",
            [f"{row['unique_id']} {row['item_name'] or ''}".strip() for row in shown],
            {
                "expected demand": [
                    min(row["reorder_point"] - row["safety_stock"], row["reorder_point"]) for row in shown
                ],
                "safety stock": [max(row["safety_stock"], 0.0) for row in shown],
            },
            unit="units",
            label_name="item",
            text_alternative=(
                f"The highest level, of {shown[0]['unique_id']}, is {shown[0]['reorder_point']:,.0f} units, "
                f"of which {max(shown[0]['safety_stock'], 0):,.0f} are safety stock."
            ),
        )
    report.text("How to read this", _words(policy, unit, matched))


def _periods(count: int, unit: str) -> str:
    return f"{count} {unit if count == 1 else f'{unit}s'}"


def _stock_cell(position: float | None) -> str | int:
    return "unknown" if position is None else round(position)


def _words(policy: Policy, unit: str, matched: tuple[int, int, int] | None) -> list[str]:
    lead, review = _periods(policy.lead_time_periods, unit), _periods(policy.review_periods, unit)
    every = unit if policy.review_periods == 1 else review
    if policy.is_periodic:
        first = (
            f"Periodic review {policy.name}: stock is reviewed every {every}, goods come {lead} after the order. "
            "What is not ordered now comes only after the next review, so stock and open orders must cover "
            f"{lead} and {review}."
        )
    else:
        first = (
            f"Continuous review {policy.name}: stock is watched all the time, goods come {lead} after the order. An "
            "order is placed when stock and open orders fall to the reorder point, which covers demand until it comes."
        )
    words = [
        first,
        f"That is covered with a probability of {policy.service_level:.1%}. How far demand strays from its forecast is "
        "taken from whole paths of the backtest's errors, so errors that last several periods count in full.",
    ]
    if matched is None:
        words.append("Stock is not known (forecast.stock is missing): each order is what the policy usually orders.")
    return words
