"""Files that could not be read are looked at once more, each by itself, before a run gives up."""

from __future__ import annotations

import pytest
from pyspark.errors import PySparkRuntimeError

from common.errors import ContractError
from common.intake.feed import Taken
from common.intake.reading import reading, thoroughly
from common.sources.mapping.model import Source

pytestmark = pytest.mark.unit

PARQUET = Source.parse("format: parquet\ncolumns: {item_id: item}\n", name="tested")
CSV = Source.parse("format: csv\ncolumns: {item_id: item}\n", name="tested")


def test_damaged_parquet_is_named_and_not_a_failure_of_spark() -> None:
    asked = []

    def take(thorough: bool) -> Taken:
        asked.append(thorough)
        if thorough:
            raise ContractError("SRC-008", "1 of 2 input files could not be read.")
        with reading():
            raise PySparkRuntimeError("a page could not be unpacked")

    with pytest.raises(ContractError, match="SRC-008"):
        thoroughly(take, PARQUET)
    assert asked == [False, True]


def test_what_fails_for_another_reason_is_not_taken_twice() -> None:
    asked = []

    def take(thorough: bool) -> Taken:
        asked.append(thorough)
        raise PySparkRuntimeError("a shuffle failed")

    def read(thorough: bool) -> Taken:
        with reading():
            return take(thorough)

    for run, source in ((take, PARQUET), (read, CSV)):
        with pytest.raises(PySparkRuntimeError):
            thoroughly(run, source)
    assert asked == [False, False]
