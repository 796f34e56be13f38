"""Entries of a calendar to values of periods, each with the day from which on it was known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from common.spark.few_rows import few_rows
from jobs.forecast.demand.periods import Periods
from jobs.forecast.regressors.declared import PRICE

if TYPE_CHECKING:
    import pandas as pd

COLUMNS: Final = ("unique_id", "name", "ds", "known_on", "value")
SCHEMA: Final = "unique_id string, name string, ds {period}, known_on date, value double"
ALWAYS: Final = date(1900, 1, 1)
"""Known since before the first origin."""

_DECIMALS = 9  # Means must not depend on the order of their parts.


def scoped(entries: DataFrame, items: DataFrame | None, periods: Periods) -> DataFrame:
    """Rows of CALENDAR as ``unique_id, rank, name, first_day, last_day, value, known_on``, one for each series meant.

    ``items`` (unique_id, item_id, store) says which product and store a series is of; None: no sales say it. ``rank``
    is 0 and ``unique_id`` null for an entry that holds for all, 1 and 2 for one of a product, a store or both, 3 for
    one of a series. An entry without a last day holds for the whole period of its first one.
    """
    start = F.col("first_day") if periods.freq == "H" else periods.start_of("first_day")
    whole = entries.withColumn("_start", start)
    is_period = F.col("last_day").isNull()
    dated = whole.withColumns(
        {
            "first_day": F.when(is_period, F.col("_start")).otherwise(F.col("first_day")),
            "last_day": F.coalesce("last_day", periods.last_day_of("_start")),
        }
    )
    facts = ("name", "first_day", "last_day", "value", "known_on")
    of_series = F.col("unique_id").isNotNull()
    of_items = F.col("item_id").isNotNull() | F.col("store").isNotNull()
    parts = [F.col(name).isNotNull().cast("int") for name in ("item_id", "store")]
    rank = F.when(of_series, 3).otherwise(parts[0] + parts[1])
    ranked = dated.withColumn("rank", rank)
    found = ranked.where(of_series | ~of_items).select("unique_id", "rank", *facts)
    if items is None:
        return found
    with_item = F.col("item_id").isNotNull()
    of_item = ranked.where(~of_series & with_item).withColumnRenamed("store", "_store")
    of_store = ranked.where(~of_series & ~with_item & F.col("store").isNotNull()).drop("item_id")
    by_item = items.join(of_item.drop("unique_id"), "item_id", "inner")
    by_item = by_item.where(F.col("_store").isNull() | (F.col("_store") == F.col("store")))
    by_store = items.join(of_store.drop("unique_id"), "store", "inner")
    for named in (by_item, by_store):
        # A series of several products or stores has an entry for them once.
        found = found.unionByName(named.select("unique_id", "rank", *facts).distinct())
    return found


def of_no_series(entries: DataFrame, items: DataFrame | None, series: DataFrame) -> DataFrame:
    """The rows of CALENDAR that hold for a series, product or store which none of ``series`` (unique_id) has.

    ``items`` as for ``scoped``.
    """
    named = entries.where("unique_id IS NOT NULL").join(series.select("unique_id"), "unique_id", "left_anti")
    others = entries.where("unique_id IS NULL AND (item_id IS NOT NULL OR store IS NOT NULL)")
    if items is None:
        return named.unionByName(others)
    there = items.join(series.select("unique_id"), "unique_id", "left_semi")
    parts = (
        (("item_id",), "item_id IS NOT NULL AND store IS NULL"),
        (("store",), "item_id IS NULL AND store IS NOT NULL"),
        (("item_id", "store"), "item_id IS NOT NULL AND store IS NOT NULL"),
    )
    for keys, condition in parts:
        named = named.unionByName(others.where(condition).join(there.select(*keys), list(keys), "left_anti"))
    return named


def planned(entries: DataFrame, starts: Sequence[date], periods: Periods) -> DataFrame:
    """Values of the periods that begin on ``starts`` (SCHEMA), from ``scoped`` entries: see ``learned``.

    Beside them, for all series, 0 from the first to the last day of the calendar of each name but that of prices: what
    no entry says is not planned.
    """

    def run(group: pd.DataFrame) -> pd.DataFrame:
        return learned(group, starts, periods)

    for_all = entries.where("unique_id IS NULL")
    own = entries.where("unique_id IS NOT NULL")
    beside = own.select("unique_id", "name").distinct().join(F.broadcast(for_all.drop("unique_id")), "name", "inner")
    rows = own.unionByName(beside).unionByName(for_all)
    values = rows.groupBy("unique_id", "name").applyInPandas(run, SCHEMA.format(period=periods.sql_type))
    reach = entries.where(F.col("name") != PRICE).groupBy("name")
    spans = reach.agg(F.min("first_day").alias("_first"), F.max("last_day").alias("_last"))
    calendar = [(start, periods.day(start), periods.last_day(start)) for start in starts]
    named = few_rows(entries.sparkSession, calendar, f"ds {periods.sql_type}, _begin date, _end date")
    touched = (F.col("_end") >= F.col("_first")) & (F.col("_begin") <= F.col("_last"))
    nothing = named.join(F.broadcast(spans), touched, "inner").select(
        F.lit(None).cast("string").alias("unique_id"),
        "name",
        "ds",
        F.lit(ALWAYS).alias("known_on"),
        F.lit(0.0).alias("value"),
    )
    return values.unionByName(nothing)


def before_the_plan(values: DataFrame, seen: DataFrame, entries: DataFrame) -> DataFrame:
    """``planned`` values with those of ``seen`` (the same columns) where there is no plan.

    A calendar for all, and of whatever series where it is not one of prices, has a plan from its first day on; a series
    has a plan of its own in the periods of which ``values`` know something.
    """
    is_common = (F.col("name") != PRICE) | F.col("unique_id").isNull()
    begins = entries.where(is_common).groupBy("name").agg(F.min("first_day").alias("_begins"))
    early = seen.join(F.broadcast(begins), "name", "left")
    early = early.where(F.col("_begins").isNull() | (F.col("known_on") < F.col("_begins"))).drop("_begins")
    both = values.withColumn("_is_planned", F.lit(True)).unionByName(early.withColumn("_is_planned", F.lit(False)))
    of_period = Window.partitionBy("unique_id", "name", "ds")
    has_plan = F.max("_is_planned").over(of_period)
    return both.withColumn("_has_plan", has_plan).where("_is_planned OR NOT _has_plan").drop("_is_planned", "_has_plan")


def learned(entries: pd.DataFrame, starts: Sequence[date], periods: Periods) -> pd.DataFrame:
    """What was known of the periods that begin on ``starts``, and from when on; columns of COLUMNS.

    ``entries`` (see ``scoped``) are those of one name for one series, and those for all beside them. On each day on
    which something became known, every day of the calendar has the value of the entry with the highest rank, of these
    of the one that was known last, of these of the smallest. A period has the mean over its days: a day without an
    entry is 0, but for prices it does not count. Only periods with an entry of the series itself have rows, or of any
    entry where all hold for all, and only when their value is another one than before.
    """
    import pandas as pd

    first = periods.day(starts[0])
    begins = np.array([(periods.day(start) - first).days for start in starts])
    ends = np.array([(periods.last_day(start) - first).days + 1 for start in starts])
    days = int(ends[-1])
    name, is_price = entries["name"].iloc[0], entries["name"].iloc[0] == PRICE
    own_rank = 1 if (entries["rank"] > 0).any() else 0
    # In the order in which they became known, so that each is painted once: over what ranks no higher.
    ordered = entries.sort_values(["known_on", "rank", "value"], ascending=[True, True, False])
    found: list[tuple[Any, ...]] = []
    before = np.full(len(starts), np.nan)
    painted, ranks, touched = np.full(days, np.nan), np.full(days, -1), np.zeros(days)
    series = entries["unique_id"].iloc[0]
    for moment, news in ordered.groupby("known_on", sort=True):
        columns = (news[column] for column in ("rank", "first_day", "last_day", "value"))
        for rank, first_day, last_day, value in zip(*columns, strict=True):
            spell = slice(max((first_day - first).days, 0), max((last_day - first).days + 1, 0))
            shows = ranks[spell] <= rank
            painted[spell][shows], ranks[spell][shows] = float(value), int(rank)
            if rank >= own_rank:
                touched[spell] = 1.0
        filled = np.isfinite(painted)
        sums, counts = _over(np.where(filled, painted, 0.0), begins, ends), _over(filled.astype(float), begins, ends)
        means = np.round(sums / np.maximum(counts if is_price else (ends - begins).astype(float), 1.0), _DECIMALS)
        is_new = (_over(touched, begins, ends) > 0) & ~(means == before)
        found.extend((series, name, starts[n], moment, float(means[n])) for n in np.flatnonzero(is_new).tolist())
        before = np.where(is_new, means, before)
    return pd.DataFrame(found, columns=list(COLUMNS))


def _over(
    values: np.ndarray[Any, Any], begins: np.ndarray[Any, Any], ends: np.ndarray[Any, Any]
) -> np.ndarray[Any, Any]:
    sums = np.concatenate([[0.0], np.cumsum(values)])
    return np.asarray(sums[ends] - sums[begins])
