"""Items that a planner has announced and nobody has bought yet, as series of a day.

A row of ITEMS with a first day on sale announces a series. From its known_day on it is forecast, and can be ordered,
until it has sales of its own, or has been on sale for so long without any that it is no new item.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import reduce
from typing import TYPE_CHECKING, Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.sources.mapping.extra import CATEGORIES
from jobs.forecast.demand.hierarchy import UNKNOWN, aggregate_id, columns_of, level_name
from jobs.forecast.demand.periods import Periods
from jobs.forecast.demand.series import FALLBACK, LEFT_OUT, Rules
from jobs.forecast.demand.tables import SERIES

if TYPE_CHECKING:
    from jobs.forecast.demand.params import HistoryParams

ANNOUNCED: Final = "FCT-211 announced, and not sold yet"
NEVER_CAME: Final = "FCT-212 announced, and not sold for long since its first day on sale"
NO_PLACE: Final = "FCT-213 announced, and of an aggregate that has no demand yet"


def start_of(periods: Periods) -> Column:
    """The period in which ``starts_day`` lies."""
    if periods.freq == "H":
        return F.col("starts_day").cast("timestamp_ntz")
    return periods.start_of("starts_day")


def listed_attributes(items: DataFrame, as_of: date) -> DataFrame:
    """``unique_id, listed``: what ITEMS says of each series, by name, as known on the day; the last word holds."""
    said = items.where(F.col("known_day") <= F.lit(as_of)).select(
        "unique_id", "known_day", "line_id", F.explode(CATEGORIES).alias("name", "value")
    )
    said = said.where(F.trim("value") != "")
    last = said.groupBy("unique_id", "name").agg(
        F.max_by(F.trim("value"), F.struct("known_day", "line_id")).alias("value")
    )
    return last.groupBy("unique_id").agg(F.map_from_entries(F.collect_list(F.struct("name", "value"))).alias("listed"))


def with_announced(
    rows: DataFrame, items: DataFrame, there: Sequence[DataFrame], params: HistoryParams, rules: Rules, last_ds: date
) -> DataFrame:
    """``rows`` of SERIES with those of ``announced``, which take the place of ones whose first period is not over."""
    new = announced(items, there, params, rules, last_ds)
    others = rows.join(new.select("unique_id"), "unique_id", "left_anti")
    return others.select(*SERIES.schema.names).unionByName(new)


def announced(
    items: DataFrame, there: Sequence[DataFrame], params: HistoryParams, rules: Rules, last_ds: date
) -> DataFrame:
    """The series that ITEMS announces by the day of ``rules`` and that are not ``there``, as columns of SERIES.

    ``there`` are frames with ``unique_id``, the first with the aggregates and ``first_ds``: an item of one that has no
    demand yet is left out, for its sums could not be formed. So is one that has been on sale for the fewest periods
    that a model needs, up to ``last_ds``. What was first sold after ``last_ds`` has no period yet, and stays announced.
    """
    as_of, periods = rules.as_of, rules.periods
    has_begun = F.col("first_ds") <= periods.literal(last_ds)
    begins, births = there[0].where(~has_begun).select("unique_id"), there[0].where(has_begun)
    sold = reduce(DataFrame.unionByName, (frame.select("unique_id") for frame in there))
    sold = sold.join(begins, "unique_id", "left_anti")
    known = items.where(F.col("known_day") <= F.lit(as_of))
    when = F.struct("known_day", "line_id")
    new = known.groupBy("unique_id").agg(
        *(F.max_by(name, F.when(F.col(name).isNotNull(), when)).alias(name) for name in ("starts_day", "item_name"))
    )
    new = new.where(F.col("starts_day").isNotNull()).join(sold, "unique_id", "left_anti")
    new = new.join(listed_attributes(items, as_of), "unique_id", "left").withColumn("attributes", _attributes(params))
    nodes = [aggregate_id(F.lit(level_name(level))) for level in params.hierarchy]
    if nodes:
        wanted = new.select(F.col("unique_id").alias("item"), F.explode(F.array(*nodes)).alias("unique_id"))
        lacking = wanted.join(births.select("unique_id"), "unique_id", "left_anti").select(
            F.col("item").alias("unique_id"), F.lit(True).alias("_lacks")
        )
        new = new.join(lacking.distinct(), "unique_id", "left")
    else:
        new = new.withColumn("_lacks", F.lit(None).cast("boolean"))
    is_late = start_of(periods) <= periods.literal(periods.plus(last_ds, 1 - rules.min_periods))
    reason = F.when(is_late, NEVER_CAME).when(F.col("_lacks"), NO_PLACE).otherwise(ANNOUNCED)
    given: dict[str, Column] = {
        "as_of_date": F.lit(as_of),
        "freq": F.lit(periods.freq),
        "status": F.when(reason == ANNOUNCED, FALLBACK).otherwise(LEFT_OUT),
        "reason": reason,
        **{name: F.col(name) for name in ("unique_id", "item_name", "attributes", "starts_day")},
        **dict.fromkeys(("periods", "open_periods", "demand_periods", "units", "value"), F.lit(0)),
    }
    return new.select(
        *(given.get(item.name, F.lit(None)).cast(item.dataType).alias(item.name) for item in SERIES.schema)
    )


def _attributes(params: HistoryParams) -> Column:
    """The columns that series keep, as the list says or, where they make the series, as its name does."""
    columns = columns_of(params)
    if not columns and not params.hierarchy:
        return F.lit(None).cast("map<string,string>")
    pairs = [
        part
        for name in columns
        for part in (
            F.lit(name),
            F.coalesce(F.try_element_at("listed", F.lit(name)), _named(params.series_by, name), F.lit(UNKNOWN)),
        )
    ]
    return F.create_map(*pairs).cast("map<string,string>")


def _named(series_by: Sequence[str], name: str) -> Column:
    """The part of ``unique_id`` that is the column ``name``: names are made by ``joined``."""
    if name not in series_by:
        return F.lit(None).cast("string")
    # Only the last part may hold a slash.
    parts = F.split("unique_id", "/", len(series_by))
    part = F.regexp_replace(F.get(parts, F.lit(list(series_by).index(name))), "%2F", "/")
    return F.when((F.size(parts) == len(series_by)) & (part != ""), part)
