"""Records of files to bronze, and the files that changed meanwhile: what was read of them is nobody's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from common.intake.bronze import merged_schema, raw_schema, sent_rows, stamped
from common.intake.cards import without_card_numbers
from common.intake.mapped import mapped_rows
from common.run.failures import explain
from common.sources.files.inventory import FileInventory
from common.sources.files.locations import each_file
from common.sources.rows.reading import read_raw

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

    from common.intake.batches import Batch, BatchLog
    from common.intake.feed import Feed, Taken
    from common.run.context import RunContext
    from common.sources.files.inventory import InspectedFile
    from common.sources.mapping.model import Source

_READING = "while files were read"


def write_records(
    context: RunContext,
    feed: Feed,
    source: Source,
    log: BatchLog,
    batch: Batch,
    files: Sequence[InspectedFile],
    schemas: Sequence[StructType] = (),
) -> Batch:
    """Write a batch down as begun, then the records of ``files`` to bronze. ``schemas``: of what is there already."""
    sent = None
    if files:
        raw = read_raw(context.spark, FileInventory(tuple(files)), source, context.settings)
        schemas, sent = [*schemas, raw_schema(raw)], sent_rows(raw, source)
    schema = merged_schema(schemas)
    batch = log.save(replace(batch, raw_schema=schema.json()))
    context.fault("ingest.begun")
    if sent is not None:

        def records(rows: DataFrame) -> DataFrame:
            """The records with what the mapping makes of each, or of each of its elements."""
            return mapped_rows(rows, source, schema, feed.target)

        clean_of = without_card_numbers(context, sent, records, feed.identifiers, source.rows_from or "")
        with reading(), clean_of as clean:
            rows = stamped(clean, batch_id=batch.batch_id, ingested_at=batch.ingested_at)
            context.lake.append_once(feed.bronze, rows, batch_id=batch.batch_id)
    context.fault("ingest.bronze_written")
    return batch


@contextmanager
def reading() -> Iterator[None]:
    """Marks whatever fails within as a failure to read files, for ``thoroughly``."""
    try:
        yield
    except Exception as error:
        error.add_note(_READING)
        raise


def thoroughly(take: Callable[[bool], Taken], source: Source | None) -> Taken:
    """``take(False)``; when Spark could not read parquet files, ``take(True)``, which finds those that are damaged."""
    try:
        return take(False)
    except Exception as error:
        is_of_files = _READING in getattr(error, "__notes__", ()) and explain(error).code == "SPK-001"
        if source is None or source.format != "parquet" or not is_of_files:
            raise
    return take(True)


def changed_since(context: RunContext, files: Sequence[InspectedFile]) -> set[str]:
    """The contents of those ``files`` that have another size or time of change than when they were looked at.

    Their records may be those of another content. A file that is gone was whole when it was read.
    """
    if not files or context.input_path is None:
        return set()
    now = {
        file.full_path(context.settings): (file.bytes, file.modified)
        for file in each_file(context.input_path, context.settings)
    }
    return {
        file.sha256 for file in files if now.get(file.path, (file.bytes, file.modified)) != (file.bytes, file.modified)
    }
