"""What a write needs of a session apart from the write itself: settings for its duration, and reading refusals."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from common.causes import cause_of
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
    ("DELTA_VIOLATE_CONSTRAINT_WITH_VALUES", "holds rows that break a constraint of the table"),
)

_NULL_COLUMN = re.compile(r"constraint violated for column: ([\w.]+?)\.?(?:\s|$)", re.IGNORECASE)


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
            named = _NULL_COLUMN.search(text)
            column = named.group(1) if named and named.group(1) in table.schema.names else ""
            raise ContractError(
                "LAK-003",
                f"The write to {table.name} {sentence}.",
                cause=f"{cause_of(error)}{f' Column: {column}.' if column else ''}",
                remedy="Quarantine or deduplicate such rows before publishing; nothing was written.",
            ) from error
