"""Frames of a few rows that the driver holds: relations in the plan itself, which need no task and no Python worker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import pyspark

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

_Row = Sequence[Any] | Mapping[str, Any]


def few_rows(spark: SparkSession, rows: Sequence[_Row], schema: StructType | str) -> DataFrame:
    """A frame of ``rows``, each a tuple in the order of ``schema`` (or its DDL) or a dict by its names.

    ``spark.createDataFrame(rows, schema)`` would hand them to as many Python tasks as the cluster has cores, again in
    each scan. Spark 3.5 takes no Arrow table: there it is one task. A write makes up to one file per row of them:
    coalesce first. A value of another type, or a null where there may be none, is a ValueError or TypeError of
    pyarrow or PySpark.
    """
    if int(pyspark.__version__.partition(".")[0]) < 4:
        return spark.createDataFrame(list(rows), schema).coalesce(1)
    from pyspark.sql import types

    typed = cast("StructType", types.StructType.fromDDL(schema)) if isinstance(schema, str) else schema
    return spark.createDataFrame(arrow_rows(rows, typed), typed)


def arrow_rows(rows: Sequence[_Row], schema: StructType) -> pa.Table:
    """``rows``, given as to ``few_rows``, as an Arrow table. Another type is a ValueError or TypeError."""
    import pyarrow as pa
    from pyspark.sql.pandas.types import to_arrow_schema

    names = schema.names
    named = [dict(row) if isinstance(row, Mapping) else dict(zip(names, row, strict=True)) for row in rows]
    return pa.Table.from_pylist(named, schema=to_arrow_schema(schema))
