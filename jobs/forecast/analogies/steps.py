"""Forecasts of items that are announced or have few periods of their own, from the launches of those like them.

Launches of a pool (see likeness.py), at most a sample of them, meet the new items of it in a task; a million series are
never in one place. What a pool says is in curves.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.forecast.analogies.curves import LaunchCurve, Launches
from jobs.forecast.analogies.likeness import in_pools, narrowest
from jobs.forecast.trials.models import Numbers
from jobs.forecast.trials.tables import QUANTILES

if TYPE_CHECKING:
    import pandas as pd

ANALOGY: Final = "analogy"
"""The model of these forecasts."""

LAUNCHED: Final = "launches of like items"
"""What their quantiles are calibrated on."""

_FORESEEN: Final = "unique_id string, step int, y_hat double, spread double, quantiles array<double>"
# New items of one task, and launches that they are compared with at most.
_ITEMS_PER_TASK: Final = 2_000


@dataclass(frozen=True)
class Terms:
    """How far to forecast, the cycle of the lake, and how many launches are enough and are used at most."""

    horizon: int
    cycle: int
    fewest: int
    most: int


def by_analogy(new: DataFrame, analogues: DataFrame, names: Sequence[str], terms: Terms) -> DataFrame:
    """``unique_id, step, y_hat, spread, likeness`` and QUANTILES of each of ``new`` that a launch is like.

    ``new``: unique_id, attributes, ``place`` (of its first period), ``waits`` (periods from now on without demand),
    ``own`` (units of its periods so far, null: unknown). ``analogues``: unique_id, attributes, place, demand (see
    ``launches``). ``names`` are the attributes that make items alike, the last of which is given up first. An item with
    periods of its own needs ``fewest`` launches: it has something else to go by.
    """
    known = in_pools(analogues.where(F.size("demand") >= terms.cycle), names)
    asked = in_pools(new.withColumn("is_sold", F.size("own") > 0), names)
    placed = narrowest(asked, known, fewest=terms.fewest)
    placed = placed.where(~F.col("is_sold") | (F.col("others") >= terms.fewest))
    pools = placed.groupBy("pool").agg(
        F.max("launches").alias("_launches"),
        F.ceil(F.count(F.lit(1)) / _ITEMS_PER_TASK).cast("int").alias("_tasks"),
    )
    # Everybody's pool is the largest: any of so many launches will do.
    share = F.ceil(F.col("_launches") / terms.most).cast("int")
    sample = known.join(pools, "pool", "inner").where(F.pmod(F.xxhash64("unique_id"), share) == 0)
    sample = sample.withColumn("task", F.explode(F.sequence(F.lit(0), F.col("_tasks") - 1)))
    spread = placed.join(pools, "pool", "inner").withColumn("task", _part_of("_tasks"))
    columns = ("pool", "task", "unique_id", "place", "waits", "own")
    found = (
        sample.select("pool", "task", "unique_id", "place", "demand")
        .groupBy("pool", "task")
        .cogroup(spread.select(*columns).groupBy("pool", "task"))
        .applyInPandas(_forecast_pools(terms), _FORESEEN)
    )
    quantiles = {name: F.get("quantiles", F.lit(place)) for place, name in enumerate(QUANTILES)}
    why = placed.select("unique_id", _likeness(names).alias("likeness"))
    return found.withColumns(quantiles).drop("quantiles").join(why, "unique_id", "inner")


def _part_of(parts: str) -> Column:
    return F.pmod(F.xxhash64("unique_id"), F.col(parts)).cast("int")


def _likeness(names: Sequence[str]) -> Column:
    """``like 23 launches with the same category, store``; a number and names, no value of a row."""
    listed = F.array(*(F.lit(name) for name in names)) if names else F.array().cast("array<string>")
    shared = F.array_join(F.slice(listed, F.lit(1), F.col("depth")), ", ")
    others = F.col("others")
    counted = F.when(others == 1, "like 1 launch").otherwise(F.format_string("like %d launches", others))
    same = F.when(F.col("depth") > 0, F.concat(F.lit(" with the same "), shared)).otherwise(" of any item")
    return F.concat(counted, same)


def _forecast_pools(terms: Terms) -> Callable[[pd.DataFrame, pd.DataFrame], pd.DataFrame]:
    def run(launches: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
        return pool_forecasts(launches, new, terms)

    return run


def pool_forecasts(launches: pd.DataFrame, new: pd.DataFrame, terms: Terms) -> pd.DataFrame:
    """Rows of one pool: unique_id, step, y_hat, spread, quantiles of ``new``; none without ``launches`` or ``new``."""
    import pandas as pd

    names = [part.split()[0] for part in _FORESEEN.split(", ")]
    found: list[tuple[Any, ...]] = []
    if len(launches) and len(new):
        # Sums of numbers depend on their order, and rows come in any.
        launches = launches.sort_values("unique_id")
        lives = [_numbers(demand) for demand in launches["demand"]]
        demand = np.full((len(lives), max(map(len, lives))), np.nan)
        for number, life in enumerate(lives):
            demand[number, : len(life)] = life
        places = launches["place"].to_numpy(dtype=np.int64)
        curve = LaunchCurve.of(Launches(demand, places, terms.cycle), fewest=terms.fewest)
        levels = list(QUANTILES.values())
        asked = new.sort_values("unique_id")
        for name, own, place, waits in zip(
            asked["unique_id"], asked["own"], asked["place"], asked["waits"], strict=True
        ):
            coming = curve.foreseen(_numbers(own), int(place), terms.horizon, levels, waits=int(waits))
            for step in range(terms.horizon):
                values = (float(coming.mean[step]), coming.spread, coming.quantiles[step].tolist())
                found.append((name, step + 1, *values))
    return pd.DataFrame(found, columns=names)


def _numbers(values: Any) -> Numbers:
    return np.asarray([np.nan if value is None else value for value in values], dtype=np.float64)
