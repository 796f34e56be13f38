"""Decimals of a raw schema exactly as they were sent, or not at all: Spark's parsers round them to the scale."""

from __future__ import annotations

from functools import reduce
from typing import TypeVar

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DataType, DecimalType, MapType, StructField, StructType

_MOST_DIGITS = 38
_Kind = TypeVar("_Kind", bound=DataType)


def widened(kind: _Kind) -> _Kind:
    """``kind`` whose decimals have all the decimal places that there can be: by it text is parsed."""
    found: DataType = kind
    if isinstance(kind, DecimalType):
        # One digit more before the mark: what is rounded up may need it.
        places = _MOST_DIGITS - (kind.precision - kind.scale) - 1
        found = DecimalType(_MOST_DIGITS, max(places, kind.scale))
    elif isinstance(kind, StructType):
        found = StructType([StructField(one.name, widened(one.dataType)) for one in kind.fields])
    elif isinstance(kind, ArrayType):
        found = ArrayType(widened(kind.elementType))
    elif isinstance(kind, MapType):
        found = MapType(kind.keyType, widened(kind.valueType))
    return found  # type: ignore[return-value] # of the same class


def is_rounded(value: Column, kind: DataType) -> Column:
    """True where a value of type ``widened(kind)`` has a decimal that ``kind`` would round."""
    if isinstance(kind, DecimalType):
        return F.coalesce(value != F.round(value, kind.scale), F.lit(False))
    if isinstance(kind, StructType):
        fields = [one for one in kind.fields if _holds_decimals(one.dataType)]
        found = [is_rounded(value[one.name], one.dataType) for one in fields]
        return reduce(lambda left, right: left | right, found, F.lit(False))
    if isinstance(kind, MapType) and _holds_decimals(kind):
        return is_rounded(F.map_values(value), ArrayType(kind.valueType))
    if isinstance(kind, ArrayType) and _holds_decimals(kind):
        inner = kind.elementType
        return F.coalesce(F.exists(value, lambda one: is_rounded(one, inner)), F.lit(False))
    return F.lit(False)


def declared(parsed: Column, schema: StructType) -> list[Column]:
    """The fields of ``parsed``, of which ``is_rounded`` does not hold, by the types of ``schema``; null in rows with a
    ``_reason``.
    """
    fields = ((one.name, parsed[one.name], one.dataType) for one in schema.fields)
    typed = ((name, value.cast(kind) if _holds_decimals(kind) else value) for name, value, kind in fields)
    return [F.when(F.col("_reason").isNull(), value).alias(name) for name, value in typed]


def _holds_decimals(kind: DataType) -> bool:
    return widened(kind) != kind if not isinstance(kind, DecimalType) else True
