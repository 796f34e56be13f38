"""Turns raw rows into bronze rows: every canonical column as text, the whole record, and its origin."""

from __future__ import annotations

from datetime import date, datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

from jobs.clickstream.events.clock_skew import TIME_COLUMNS
from jobs.clickstream.events.tables import CANONICAL_COLUMNS, EVENTS_RAW

# What a source may map to: text as sent, typed later by the rules of this family.
TARGET = StructType([StructField(name, StringType()) for name in CANONICAL_COLUMNS])

_ADDED = ("_file", "_file_sha256", "_line", "_raw", "_reason")
_ZONED = r"(?i)(z|utc|gmt|[+-][0-9]{2}(:?[0-9]{2})?)$"
_LOCAL = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.]{5,}$"


def with_payload(raw: DataFrame, *, keep: bool) -> DataFrame:
    """``raw`` with the whole record in ``_raw``: the line, else all raw columns as JSON; null unless ``keep``."""
    if not keep:
        return raw.withColumn("_raw", F.lit(None).cast("string"))
    columns = [F.col(f"`{name}`") for name in raw.columns if name not in _ADDED]
    return raw.withColumn("_raw", F.coalesce(F.col("_raw"), F.to_json(F.struct(*columns))))


def bronze_rows(
    mapped: DataFrame, *, batch_id: str, ingest_date: date, ingested_at: datetime, time_zone: str
) -> DataFrame:
    """``mapped`` (canonical columns as text, ``_file``, ``_file_sha256``, ``_raw``, ``_reason``) as rows of EVENTS_RAW.

    Canonical columns that the source does not map are null. Times without a zone are read as local to
    ``time_zone`` and stored in UTC.
    """
    columns = {
        name: F.col(name) if name in mapped.columns else F.lit(None).cast("string") for name in CANONICAL_COLUMNS
    }
    if time_zone != "UTC":
        columns |= {name: _in_utc(columns[name], time_zone) for name in TIME_COLUMNS}
    stamped = {
        "payload": F.col("_raw"),
        "read_error": F.col("_reason"),
        "ingest_date": F.lit(ingest_date),
        "_file": F.col("_file"),
        "_file_sha256": F.col("_file_sha256"),
        "_batch_id": F.lit(batch_id),
        "ingested_at": F.lit(ingested_at),
    }
    named = {**columns, **stamped}
    return mapped.select(*(named[name].alias(name) for name in EVENTS_RAW.schema.names))


def _in_utc(text: Column, time_zone: str) -> Column:
    local = text.rlike(_LOCAL) & ~F.substring(text, 11, 40).rlike(_ZONED)
    read = F.try_to_timestamp(F.when(local, text))
    return F.coalesce(F.to_utc_timestamp(read, time_zone).cast("string"), text)
