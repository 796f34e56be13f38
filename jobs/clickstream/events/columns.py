"""What a source of events may map its columns to.

Names follow Snowplow's canonical event and GA4's ecommerce items. All values are taken as sent, as text; types come
later, so that what cannot be read is a reason of its row. The comment of a field is its meaning, for docs/sources.md.
"""

from __future__ import annotations

from pyspark.sql.types import ArrayType, MapType, StringType, StructField, StructType

from common.sources.mapping.conversion import NUMBER, READS, TIME
from common.sources.mapping.extra import FIELDS as EXTRA_FIELDS
from jobs.clickstream.events.amounts import ITEM_NUMBERS, NUMBERS

_TEXT = StringType()


def _fields(meanings: dict[str, str]) -> list[StructField]:
    return [
        StructField(name, _TEXT, metadata={"comment": meaning, **_reads(name)}) for name, meaning in meanings.items()
    ]


def _reads(name: str) -> dict[str, str]:
    """What the mapping of a source must know of a text: its zone and its marks are the source's."""
    return {READS: TIME} if name.endswith("_tstamp") else {READS: NUMBER} if name in NUMBERS else {}


# The first columns that events had. The fingerprint of an event holds a place for each of them: neither add nor remove.
_FIRST = _fields(
    {
        "event_id": "id of the event; made of its content where none is sent",
        "event_name": "what happened: page_view, add_to_cart, purchase ...",
        "app_id": "application or site",
        "platform": "web, app, server ...",
        "collector_tstamp": "when the server received the event",
        "dvce_created_tstamp": "when it happened, by the device's clock",
        "dvce_sent_tstamp": "when the device sent it, by the same clock",
        "domain_userid": "visitor: first-party cookie or id of the device",
        "user_id": "user as known to the site, after a login",
        "domain_sessionid": "session by the tracker's count",
        "user_ipaddress": "address; used to tell visitors apart, not published",
        "page_url": "address of the page, whole or a path",
        "page_title": "title of the page",
        "page_referrer": "address of the page before",
        "useragent": "user agent",
        "http_method": "method of the request",
        "http_status": "status of the answer",
        "bytes": "size of the answer",
        "geo_country": "country",
        "geo_region": "region",
        "geo_city": "city",
        "item_id": "product, of an event about one product",
        "item_name": "its name",
        "item_brand": "its brand",
        "item_category": "its category",
        "quantity": "its number of units",
        "price": "its price per unit",
        "currency": "currency of all amounts, ISO 4217",
        "transaction_id": "order",
    }
)

_MORE = _fields(
    {
        "true_tstamp": "when it happened, as the sender set it; it dates the event before all others",
        "derived_tstamp": "when it happened, as the feed's own pipeline worked it out; it comes second",
        "network_userid": "third-party cookie",
        "domain_sessionidx": "which session of the visitor it is, from 1",
        "page_view_id": "one view of one page; ties pings and clicks to it",
        "screen_name": "screen of an app",
        "mkt_medium": "campaign: medium; where none is sent, from the page's address",
        "mkt_source": "campaign: source, likewise",
        "mkt_campaign": "campaign: name, likewise",
        "mkt_term": "campaign: search term, likewise",
        "mkt_content": "campaign: variant of the advertisement, likewise",
        "mkt_clickid": "click id of an advertising network, likewise",
        "mkt_network": "that network, likewise",
        "refr_urlhost": "host of the referrer; where none is sent, from page_referrer",
        "refr_urlpath": "path of the referrer, likewise",
        "refr_medium": "search, social, email, internal ...; where none is sent, by the host",
        "refr_source": "who referred, likewise",
        "refr_term": "search term, likewise",
        "pp_xoffset_min": "page ping: leftmost scroll offset, pixels",
        "pp_xoffset_max": "page ping: rightmost",
        "pp_yoffset_min": "page ping: topmost",
        "pp_yoffset_max": "page ping: lowest",
        "doc_width": "width of the page, pixels",
        "doc_height": "height of the page, pixels",
        "item_variant": "variant of the product: colour, size ...",
        "item_list_price": "price per unit before reductions",
        "item_position": "place of the product in a list, or of the line in an order",
        "order_total": "what the whole order comes to; counted once for each order",
        "tax": "tax in it",
        "shipping": "shipping in it",
        "coupon": "voucher of the order or of the product",
    }
)

ITEM_FIELDS = (
    "item_id",
    "item_name",
    "item_brand",
    "item_variant",
    "item_category",
    "price",
    "list_price",
    "quantity",
    "position",
    "coupon",
)
"""The fields of an element of ``items``, in their order."""

ITEMS = StructField(
    "items",
    ArrayType(
        StructType(
            [StructField(name, _TEXT, metadata={READS: NUMBER} if name in ITEM_NUMBERS else {}) for name in ITEM_FIELDS]
        )
    ),
    metadata={"comment": "products of an event about several, in the order of the fields named here"},
)
PROPERTIES = StructField(
    "properties",
    MapType(_TEXT, _TEXT),
    metadata={"comment": "everything else that is worth keeping, by name; personal"},
)

TARGET = StructType([*_FIRST, *_MORE, ITEMS, PROPERTIES, *EXTRA_FIELDS])
TEXT_COLUMNS: tuple[str, ...] = tuple(field.name for field in (*_FIRST, *_MORE))
CANONICAL_COLUMNS: tuple[str, ...] = tuple(TARGET.names)
FIRST_COLUMNS: tuple[str, ...] = tuple(field.name for field in _FIRST)
LATER_COLUMNS: tuple[str, ...] = tuple(field.name for field in (*_MORE, ITEMS, PROPERTIES))

# Those that hold ids: see common.intake.cards.
IDENTIFIERS: tuple[str, ...] = (
    "event_id",
    "domain_userid",
    "user_id",
    "domain_sessionid",
    "network_userid",
    "page_view_id",
    "item_id",
    "transaction_id",
)

# A source maps one of these: without a time there is no event.
REQUIRED: tuple[tuple[str, ...], ...] = (
    ("collector_tstamp",),
    ("dvce_created_tstamp",),
    ("derived_tstamp",),
    ("true_tstamp",),
)
