"""The replay inside Spark: groups of whole series, each followed at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.forecast.orders.levels import ORDERS_UP_TO, OUTCOMES, REORDER_POINTS
from jobs.forecast.orders.policy import Policy
from jobs.forecast.replays.simulation import Followed, Numbers, Room, follow

if TYPE_CHECKING:
    import pandas as pd

_COUNTS = (
    "periods",
    "periods_short",
    "cycles",
    "cycles_without_shortage",
    "orders",
    "flips",
    "cut",
)
_UNITS = ("demand", "units_short", "stock", "units_ordered", "units_written_off")
SCHEMA = ", ".join(
    [
        "unique_id string, method string, policy string, service_level double",
        *(f"{name} int" for name in _COUNTS),
        *(f"{name} double" for name in _UNITS),
    ]
)
# How often a stock that is watched all the time is looked at within a period.
WATCHES = 24
_PLACES = 997


@dataclass(frozen=True)
class Rules:
    """How stock is followed, beside its levels."""

    policy: Policy
    service_levels: tuple[float, ...]
    waits: bool
    shelf_life: int = 0


def followed(rows: DataFrame, rules: Rules, *, buckets: int) -> DataFrame:
    """Rows of SCHEMA: what happened to each series under each method, at each service level.

    ``rows``: unique_id, method, number, block, y, SUPPLIED, supplier_cost, and the levels of the orders
    (REORDER_POINTS, ORDERS_UP_TO, and OUTCOMES where there are budgets), one row for each replayed period. Series that
    share a budget are one group.
    """
    wanted = ("unique_id", "method", "number", "block", "y", "lead_time_periods", "pack_size", "min_order")
    bucket = F.pmod(F.xxhash64("unique_id"), F.lit(buckets)).cast("string")
    shares_money = F.col("budget").isNotNull() & F.col("supplier").isNotNull()
    cut = rows.select(
        *wanted,
        # As in forecast.replenish: a budget pays what the supplier asks for, not what a cost is taken for.
        F.col("supplier_cost").alias("unit_cost"),
        F.when(shares_money, F.col("budget")).alias("budget"),
        REORDER_POINTS,
        ORDERS_UP_TO,
        OUTCOMES,
        F.when(shares_money, F.concat(F.lit("of "), "supplier")).otherwise(bucket).alias("_group"),
    )

    def run(group: pd.DataFrame) -> pd.DataFrame:
        return followed_group(group, rules)

    return cut.groupBy("_group", "method").applyInPandas(run, SCHEMA)


def followed_group(group: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """What happened to the series of ``group`` (see ``followed``) under one method: rows of SCHEMA."""
    import pandas as pd

    names, places = np.unique(group["unique_id"].to_numpy(dtype=object), return_inverse=True)
    found = Followed.nothing(len(names), len(rules.service_levels))
    for block in sorted(group["block"].unique()):
        is_inside = (group["block"] == block).to_numpy()
        inside, where = group[is_inside], places[is_inside]
        here = np.unique(where)
        room = _room(inside, np.searchsorted(here, where), [str(names[n]) for n in here], rules)
        found.add(here, follow(room))
    series, levels = found.periods.shape
    columns: dict[str, Any] = {
        "unique_id": np.repeat(names, levels),
        "method": group["method"].iloc[0],
        "policy": rules.policy.name,
        "service_level": np.tile(np.asarray(rules.service_levels), series),
    }
    for name in _COUNTS:
        columns[name] = np.rint(getattr(found, name)).astype(np.int32).ravel()
    for name in _UNITS:
        columns[name] = np.round(getattr(found, name), 9).ravel()
    return pd.DataFrame(columns)


def _room(rows: pd.DataFrame, places: Any, names: list[str], rules: Rules) -> Room:
    """One block of the replay: rows of ``places`` 0 to n - 1, the series ``names``."""
    series, levels = len(names), len(rules.service_levels)
    numbers = rows["number"].to_numpy(dtype=np.int64)
    periods = int(numbers.max()) + 1
    points, uppers = np.full((series, periods, levels), np.nan), np.full((series, periods, levels), np.nan)
    points[places, numbers] = np.stack(rows[REORDER_POINTS].to_list())
    uppers[places, numbers] = np.stack(rows[ORDERS_UP_TO].to_list())
    demand = np.full((series, periods), np.nan)
    demand[places, numbers] = rows["y"].to_numpy(dtype=np.float64)
    starts = np.full(series, periods)
    np.minimum.at(starts, places, numbers)
    for period in range(1, periods):  # where a later origin has no forecast, the levels of the one before stay
        for one in (points, uppers):
            one[:, period] = np.where(np.isnan(one[:, period]), one[:, period - 1], one[:, period])
    facts = rows.assign(_place=places).drop_duplicates("_place").sort_values("_place")
    slices = 1 if rules.policy.is_periodic else WATCHES
    budget = facts["budget"].iloc[0]
    has_budget = budget is not None and not np.isnan(budget)
    return Room(
        demand if slices == 1 else in_slices(demand, names, slices),
        np.nan_to_num(points),
        np.nan_to_num(uppers),
        starts * slices,
        facts["lead_time_periods"].to_numpy(dtype=np.int64) * slices,
        facts["pack_size"].to_numpy(dtype=np.float64),
        facts["min_order"].to_numpy(dtype=np.float64),
        _shares(names) if rules.policy.name != "(R, S)" else np.ones(series),
        rule=rules.policy.name,
        review=rules.policy.review_periods,
        slices=slices,
        waits=rules.waits,
        shelf_life=rules.shelf_life * slices,
        budget=float(budget) if has_budget else None,
        unit_costs=facts["unit_cost"].to_numpy(dtype=np.float64),
        outcomes=_outcomes(rows, places, numbers, points) if has_budget else None,
    )


def _outcomes(rows: pd.DataFrame, places: Any, numbers: Any, points: Numbers) -> Numbers:
    """Equally likely amounts of demand over the covered time (n, T, G); where none are known, those of before."""
    given = np.stack(rows[OUTCOMES].to_list())
    found = np.full((*points.shape[:2], given.shape[1]), np.nan)
    found[places, numbers] = given
    for period in range(1, found.shape[1]):
        found[:, period] = np.where(np.isnan(found[:, period]), found[:, period - 1], found[:, period])
    return np.nan_to_num(found)


def _shares(names: list[str]) -> Numbers:
    """Above 0 and at most 1, by the name: between its two levels, a stock may be found anywhere."""
    return np.array([(crc32(name.encode()) % _PLACES + 1) / _PLACES for name in names])


def in_slices(demand: Numbers, names: list[str], slices: int) -> Numbers:
    """Demand (n, T) of whole periods spread over ``slices`` of each: (n, T x slices).

    Units come at random moments, drawn by the name of the series, so that a rerun draws the same; what is no whole
    number of units flows evenly.
    """
    series, periods = demand.shape
    spread = np.repeat(demand / slices, slices, axis=1).reshape(series, periods, slices)
    for n, name in enumerate(names):
        units = np.nan_to_num(demand[n])
        is_whole = ~np.isnan(demand[n]) & (units == np.rint(units)) & (units >= 0) & (units < 1e9)
        drawn = np.random.default_rng(crc32(name.encode())).multinomial(
            np.where(is_whole, units, 0).astype(np.int64), [1 / slices] * slices
        )
        spread[n] = np.where(is_whole[:, None], drawn, spread[n])
    return spread.reshape(series, periods * slices)
