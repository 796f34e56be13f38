"""Types that the tables of the family share, and how columns are declared."""

from __future__ import annotations

from typing import Final

from pyspark.sql.types import (
    DataType,
    DateType,
    DecimalType,
    DoubleType,
    IntegerType,
    StringType,
    StructField,
)

MONEY: Final = DecimalType(18, 4)


def required(kind: DataType, *names: str) -> list[StructField]:
    """Columns of one type that are never null."""
    return [StructField(name, kind, nullable=False) for name in names]


def optional(kind: DataType, *names: str) -> list[StructField]:
    """Columns of one type that may be null."""
    return [StructField(name, kind, nullable=True) for name in names]


TEXT, DAY, NUMBER, WHOLE = StringType(), DateType(), DoubleType(), IntegerType()
