"""A small table of orders, with a personal column, for tests of the lake."""

from __future__ import annotations

from datetime import date

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import DateType, LongType, StringType, StructField, StructType

from common.lake.table import Table

SCHEMA = StructType(
    [
        StructField("id", LongType(), nullable=False),
        StructField("day", DateType(), nullable=False),
        StructField("email", StringType()),
        StructField("amount", LongType()),
    ]
)
TABLE = Table("shop.orders", "bronze", SCHEMA, keys=("id",), day_column="day", personal_columns=("email",))
FIRST, SECOND = date(2026, 11, 20), date(2026, 11, 21)


def orders(spark: SparkSession, *rows: tuple[int, date, str, int]) -> DataFrame:
    return spark.createDataFrame(list(rows), SCHEMA)


def content(frame: DataFrame) -> list[tuple[object, ...]]:
    return sorted(tuple(row) for row in frame.collect())
