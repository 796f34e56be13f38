"""The products of events, one row each."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import SparkSession

from common.config.params import Params
from jobs.clickstream.events.tables import EVENTS, ITEM
from jobs.clickstream.products.steps import event_items

pytestmark = pytest.mark.unit

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def event(event_id: str, **columns: Any) -> dict[str, Any]:
    base = {"event_id": event_id, "event_name": "purchase", "event_date": NOON.date(), "derived_tstamp": NOON}
    base |= {"derived_tstamp_source": "device", "is_asset": False, "is_bot": False, "bot_evidence": []}
    base |= {"event_fingerprint": "f", "_file": "f", "_file_sha256": "0", "_batch_id": "b", "ingested_at": NOON}
    return {**dict.fromkeys(EVENTS.schema.names), **base, **columns}


def test_every_product_of_an_event_is_a_row_and_an_event_without_one_says_so(spark: SparkSession) -> None:
    none = dict.fromkeys(ITEM.names)
    two = [none | {"item_id": "a", "price": Decimal("1.5")}, none | {"item_id": "b", "quantity": Decimal(2)}]
    sent = [
        event("several", items=two, item_id="a", transaction_id="T-1"),
        event("one", item_id="c", price=Decimal(3), item_list_price=Decimal(4), currency="EUR"),
        event("none"),
    ]
    rows = event_items(Params(), spark.createDataFrame(sent, EVENTS.schema)).collect()
    shown = ("event_id", "item_index", "item_id", "price", "list_price", "quantity", "transaction_id", "left_out")
    assert [tuple(row[name] for name in shown) for row in rows] == [
        ("several", 0, "a", Decimal("1.5"), None, None, "T-1", None),
        ("several", 1, "b", None, None, Decimal(2), "T-1", None),
        ("one", 0, "c", Decimal(3), Decimal(4), None, None, None),
        ("none", 0, None, None, None, None, None, "no product"),
    ]
