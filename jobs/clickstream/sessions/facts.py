"""The facts about each session: one row per session, from the rows of SESSION_EVENTS."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.clickstream.sessions import orders
from jobs.clickstream.sessions.tables import SESSIONS

# These three identify a session; the visitor comes first because rows are already sorted by visitor and time.
_SESSION = ("domain_userid", "session_start_tstamp", "session_id")
_OF_FIRST_EVENT = (
    "refr_urlhost",
    "refr_medium",
    "refr_source",
    "mkt_medium",
    "mkt_source",
    "mkt_campaign",
    "device_category",
    "geo_country",
    "chain_start_tstamp",
    "session_rules",
)
_MICROS_A_SECOND = 1e6


def summarise_sessions(
    rows: DataFrame, *, page_view_events: Sequence[str], conversion_events: Sequence[str], site_time_zone: str
) -> DataFrame:
    """One row per session (columns of SESSIONS) from all SESSION_EVENTS rows of each.

    Referrer, campaign, device and country are those of the first event; landing and exit page are the paths of the
    first and last page view; user_id is the last one known. ``distinct_pages`` counts host and path. ``conversions``
    counts transactions, an event without transaction_id being one of its own; ``revenue`` is what they come to in
    ``currency`` (see orders.py): both are null when nothing was sold, and when currencies are mixed, or only some of
    them known. A bounce has at most one page view and no conversion. ``start_hour`` (0-23) is read from the clock of
    ``site_time_zone``; ``duration_s`` is in seconds.
    """
    page_view = F.col("event_name").isin(*page_view_events)
    conversion = F.col("event_name").isin(*conversion_events)
    place = (F.col("derived_tstamp").alias("at"), F.col("event_id").alias("id"))
    viewed = F.when(page_view & F.col("page_urlpath").isNotNull(), F.struct(*place, "page_urlpath"))
    known_user = F.when(F.col("user_id").isNotNull(), F.struct(*place, "user_id"))
    # A hash passes over nulls: a view of no known page would be one page.
    page = F.when(page_view & F.col("page_urlpath").isNotNull(), F.xxhash64("page_urlhost", "page_urlpath"))
    order = F.coalesce("transaction_id", F.concat(F.lit("\x1f"), "event_id"))
    # Money of a currency that nobody named is not of the one that others have.
    is_money = F.coalesce("order_total", "items_total", "price").isNotNull()
    currency = F.when(conversion, F.when(is_money, F.coalesce("currency", F.lit(""))).otherwise(F.col("currency")))
    sessions = rows.groupBy(*_SESSION).agg(
        F.count(F.lit(1)).alias("events"),
        F.count(F.when(page_view, 1)).alias("page_views"),
        # A set holds the hashes of one session at most; count(distinct) would shuffle and sort all events once more.
        F.size(F.collect_set(page)).cast("bigint").alias("distinct_pages"),
        F.collect_set(F.when(conversion, orders.order_line(order))).alias("_lines"),
        F.max("derived_tstamp").alias("session_end_tstamp"),
        F.min(F.struct(*place, *_OF_FIRST_EVENT)).alias("_first"),
        F.min(viewed).alias("_landing"),
        F.max(viewed).alias("_exit"),
        F.max(known_user).alias("_user"),
        F.min(currency).alias("_currency"),
        F.max(currency).alias("_currency_max"),
    )
    return _published(orders.with_orders(sessions, "_lines"), site_time_zone)


def _published(sessions: DataFrame, site_time_zone: str) -> DataFrame:
    start_us, end_us = F.unix_micros("session_start_tstamp"), F.unix_micros("session_end_tstamp")
    one_currency = F.col("_currency").eqNullSafe(F.col("_currency_max"))
    local_us = F.unix_micros(F.from_utc_timestamp("session_start_tstamp", site_time_zone))
    columns = {
        **{column: F.col(f"_first.{column}") for column in _OF_FIRST_EVENT},
        "session_date": utc_day("session_start_tstamp"),
        "user_id": F.col("_user.user_id"),
        "duration_s": (end_us - start_us) / F.lit(_MICROS_A_SECOND),
        "start_hour": F.floor(F.pmod(local_us, F.lit(86_400_000_000)) / F.lit(3_600_000_000)).cast("int"),
        "landing_page": F.col("_landing.page_urlpath"),
        "exit_page": F.col("_exit.page_urlpath"),
        "is_bounce": (F.col("page_views") <= 1) & (F.col("conversions") == 0),
        "revenue": F.when(one_currency, F.col("_revenue")),
        "currency": F.when(one_currency & (F.col("_currency") != ""), F.col("_currency")),
    }
    return sessions.withColumns(columns).select(*SESSIONS.schema.names)


def utc_day(column: str) -> Column:
    """The UTC day of an instant, whatever the session's time zone."""
    days = (F.unix_micros(column) - F.pmod(F.unix_micros(column), F.lit(86_400_000_000))) / F.lit(86_400_000_000)
    return F.date_from_unix_date(days.cast("int"))
