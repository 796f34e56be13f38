"""Lakes to run clickstream.sessionise on, and the shortest hand-written job that leaves the same rows."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from common.config.lake_settings import LakeSettings
from common.days import DayRange
from common.lake.audited import AuditedRows
from common.lake.lake import Lake
from common.quality.audit import AuditResult
from common.run.context import Services
from common.run.launch import run_job
from common.spark.session import open_session
from jobs.clickstream.events.tables import EVENTS
from jobs.clickstream.sessionise import JOB
from jobs.clickstream.sessions.tables import EVENT_COLUMNS, SESSION_EVENTS, SESSIONS

FIRST_DAY = date(2026, 3, 1)


def bench_session(memory: str = "4g") -> SparkSession:
    """Two cores, the optimising compiler on, partitions as many as AQE may need to choose from."""
    conf = {
        "spark.master": "local[2]",
        "spark.driver.memory": memory,
        "spark.driver.extraJavaOptions": "-XX:+UseParallelGC -Ddelta.log.cacheSize=10",
        "spark.sql.shuffle.partitions": "32",
    }
    spark = open_session(LakeSettings(), "lakejobs bench", conf)
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def all_days(days: int = 30) -> DayRange:
    """The days that benchmarks.events makes events for."""
    return DayRange(FIRST_DAY, FIRST_DAY + timedelta(days=days - 1))


def lake_of(spark: SparkSession, root: Path) -> Lake:
    """The lake at a folder."""
    started = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
    settings = LakeSettings(root=str(root))
    return Lake(spark, settings, run_id="bench", job="bench", code_version="bench", started_at=started)


def fill_silver(spark: SparkSession, events: Path, root: Path, *, days: int = 30) -> None:
    """Publish made-up events as the silver table of a lake."""
    rows = spark.read.parquet(str(events))
    given = {
        "derived_tstamp_source": F.lit("device"),
        "bot_evidence": F.array().cast("array<string>"),
        "event_fingerprint": F.col("event_id"),
        "_file": F.lit("made up"),
        "_file_sha256": F.lit("0"),
        "_batch_id": F.lit("bench"),
        "ingested_at": F.lit(datetime(2026, 11, 21, tzinfo=UTC)),
    }
    rows = rows.withColumns(given)
    columns = [
        F.col(field.name) if field.name in rows.columns else F.lit(None).cast(field.dataType).alias(field.name)
        for field in EVENTS.schema.fields
    ]
    # Made up and fine: what the audit of events costs is measured with the ingest.
    audited = AuditedRows(EVENTS, rows.select(*columns), AuditResult(EVENTS.name, []))
    lake_of(spark, root).replace_days(audited, days=all_days(days))


def fresh_root(base: Path, name: str, *, gold_of: Path | None = None) -> Path:
    """A lake that shares the silver tables of ``base``, and starts with a copy of the gold tables of ``gold_of``."""
    root = base.parent / name
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    (root / "silver").symlink_to(base / "silver", target_is_directory=True)
    if gold_of is not None:
        shutil.copytree(gold_of / "gold", root / "gold")
    return root


def run_suite(spark: SparkSession, root: Path, days: DayRange, *flags: str) -> None:
    """The job as a person runs it, in the session that is open. Raises RuntimeError when it fails."""
    arguments = ["--lake", str(root), "--from", str(days.first), "--to", str(days.last), *flags]
    code = run_job(JOB, arguments, services=Services(session=lambda *_: spark))
    if code:
        raise RuntimeError(f"clickstream.sessionise ended with {code}")


def hand_written(spark: SparkSession, root: Path, days: DayRange, *, read_back: bool) -> None:
    """What one would write in a notebook for the default rules: no audit, no counts, no report, no neighbouring days.

    ``read_back`` sums sessions from the table just written; otherwise the windows are computed once for each table.
    """
    w = Window.partitionBy("domain_userid").orderBy("derived_tstamp", "event_id")
    us, running = F.unix_micros("derived_tstamp"), w.rowsBetween(Window.unboundedPreceding, 0)
    e = spark.read.format("delta").load(f"{root}/silver/clickstream/events")
    e = e.where(f"NOT is_bot AND NOT is_asset AND domain_userid IS NOT NULL AND {days.predicate('event_date')}")
    e = e.select(*EVENT_COLUMNS).withColumn("prev", F.lag(us).over(w))
    new_chain = F.col("prev").isNull() | (us - F.col("prev") > 1_800_000_000)
    e = e.withColumn("chain", F.max(F.when(new_chain, us)).over(running))
    phase, before = (F.floor((x - F.col("chain")) / 86_400_000_000) for x in (us, F.col("prev")))
    text = F.concat_ws(":", us.cast("string"), F.length("domain_userid").cast("string"), "domain_userid", "event_id")
    start = F.struct(F.substring(F.sha2(text, 256), 1, 32).alias("id"), F.col("derived_tstamp").alias("at"))
    e = e.withColumn("s", F.last(F.when(new_chain | (phase != before), start), ignorenulls=True).over(running))
    e = e.select(
        *EVENT_COLUMNS,
        F.col("s.id").alias("session_id"),
        F.col("s.at").alias("session_start_tstamp"),
        F.timestamp_micros("chain").alias("chain_start_tstamp"),
        F.lit(None).cast("string").alias("chain_campaign"),
        F.lit("gap 30 min, at most 24 h, without bots and assets").alias("session_rules"),
    ).select(*SESSION_EVENTS.schema.names)
    path = f"{root}/gold/clickstream/session_events"
    e.write.format("delta").partitionBy("event_date").save(path)
    _hand_written_sessions(spark.read.format("delta").load(path) if read_back else e).write.format("delta").partitionBy(
        "session_date"
    ).save(f"{root}/gold/clickstream/sessions")


def _hand_written_sessions(e: DataFrame) -> DataFrame:
    view, sold = F.col("event_name") == "page_view", F.col("event_name") == "purchase"
    firsts = ["refr_urlhost", "refr_medium", "refr_source", "mkt_medium", "mkt_source", "mkt_campaign"]
    firsts += ["device_category", "geo_country", "chain_start_tstamp", "session_rules"]
    place = F.struct("derived_tstamp", "event_id")
    s = e.groupBy("session_id", "domain_userid", "session_start_tstamp").agg(
        *(F.min_by(c, place).alias(c) for c in firsts),
        F.max("derived_tstamp").alias("session_end_tstamp"),
        F.max_by("user_id", F.when(F.col("user_id").isNotNull(), place)).alias("user_id"),
        F.count("*").alias("events"),
        F.count_if(view).alias("page_views"),
        F.size(F.collect_set(F.when(view, F.struct("page_urlhost", "page_urlpath"))))
        .cast("long")
        .alias("distinct_pages"),
        F.min_by("page_urlpath", F.when(view, place)).alias("landing_page"),
        F.max_by("page_urlpath", F.when(view, place)).alias("exit_page"),
        F.size(F.collect_set(F.when(sold, F.coalesce("transaction_id", "event_id")))).cast("long").alias("conversions"),
        F.sum(F.when(sold, (F.col("price") * F.coalesce("quantity", F.lit(1))).cast("decimal(18,4)"))).alias("revenue"),
        F.max(F.when(sold, F.col("currency"))).alias("currency"),
    )
    return s.select(
        "*",
        F.to_date("session_start_tstamp").alias("session_date"),
        ((F.unix_micros("session_end_tstamp") - F.unix_micros("session_start_tstamp")) / 1e6).alias("duration_s"),
        F.hour("session_start_tstamp").alias("start_hour"),
        ((F.col("page_views") <= 1) & (F.col("conversions") == 0)).alias("is_bounce"),
    ).select(*(F.col(field.name).cast(field.dataType) for field in SESSIONS.schema.fields))


def table_fingerprints(spark: SparkSession, root: Path) -> Sequence[tuple[int, int]]:
    """Rows and an order-free hash of both gold tables."""
    found = []
    for table in (SESSION_EVENTS, SESSIONS):
        rows = spark.read.format("delta").load(f"{root}/{table.relative_path}").select(*table.schema.names)
        row = rows.agg(F.count("*"), F.sum(F.xxhash64(*rows.columns).cast("decimal(20,0)"))).collect()[0]
        found.append((row[0], int(row[1])))
    return found
