"""From bronze rows to mapped ones: made of their records, one each or one per element, and filtered."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from common.intake.bronze import raw_rows
from common.sources.mapping.canonical import canonical
from common.sources.mapping.elements import WANTED, elements, is_unwanted, number_of_rows, with_filter
from common.sources.mapping.extra import gathered, with_extra
from common.sources.mapping.model import Source

if TYPE_CHECKING:
    from common.intake.batches import Batch


def mapped_rows(bronze: DataFrame, source: Source, schema: StructType, target: StructType) -> DataFrame:
    """Bronze rows, or such that lack the stamps, as the columns of ``target``, KEPT and ``read_error``.

    One row per element where the source says so, and WANTED where it has a filter.
    """
    source, target = with_filter(source, target)
    flat = with_extra(source, target)
    mapped = gathered(canonical(elements(raw_rows(bronze, source, schema), source), *flat), source)
    nothing = {field.name: F.lit(None).cast(field.dataType) for field in target if field.name not in mapped.columns}
    return mapped.withColumns({**nothing, "read_error": F.col("_reason")}).drop("_reason")


def schema_of(batch: Batch) -> StructType:
    """The raw columns of a batch."""
    return StructType.fromJson(json.loads(batch.raw_schema)) if batch.raw_schema else StructType([])


def wanted_rows(mapped: DataFrame, source: Source) -> tuple[DataFrame, int]:
    """Mapped rows without those that the filter of ``source`` leaves out, and how many these are."""
    if not source.where:
        return mapped, 0
    return mapped.where(~is_unwanted()).drop(WANTED), mapped.where(is_unwanted()).count()


def rows_read(bronze: DataFrame, source: Source, schema: StructType) -> int:
    """How many rows ``bronze`` must give.

    Counted where they came from, not where they went: what a judgement drops or doubles must show.
    """
    return number_of_rows(raw_rows(bronze, source, schema), source) if source.rows_from else bronze.count()
