"""Rows that a batch has published before, and publishes again with other values."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession
from pyspark.sql.types import StringType, StructField, StructType

from common.intake.displaced import with_own
from common.lake.table import Table

pytestmark = pytest.mark.unit

_TEXT = StringType()
SHOPS = Table(
    name="toys.shops",
    layer="silver",
    schema=StructType([StructField(name, _TEXT) for name in ("shop", "street", "town", "_batch_id")]),
    keys=("shop",),
    suite="toys.shops",
    description="Shops.",
)


def test_a_value_that_moved_to_another_column_is_another_row(spark: SparkSession) -> None:
    schema = "shop string, street string, town string, _batch_id string"
    own = spark.createDataFrame([("a", "Main Road", None, "1"), ("b", "High Street", "Bath", "1")], schema)
    again = [("a", None, "Main Road", "2", "new", []), ("b", "High Street", "Bath", "2", "new", [])]
    settled = spark.createDataFrame(again, f"{schema}, _fate string, reasons array<string>")
    found = with_own(settled, own, SHOPS, ["_batch_id"]).collect()
    assert {row["shop"]: row["_fate"] for row in found} == {"a": "new", "b": "unchanged"}
