"""What may become of a row of a batch, and the column that says it."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.quality.rules import REASONS

FATE = "_fate"
NEW, REPEATED, REJECTED = "new", "repeated", "rejected"
"""Of a row of the batch: it is published, it says what another row says, it goes to the quarantine."""

UNCHANGED = "unchanged"
"""Of a row of the batch: an earlier run of the batch has published it already."""

LOSER = "_loser"
"""Column of settled rows, where a feed has it: the file of a published row that a row of the batch replaces."""

DISPLACED, CHANGED = "displaced", "changed"
"""Of a published row: a row of the batch takes its place; it stays, with other values."""


def is_unread(column: str) -> Column:
    """True for a mapped row that was not read at all, or of which ``column`` holds something that cannot be read."""
    error = F.col("read_error")
    return F.coalesce(
        ~F.startswith(error, F.lit("SRC-301 cannot be read: ")) | error.rlike(rf"\b{column}\b"), F.lit(False)
    )


def with_read_error(rows: DataFrame) -> DataFrame:
    """Mapped rows with ``reasons``: what kept the mapping from reading a value, if anything did."""
    none = F.array().cast("array<string>")
    return rows.withColumn(REASONS, F.when(F.col("read_error").isNotNull(), F.array("read_error")).otherwise(none))
