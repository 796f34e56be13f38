"""Which rows win their id, which verdicts turn, and what is merged into the table."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from common.intake.fates import CHANGED, DISPLACED, FATE, NEW, REPEATED, UNCHANGED
from jobs.clickstream.events import deduplication, publication
from jobs.clickstream.events.tables import EVENTS
from jobs.clickstream.web.params import BotParams

pytestmark = pytest.mark.unit

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
BASE: dict[str, Any] = {
    **dict.fromkeys(EVENTS.schema.names),
    "event_name": "page_view",
    "event_date": NOON.date(),
    "derived_tstamp": NOON,
    "collector_tstamp": NOON,
    "derived_tstamp_source": "collector",
    "domain_userid": "v1",
    "page_urlpath": "/",
    "http_method": "GET",
    "http_status": 200,
    "is_asset": False,
    "is_bot": False,
    "bot_evidence": [],
    "event_fingerprint": "f1",
    "_file": "a.log",
    "_file_sha256": "a",
    "_batch_id": "b1",
    "ingested_at": NOON,
}


def events(spark: SparkSession, *differing: dict[str, Any]) -> DataFrame:
    """Rows of EVENTS: the base record with the fields that differ."""
    return spark.createDataFrame([{**BASE, **row} for row in differing], EVENTS.schema)


def roles(batch: DataFrame, published: DataFrame, own: DataFrame | None = None) -> list[tuple[str, str, str, bool]]:
    found = deduplication.judged(batch, published, own)
    picked = found.select("event_id", "_file", deduplication.ROLE, deduplication.CONFLICTING).collect()
    return sorted((row[0], row[1], row[2], row[3]) for row in picked)


def test_the_latest_collected_row_wins_then_fingerprint_then_file(spark: SparkSession) -> None:
    later = NOON.replace(minute=1)
    batch = events(
        spark,
        {"event_id": "time", "_file": "1", "collector_tstamp": None},
        {"event_id": "time", "_file": "2"},
        {"event_id": "time", "_file": "3", "collector_tstamp": later, "event_fingerprint": "f0"},
        {"event_id": "content", "_file": "4", "event_fingerprint": "f2"},
        {"event_id": "content", "_file": "5"},
        {"event_id": "file", "_file": "6", "_file_sha256": "a"},
        {"event_id": "file", "_file": "7", "_file_sha256": "b"},
    )
    assert roles(batch, events(spark)) == [
        ("content", "4", "new", False),
        ("content", "5", "repeated", True),
        ("file", "6", "new", False),
        ("file", "7", "repeated", False),
        ("time", "1", "repeated", True),
        ("time", "2", "repeated", True),
        ("time", "3", "new", False),
    ]


def test_published_rows_take_part_unless_they_are_the_batch_s_own(spark: SparkSession) -> None:
    published = events(
        spark,
        {"event_id": "kept", "_file": "p1", "event_fingerprint": "f9"},
        {"event_id": "displaced", "_file": "p2", "event_fingerprint": "f0"},
        {"event_id": "alone", "_file": "p4"},
    )
    own = events(spark, {"event_id": "own", "_file": "p3"}, {"event_id": "gone", "_file": "p5"})
    batch = events(spark, *({"event_id": name} for name in ("kept", "displaced", "own")))
    assert roles(batch, published, own) == [
        ("displaced", "a.log", "new", False),
        ("displaced", "p2", "displaced", False),
        ("gone", "p5", "displaced", False),
        ("kept", "a.log", "beaten", True),
        ("kept", "p1", "kept", False),
        ("own", "a.log", "new", False),
        ("own", "p3", "displaced", False),
    ]


def changed(
    spark: SparkSession, batch: DataFrame, published: DataFrame, own: DataFrame | None = None
) -> dict[tuple[str, str, str], list[str]]:
    whole_days = published if own is None else published.unionByName(own)
    rows = publication.changes(deduplication.judged(batch, published, own), whole_days, BotParams()).collect()
    return {(row["event_id"], str(row["event_date"]), row[FATE]): row["bot_evidence"] for row in rows}


def test_a_batch_taken_again_changes_nothing_but_what_it_no_longer_holds(spark: SparkSession) -> None:
    batch = events(spark, {"event_id": "e1"}, {"event_id": "e2", "domain_userid": "v2"})
    own = events(
        spark,
        {"event_id": "e1", "_batch_id": "b0"},
        {"event_id": "e2", "domain_userid": "v2", "ingested_at": NOON.replace(hour=1)},
        {"event_id": "e4", "domain_userid": "v3"},
    )
    published = events(spark, {"event_id": "e3", "_file_sha256": "z"})
    assert changed(spark, batch, published, own) == {
        ("e1", "2026-11-20", UNCHANGED): [],
        ("e2", "2026-11-20", UNCHANGED): [],
        ("e4", "2026-11-20", DISPLACED): [],
    }


def test_a_winner_on_another_day_takes_the_old_row_away(spark: SparkSession) -> None:
    published = events(
        spark,
        {"event_id": "e1", "_batch_id": "b0", "collector_tstamp": None, "event_date": NOON.date().replace(day=19)},
    )
    assert changed(spark, events(spark, {"event_id": "e1"}), published) == {
        ("e1", "2026-11-19", DISPLACED): [],
        ("e1", "2026-11-20", NEW): [],
    }


def test_a_new_event_turns_the_verdict_on_the_visitor_s_earlier_ones_of_that_day_only(spark: SparkSession) -> None:
    published = events(
        spark,
        {"event_id": "same day", "_batch_id": "b0", "bot_evidence": ["agent:address"], "is_bot": True},
        {"event_id": "other day", "_batch_id": "b0", "event_date": NOON.date().replace(day=19)},
        {"event_id": "other visitor", "_batch_id": "b0", "domain_userid": "v2"},
    )
    batch = events(spark, {"event_id": "robots", "page_urlpath": "/robots.txt"})
    assert changed(spark, batch, published) == {
        ("robots", "2026-11-20", NEW): ["behaviour:robots.txt"],
        ("same day", "2026-11-20", CHANGED): ["agent:address", "behaviour:robots.txt"],
    }


def test_three_batches_give_the_same_table_in_both_orders(spark: SparkSession) -> None:
    batches = [
        events(
            spark,
            {"event_id": "e1", "_batch_id": "b1", "event_fingerprint": "f1"},
            {"event_id": "e2", "_batch_id": "b1", "extra_numbers": {"score": 1.0, "age": None}},
        ),
        events(
            spark,
            {"event_id": "e1", "_batch_id": "b2", "event_fingerprint": "f3", "_file": "b.log", "_file_sha256": "b"},
        ),
        events(
            spark,
            {"event_id": "e1", "_batch_id": "b3", "event_fingerprint": "f2", "_file": "c.log", "_file_sha256": "c"},
            {"event_id": "e3", "_batch_id": "b3", "page_urlpath": "/robots.txt", "_file": "c.log", "_file_sha256": "c"},
        ),
    ]
    tables = set()
    for order in (batches, batches[::-1]):
        table = events(spark)
        for batch in order:
            rows = publication.changes(deduplication.judged(batch, table), table, BotParams())
            rows = spark.createDataFrame(rows.where(F.col(FATE) != REPEATED).collect(), rows.schema)
            stay = table.join(rows.select("event_id", "event_date"), ["event_id", "event_date"], "left_anti")
            table = stay.select(*EVENTS.schema.names).unionByName(
                rows.where(F.col(FATE) != DISPLACED).select(*EVENTS.schema.names)
            )
            table = spark.createDataFrame(table.collect(), EVENTS.schema)
        tables.add(tuple(sorted(str(row) for row in table.collect())))
    assert len(tables) == 1
    assert len(next(iter(tables))) == 3
