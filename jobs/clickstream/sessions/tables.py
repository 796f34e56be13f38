"""The tables that clickstream.sessionise owns: which session each event belongs to, and the sessions themselves."""

from __future__ import annotations

from pyspark.sql.types import (
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from common.lake.table import Table

_TEXT = StringType()
_TIME = TimestampType()
_MONEY = DecimalType(18, 4)

# Copied unchanged from events; jobs on funnels, attribution and items need no other columns.
EVENT_COLUMNS: tuple[str, ...] = (
    "event_id",
    "event_date",
    "domain_userid",
    "derived_tstamp",
    "event_name",
    "user_id",
    "page_urlhost",
    "page_urlpath",
    "refr_urlhost",
    "refr_medium",
    "refr_source",
    "mkt_medium",
    "mkt_source",
    "mkt_campaign",
    "device_category",
    "geo_country",
    "item_id",
    "quantity",
    "price",
    "currency",
    "transaction_id",
    "order_total",
    "items_total",
)

SESSION_EVENTS = Table(
    name="clickstream.session_events",
    layer="gold",
    schema=StructType(
        [
            StructField("event_id", _TEXT, nullable=False),
            StructField("event_date", DateType(), nullable=False),
            StructField("domain_userid", _TEXT, nullable=False),
            StructField("derived_tstamp", _TIME, nullable=False),
            StructField("session_id", _TEXT, nullable=False),
            StructField("session_start_tstamp", _TIME, nullable=False),
            StructField("chain_start_tstamp", _TIME, nullable=False),
            StructField("chain_campaign", _TEXT),
            StructField("event_name", _TEXT, nullable=False),
            StructField("user_id", _TEXT),
            StructField("page_urlhost", _TEXT),
            StructField("page_urlpath", _TEXT),
            StructField("refr_urlhost", _TEXT),
            StructField("refr_medium", _TEXT),
            StructField("refr_source", _TEXT),
            StructField("mkt_medium", _TEXT),
            StructField("mkt_source", _TEXT),
            StructField("mkt_campaign", _TEXT),
            StructField("device_category", _TEXT),
            StructField("geo_country", _TEXT),
            StructField("item_id", _TEXT),
            StructField("quantity", DecimalType(18, 3)),
            StructField("price", _MONEY),
            StructField("currency", _TEXT),
            StructField("transaction_id", _TEXT),
            StructField("order_total", _MONEY),
            StructField("items_total", _MONEY),
            StructField("session_rules", _TEXT, nullable=False),
        ]
    ),
    keys=("event_id",),
    day_column="event_date",
    cluster_by=("domain_userid", "derived_tstamp"),
    personal_columns=("domain_userid", "user_id"),
    suite="clickstream.session_events",
    description=(
        "One row per event that belongs to a visitor. chain_start_tstamp is where the visitor's unbroken run of events "
        "began; chain_campaign the last campaign met in it, kept when a change of campaign ends a session."
    ),
)

SESSIONS = Table(
    name="clickstream.sessions",
    layer="gold",
    schema=StructType(
        [
            StructField("session_id", _TEXT, nullable=False),
            StructField("session_date", DateType(), nullable=False),
            StructField("domain_userid", _TEXT, nullable=False),
            StructField("user_id", _TEXT),
            StructField("session_start_tstamp", _TIME, nullable=False),
            StructField("session_end_tstamp", _TIME, nullable=False),
            StructField("chain_start_tstamp", _TIME, nullable=False),
            StructField("duration_s", DoubleType(), nullable=False),
            StructField("start_hour", IntegerType(), nullable=False),
            StructField("events", LongType(), nullable=False),
            StructField("page_views", LongType(), nullable=False),
            StructField("distinct_pages", LongType(), nullable=False),
            StructField("landing_page", _TEXT),
            StructField("exit_page", _TEXT),
            StructField("is_bounce", BooleanType(), nullable=False),
            StructField("refr_urlhost", _TEXT),
            StructField("refr_medium", _TEXT),
            StructField("refr_source", _TEXT),
            StructField("mkt_medium", _TEXT),
            StructField("mkt_source", _TEXT),
            StructField("mkt_campaign", _TEXT),
            StructField("device_category", _TEXT),
            StructField("geo_country", _TEXT),
            StructField("conversions", LongType(), nullable=False),
            StructField("revenue", _MONEY),
            StructField("currency", _TEXT),
            StructField("session_rules", _TEXT, nullable=False),
        ]
    ),
    keys=("session_id",),
    day_column="session_date",
    cluster_by=("domain_userid", "session_start_tstamp"),
    personal_columns=("domain_userid", "user_id"),
    suite="clickstream.sessions",
    description=(
        "One row per session; session_date is the UTC day on which it began, start_hour the hour by the site's clock."
    ),
)
