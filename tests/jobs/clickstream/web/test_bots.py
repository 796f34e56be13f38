"""Bots recognised by how they behave over a day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from pyspark.sql import SparkSession

from jobs.clickstream.web.bots import behaviour, with_verdicts
from jobs.clickstream.web.params import BotParams

pytestmark = pytest.mark.unit

PARAMS = BotParams(
    max_pages_per_minute=5,
    max_pages_per_day=50,
    min_pages_without_assets=10,
    min_head_requests=5,
    head_share=0.5,
    min_regular_visits=12,
    min_regular_hours=4,
    max_gap_variation=0.1,
)
MIDNIGHT = datetime(2026, 11, 20, tzinfo=UTC)
SCHEMA = (
    "domain_userid string, event_date date, derived_tstamp timestamp, is_asset boolean, http_method string, "
    "http_status int, page_urlpath string, bot_evidence array<string>"
)
Row = tuple[object, ...]


def visit(visitor: str, minute: float, path: str = "/", method: str = "GET", status: int | None = 200) -> Row:
    """One request so many minutes after midnight."""
    time = MIDNIGHT + timedelta(minutes=minute)
    return (visitor, time.date(), time, path.endswith(".css"), method, status, path, [])


def spread(visitor: str, number: int, gap: Callable[[int], float], **request: object) -> list[Row]:
    """Requests at growing gaps in minutes."""
    minutes = [sum(gap(n) for n in range(count)) for count in range(number)]
    return [visit(visitor, minute, **request) for minute in minutes]  # type: ignore[arg-type] # keywords of visit


def verdicts(spark: SparkSession, rows: list[Row]) -> dict[str, list[str]]:
    found = behaviour(spark.createDataFrame(rows, SCHEMA), PARAMS).collect()
    return {row["domain_userid"]: row["_behaviour"] for row in found}


def test_each_sign_of_a_machine_and_its_nearest_person(spark: SparkSession) -> None:
    rows = [visit("robot", 1, "/Robots.TXT"), visit("person reads", 1), visit("person reads", 1, "/a.css")]
    rows += [visit("fast", 1 + n / 100) for n in range(6)] + [visit("fast", 1, "/a.css")]
    rows += [visit("as fast as can be", 1 + n / 100) for n in range(5)] + [visit("as fast as can be", 1, "/a.css")]
    rows += [visit("page with many assets", 1 + n / 100, "/a.css") for n in range(40)]
    rows += [visit("no assets", 3 * n * n) for n in range(10)]
    rows += [visit("few pages", 3 * n * n) for n in range(9)]
    rows += [visit("errors only", 3 * n * n, status=404) for n in range(12)]
    rows += [visit("head", 7 * n * n, method="HEAD" if n < 5 else "GET") for n in range(9)]
    rows += [visit("hardly head", 7 * n * n, method="HEAD" if n < 4 else "GET") for n in range(9)]
    rows += [*spread("many", 51, lambda n: 20 + 11 * (n % 2)), visit("many", 2, "/a.css")]
    rows += [*spread("clock", 12, lambda n: 30), visit("clock", 0, "/a.css")]
    rows += [*spread("clock with a tremble", 12, lambda n: 30 + n % 3), visit("clock with a tremble", 0, "/a.css")]
    rows += [*spread("person all day", 12, lambda n: 5 + 40 * (n % 2)), visit("person all day", 0, "/a.css")]
    rows += [*spread("person each minute", 12, lambda n: 1), visit("person each minute", 0, "/a.css")]
    assert verdicts(spark, rows) == {
        "robot": ["behaviour:robots.txt"],
        "fast": ["behaviour:page_rate"],
        "no assets": ["behaviour:no_assets"],
        "head": ["behaviour:head_share"],
        "many": ["behaviour:pages_a_day"],
        "clock": ["behaviour:regular_gaps"],
        "clock with a tremble": ["behaviour:regular_gaps"],
    }


def test_events_of_an_app_are_not_judged_as_requests(spark: SparkSession) -> None:
    rows = [visit("app", 3 * n * n, status=None) for n in range(12)] + [visit("app", 1, "/robots.txt", status=None)]
    assert verdicts(spark, rows) == {}


def test_a_day_is_judged_by_itself(spark: SparkSession) -> None:
    rows = [visit("v", 1_437.5 + n) for n in range(6)]
    rows += [visit("v", 1_439.1 + n / 100) for n in range(5)] + [visit("v", 1_440.1 + n / 100) for n in range(5)]
    found = behaviour(spark.createDataFrame(rows, SCHEMA), PARAMS).select("domain_userid", "event_date", "_behaviour")
    assert {(row[0], str(row[1])): row[2] for row in found.collect()} == {
        ("v", "2026-11-20"): ["behaviour:page_rate"],
        ("v", "2026-11-21"): ["behaviour:page_rate"],
    }


def test_a_verdict_replaces_earlier_behaviour_and_keeps_what_the_agent_said(spark: SparkSession) -> None:
    rows = [(*visit("v", 1)[:-1], ["behaviour:page_rate", "agent:form", "agent:address"]), visit("w", 1)]
    found = with_verdicts(spark.createDataFrame(rows, SCHEMA), PARAMS).orderBy("domain_userid").collect()
    assert [(row["is_bot"], row["bot_evidence"]) for row in found] == [
        (True, ["agent:address", "agent:form"]),
        (False, []),
    ]


def test_one_page_fetched_by_a_million_visitors_is_nobody_s_behaviour(spark: SparkSession) -> None:
    assert verdicts(spark, [visit(f"v{n}", 5) for n in range(60)]) == {}
