"""Presets of events with several products, orders and contexts, each on rows in the layout of its feed."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame

from common.sources.mapping.canonical import canonical
from common.sources.mapping.model import Source
from jobs.clickstream.events.columns import TARGET

pytestmark = pytest.mark.unit

Read = Callable[[Path, Source], DataFrame]


def mapped(read: Read, inbox: Path, name: str) -> list[dict[str, Any]]:
    source = Source.load(name)
    rows = canonical(read(inbox, source), source, TARGET).orderBy("_line").collect()
    return [row.asDict(recursive=True) for row in rows]


def products(row: dict[str, Any]) -> list[tuple[str | None, ...]]:
    return [(item["item_id"], item["price"], item["quantity"]) for item in row["items"] or []]


GA4_PURCHASE: dict[str, Any] = {
    "event_timestamp": "1714989600000000",
    "event_name": "purchase",
    "user_pseudo_id": "111.222",
    "event_params": [
        {"key": "currency", "value": {"string_value": "EUR"}},
        {"key": "ga_session_number", "value": {"int_value": "3"}},
        {"key": "payment_type", "value": {"string_value": "card"}},
        {"key": "payment_type", "value": {"string_value": "cash"}},
        {"key": "engagement_time_msec", "value": {"int_value": "12"}},
    ],
    "collected_traffic_source": {"manual_source": "news", "manual_medium": "email"},
    "ecommerce": {"transaction_id": "T-1", "purchase_revenue": 92.0, "tax_value": 14.7},
    "items": [
        {"item_id": "SKU1", "item_category": "Home", "item_category2": "Cups", "price": 10.0, "quantity": 2},
        {"item_id": "SKU2", "price": 50.0, "quantity": 1},
        {"item_id": "SKU3", "price": 5.5, "quantity": 4, "coupon": "MAY"},
    ],
}


def test_ga4_keeps_every_product_and_what_the_order_comes_to(inbox: Path, read: Read) -> None:
    bare = {"event_timestamp": "1714989660000000", "event_name": "purchase", "user_pseudo_id": "333.444"}
    order = bare | {"ecommerce": {"transaction_id": "T-2", "purchase_revenue": 40.0}, "items": []}
    view = bare | {"event_name": "view_item", "items": [{"item_id": "SKU1", "price": 10.0}], "batch_event_index": "1"}
    (inbox / "day.json").write_text("\n".join(map(json.dumps, [GA4_PURCHASE, order, view])) + "\n")
    first, second, third = mapped(read, inbox, "ga4")
    assert products(first) == [("SKU1", "10.0", "2"), ("SKU2", "50.0", "1"), ("SKU3", "5.5", "4")]
    assert [item["item_category"] for item in first["items"]] == ["Home/Cups", "", ""]
    assert (first["order_total"], first["tax"], first["item_id"], first["event_id"]) == ("92.0", "14.7", None, None)
    assert (first["mkt_source"], first["mkt_medium"], first["domain_sessionidx"]) == ("news", "email", "3")
    assert first["properties"] == {"payment_type": "card", "engagement_time_msec": "12"}
    assert (products(second), second["order_total"], second["transaction_id"]) == ([], "40.0", "T-2")
    assert (third["item_id"], third["price"], len(third["event_id"])) == ("SKU1", "10.0", 64)
    assert {row["_reason"] for row in (first, second, third)} == {None}


def test_ga4_parquet_gives_what_its_json_gives(inbox: Path, read: Read) -> None:
    value = pa.struct(
        [
            ("string_value", pa.string()),
            ("int_value", pa.int64()),
            ("float_value", pa.float64()),
            ("double_value", pa.float64()),
        ]
    )
    item = pa.struct(
        [(name, pa.string()) for name in ("item_id", "item_name", "item_brand", "item_variant", "item_category")]
        + [(f"item_category{number}", pa.string()) for number in (2, 3, 4, 5)]
        + [("price", pa.float64()), ("quantity", pa.int64()), ("item_list_index", pa.string())]
        + [("coupon", pa.string())]
    )
    texts = ("event_name", "user_pseudo_id", "user_id", "platform", "stream_id")
    counts = ("event_timestamp", "event_bundle_sequence_id", "batch_page_id", "batch_ordering_id", "batch_event_index")
    source = ("manual_campaign_name", "manual_source", "manual_medium", "manual_term", "manual_content", "gclid")
    amounts = ("purchase_revenue", "tax_value", "shipping_value")
    schema = pa.schema(
        [(name, pa.string()) for name in texts]
        + [(name, pa.int64()) for name in counts]
        + [
            ("event_params", pa.list_(pa.struct([("key", pa.string()), ("value", value)]))),
            ("geo", pa.struct([("country", pa.string()), ("region", pa.string()), ("city", pa.string())])),
            ("collected_traffic_source", pa.struct([(name, pa.string()) for name in source])),
            (
                "ecommerce",
                pa.struct([("transaction_id", pa.string()), *((name, pa.float64()) for name in amounts)]),
            ),
            ("items", pa.list_(item)),
        ]
    )
    params = [
        {"key": one["key"], "value": {k: int(v) if k == "int_value" else v for k, v in one["value"].items()}}
        for one in GA4_PURCHASE["event_params"]
    ]
    event = GA4_PURCHASE | {"event_timestamp": 1714989600000000, "event_params": params, "event_bundle_sequence_id": 7}
    pq.write_table(pa.Table.from_pylist([event], schema), inbox / "day.parquet")
    (row,) = mapped(read, inbox, "ga4_parquet")
    assert products(row) == [("SKU1", "10.0", "2"), ("SKU2", "50.0", "1"), ("SKU3", "5.5", "4")]
    assert (row["order_total"], row["transaction_id"], row["currency"]) == ("92", "T-1", "EUR")
    assert row["collector_tstamp"] == "2024-05-06T10:00:00.000000Z"
    assert row["properties"] == {"payment_type": "card", "engagement_time_msec": "12"}
    assert row["_reason"] is None


def context(schema: str, **data: Any) -> dict[str, Any]:
    return {"schema": f"iglu:com.snowplowanalytics.{schema}/jsonschema/1-0-0", "data": data}


BOUGHT = [
    context("snowplow/web_page", id="9b9f"),
    context("snowplow.ecommerce/transaction", transaction_id="T-1", revenue=92, currency="EUR", tax=14.7),
    context("snowplow.ecommerce/product", id="SKU1", name="Cup", category="home", price=10, quantity=2, currency="EUR"),
    context("snowplow.ecommerce/product", id="SKU2", category="home", price=50, list_price=60, currency="EUR"),
]


def snowplow_line(**fields: str) -> str:
    names = [part.split()[0] for part in (Source.load("snowplow").raw_schema or "").split(",")]
    assert len(names) == 131
    return "\t".join(fields.get(name, "") for name in names) + "\n"


def test_snowplow_tsv_of_a_purchase_and_of_a_ping(inbox: Path, read: Read) -> None:
    action = {"schema": "x", "data": context("snowplow.ecommerce/snowplow_ecommerce_action", type="transaction")}
    bought = snowplow_line(
        event="unstruct",
        event_name="snowplow_ecommerce_action",
        collector_tstamp="2024-05-06 10:00:00.000",
        derived_tstamp="2024-05-06 09:59:59.900",
        true_tstamp="2024-05-06 09:00:00.000",
        unstruct_event=json.dumps(action),
        contexts=json.dumps({"schema": "x", "data": BOUGHT}),
        mkt_source="news",
        refr_medium="email",
    )
    ping = snowplow_line(event="page_ping", event_name="page_ping", pp_yoffset_max="120", doc_height="4000")
    struct = snowplow_line(event="struct", event_name="event", se_category="video", domain_sessionidx="2")
    (inbox / "part-0").write_text(bought + ping + struct)
    first, second, third = mapped(read, inbox, "snowplow")
    assert (first["event_name"], first["page_view_id"], first["true_tstamp"]) == (
        "purchase",
        "9b9f",
        "2024-05-06 09:00:00.000",
    )
    assert products(first) == [("SKU1", "10", "2"), ("SKU2", "50", None)]
    assert first["items"][1]["list_price"] == "60"
    assert (first["order_total"], first["transaction_id"], first["currency"], first["tax"]) == (
        "92",
        "T-1",
        "EUR",
        "14.7",
    )
    assert (first["mkt_source"], first["refr_medium"]) == ("news", "email")
    assert (second["event_name"], second["pp_yoffset_max"], second["doc_height"]) == ("page_ping", "120", "4000")
    assert (third["properties"], third["domain_sessionidx"]) == ({"se_category": "video"}, "2")
    assert {row["_reason"] for row in (first, second, third)} == {None}


def test_snowplow_json_of_a_purchase_and_of_a_screen(inbox: Path, read: Read) -> None:
    vendor = "com_snowplowanalytics"
    bought = {
        "event": "unstruct",
        "event_name": "snowplow_ecommerce_action",
        f"unstruct_event_{vendor}_snowplow_ecommerce_snowplow_ecommerce_action_1": {"type": "transaction"},
        f"contexts_{vendor}_snowplow_web_page_1": [BOUGHT[0]["data"]],
        f"contexts_{vendor}_snowplow_ecommerce_transaction_1": [BOUGHT[1]["data"]],
        f"contexts_{vendor}_snowplow_ecommerce_product_1": [one["data"] for one in BOUGHT[2:]],
    }
    screen = {"event_name": "screen_view", f"unstruct_event_{vendor}_mobile_screen_view_1": {"name": "Basket"}}
    (inbox / "part-0.json").write_text(json.dumps(bought) + "\n" + json.dumps(screen) + "\n")
    first, second = mapped(read, inbox, "snowplow_json")
    assert (first["event_name"], first["page_view_id"]) == ("purchase", "9b9f")
    assert products(first) == [("SKU1", "10", "2"), ("SKU2", "50", None)]
    assert (first["order_total"], first["transaction_id"], first["currency"]) == ("92", "T-1", "EUR")
    assert (second["event_name"], second["screen_name"]) == ("screen_view", "Basket")
    assert {row["_reason"] for row in (first, second)} == {None}


VENDOR = "com_snowplowanalytics"
ACTION = f"unstruct_event_{VENDOR}_snowplow_ecommerce_snowplow_ecommerce_action_1"
LINK = f"unstruct_event_{VENDOR}_snowplow_link_click_1"
WEB, PRODUCT, ORDER = (
    f"contexts_{VENDOR}_snowplow_{name}_1" for name in ("web_page", "ecommerce_product", "ecommerce_transaction")
)


def check_bought(row: dict[str, Any]) -> None:
    assert (row["event_name"], row["page_view_id"], row["true_tstamp"]) == ("purchase", "9b9f", None)
    assert products(row) == [("SKU1", "10", "2"), ("SKU2", "50", None)]
    assert (row["order_total"], row["transaction_id"], row["currency"], row["tax"]) == ("92", "T-1", "EUR", "14.7")
    assert (row["domain_userid"], row["_reason"]) == ("d1", None)


def test_snowplow_csv_of_a_warehouse_may_lack_columns_and_holds_contexts_as_text(inbox: Path, read: Read) -> None:
    redshift = (
        "event_id",
        "event_name",
        "collector_tstamp",
        "domain_userid",
        "pp_yoffset_max",
        "tr_orderid",
        "tr_total",
    )
    with (inbox / "redshift.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(redshift)
        writer.writerow(("e1", "page_ping", "2024-05-06 10:00:00.123", "d1", "120", "", ""))
        writer.writerow(("e2", "transaction", "2024-05-06 10:00:01", "d1", "", "T-9", "92.50"))
    contexts = {WEB: [BOUGHT[0]["data"]], ORDER: [BOUGHT[1]["data"]], PRODUCT: [one["data"] for one in BOUGHT[2:]]}
    snowflake = {
        "event_id": "e3",
        "collector_tstamp": "2024-05-06 10:00:02.000",
        "domain_userid": "d1",
        "event_name": "snowplow_ecommerce_action",
        ACTION: json.dumps({"type": "transaction"}),
        LINK: "\\N",
        **{name: json.dumps(value) for name, value in contexts.items()},
    }
    clicked = {**dict.fromkeys(snowflake, "\\N"), "event_id": "e4", "event_name": "link_click", "domain_userid": "d2"}
    clicked |= {"collector_tstamp": "2024-05-06 10:00:03", LINK: json.dumps({"targetUrl": "https://a.example/"})}
    with (inbox / "snowflake.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([name.upper() for name in snowflake])
        writer.writerows([snowflake.values(), clicked.values()])
    rows = {row["event_id"]: row for row in mapped(read, inbox, "snowplow_csv")}
    assert (rows["e1"]["event_name"], rows["e1"]["pp_yoffset_max"], rows["e1"]["items"]) == ("page_ping", "120", None)
    assert (rows["e2"]["transaction_id"], rows["e2"]["order_total"]) == ("T-9", "92.50")
    check_bought(rows["e3"])
    assert (rows["e4"]["event_name"], rows["e4"]["properties"]) == ("link_click", {"target_url": "https://a.example/"})
    assert {row["_reason"] for row in rows.values()} == {None}


def test_snowplow_parquet_holds_contexts_as_structs_or_as_text(inbox: Path, read: Read) -> None:
    moment = datetime(2024, 5, 6, 10, tzinfo=UTC)
    plain = {"event_id": "e1", "event_name": "snowplow_ecommerce_action", "domain_userid": "d1"}
    plain |= {"collector_tstamp": moment, "domain_sessionidx": 3}
    contexts = {WEB: [BOUGHT[0]["data"]], ORDER: [BOUGHT[1]["data"]], PRODUCT: [one["data"] for one in BOUGHT[2:]]}
    structs = plain | contexts | {ACTION: {"type": "transaction"}}
    screen = f"unstruct_event_{VENDOR}_mobile_screen_view_1"
    viewed = {"event_id": "e2", "event_name": "screen_view", "domain_userid": "d2", "collector_tstamp": moment}
    clicked = viewed | {"event_id": "e3", "event_name": "link_click", LINK: {"target_url": "https://a.example/"}}
    first = structs | {screen: None, LINK: None, "tr_total": None, "tr_orderid": None}
    ordered = viewed | {"event_id": "e4", "tr_total": Decimal("1234567.50"), "tr_orderid": 17}
    table = pa.Table.from_pylist([first, viewed | {screen: {"name": "Basket"}}, clicked, ordered])
    pq.write_table(table, inbox / "a.parquet")
    rows = {row["event_id"]: row for row in mapped(read, inbox, "snowplow_parquet")}
    check_bought(rows["e1"])
    assert (rows["e1"]["collector_tstamp"], rows["e1"]["domain_sessionidx"]) == ("2024-05-06T10:00:00.000000Z", "3")
    assert (rows["e2"]["screen_name"], rows["e3"]["properties"]) == ("Basket", {"target_url": "https://a.example/"})
    assert (rows["e4"]["order_total"], rows["e4"]["transaction_id"]) == ("1234567.50", "17")
    texts = {name: json.dumps(value) if name in (ACTION, *contexts) else value for name, value in structs.items()}
    pq.write_table(pa.Table.from_pylist([texts]), inbox / "a.parquet")
    (row,) = mapped(read, inbox, "snowplow_parquet")
    check_bought(row)
