"""Purchases in clickstream events as sales."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs.forecast.demand.neighbours import bought_by_people, purchases_as_sales
from jobs.forecast.tables import CLICKSTREAM_EVENTS, EVENT_ITEM

pytestmark = pytest.mark.unit

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def purchase(event_id: str, **columns: Any) -> dict[str, Any]:
    base = {"event_id": event_id, "event_name": "purchase", "event_date": NOON.date(), "derived_tstamp": NOON}
    return {**dict.fromkeys(CLICKSTREAM_EVENTS.schema.names), **base, "is_bot": False, **columns}


def test_every_item_of_a_purchase_is_sold_and_an_item_without_an_id_is_not(spark: SparkSession) -> None:
    none = dict.fromkeys(EVENT_ITEM.names)
    items = [none | {"item_id": "A", "quantity": Decimal(3)}, none | {"item_id": "B"}, none | {"item_name": "gift"}]
    sent = [purchase("several", items=items), purchase("one", item_id="C"), purchase("none")]
    rows = purchases_as_sales(bought_by_people(spark.createDataFrame(sent, CLICKSTREAM_EVENTS.schema)), None).collect()
    assert sorted((row["line_id"], row["item_id"], row["quantity"]) for row in rows) == [
        ("event-one", "C", 1.0),
        ("event-several", "A", 3.0),
        ("event-several-1", "B", 1.0),
    ]
