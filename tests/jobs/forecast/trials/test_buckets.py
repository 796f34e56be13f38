"""Whole series in balanced buckets."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from jobs.forecast.trials.buckets import in_buckets, whole_series

pytestmark = pytest.mark.unit

DAY = date(2026, 3, 1)
_HISTORY = "unique_id string, ds date, y double"


def test_a_series_that_lies_in_three_batches_is_handed_over_whole() -> None:
    batches = ["aab", "b", "", "bc"]
    given = [pd.DataFrame({"unique_id": list(batch), "y": range(len(batch))}) for batch in batches]
    assert ["".join(part["unique_id"]) for part in whole_series(given)] == ["aa", "bbb", "c"]


def test_each_series_is_seen_once_whole_and_in_the_order_of_its_days(spark: SparkSession) -> None:
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "3")
    try:
        names = [f"s{n}" for n in range(9)]
        rows = [(name, DAY + timedelta(days=n), float(n)) for n in (3, 1, 0, 2) for name in names]
        history = spark.createDataFrame(rows, _HISTORY)

        def seen_series(series: pd.DataFrame) -> pd.DataFrame:
            found = series.groupby("unique_id")["y"].agg(lambda y: " ".join(map(str, y)))
            return found.rename("seen").reset_index()

        seen = in_buckets(history, seen_series, "unique_id string, seen string", rows=36, rows_per_bucket=10, least=3)
        assert sorted(map(tuple, seen.collect())) == [(name, "0.0 1.0 2.0 3.0") for name in names]
    finally:
        spark.conf.unset("spark.sql.execution.arrow.maxRecordsPerBatch")


@pytest.mark.parametrize(
    ("rows", "rows_per_bucket", "least", "buckets"),
    # 36 buckets of one row would be more than 16 for each that is asked for; of 1,000, fifty hold 20 rows each.
    [(36, 10, 3, 4), (36, 10, 6, 6), (36, 100, 1, 1), (36, 1, 1, 16), (36, 1, 3, 36), (1_000, 1, 1, 50)],
)
def test_there_is_a_bucket_for_so_many_rows_at_least_so_many_and_no_swarm_of_them(
    spark: SparkSession, rows: int, rows_per_bucket: int, least: int, buckets: int
) -> None:
    history = spark.createDataFrame([("a", DAY, 1.0)], _HISTORY)
    laid_out = in_buckets(history, lambda rows: rows, _HISTORY, rows=rows, rows_per_bucket=rows_per_bucket, least=least)
    assert laid_out.rdd.getNumPartitions() == buckets
