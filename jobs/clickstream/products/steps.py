"""Events to the products in them."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from common.config.params import Params
from jobs.clickstream.events.tables import ITEM
from jobs.clickstream.products.tables import EVENT_ITEMS

LEFT_OUT = "left_out"
# The columns of an event about one product, for the fields of an element of items that have another name.
_OF_EVENT = {"list_price": "item_list_price", "position": "item_position"}


def event_items(_params: Params, events: DataFrame) -> DataFrame:
    """Rows of EVENT_ITEMS from those of EVENTS, and ``left_out string``: why an event has none, in one row of its own.

    The elements of ``items``; of an event without them, its own product.
    """
    is_named = F.col("item_id").isNotNull() | F.col("item_name").isNotNull()
    own = F.struct(*(F.col(_OF_EVENT.get(name, name)).alias(name) for name in ITEM.names))
    items = F.coalesce("items", F.when(is_named, F.array(own)))
    carried = [name for name in EVENT_ITEMS.schema.names if name in events.columns and name not in ITEM.names]
    found = events.select(*carried, F.posexplode_outer(items).alias("item_index", "_item"))
    values = {
        **{name: F.col(f"_item.{name}") for name in ITEM.names},
        "item_index": F.coalesce("item_index", F.lit(0)),
    }
    return found.select(
        *(values.get(name, F.col(name)).alias(name) for name in EVENT_ITEMS.schema.names),
        F.when(F.col("_item").isNull(), "no product").alias(LEFT_OUT),
    )
