"""Sums of a replay over series, and what follows from them: service, fill rate, money at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import Row

_SUMMED = (
    "periods",
    "periods_short",
    "cycles",
    "cycles_without_shortage",
    "orders",
    "order_flips",
    "demand",
    "units_short",
    "mean_stock",
    "units_written_off",
    "holding_money",
    "ordering_money",
    "shortage_money",
    "write_off_money",
    "money",
)


@dataclass(frozen=True)
class Sums:
    """Sums of REPLAYS over ``series`` series, of which ``priced`` have money. ``stock_money`` is their mean stock."""

    series: int = 0
    priced: int = 0
    stock_money: float = 0.0
    periods: float = 0.0
    periods_short: float = 0.0
    cycles: float = 0.0
    cycles_without_shortage: float = 0.0
    orders: float = 0.0
    order_flips: float = 0.0
    demand: float = 0.0
    units_short: float = 0.0
    mean_stock: float = 0.0
    units_written_off: float = 0.0
    holding_money: float = 0.0
    ordering_money: float = 0.0
    shortage_money: float = 0.0
    write_off_money: float = 0.0
    money: float = 0.0

    @property
    def cycle_service(self) -> float | None:
        """The share of cycles that ended without a shortage; None without any."""
        return self.cycles_without_shortage / self.cycles if self.cycles else None

    @property
    def fill_rate(self) -> float | None:
        """The share of demand that was served at once; None without any."""
        return 1 - self.units_short / self.demand if self.demand else None

    @property
    def short_share(self) -> float | None:
        """The share of the periods of series in which somebody was not served."""
        return self.periods_short / self.periods if self.periods else None


Key = tuple[str, str, float, str]
"""(method, policy, service level, class of demand)"""


def summed(rows: DataFrame) -> DataFrame:
    """Sums of REPLAYS by method, policy, service level and class of demand: few rows, for ``sums_of``."""
    by = ("method", "policy", "service_level", "demand_class")
    return (
        rows.withColumn("demand_class", F.coalesce("demand_class", F.lit("")))
        .groupBy(*by)
        .agg(
            F.count(F.lit(1)).alias("series"),
            F.count("money").alias("priced"),
            F.sum(F.col("mean_stock") * F.col("unit_cost")).alias("stock_money"),
            *(F.sum(name).alias(name) for name in _SUMMED),
        )
    )


def sums_of(rows: Iterable[Row]) -> dict[Key, Sums]:
    """The collected rows of ``summed`` by their keys."""
    return {_key(row): Sums(**{one.name: row[one.name] or 0 for one in fields(Sums)}) for row in rows}


def _key(row: Row) -> Key:
    return row["method"], row["policy"], row["service_level"], row["demand_class"]


def total(found: Iterable[Sums]) -> Sums:
    """The sum of sums."""
    kept = list(found)
    return Sums(**{one.name: sum(getattr(sums, one.name) for sums in kept) for one in fields(Sums)})


def at_fill_rate(points: Sequence[tuple[float, float]], fill_rate: float) -> float | None:
    """What ``points`` (fill rate, cost) say of ``fill_rate``, on straight lines between them; None outside of them."""
    ordered = sorted(points)
    for (before, low), (after, high) in pairwise(ordered):
        if before <= fill_rate <= after:
            share = 0.0 if after == before else (fill_rate - before) / (after - before)
            return low + share * (high - low)
    return None


def curve(
    found: dict[Key, Sums], wanted: Callable[[Key], bool], cost: Callable[[Sums], float]
) -> list[tuple[float, float]]:
    """(fill rate, cost) for each service level among the keys that are ``wanted``."""
    levels = sorted({key[2] for key in found if wanted(key)})
    sums = [total(one for key, one in found.items() if wanted(key) and key[2] == level) for level in levels]
    return [(one.fill_rate, cost(one)) for one in sums if one.fill_rate is not None]
