"""The bot verdict: what the user agent says, and how one visitor behaved over one whole UTC day.

A verdict by behaviour is a property of (visitor, UTC day), from all events that the table holds of them, and of nothing
else. It is rebuilt for every (visitor, day) that a run adds an event to, so it does not matter how events came in
files and runs. Seen from inside a day it looks ahead: do not use it as a feature at the time of the event.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from jobs.clickstream.web.params import BotParams

ROBOTS_TXT = "behaviour:robots.txt"
PAGE_RATE = "behaviour:page_rate"
PAGES_A_DAY = "behaviour:pages_a_day"
NO_ASSETS = "behaviour:no_assets"
HEAD_SHARE = "behaviour:head_share"
REGULAR_GAPS = "behaviour:regular_gaps"
BEHAVIOUR = "behaviour:"

VISITOR_DAY = ("domain_userid", "event_date")


def with_verdicts(events: DataFrame, params: BotParams) -> DataFrame:
    """``events``, the whole days of some visitors, with ``is_bot`` and ``bot_evidence`` rebuilt.

    Needs VISITOR_DAY, ``derived_tstamp``, ``is_asset``, ``http_method``, ``http_status``, ``page_urlpath`` and
    ``bot_evidence`` with what the agent said; behaviour named there by an earlier verdict is discarded. Rows in =
    rows out. The evidence is sorted, the agent's first.
    """
    found = behaviour(events, params)
    joined = events.join(found, list(VISITOR_DAY), "left")
    by_agent = F.filter("bot_evidence", lambda text: ~F.startswith(text, F.lit(BEHAVIOUR)))
    evidence = F.concat(F.array_sort(by_agent), F.coalesce(F.col("_behaviour"), F.array().cast("array<string>")))
    return (
        joined.withColumn("bot_evidence", evidence).withColumn("is_bot", F.size("bot_evidence") > 0).drop("_behaviour")
    )


def behaviour(events: DataFrame, params: BotParams) -> DataFrame:
    """One row per visitor and day that behaved like a machine: VISITOR_DAY and ``_behaviour array<string>``.

    Events are first counted by minute, by partial aggregation: a visitor with millions of events costs no task more
    than another, and what follows sees at most 1,440 rows a visitor and day.
    """
    days = _days(_minutes(events))
    share = F.col("heads") / F.col("requests")
    hours = (F.col("last_minute") - F.col("first_minute")) / F.lit(60)
    regular = (
        (F.col("active_minutes") >= params.min_regular_visits)
        & (hours >= params.min_regular_hours)
        & (F.col("gap_deviation") <= params.max_gap_variation * F.col("gap_mean"))
    )
    signs = {
        HEAD_SHARE: (F.col("heads") >= params.min_head_requests) & (share >= params.head_share),
        NO_ASSETS: (F.col("good_pages") >= params.min_pages_without_assets) & (F.col("assets") == 0),
        PAGE_RATE: F.col("most_pages_a_minute") > params.max_pages_per_minute,
        PAGES_A_DAY: F.col("pages") > params.max_pages_per_day,
        REGULAR_GAPS: regular,
        ROBOTS_TXT: F.col("robots") > 0,
    }
    given = F.array(*(F.when(condition, F.lit(sign)) for sign, condition in signs.items()))
    evidence = days.select(*VISITOR_DAY, F.array_compact(given).alias("_behaviour"))
    return evidence.where(F.size("_behaviour") > 0)


def _minutes(events: DataFrame) -> DataFrame:
    """Counts per visitor, day and minute. ``is_web``: the events are requests to a web server, with a status."""
    web = F.col("http_status").isNotNull()
    page = ~F.col("is_asset")
    good = web & page & (F.col("http_status") == 200) & (F.col("http_method") == "GET")
    robots = web & (F.lower(F.col("page_urlpath")) == "/robots.txt")
    minute = F.floor(F.unix_micros("derived_tstamp") / F.lit(60_000_000)).alias("minute")
    return events.groupBy(*VISITOR_DAY, minute).agg(
        _number(web).alias("requests"),
        _number(web & (F.col("http_method") == "HEAD")).alias("heads"),
        _number(page).alias("pages"),
        _number(good).alias("good_pages"),
        _number(web & F.col("is_asset")).alias("assets"),
        _number(robots).alias("robots"),
    )


def _days(minutes: DataFrame) -> DataFrame:
    order = Window.partitionBy(*VISITOR_DAY).orderBy("minute")
    gaps = minutes.withColumn("gap", (F.col("minute") - F.lag("minute").over(order)).cast("double"))
    return gaps.groupBy(*VISITOR_DAY).agg(
        *(F.sum(name).alias(name) for name in ("requests", "heads", "pages", "good_pages", "assets", "robots")),
        F.max("pages").alias("most_pages_a_minute"),
        F.count(F.lit(1)).alias("active_minutes"),
        F.min("minute").alias("first_minute"),
        F.max("minute").alias("last_minute"),
        F.avg("gap").alias("gap_mean"),
        F.stddev_pop("gap").alias("gap_deviation"),
    )


def _number(condition: Column) -> Column:
    return F.count_if(F.coalesce(condition, F.lit(False)))
