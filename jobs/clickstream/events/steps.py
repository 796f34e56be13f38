"""Turns rows as sent into typed events with ids, and defines the rules a row must meet to become an event."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.quality.rules import Rule
from common.sources.mapping.extra import extra_text
from jobs.clickstream.events import clock_skew
from jobs.clickstream.events.amounts import ITEM_NUMBERS, NUMBERS, typed_numbers
from jobs.clickstream.events.clock_skew import TimeLimits
from jobs.clickstream.events.columns import (
    FIRST_COLUMNS,
    ITEMS,
    LATER_COLUMNS,
    PROPERTIES,
    TEXT_COLUMNS,
)
from jobs.clickstream.events.products import cleaned_items, has_unread_item, items_total, typed_items
from jobs.clickstream.web.agents import AGENT_WITHHELD

# Ways in which feeds write a missing value. NaN is a number gone wrong; elsewhere it is what pandas writes for null.
_NOTHING = ("", "-", "null", "none", "undefined", "(null)", "(none)", "(not set)", "(not provided)", "\\n")
# Describe the transport, not the event: a resent event differs in these only.
_TRANSPORT = ("event_id", "collector_tstamp", "dvce_sent_tstamp", "derived_tstamp")
# Held by no hash: a person could be found again by trying.
_IN_CLEAR = ("user_ipaddress", "network_userid")
_MAX_ID_LENGTH = 512
_MAX_URL_LENGTH = 65_536

VISITOR_TEXT = "_visitor_text"
FUTURE = "EVT-003"
MORE_CONTENT = "_more_content"
_MORE_AMOUNTS = ("item_list_price", "order_total", "tax", "shipping")
_PLACES = tuple(name for name in NUMBERS if name not in (*_MORE_AMOUNTS, "http_status", "bytes", "quantity", "price"))


def cleaned(rows: DataFrame) -> DataFrame:
    """``rows`` with each canonical column trimmed, and null where the value is missing (blank, ``-``, ``null`` ...).

    So are the fields of ``items``; ``properties`` lose their nulls. ``_agent_withheld boolean`` is true where a
    ``useragent`` was sent that says nothing, and false where none was sent at all: a feed without agents tells nothing
    about who had none. ``_more_content`` is what was sent in LATER_COLUMNS, for ``with_ids``.
    """
    known = {name: _unless_nothing(name, F.col(name)) for name in TEXT_COLUMNS}
    withheld = F.col("useragent").isNotNull() & known["useragent"].isNull()
    entries = F.array_sort(F.map_entries(F.map_filter(PROPERTIES.name, lambda _, value: value.isNotNull())))
    nested = {
        ITEMS.name: cleaned_items(F.col(ITEMS.name), _unless_nothing),
        PROPERTIES.name: F.when(F.size(entries) > 0, F.map_from_entries(entries)),
    }
    clean = rows.withColumns({AGENT_WITHHELD: withheld, **known, **nested})
    return clean.withColumn(MORE_CONTENT, _more_content())


def _unless_nothing(name: str, value: Column) -> Column:
    text = F.trim(value)
    nothing = _NOTHING if name in (*NUMBERS, *ITEM_NUMBERS) else (*_NOTHING, "nan")
    return F.when(~F.lower(text).isin(*nothing), text)


def _more_content() -> Column:
    """The later columns by name, null when there is none: so events without them keep the ids that they had."""
    parts = []
    for name in LATER_COLUMNS:
        if name not in (*_TRANSPORT, *_IN_CLEAR):
            text = F.to_json(name) if name in (ITEMS.name, PROPERTIES.name) else F.col(name)
            parts.append(F.concat(F.lit(f"{name}="), text))
    parts.append(F.concat(F.lit("extra="), extra_text()))
    joined = F.concat_ws("\x1f", *parts)
    return F.when(joined != "", joined)


def with_visitor_text(rows: DataFrame) -> DataFrame:
    """``rows`` with ``_visitor_text``, what identifies the visitor in clear; null if nothing does.

    The ``domain_userid`` (a cookie or device id) where one was sent, else the ``user_id``, else address and user agent
    together. It must be made a pseudonym before it is published.
    """
    by_user = F.concat(F.lit("user\x1f"), F.col("user_id"))
    by_client = F.concat(F.lit("client\x1f"), "user_ipaddress", F.lit("\x1f"), F.coalesce("useragent", F.lit("")))
    return rows.withColumn(VISITOR_TEXT, F.coalesce(F.col("domain_userid"), by_user, by_client))


def with_ids(rows: DataFrame) -> DataFrame:
    """Rows of ``cleaned`` with ``event_fingerprint``, and with ``event_id`` made from content where none was sent.

    The fingerprint is the SHA-256 of all content as sent but for the id and the times of transport. It holds the
    visitor's and the user's pseudonyms, and no address, which could be found again by trying all of them. An id made
    from content is the SHA-256 of the fingerprint and the times of transport: identical lines become one event.
    """
    content = [name for name in FIRST_COLUMNS if name not in (*_TRANSPORT, *_IN_CLEAR)]
    fingerprint = F.sha2(F.concat_ws("\x1f", _joined(content), F.col(MORE_CONTENT)), 256)
    marked = rows.withColumn("event_fingerprint", fingerprint).drop(MORE_CONTENT)
    made = F.sha2(_joined(["event_fingerprint", "collector_tstamp", "dvce_sent_tstamp"]), 256)
    return marked.withColumn("event_id", F.coalesce(F.col("event_id"), made))


def _joined(names: list[str]) -> Column:
    # \x1f separates the fields and \x00 stands for null, so that ("a", null) and (null, "a") differ.
    return F.concat_ws("\x1f", *(F.coalesce(F.col(name), F.lit("\x00")) for name in names))


def typed(rows: DataFrame, limits: TimeLimits) -> DataFrame:
    """``rows`` with times and numbers typed, those of ``items`` among them, and ``items_total``.

    A number that was sent but cannot be read is null here and named in ``_unread array<string>``, for the rules.
    """
    numbers = typed_numbers()
    read = rows.withColumns({f"_read_{name}": value for name, value in numbers.items()})
    unread = [F.when(F.col(name).isNotNull() & F.col(f"_read_{name}").isNull(), F.lit(name)) for name in numbers]
    unread.append(F.when(has_unread_item(F.col(ITEMS.name)), F.lit(ITEMS.name)))
    listed = F.filter(F.array(*unread), lambda name: name.isNotNull())
    replaced = read.withColumns({"_unread": listed}).withColumns({name: F.col(f"_read_{name}") for name in numbers})
    named = replaced.drop(*(f"_read_{name}" for name in numbers)).withColumn("currency", F.upper("currency"))
    with_items = named.withColumn(ITEMS.name, typed_items(F.col(ITEMS.name))).withColumn("items_total", items_total())
    return clock_skew.with_event_times(with_items, limits)


def with_event_name(events: DataFrame) -> DataFrame:
    """``events`` (with ``is_asset``) with an ``event_name``: the one sent, else what the request was.

    ``asset_request`` for a file that a page pulls in; ``page_view`` for a GET that was answered (2xx or 304), or where
    method and status are unknown; ``request`` for the rest (HEAD, POST, redirects, errors, and what a web server
    answered although it named no page).
    """
    method, status = F.upper(F.coalesce("http_method", F.lit("GET"))), F.coalesce("http_status", F.lit(200))
    pageless = F.col("http_status").isNotNull() & F.col("page_url").isNull()
    viewed = (method == "GET") & (status.between(200, 299) | (status == 304)) & ~pageless
    guessed = (
        F.when(F.col("is_asset"), F.lit("asset_request")).when(viewed, F.lit("page_view")).otherwise(F.lit("request"))
    )
    return events.withColumn("event_name", F.coalesce("event_name", guessed))


def _is_unread(*names: str) -> Column:
    return F.arrays_overlap("_unread", F.array(*map(F.lit, names)))


def _is_refund() -> Column:
    return F.lower(F.coalesce("event_name", F.lit(""))) == "refund"


def rules(limits: TimeLimits) -> list[Rule]:
    """Rules a typed row must meet to be an event of this run; the codes are listed in docs/clickstream-ingest.md."""

    def readable() -> Column:
        return F.col("read_error").isNull()

    return [
        Rule("EVT-001", "no time could be read", lambda: F.col("derived_tstamp").isNull() & readable()),
        Rule("EVT-002", f"the time is before {limits.earliest}", lambda: clock_skew.is_impossible(limits)),
        Rule(FUTURE, "the time is in the future", lambda: clock_skew.is_future(limits)),
        Rule("EVT-004", "no visitor id, user id or address", lambda: F.col("domain_userid").isNull() & readable()),
        Rule("EVT-005", "http_status is not a number", lambda: F.array_contains("_unread", "http_status")),
        Rule("EVT-006", "bytes is not a number", lambda: F.array_contains("_unread", "bytes")),
        Rule("EVT-007", "quantity is not a number, or has more than three decimals", lambda: _is_unread("quantity")),
        Rule("EVT-008", "price is not a number, or has more than four decimals", lambda: _is_unread("price")),
        # A refund may give its amounts with their sign.
        Rule("EVT-009", "price is negative", lambda: (F.col("price") < 0) & ~_is_refund()),
        Rule(
            "EVT-012",
            "an amount of the order or item is not a number, or has more than four decimals",
            lambda: _is_unread(*_MORE_AMOUNTS),
        ),
        Rule("EVT-013", "a position, size or index is not a whole number", lambda: _is_unread(*_PLACES)),
        Rule(
            "EVT-014",
            "a number of one of the items cannot be read, or has too many decimals",
            lambda: _is_unread(ITEMS.name),
        ),
        Rule("EVT-010", "event_id is too long", lambda: F.length("event_id") > _MAX_ID_LENGTH),
        Rule("EVT-011", "page_url is too long", lambda: F.length("page_url") > _MAX_URL_LENGTH),
    ]
