"""What was rejected of a file, and what becomes of it when the file is taken again."""

from __future__ import annotations

from datetime import datetime

import pytest
from pyspark.sql import DataFrame, SparkSession

from common.lake.lake import Lake
from common.lake.set_aside import QUARANTINE_SCHEMA, quarantine_table

pytestmark = pytest.mark.unit


def test_what_was_rejected_of_a_file_is_replaced_when_the_file_is_taken_again(spark: SparkSession, lake: Lake) -> None:
    def rejected(*keys: tuple[str, str]) -> DataFrame:
        rows = [
            ("r", "shop.ingest", "f", key, ["SHP-1 no"], "{}", None, datetime(2026, 3, 2, 12), 1, file, "b")
            for key, file in keys
        ]
        return spark.createDataFrame(rows, QUARANTINE_SCHEMA)

    shop = {"family": "shop", "job": "shop.ingest"}
    lake.quarantine(rejected(("1", "x"), ("2", "x"), ("3", "y")), batch_id="first", **shop)
    lake.quarantine(rejected(("2", "x")), batch_id="second", replaces=["x"], **shop)
    kept = lake.read(quarantine_table("shop", "shop.ingest")).collect()
    assert sorted(row["row_key"] for row in kept) == ["2", "3"]
