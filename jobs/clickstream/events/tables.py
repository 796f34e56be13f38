"""The tables that clickstream.ingest owns: records as sent, and cleaned events.

Names of columns follow Snowplow's canonical event and GA4. Times are UTC. ``event_date`` is the UTC day of
``derived_tstamp``; a site's own time zone is a matter of sessions, not of events. ``items_total`` is the sum of price
times quantity over ``items``.
"""

from __future__ import annotations

from pyspark.sql.types import (
    ArrayType,
    BooleanType,
    DataType,
    DateType,
    DecimalType,
    IntegerType,
    LongType,
    MapType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from common.intake.bronze import bronze_table
from common.lake.table import Table
from common.privacy.pseudonyms import KEY_ID_COLUMN
from common.sources.mapping.extra import FIELDS as EXTRA_FIELDS
from common.sources.mapping.free_columns import EXTRA_MAPS

_TEXT = StringType()
_TIME = TimestampType()
_MONEY = DecimalType(18, 4)
_UNITS = DecimalType(18, 3)

STAMP_COLUMNS: tuple[str, ...] = ("_file", "_file_sha256", "_batch_id", "ingested_at")


def _fields(kind: DataType, *names: str) -> list[StructField]:
    return [StructField(name, kind, nullable=True) for name in names]


def _required(kind: DataType, *names: str) -> list[StructField]:
    return [StructField(name, kind, nullable=False) for name in names]


ITEM = StructType(
    [
        *_fields(_TEXT, "item_id", "item_name", "item_brand", "item_variant", "item_category"),
        *_fields(_MONEY, "price", "list_price"),
        *_fields(_UNITS, "quantity"),
        *_fields(IntegerType(), "position"),
        *_fields(_TEXT, "coupon"),
    ]
)
"""An element of ``items``."""

_STAMP = [*_required(_TEXT, "_file", "_file_sha256", "_batch_id"), *_required(_TIME, "ingested_at")]

EVENT_RECORDS = bronze_table("clickstream.event_records", "Every record of every ingested event file, as sent.")

EVENTS = Table(
    name="clickstream.events",
    layer="silver",
    schema=StructType(
        [
            *_required(_TEXT, "event_id", "event_name"),
            *_required(DateType(), "event_date"),
            *_required(_TIME, "derived_tstamp"),
            *_required(_TEXT, "derived_tstamp_source"),
            *_fields(_TIME, "collector_tstamp", "dvce_created_tstamp", "dvce_sent_tstamp", "true_tstamp"),
            *_fields(_TEXT, "app_id", "platform", "domain_userid", "network_userid", "user_id", "domain_sessionid"),
            *_fields(IntegerType(), "domain_sessionidx"),
            *_fields(_TEXT, "page_view_id", "screen_name"),
            *_fields(_TEXT, "page_url", "page_urlscheme", "page_urlhost", "page_urlpath", "page_urlquery"),
            *_fields(_TEXT, "page_urlfragment", "page_title"),
            *_fields(_TEXT, "page_referrer", "refr_urlhost", "refr_urlpath", "refr_medium", "refr_source", "refr_term"),
            *_fields(_TEXT, "mkt_medium", "mkt_source", "mkt_campaign", "mkt_term", "mkt_content"),
            *_fields(_TEXT, "mkt_clickid", "mkt_network"),
            *_fields(_TEXT, "useragent", "useragent_family", "useragent_version", "os_family", "os_version"),
            *_fields(_TEXT, "device_family", "device_category"),
            *_fields(_TEXT, "http_method"),
            *_fields(IntegerType(), "http_status"),
            *_fields(LongType(), "bytes"),
            *_required(BooleanType(), "is_asset"),
            *_fields(_TEXT, "geo_country", "geo_region", "geo_city"),
            *_fields(_TEXT, "item_id", "item_name", "item_brand", "item_category"),
            *_fields(_UNITS, "quantity"),
            *_fields(_MONEY, "price"),
            *_fields(_TEXT, "item_variant"),
            *_fields(_MONEY, "item_list_price"),
            *_fields(IntegerType(), "item_position"),
            *_fields(ArrayType(ITEM), "items"),
            *_fields(_MONEY, "items_total"),
            *_fields(_TEXT, "currency", "transaction_id"),
            *_fields(_MONEY, "order_total", "tax", "shipping"),
            *_fields(_TEXT, "coupon"),
            *_fields(IntegerType(), "pp_xoffset_min", "pp_xoffset_max", "pp_yoffset_min", "pp_yoffset_max"),
            *_fields(IntegerType(), "doc_width", "doc_height"),
            *_fields(MapType(_TEXT, _TEXT), "properties"),
            *EXTRA_FIELDS,
            *_required(BooleanType(), "is_bot"),
            StructField("bot_evidence", ArrayType(_TEXT), nullable=False),
            *_required(_TEXT, "event_fingerprint"),
            *_fields(_TEXT, KEY_ID_COLUMN),
            *_STAMP,
        ]
    ),
    keys=("event_id",),
    day_column="event_date",
    cluster_by=("domain_userid", "derived_tstamp"),
    personal_columns=(
        "domain_userid",
        "network_userid",
        "user_id",
        "domain_sessionid",
        "page_url",
        "page_urlquery",
        "page_referrer",
        "refr_term",
        "useragent",
        "properties",
        *EXTRA_MAPS,
    ),
    suite="clickstream.events",
    description="One row per event: typed, deduplicated, clock-corrected, with URL, referrer, agent and bot verdict.",
)
