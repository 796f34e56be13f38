"""What the orders of a session come to: each order once, however many events and lines it was sent in.

An order comes to its ``order_total`` where one was sent (the largest, when events disagree), otherwise to the sum of
its ``items``, otherwise to price times quantity of its lines. A line that is sent twice is one line: a thank-you page
that is loaded again sells nothing.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

# Wide enough for any number of the largest amounts that a session can hold; read as money at the end.
_SUM = "DECIMAL(38,7)"
_TYPES = {"id": "STRING", "orders": "BIGINT", "total": _SUM, "items": _SUM, "lines": _SUM, "sum": _SUM}
_PRICED = "line.price * coalesce(line.quantity, 1)"


def order_line(order: Column) -> Column:
    """What is collected of an event that is part of ``order``, an id: what tells lines apart, and amounts."""
    return F.struct(
        order.alias("id"),
        F.col("order_total").alias("total"),
        F.col("items_total").alias("items"),
        F.col("item_id").alias("item"),
        F.col("price").alias("price"),
        F.col("quantity").alias("quantity"),
    )


def with_orders(sessions: DataFrame, lines: str) -> DataFrame:
    """``sessions`` with ``conversions bigint`` and ``_revenue decimal(18,4)`` of the set of ``lines`` of each.

    The revenue is null when no order has an amount, and when the sum does not fit.
    """
    # One walk over the sorted lines, in which those of an order are neighbours; no id is null, so the first begins one.
    on = {
        "total": "greatest(so_far.total, line.total)",
        "items": "greatest(so_far.items, line.items)",
        "lines": _plus("so_far.lines", _PRICED),
    }
    anew = {
        "id": "line.id",
        "orders": "so_far.orders + 1",
        "total": "line.total",
        "items": "line.items",
        "lines": _PRICED,
        "sum": _plus("so_far.sum", _worth("so_far")),
    }
    walk = (
        f"aggregate(array_sort({lines}), {_state({'orders': '0'}, 'NULL')}, (so_far, line) -> "
        f"CASE WHEN so_far.id <=> line.id THEN {_state(on)} ELSE {_state(anew)} END)"
    )
    walked = sessions.withColumn("_walk", F.expr(walk))
    revenue = F.expr(f"try_cast({_plus('_walk.sum', _worth('_walk'))} AS DECIMAL(18,4))")
    return walked.withColumns({"conversions": F.col("_walk.orders"), "_revenue": revenue}).drop("_walk", lines)


def _worth(state: str) -> str:
    """SQL of the amount of the order that the walk is in."""
    return f"coalesce({state}.total, {state}.items, {state}.lines)"


def _plus(left: str, right: str) -> str:
    """SQL of a sum in which null is nothing; null when both are."""
    return f"coalesce(CAST({left} + {right} AS {_SUM}), {left}, {right})"


def _state(changed: dict[str, str], other: str = "") -> str:
    """SQL of the state of the walk; fields that are not ``changed`` stay, or are ``other``."""
    fields = (
        f"'{name}', CAST({changed.get(name, other or f'so_far.{name}')} AS {kind})" for name, kind in _TYPES.items()
    )
    return f"named_struct({', '.join(fields)})"
