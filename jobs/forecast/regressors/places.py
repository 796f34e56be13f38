"""Whose public holidays a series has, where they differ: by a column of its sales lines, such as the country."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from common.spark.few_rows import few_rows
from jobs.forecast.demand.hierarchy import column_value
from jobs.forecast.regressors.declared import HOLIDAYS
from jobs.forecast.regressors.planned import ALWAYS


def places_of_series(lines: DataFrame, by: str, places: Mapping[str, str]) -> DataFrame:
    """``unique_id, value, place, since``: the values of the column ``by`` of each series, and the day of the first.

    ``lines`` are SALES with ``unique_id``. ``place`` is that of ``places``, null for a value that it does not have.
    """
    seen = lines.withColumn("value", column_value(by)).where("value IS NOT NULL")
    found = seen.groupBy("unique_id", "value").agg(F.min("sold_day").alias("since"))
    named = few_rows(lines.sparkSession, sorted(places.items()), "value string, place string")
    return found.join(F.broadcast(named), "value", "left").select("unique_id", "value", "place", "since")


def holidays_by_place(found: DataFrame, counted: DataFrame) -> DataFrame:
    """``unique_id, name, ds, known_on, value``: the holidays of each series, of ``counted`` (place, ds, value).

    ``found`` as ``places_of_series`` gives it. A series of several places has the mean of them; one that is sold at
    another place later has that of the first until the day of the first sale there. Periods without a holiday have no
    row but one for all series.
    """
    first = found.where("place IS NOT NULL").groupBy("unique_id", "place").agg(F.min("since").alias("since"))
    ordered = first.groupBy("unique_id").agg(F.array_sort(F.collect_list(F.struct("since", "place"))).alias("_places"))
    changes = ordered.select("unique_id", "_places", F.posexplode("_places").alias("_last", "_change"))
    known = changes.select(
        "unique_id",
        F.when(F.col("_last") == 0, F.lit(ALWAYS)).otherwise(F.col("_change")["since"]).alias("known_on"),
        F.slice("_places", F.lit(1), F.col("_last") + 1)["place"].alias("_known"),
    )
    # Two places of one day are two changes: the later one, which knows both, holds.
    whole = known.groupBy("unique_id", "known_on").agg(F.max_by("_known", F.size("_known")).alias("_known"))
    each = whole.select("unique_id", "known_on", F.size("_known").alias("_count"), F.explode("_known").alias("place"))
    own = each.join(F.broadcast(counted.where("value > 0")), "place", "inner")
    mean = F.round(F.sum(F.col("value") / F.col("_count")), 9)
    rows = own.groupBy("unique_id", "ds", "known_on").agg(mean.alias("value"))
    for_all = (
        counted.select("ds")
        .distinct()
        .select(
            F.lit(None).cast("string").alias("unique_id"),
            "ds",
            F.lit(ALWAYS).alias("known_on"),
            F.lit(0.0).alias("value"),
        )
    )
    both = rows.unionByName(for_all)
    return both.select("unique_id", F.lit(HOLIDAYS).alias("name"), "ds", "known_on", "value")
