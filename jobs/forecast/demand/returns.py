"""Returned goods: each return is deducted from the purchase that it undoes.

A return whose invoice is the letter C and the id of an earlier invoice cancels that one: it undoes the invoice's lines
of the item, for any customer and at any age. Any other return, and what is left of this one, undoes the
customer's latest earlier purchases of the item, within some days: cancelled demand is taken out of the period in which
it seemed to arise. Units that no purchase explains are deducted from the period of the return. Which purchase a return
undoes is decided by what was known on its day, and never changes afterwards.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

PARTS = (
    "unique_id string, ds {period}, known_on date, is_series boolean, lines int, units_sold double, "
    "units_returned double, value double, void array<array<int>>"
)
"""A part of the demand of a period (of the type of ``ds``): it counts from ``known_on`` on, except in ``void``."""

_CANCELS = "^[cC](.+)$"
"""The invoice of a cancellation: the letter, and the id of the invoice that it cancels."""

_PARTS = [part.strip().split(" ")[0] for part in PARTS.split(", ")]


def parts_of_demand(lines: DataFrame, *, return_days: int, lines_per_task: int = 50_000) -> DataFrame:
    """``lines`` as PARTS: each purchase, and what each return takes off, in the period that it takes it off.

    ``lines`` has line_id, unique_id, ds, sold_day, sold_at, item_id, customer_id, invoice_id, quantity, unit_price,
    is_series and ``void``: in these spans (pairs of days since 1970: first, first not) the line does not count.
    ``lines`` sums up to the number of lines. Returns without a customer undo no purchase unless they cancel an invoice;
    values of ready series are no purchases. Only items that were ever given back are looked at line by line, those of
    one customer or cancelled invoice together, about ``lines_per_task`` lines in a task.
    """
    price = F.coalesce(F.col("unit_price").cast("double"), F.lit(0.0))
    is_return = ~F.col("is_series") & (F.col("quantity") < 0)
    bought = lines.where(~F.col("is_series") & (F.col("quantity") >= 0))
    back = _with_owner(lines.where(is_return), bought)
    own = lines.where(~is_return).unionByName(back.where("owner IS NULL").drop("owner", "cancels"))
    alone = own.select(
        "unique_id",
        "ds",
        F.col("sold_day").alias("known_on"),
        "is_series",
        F.lit(1).alias("lines"),
        F.greatest("quantity", F.lit(0.0)).alias("units_sold"),
        F.greatest(-F.col("quantity"), F.lit(0.0)).alias("units_returned"),
        (F.col("quantity") * price).alias("value"),
        "void",
    )
    owned = back.where("owner IS NOT NULL")
    pairs = owned.select("owner", "item_id").distinct()
    there = bought.withColumns({"owner": F.coalesce("customer_id", _nobody("invoice_id")), "cancels": _no_text()})
    met = there.join(pairs, ["owner", "item_id"], "left_semi").unionByName(owned)
    buckets = F.greatest(F.lit(1), F.ceil(F.count(F.lit(1)) / F.lit(lines_per_task))).cast("int")
    size = met.agg(buckets.alias("_buckets"))
    spread = met.crossJoin(F.broadcast(size)).select(
        "line_id",
        F.concat_ws("\x1f", "owner", "item_id").alias("pair"),
        "customer_id",
        "invoice_id",
        "cancels",
        F.unix_seconds("sold_at").alias("at_s"),
        "quantity",
        "unique_id",
        "ds",
        "sold_day",
        price.alias("price"),
        F.unix_date("sold_day").alias("day"),
        "void",
        F.pmod(F.xxhash64("owner", "item_id"), "_buckets").alias("bucket"),
    )

    def given_back(rows: pd.DataFrame) -> pd.DataFrame:
        return parts_given_back(rows, return_days * 86_400)

    schema = PARTS.format(period=lines.schema["ds"].dataType.simpleString())
    return alone.unionByName(spread.groupBy("bucket").applyInPandas(given_back, schema))


def _with_owner(back: DataFrame, bought: DataFrame) -> DataFrame:
    """Returns with ``cancels``, the invoice that each cancels, and ``owner``: whose purchases it may undo.

    That is the customer of the cancelled invoice, or the invoice itself where it names none; of a return that cancels
    no invoice with its item, its own customer.
    """
    called = F.regexp_extract("invoice_id", _CANCELS, 1)
    named = back.withColumn("cancels", F.when(called != "", called))
    asked = named.where("cancels IS NOT NULL").select("cancels", "item_id").distinct()
    found = bought.withColumn("cancels", F.col("invoice_id")).join(asked, ["cancels", "item_id"], "left_semi")
    owners = found.groupBy("cancels", "item_id").agg(
        F.coalesce(F.min("customer_id"), _nobody(F.first("cancels"))).alias("_owner")
    )
    owned = named.join(owners, ["cancels", "item_id"], "left")
    return owned.withColumn("owner", F.coalesce("_owner", "customer_id")).drop("_owner")


def _nobody(invoice: str | Column) -> Column:
    # No pseudonym begins like this.
    return F.concat(F.lit("\x00"), invoice)


def _no_text() -> Column:
    return F.lit(None).cast("string")


def parts_given_back(rows: pd.DataFrame, within_s: int) -> pd.DataFrame:
    """PARTS of the returns in ``rows`` (``undo``, and unique_id, ds, sold_day, price).

    What a return takes off a purchase counts only while both do.
    """
    import pandas as pd

    by_id = {row["line_id"]: row for row in rows.to_dict("records")}
    found: list[tuple[Any, ...]] = []
    for return_id, purchase_id, units in undo(rows, within_s).itertuples(index=False):
        back, off = by_id[return_id], by_id[purchase_id or return_id]
        void = [*_spans(back["void"]), *(_spans(off["void"]) if purchase_id else [])]
        line = 0 if purchase_id else 1
        known_on, value = back["sold_day"], -units * off["price"]
        found.append((off["unique_id"], off["ds"], known_on, False, line, 0.0, units, value, void or None))
    return pd.DataFrame(found, columns=_PARTS)


def undo(rows: pd.DataFrame, within_s: int) -> pd.DataFrame:
    """What each return in ``rows`` undoes, the latest purchases first: ``return_id, purchase_id, units``.

    ``rows`` has line_id, pair (customer and item), at_s, day (since 1970), quantity, void; and, unless all are of one
    customer and none cancels an invoice, customer_id, invoice_id and ``cancels``, the invoice that a return cancels. Of
    that one it undoes lines first, whatever their age, and then those of its own customer. Each return also has one row
    without a purchase: the units that none explains, maybe 0. Purchases that were void on the day of the return are
    passed over; a return that was void itself undoes nothing.
    """
    import pandas as pd

    ordered = rows.sort_values(["pair", "at_s", "quantity", "line_id"], ascending=[True, True, False, True])
    ids, pairs, days = ordered["line_id"].tolist(), ordered["pair"].tolist(), ordered["day"].tolist()
    times, left = ordered["at_s"].tolist(), ordered["quantity"].astype(float).tolist()
    customers = _texts(ordered, "customer_id", unsaid="the customer")
    invoices, cancelled = _texts(ordered, "invoice_id"), _texts(ordered, "cancels")
    voids = [_spans(spans) for spans in ordered["void"]]
    found: list[tuple[str, str | None, float]] = []
    open_purchases: list[int] = []
    of_invoice: dict[str | None, list[int]] = {}

    def take_off(here: int, last: int) -> None:
        if left[here] < 0 < left[last] and not _is_void(voids[last], days[here]):
            undone = min(left[last], -left[here])
            left[last] = 0.0 if math.isclose(left[last], undone, abs_tol=1e-9) else left[last] - undone
            left[here] += undone
            found.append((ids[here], ids[last], undone))

    for here, pair in enumerate(pairs):
        if here == 0 or pairs[here - 1] != pair:
            open_purchases, of_invoice = [], {}
        if left[here] >= 0:
            open_purchases.append(here)
            of_invoice.setdefault(invoices[here], []).append(here)
            continue
        if not _is_void(voids[here], days[here]):
            for last in reversed(of_invoice.get(cancelled[here], []) if cancelled[here] else []):
                take_off(here, last)
            place = len(open_purchases) - 1 if customers[here] else -1
            while place >= 0 and left[here] < 0 and times[here] - times[open_purchases[place]] <= within_s:
                last = open_purchases[place]
                if customers[last] == customers[here]:
                    take_off(here, last)
                if left[last] <= 0:
                    del open_purchases[place]
                place -= 1
        found.append((ids[here], None, -left[here]))
    return pd.DataFrame(found, columns=["return_id", "purchase_id", "units"], dtype=object)


def _texts(rows: pd.DataFrame, name: str, *, unsaid: str | None = None) -> list[str | None]:
    if name not in rows:
        return [unsaid] * len(rows)
    return [value if isinstance(value, str) else None for value in rows[name]]


def _spans(void: Any) -> list[list[int]]:
    return [] if void is None else [[int(first), int(end)] for first, end in void]


def _is_void(spans: Sequence[Sequence[int]], day: int) -> bool:
    return any(first <= day < end for first, end in spans)
