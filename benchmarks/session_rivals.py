"""The same sessions by other means: each reads the events' Parquet files and writes one Parquet of sessions.

All cut at a gap of 30 minutes, leave out bots and assets, and write visitor, start, end, events and page views. The
suite's own steps write every column of SESSIONS and label each event on the way.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from jobs.clickstream.sessions.facts import summarise_sessions
from jobs.clickstream.sessions.params import SessionRules
from jobs.clickstream.sessions.steps import label_sessions, visitor_events

COLUMNS = ("domain_userid", "start_us", "end_us", "events", "page_views")
_GAP_US = 1_800_000_000


def suite(spark: SparkSession, events: Path, out: Path) -> None:
    """The pure steps of clickstream.sessionise."""
    _suite_sessions(spark, events).write.mode("overwrite").parquet(str(out))


def suite_narrow(spark: SparkSession, events: Path, out: Path) -> None:
    """The same steps, selecting only the five columns: what the cutting costs without the rest."""
    _suite_sessions(spark, events).select(*COLUMNS).write.mode("overwrite").parquet(str(out))


def _suite_sessions(spark: SparkSession, events: Path) -> DataFrame:
    labelled = label_sessions(visitor_events(spark.read.parquet(str(events)), SessionRules()), SessionRules())
    sessions = summarise_sessions(
        labelled, page_view_events=["page_view"], conversion_events=["purchase"], site_time_zone="UTC"
    )
    return sessions.withColumns(
        {"start_us": F.unix_micros("session_start_tstamp"), "end_us": F.unix_micros("session_end_tstamp")}
    )


def plain_window(spark: SparkSession, events: Path, out: Path) -> None:
    """Lag and a running sum, then a group-by: what a person writes first."""
    by_time = Window.partitionBy("domain_userid").orderBy("derived_tstamp", "event_id")
    since = F.unix_micros("derived_tstamp") - F.lag(F.unix_micros("derived_tstamp")).over(by_time)
    numbered = _wanted(spark, events).withColumn("begins", F.when(since <= _GAP_US, 0).otherwise(1))
    numbered = numbered.withColumn("session", F.sum("begins").over(by_time.rowsBetween(Window.unboundedPreceding, 0)))
    _summed(numbered.groupBy("domain_userid", "session")).select(*COLUMNS).write.mode("overwrite").parquet(str(out))


def session_window(spark: SparkSession, events: Path, out: Path) -> None:
    """Spark's own session_window; it joins events less than its gap apart, hence the microsecond."""
    window = F.session_window("derived_tstamp", "30 minutes 1 microsecond")
    sessions = _summed(_wanted(spark, events).groupBy("domain_userid", window))
    sessions.select(*COLUMNS).write.mode("overwrite").parquet(str(out))


def apply_in_pandas(spark: SparkSession, events: Path, out: Path) -> None:
    """One pandas frame per visitor."""

    def cut(visitor: Any) -> Any:
        import pandas as pd

        visitor = visitor.sort_values(["at_us", "event_id"])
        session = (visitor["at_us"].diff() > _GAP_US).cumsum()
        grouped = visitor.groupby(session)
        return pd.DataFrame(
            {
                "domain_userid": visitor["domain_userid"].iloc[0],
                "start_us": grouped["at_us"].min(),
                "end_us": grouped["at_us"].max(),
                "events": grouped.size(),
                "page_views": grouped["is_view"].sum(),
            }
        )

    rows = _wanted(spark, events).select(
        "domain_userid",
        "event_id",
        F.unix_micros("derived_tstamp").alias("at_us"),
        (F.col("event_name") == "page_view").cast("long").alias("is_view"),
    )
    schema = "domain_userid string, start_us long, end_us long, events long, page_views long"
    rows.groupBy("domain_userid").applyInPandas(cut, schema).write.mode("overwrite").parquet(str(out))


def duckdb_windows(events: Path, out: Path, *, threads: int = 2) -> None:
    """DuckDB's SQL windows."""
    import duckdb

    query = f"""
        COPY (
          WITH wanted AS (
            SELECT domain_userid, event_id, event_name, epoch_us(derived_tstamp) AS at_us
            FROM read_parquet('{events}/*.parquet') WHERE NOT is_bot AND NOT is_asset AND domain_userid IS NOT NULL
          ), flagged AS (
            SELECT *, at_us - lag(at_us) OVER w <= {_GAP_US} AS goes_on FROM wanted
            WINDOW w AS (PARTITION BY domain_userid ORDER BY at_us, event_id)
          ), numbered AS (
            SELECT *, count(*) FILTER (goes_on IS NOT TRUE) OVER w AS session FROM flagged
            WINDOW w AS (PARTITION BY domain_userid ORDER BY at_us, event_id ROWS UNBOUNDED PRECEDING)
          )
          SELECT domain_userid, min(at_us) AS start_us, max(at_us) AS end_us, count(*) AS events,
            count(*) FILTER (event_name = 'page_view') AS page_views
          FROM numbered GROUP BY domain_userid, session
        ) TO '{_fresh(out)}/sessions.parquet' (FORMAT parquet)"""
    with duckdb.connect(config={"threads": threads}) as connection:
        connection.execute(query)


def polars_sort(events: Path, out: Path) -> None:
    """Polars: one sort, flags by shift, then a group-by; threads as POLARS_MAX_THREADS says."""
    import polars as pl

    at_us = pl.col("derived_tstamp").dt.epoch("us").alias("at_us")
    wanted = ~pl.col("is_bot") & ~pl.col("is_asset") & pl.col("domain_userid").is_not_null()
    rows = (
        pl.scan_parquet(f"{events}/*.parquet")
        .filter(wanted)
        .select("domain_userid", "event_id", at_us, (pl.col("event_name") == "page_view").alias("is_view"))
        .sort("domain_userid", "at_us", "event_id")
    )
    same = (pl.col("domain_userid") == pl.col("domain_userid").shift()) & (pl.col("at_us").diff() <= _GAP_US)
    sessions = (
        rows.with_columns((~same.fill_null(value=False)).cum_sum().alias("session"))
        .group_by("session")
        .agg(
            pl.col("domain_userid").first(),
            pl.col("at_us").min().alias("start_us"),
            pl.col("at_us").max().alias("end_us"),
            pl.len().cast(pl.Int64).alias("events"),
            pl.col("is_view").sum().cast(pl.Int64).alias("page_views"),
        )
    )
    sessions.select(COLUMNS).collect().write_parquet(f"{_fresh(out)}/sessions.parquet")


def fingerprint(out: Path) -> tuple[Any, ...]:
    """Sessions, their events and an order-free hash of all rows: equal for equal multisets of sessions."""
    import duckdb

    listed = ", ".join(f"{column}::VARCHAR" for column in COLUMNS)
    query = f"SELECT count(*), sum(events), sum(hash({listed})::HUGEINT) FROM read_parquet('{out}/*.parquet')"
    with duckdb.connect() as connection:
        (row,) = connection.execute(query).fetchall()
    return tuple(row)


def _wanted(spark: SparkSession, events: Path) -> DataFrame:
    rows = spark.read.parquet(str(events))
    return rows.where(~F.col("is_bot") & ~F.col("is_asset") & F.col("domain_userid").isNotNull())


def _summed(grouped: Any) -> DataFrame:
    return grouped.agg(
        F.unix_micros(F.min("derived_tstamp")).alias("start_us"),
        F.unix_micros(F.max("derived_tstamp")).alias("end_us"),
        F.count(F.lit(1)).alias("events"),
        F.count(F.when(F.col("event_name") == "page_view", 1)).alias("page_views"),
    )


def _fresh(out: Path) -> Path:
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    return out
