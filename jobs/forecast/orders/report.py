"""The report of forecast.replenish: the order list, and what it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from jobs.forecast.orders.policy import policy_of
from jobs.forecast.trials.report import model_words

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import DataFrame

    from common.report.builder import ReportBuilder
    from jobs.forecast.orders.params import ReplenishParams
    from jobs.forecast.orders.policy import Policy

_UNITS = {"D": "days", "W": "weeks", "M": "months", "Q": "quarters"}


def orders_report(
    report: ReportBuilder,
    params: ReplenishParams,
    rows: DataFrame,
    *,
    as_of: date,
    inputs: Sequence[DataFrame | None],
) -> None:
    """Fill the report about ``rows`` of ORDERS; ``inputs`` are what the step was given."""
    series, *_, stock = inputs
    if series is None:
        return
    totals = rows.agg(
        F.count_if(F.col("order_quantity") > 0).alias("orders"),
        F.sum("order_quantity").alias("units"),
        F.sum("safety_stock").alias("safety_stock"),
        F.sum("lead_time_demand").alias("lead_time_demand"),
    ).first()
    ranked = rows.join(series.select("unique_id", "value", "freq"), "unique_id", "left")
    top = ranked.orderBy(F.col("value").desc(), "unique_id").limit(params.report_top).collect()
    write_report(
        report,
        as_of=as_of,
        freq=top[0]["freq"],
        policy=policy_of(params),
        by_cost=params.holding_cost is not None,
        has_stock=stock is not None,
        totals=totals,
        top=top,
    )


def write_report(
    report: ReportBuilder,
    *,
    as_of: date,
    freq: str,
    policy: Policy,
    by_cost: bool,
    has_stock: bool,
    totals: Any,
    top: Sequence[Any],
) -> None:
    """Fill the report; ``top`` are the orders of the most valuable series."""
    unit = _UNITS[freq]
    report.title = f"Orders as of {as_of}"
    report.headline("Items to order", f"{totals['orders']:,}", "" if has_stock else "if stock is at the reorder point")
    report.headline("Units", f"{totals['units']:,.0f}", "in whole packs")
    report.headline("Service level", f"{policy.service_level:.1%}", "from the given costs" if by_cost else "as set")
    report.headline(
        "Safety stock", f"{totals['safety_stock']:,.0f}", f"units, on top of {totals['lead_time_demand']:,.0f} expected"
    )
    report.table(
        "Orders of the most valuable items",
        (
            "item",
            "name",
            "reorder point",
            "order up to",
            "order",
            f"expected in {policy.lead_time_periods} {unit}",
            "safety stock",
            "model",
            "why",
        ),
        [
            (
                row["unique_id"],
                row["item_name"] or "",
                round(row["reorder_point"]),
                round(row["order_up_to"]),
                round(row["order_quantity"]),
                round(row["lead_time_demand"]),
                round(row["safety_stock"]),
                model_words(row["model"]),
                row["reason"],
            )
            for row in top
        ],
        note="All orders are in forecast.orders.",
    )
    shown = sorted(top, key=lambda row: -row["reorder_point"])[:12]
    if shown:
        report.bars(
            "Parts of a reorder point",
            [f"{row['unique_id']} {row['item_name'] or ''}".strip() for row in shown],
            {
                "expected demand": [min(row["lead_time_demand"], row["reorder_point"]) for row in shown],
                "safety stock": [max(row["safety_stock"], 0.0) for row in shown],
            },
            unit="units",
            label_name="item",
            text_alternative=(
                f"The highest reorder point, of {shown[0]['unique_id']}, is {shown[0]['reorder_point']:,.0f} units, "
                f"of which {max(shown[0]['safety_stock'], 0):,.0f} are safety stock."
            ),
        )
    words = [
        f"An order arrives after {policy.lead_time_periods} {unit} and must last until the next one arrives: "
        f"{policy.protection_periods} {unit}.",
        "The reorder point covers demand over the lead time, the order-up-to level demand over all of it, each with "
        f"a probability of {policy.service_level:.1%}. How far demand strays from its forecast is taken from whole "
        "paths of the backtest's errors, so errors that last several periods count in full.",
    ]
    if not has_stock:
        words.append(
            "Stock is not known (forecast.stock is missing): the order is what to buy when stock and "
            "open orders fall to the reorder point."
        )
    report.text("How to read this", words)
