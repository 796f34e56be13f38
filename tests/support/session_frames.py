"""Hits as Spark frames, and labels back from them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType
from session_oracle import Hit, Label, event_row

from jobs.clickstream.sessions.tables import EVENT_COLUMNS, SESSION_EVENTS

EVENT_SCHEMA = StructType([SESSION_EVENTS.schema[column] for column in EVENT_COLUMNS])


def events_frame(spark: SparkSession, hits: Iterable[Hit]) -> DataFrame:
    """EVENT_COLUMNS of some hits."""
    return spark.createDataFrame([event_row(hit) for hit in hits], EVENT_SCHEMA)


def labels_found(labelled: DataFrame) -> dict[str, Label]:
    """Event id -> label, of SESSION_EVENTS rows; fails when an event comes twice."""
    rows = labelled.selectExpr(
        "event_id",
        "session_id",
        "unix_micros(session_start_tstamp) start_us",
        "unix_micros(chain_start_tstamp) chain_us",
    ).collect()
    found = {row.event_id: Label(row.session_id, instant(row.start_us), instant(row.chain_us)) for row in rows}
    assert len(found) == len(rows)
    return found


def instant(micros: int) -> datetime:
    """Microseconds since 1970 as an aware instant."""
    seconds, rest = divmod(micros, 1_000_000)
    return datetime.fromtimestamp(seconds, tz=UTC).replace(microsecond=rest)


def rows_of(frame: DataFrame) -> list[tuple[Any, ...]]:
    """All rows as sorted tuples, to compare tables as multisets."""
    return sorted((tuple(row) for row in frame.select(*sorted(frame.columns)).collect()), key=repr)
