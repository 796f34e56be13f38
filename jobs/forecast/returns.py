"""Goods given back: each return is taken off the purchase that it undoes.

A return undoes the customer's latest earlier purchases of the item, within some days: demand that was cancelled is
taken out of the period in which it seemed to arise. What no purchase explains is left as a negative quantity.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

if TYPE_CHECKING:
    import pandas as pd

_NETTED = "line_id string, net_quantity double"


def net_of_returns(lines: DataFrame, *, return_days: int, lines_per_task: int = 50_000) -> DataFrame:
    """``lines`` (line_id, item_id, customer_id, sold_at, quantity) with ``net_quantity``; rows in = rows out.

    A purchase's net quantity is what was not given back, a return's what no purchase explains (negative). Lines without
    a customer are left as they are. Only customers' items that were ever given back are looked at line by line, in
    groups of about ``lines_per_task`` lines.
    """
    known = lines.where(F.col("customer_id").isNotNull())
    pairs = known.where(F.col("quantity") < 0).select("customer_id", "item_id").distinct()
    met = known.join(pairs, ["customer_id", "item_id"], "left_semi")
    buckets = F.greatest(F.lit(1), F.ceil(F.count(F.lit(1)) / F.lit(lines_per_task))).cast("int")
    size = met.agg(buckets.alias("_buckets"))
    spread = met.crossJoin(F.broadcast(size)).select(
        "line_id",
        F.concat_ws("\x1f", "customer_id", "item_id").alias("pair"),
        F.unix_seconds("sold_at").alias("at_s"),
        "quantity",
        F.pmod(F.xxhash64("customer_id", "item_id"), "_buckets").alias("bucket"),
    )

    def netted(rows: pd.DataFrame) -> pd.DataFrame:
        return undo(rows, return_days * 86_400)

    changed = spread.groupBy("bucket").applyInPandas(netted, _NETTED)
    return lines.join(changed, "line_id", "left").withColumn("net_quantity", F.coalesce("net_quantity", "quantity"))


def undo(rows: pd.DataFrame, within_s: int) -> pd.DataFrame:
    """``line_id, net_quantity`` of lines (``line_id, pair, at_s, quantity``), the returns taken off, latest first."""
    import pandas as pd

    ordered = rows.sort_values(["pair", "at_s", "quantity", "line_id"], ascending=[True, True, False, True])
    ids, pairs = ordered["line_id"].tolist(), ordered["pair"].tolist()
    times, left = ordered["at_s"].tolist(), ordered["quantity"].tolist()
    open_purchases: list[int] = []
    for here, pair in enumerate(pairs):
        if here == 0 or pairs[here - 1] != pair:
            open_purchases = []
        if left[here] >= 0:
            open_purchases.append(here)
            continue
        while open_purchases and left[here] < 0 and times[here] - times[open_purchases[-1]] <= within_s:
            last = open_purchases[-1]
            undone = min(left[last], -left[here])
            left[last] -= undone
            left[here] += undone
            if left[last] <= 0 or math.isclose(left[last], 0, abs_tol=1e-9):
                open_purchases.pop()
    return pd.DataFrame({"line_id": ids, "net_quantity": left})
