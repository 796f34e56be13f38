"""What a write needs of a session beside the write itself: settings for its duration, and the reading of refusals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from common.errors import ContractError
from common.lake.merge import OUTSIDE
from common.lake.table import Table

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_REFUSALS = (
    (OUTSIDE, "holds rows outside of the days that it merges into"),
    ("DELTA_REPLACE_WHERE_MISMATCH", "holds rows outside of the days that it replaces"),
    ("DELTA_NOT_NULL_CONSTRAINT_VIOLATED", "holds nulls where the contract allows none"),
    ("DELTA_MULTIPLE_SOURCE_ROW_MATCHING_TARGET_ROW_IN_MERGE", "holds several rows of one key"),
)


@contextmanager
def session_conf(spark: SparkSession, conf: Mapping[str, str | None]) -> Iterator[None]:
    """Session settings for the time of a block (None: unset), put back afterwards."""
    before = {key: spark.conf.get(key, None) for key in conf}
    _apply(spark, conf)
    try:
        yield
    finally:
        _apply(spark, before)


def _apply(spark: SparkSession, conf: Mapping[str, str | None]) -> None:
    for key, value in conf.items():
        if value is None:
            spark.conf.unset(key)
        else:
            spark.conf.set(key, value)


def raise_contract(table: Table, error: Exception) -> None:
    """Raise ContractError LAK-003 when Delta refused rows for what they hold; return for every other error."""
    text = str(error)
    for marker, sentence in _REFUSALS:
        if marker in text:
            line = next(line for line in text.splitlines() if marker in line)
            raise ContractError(
                "LAK-003",
                f"The write to {table.name} {sentence}.",
                cause=line[:500],
                remedy="Quarantine or deduplicate such rows before publishing; nothing was written.",
            ) from error
