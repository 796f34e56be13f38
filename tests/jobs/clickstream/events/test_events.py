"""Rows as sent become typed events with ids."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql.types import StringType, StructField, StructType

from common.quality.rules import split
from jobs.clickstream.events import steps as events
from jobs.clickstream.events.clock_skew import TimeLimits
from jobs.clickstream.events.columns import CANONICAL_COLUMNS, FIRST_COLUMNS, ITEM_FIELDS, TARGET

pytestmark = pytest.mark.unit

LIMITS = TimeLimits(date(2000, 1, 1), datetime(2026, 11, 21, 1, tzinfo=UTC))
SCHEMA = StructType([*TARGET, StructField("read_error", StringType())])
BASE = {
    "collector_tstamp": "2026-11-20T10:00:00Z",
    "domain_userid": "visitor",
    "page_url": "/a",
    "http_method": "GET",
    "http_status": "200",
}


def rows(spark: SparkSession, *differing: dict[str, Any]) -> DataFrame:
    """Rows as sent: the base record with the fields that differ."""
    return spark.createDataFrame(
        [{**dict.fromkeys([*CANONICAL_COLUMNS, "read_error"]), **BASE, **row} for row in differing], SCHEMA
    )


def item(**fields: str) -> dict[str, str | None]:
    return {**dict.fromkeys(ITEM_FIELDS), **fields}


def with_ids(spark: SparkSession, *differing: dict[str, Any]) -> list[Row]:
    return events.with_ids(events.cleaned(rows(spark, *differing))).collect()


def test_ways_of_saying_nothing_are_null(spark: SparkSession) -> None:
    found = events.cleaned(
        rows(spark, *({"user_id": text} for text in ("", "  ", "-", "NULL", "NaN", "(not set)", " u1 ", "none of it")))
    )
    assert [row["user_id"] for row in found.collect()] == [None] * 6 + ["u1", "none of it"]


def test_an_agent_that_says_nothing_differs_from_none_at_all(spark: SparkSession) -> None:
    found = events.cleaned(rows(spark, *({"useragent": text} for text in ("-", "", " ", "Agent/1.0", None))))
    assert [(row["useragent"], row["_agent_withheld"]) for row in found.collect()] == [
        (None, True),
        (None, True),
        (None, True),
        ("Agent/1.0", False),
        (None, False),
    ]


def test_the_visitor_is_the_cookie_or_else_the_user_or_else_address_and_agent(spark: SparkSession) -> None:
    found = events.with_visitor_text(
        rows(
            spark,
            {"user_id": "u", "user_ipaddress": "192.0.2.1"},
            {"domain_userid": None, "user_id": "u", "user_ipaddress": "192.0.2.1"},
            {"domain_userid": None, "user_ipaddress": "192.0.2.1", "useragent": "A"},
            {"domain_userid": None, "user_ipaddress": "192.0.2.1"},
            {"domain_userid": None, "useragent": "A"},
        )
    )
    assert [row["_visitor_text"] for row in found.collect()] == [
        "visitor",
        "user\x1fu",
        "client\x1f192.0.2.1\x1fA",
        "client\x1f192.0.2.1\x1f",
        None,
    ]


def test_identical_lines_get_one_id_and_any_difference_another(spark: SparkSession) -> None:
    same, other = {}, [{"page_url": "/b"}, {"collector_tstamp": "2026-11-20T10:00:01Z"}, {"http_status": "404"}]
    ids = [row["event_id"] for row in with_ids(spark, same, same, *other)]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 4
    assert all(len(value) == 64 for value in ids)


def test_values_do_not_slip_from_one_field_into_the_next(spark: SparkSession) -> None:
    found = with_ids(spark, {"page_title": "x", "page_referrer": None}, {"page_title": None, "page_referrer": "x"})
    assert len({row["event_id"] for row in found}) == 2


def test_an_id_that_was_sent_is_kept_and_a_second_sending_has_the_same_fingerprint(spark: SparkSession) -> None:
    again = {"event_id": "e1", "collector_tstamp": "2026-11-20T10:05:00Z", "dvce_sent_tstamp": "2026-11-20T10:04:00Z"}
    found = with_ids(spark, {"event_id": "e1"}, again, {"event_id": "e1", "price": "2"})
    assert [row["event_id"] for row in found] == ["e1"] * 3
    assert found[0]["event_fingerprint"] == found[1]["event_fingerprint"] != found[2]["event_fingerprint"]


def test_the_address_is_in_no_hash(spark: SparkSession) -> None:
    found = with_ids(spark, {"user_ipaddress": "192.0.2.1"}, {"user_ipaddress": "192.0.2.2"})
    assert found[0]["event_id"] == found[1]["event_id"]


def test_events_without_the_later_columns_keep_the_ids_that_they_had_and_each_of_these_makes_another(
    spark: SparkSession,
) -> None:
    later: list[dict[str, Any]] = [{"order_total": "9"}, {"coupon": "9"}, {"items": [item(item_id="9")]}]
    later += [{"properties": {"colour": "9"}}, {"extra_numbers": {"score": 9.0}}]
    first, *others = (row["event_fingerprint"] for row in with_ids(spark, {}, *later))
    # The base record as its 29 first columns less id, two transport times and address: \x00 for null.
    fields = ["visitor" if name == "domain_userid" else BASE.get(name, "\x00") for name in FIRST_COLUMNS]
    content = [
        value
        for name, value in zip(FIRST_COLUMNS, fields, strict=True)
        if name not in ("event_id", "collector_tstamp", "dvce_sent_tstamp", "user_ipaddress")
    ]
    assert first == hashlib.sha256("\x1f".join(content).encode()).hexdigest()
    assert len({first, *others}) == 6


def test_numbers_are_typed_exactly_and_what_is_none_is_named(spark: SparkSession) -> None:
    sent = [
        ("19.99", "3", "200", "1024"),
        ("1e2", "-2.5", "404.0", None),
        ("0.00005", ".5", "0200", "0"),
        ("1e309", "NaN", "abc", "1.5e3"),
        ("Infinity", "1,5", "2000", "12345678901234567890"),
        ("99999999999999.99999", "0x10", "-", "-5"),
        ("0.00001234", "1.0005", "200", "0"),
        ("1.99900e-1", "0012.50000", "200", "0"),
        ("1.234567e1", "1e13", "200", "0"),
    ]
    found = events.typed(
        events.cleaned(
            rows(spark, *({"price": p, "quantity": q, "http_status": s, "bytes": b} for p, q, s, b in sent))
        ),
        LIMITS,
    ).collect()
    assert [(row["price"], row["quantity"], row["http_status"], row["bytes"]) for row in found[:3]] == [
        (Decimal("19.9900"), Decimal("3.000"), 200, 1024),
        (Decimal("100.0000"), Decimal("-2.500"), 404, None),
        # 0.0001 would be twice what was sent.
        (None, Decimal("0.500"), 200, 0),
    ]
    assert [(row["price"], row["quantity"]) for row in found[6:]] == [
        (None, None),
        (Decimal("0.1999"), Decimal("12.500")),
        (None, None),
    ]
    assert [row["_unread"] for row in found] == [
        [],
        [],
        ["price"],
        ["http_status", "bytes", "quantity", "price"],
        ["http_status", "bytes", "quantity", "price"],
        ["bytes", "quantity", "price"],
        ["quantity", "price"],
        [],
        ["quantity", "price"],
    ]


def test_the_items_of_an_event_are_typed_and_added_up(spark: SparkSession) -> None:
    sent = [
        [item(item_id="SKU1", price="10.0", quantity="2"), item(item_id="SKU2", price="5.5"), item(item_name="gift")],
        [item(item_id="(not set)", item_name="(not set)", price="0.0", quantity="1")],
        [item(item_id="SKU1", price="ten")],
        [item(item_id="SKU1", price="0.00001234")],
        [],
    ]
    found = events.typed(events.cleaned(rows(spark, *({"items": items} for items in sent))), LIMITS).collect()
    assert [[(one["item_id"], one["price"], one["quantity"]) for one in row["items"] or []] for row in found] == [
        [("SKU1", Decimal(10), Decimal(2)), ("SKU2", Decimal("5.5"), None), (None, None, None)],
        [],
        [("SKU1", None, None)],
        [("SKU1", None, None)],
        [],
    ]
    assert [row["items_total"] for row in found] == [Decimal("25.5"), None, None, None, None]
    assert [row["_unread"] for row in found] == [[], [], ["items"], ["items"], []]


def test_a_row_lists_every_rule_that_it_breaks(spark: SparkSession) -> None:
    sent = [
        {},
        {"collector_tstamp": "yesterday", "price": "x"},
        {"collector_tstamp": "1970-01-01T00:00:00Z"},
        {"collector_tstamp": "9999-12-31T23:59:59Z"},
        {"domain_userid": None},
        {"price": "-1"},
        {"price": "-1", "event_name": "refund"},
        {"quantity": "-1"},
        {"event_id": "e" * 513},
        {"order_total": "1,5", "pp_yoffset_min": "top", "items": [item(item_id="a", quantity="many")]},
        {"order_total": "-1.5", "pp_yoffset_min": "-12", "domain_sessionidx": "3"},
        {"read_error": "SRC-203 no log line", "collector_tstamp": None, "domain_userid": None},
    ]
    judged = split(events.typed(events.cleaned(rows(spark, *sent)), LIMITS), events.rules(LIMITS))
    codes = [[reason.split(" ")[0] for reason in row["reasons"]] for row in judged.collect()]
    assert codes == [
        [],
        ["EVT-001", "EVT-008"],
        ["EVT-002"],
        ["EVT-003"],
        ["EVT-004"],
        ["EVT-009"],
        [],
        [],
        ["EVT-010"],
        ["EVT-012", "EVT-013", "EVT-014"],
        [],
        [],
    ]


def test_requests_without_a_name_are_named_by_what_was_answered(spark: SparkSession) -> None:
    sent = [("GET", 200, False), ("GET", 304, False), ("GET", 404, False), ("GET", 301, False), ("HEAD", 200, False)]
    sent += [("POST", 200, False), ("GET", 200, True), (None, None, False)]
    frame = spark.createDataFrame(
        [(None, *row, "/a") for row in sent],
        "event_name string, http_method string, http_status int, is_asset boolean, page_url string",
    )
    named = [row["event_name"] for row in events.with_event_name(frame).collect()]
    assert named == ["page_view", "page_view", "request", "request", "request", "request", "asset_request", "page_view"]
    # A name that was sent stays; a request that named no page shows none; an app's screen has no address.
    others = [("purchase", "GET", 500, True, "/a"), (None, None, 200, False, None), (None, None, None, False, None)]
    frame = spark.createDataFrame(others, frame.schema)
    named = [row["event_name"] for row in events.with_event_name(frame).collect()]
    assert named == ["purchase", "request", "page_view"]
