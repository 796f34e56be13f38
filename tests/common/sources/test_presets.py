"""The presets, each on a row or two in the layout of its feed."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame
from pyspark.sql.types import StringType, StructField, StructType

from common.sources.mapping.canonical import canonical
from common.sources.mapping.model import Source
from jobs.clickstream.events.columns import CANONICAL_COLUMNS, TARGET

pytestmark = pytest.mark.unit

Read = Callable[[Path, Source], DataFrame]
TEXT = TARGET


def one(read: Read, inbox: Path, name: str, target: StructType | None = TEXT) -> dict[str, Any]:
    source = Source.load(name)
    (row,) = canonical(read(inbox, source), source, target).collect()
    return {key: value for key, value in row.asDict().items() if not key.startswith("_") or key == "_reason"}


def test_apache_combined(inbox: Path, read: Read) -> None:
    (inbox / "access.log").write_text(
        '203.0.113.7 - - [17/May/2015:12:05:03 +0200] "GET /a?x=1 HTTP/1.1" 200 512 "http://r.example/" "Agent/1.0"\n'
    )
    row = one(read, inbox, "apache_combined")
    assert row["collector_tstamp"] == "2015-05-17T10:05:03.000000Z"
    assert (row["user_ipaddress"], row["useragent"], row["page_url"]) == ("203.0.113.7", "Agent/1.0", "/a?x=1")
    assert (row["http_method"], row["http_status"], row["bytes"]) == ("GET", "200", "512")
    assert (row["page_referrer"], row["user_id"], row["_reason"]) == ("http://r.example/", None, None)


def test_access_logs_of_many_shapes_give_each_visitor_an_address(inbox: Path, read: Read) -> None:
    lines = [
        '203.0.113.1, 10.0.0.7 - - [06/May/2024:10:01:00 +0000] "GET /xff HTTP/1.1" 200 512 "-" "A"',
        '203.0.113.21 - - [06/May/2024:10:21:00 +0000] "GET /common HTTP/1.0" 200 512',
        '203.0.113.91 - "" [06/May/2024:12:30:00 +0000] "GET /private HTTP/1.1" 401 381 "-" "-"',
        '203.0.113.93 - j doe [06/May/2024:12:32:00 +0000] "GET /no-protocol" 200 381 "-" "A"',
        'shop.example:443 203.0.113.94 - - [06/May/2024:12:34:00 +0000] "GET //a b HTTP/1.1" 200 1 "-" "A" "x" 1',
    ]
    (inbox / "access.log").write_text("\n".join(lines) + "\n")
    source = Source.load("apache_combined")
    rows = canonical(read(inbox, source), source, TEXT).orderBy("collector_tstamp").collect()
    assert [(row["user_ipaddress"], row["user_id"], row["page_url"], row["useragent"]) for row in rows] == [
        ("203.0.113.1", None, "/xff", "A"),
        ("203.0.113.21", None, "/common", None),
        ("203.0.113.91", None, "/private", "-"),
        ("203.0.113.93", "j doe", "/no-protocol", "A"),
        ("203.0.113.94", None, "//a b", "A"),
    ]
    assert {row["_reason"] for row in rows} == {None}


def test_nginx_json(inbox: Path, read: Read) -> None:
    event = {
        "time_iso8601": "2024-05-06T12:01:00+02:00",
        "remote_addr": "10.0.0.7",
        "http_x_forwarded_for": "203.0.113.1, 10.0.0.9",
        "remote_user": "",
        "request": "GET /a?x=1 HTTP/1.1",
        "status": 200,
        "body_bytes_sent": "512",
        "http_referer": "",
        "http_user_agent": "Agent/1.0",
    }
    (inbox / "access.json").write_text(json.dumps(event) + "\n")
    row = one(read, inbox, "nginx_json")
    assert (row["collector_tstamp"], row["user_ipaddress"]) == ("2024-05-06T12:01:00+02:00", "203.0.113.1")
    assert (row["http_method"], row["page_url"], row["http_status"], row["bytes"]) == ("GET", "/a?x=1", "200", "512")
    assert (row["useragent"], row["_reason"]) == ("Agent/1.0", None)


def test_nginx_json_with_the_host_that_was_asked(inbox: Path, read: Read) -> None:
    event = {"msec": "1714989660.250", "remote_addr": "2001:db8::1", "http_x_forwarded_for": "", "http_user_agent": ""}
    event |= {"request_method": "GET", "request_uri": "//a", "host": "shop.example", "scheme": "https", "status": "404"}
    (inbox / "access.json").write_text(json.dumps(event) + "\n")
    row = one(read, inbox, "nginx_json")
    assert (row["collector_tstamp"], row["user_ipaddress"]) == ("1714989660.250", "2001:db8::1")
    # An agent that was sent empty stays one, unlike none at all.
    assert (row["page_url"], row["http_status"], row["useragent"]) == ("https://shop.example//a", "404", "")


def test_snowplow_enriched_tsv(inbox: Path, read: Read) -> None:
    names = [part.split()[0] for part in (Source.load("snowplow").raw_schema or "").split(",")]
    given = {
        "app_id": "shop",
        "event": "page_view",
        "event_id": "c6ef3124-b53a-4b13-a233-0088f79dcbcb",
        "collector_tstamp": "2015-05-17 10:05:03.000",
        "domain_userid": "bc2e92ec6c204a14",
        "page_title": 'A "quoted" page',
        "tr_total": "12.50",
        "tr_currency": "EUR",
    }
    (inbox / "part-0").write_text("\t".join(given.get(name, "") for name in names) + "\n")
    row = one(read, inbox, "snowplow")
    assert row["event_id"] == given["event_id"]
    assert (row["event_name"], row["app_id"], row["domain_userid"]) == ("page_view", "shop", "bc2e92ec6c204a14")
    assert (row["page_title"], row["order_total"], row["currency"]) == ('A "quoted" page', "12.50", "EUR")
    assert (row["user_id"], row["_reason"]) == (None, None)


def test_snowplow_json(inbox: Path, read: Read) -> None:
    event = {"event_id": "e1", "event_name": "link_click", "event": "unstruct", "geo_city": "Ulm", "contexts_x_1": [{}]}
    (inbox / "part-0.json").write_text(json.dumps(event) + "\n")
    row = one(read, inbox, "snowplow_json")
    assert (row["event_id"], row["event_name"], row["geo_city"], row["_reason"]) == ("e1", "link_click", "Ulm", None)


def test_ga4_bigquery_export(inbox: Path, read: Read) -> None:
    event = {
        "event_date": "20150517",
        "event_timestamp": "1431857103000000",
        "event_name": "purchase",
        "user_pseudo_id": "123.456",
        "platform": "WEB",
        "event_params": [
            {"key": "ga_session_id", "value": {"int_value": "77"}},
            {"key": "page_location", "value": {"string_value": "https://shop.example/thanks"}},
            {"key": "currency", "value": {"string_value": "EUR"}},
        ],
        "geo": {"country": "Germany"},
        "ecommerce": {"transaction_id": "T9", "purchase_revenue": 99.5},
        "items": [{"item_id": "SKU1", "item_name": "Cup", "price": 9.95, "quantity": 10}],
    }
    bare = {"event_timestamp": "1431857103000000", "event_name": "first_visit", "user_pseudo_id": "1.2"}
    (inbox / "day.json").write_text(json.dumps(event) + "\n")
    row = one(read, inbox, "ga4")
    assert row["collector_tstamp"] == "2015-05-17T10:05:03.000000Z"
    assert (row["event_name"], row["domain_userid"], row["domain_sessionid"]) == ("purchase", "123.456", "77")
    assert (row["page_url"], row["platform"], row["geo_country"]) == ("https://shop.example/thanks", "web", "Germany")
    assert (row["item_id"], row["quantity"], row["price"], row["currency"]) == ("SKU1", "10", "9.95", "EUR")
    assert (row["transaction_id"], row["page_title"], row["_reason"]) == ("T9", None, None)
    (inbox / "day.json").write_text(json.dumps(bare) + "\n")
    row = one(read, inbox, "ga4")
    assert (row["event_name"], row["page_url"], row["item_id"], row["_reason"]) == ("first_visit", None, None, None)


def test_rees46(inbox: Path, read: Read) -> None:
    columns = {
        "event_time": [datetime(2019, 10, 1, 0, 0, 1)],
        "event_type": ["cart"],
        "product_id": [17200506],
        "category_id": [2053013559792632471],
        "category_code": ["furniture.living_room.sofa"],
        "brand": [None],
        "price": [543.1],
        "user_id": [519107250],
        "user_session": ["566511c2"],
    }
    pq.write_table(pa.table(columns), inbox / "events.parquet")
    row = one(read, inbox, "rees46")
    assert (row["event_name"], row["item_id"], row["price"]) == ("add_to_cart", "17200506", "543.1")
    assert (row["collector_tstamp"], row["domain_userid"]) == ("2019-10-01T00:00:01.000000Z", "519107250")


def test_online_retail_uci(inbox: Path, read: Read) -> None:
    columns = {
        "InvoiceNo": ["C539993", "A1", "A2", "A3", "A4"],
        "StockCode": ["21498", " post ", "POSTER", "gift_0001_20", "m"],
        "Description": ["RED RETROSPOT WRAP ", *[""] * 4],
        "Quantity": [-25, 1, 1, 1, 1],
        "InvoiceDate": [datetime(2011, 7, 4, 10, 0)] * 5,
        "UnitPrice": [0.42] * 5,
        "CustomerID": [13313] * 5,
        "Country": ["United Kingdom"] * 5,
    }
    pq.write_table(pa.table(columns), inbox / "invoices.parquet")
    source = Source.load("online_retail_uci")
    target = StructType([StructField(name, StringType()) for name in source.columns])
    row, *others = canonical(read(inbox, source), source, target).collect()
    products = {each["item_id"]: each["is_product"] for each in (row, *others)}
    assert products == {"21498": "true", "POST": "false", "POSTER": "true", "GIFT_0001_20": "false", "M": "false"}
    assert (row["invoice_id"], row["item_name"], row["quantity"]) == ("C539993", "RED RETROSPOT WRAP", "-25")
    # Ten o'clock of a July morning in London is nine in UTC.
    assert row["sold_at"] == "2011-07-04T09:00:00.000000Z"


def test_fraud_handbook(inbox: Path, read: Read) -> None:
    columns = {
        "TRANSACTION_ID": [0],
        "TX_DATETIME": [datetime(2018, 4, 1, 0, 0, 31)],
        "CUSTOMER_ID": [596],
        "TERMINAL_ID": [3156],
        "TX_AMOUNT": [57.16],
        "TX_TIME_SECONDS": [31],
        "TX_TIME_DAYS": [0],
        "TX_FRAUD": [0],
        "TX_FRAUD_SCENARIO": [0],
    }
    pq.write_table(pa.table(columns), inbox / "transactions.parquet")
    row = one(read, inbox, "fraud_handbook", None)
    assert (row["transaction_id"], row["customer_id"], row["terminal_id"]) == (0, 596, 3156)
    assert row["tx_amount"] == 57.16
    # A label is no part of a transaction: it becomes known later.
    assert "tx_fraud" not in row


def test_the_example_to_copy(inbox: Path, read: Read) -> None:
    text = "id;action;zeit;cookie;path;cents\nA1;View;17.05.2015 12:05:03;-;/für-dich;1295\n"
    (inbox / "shop.csv").write_bytes(text.encode("latin-1"))
    row = one(read, inbox, "custom_example")
    assert (row["event_id"], row["event_name"], row["domain_userid"]) == ("A1", "view", None)
    assert (row["collector_tstamp"], row["page_url"]) == (
        "2015-05-17T10:05:03.000000Z",
        "https://shop.example/für-dich",
    )
    assert float(row["price"]) == 12.95


@pytest.mark.parametrize(
    "name", ["apache_combined", "snowplow", "snowplow_json", "ga4", "ga4_parquet", "rees46", "custom_example"]
)
def test_presets_of_events_map_to_columns_that_the_events_have(name: str) -> None:
    Source.load(name).check_columns(CANONICAL_COLUMNS)
