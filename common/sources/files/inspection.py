"""The inspection of raw files before anything is read from them: by Spark tasks, each file streamed once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from common.sources.files.damage import damage_of
from common.sources.files.inventory import FileInventory, InspectedFile, seen_together
from common.sources.files.locations import FileOpener, FoundFile, find_files
from common.sources.files.scanning import Scan, scan
from common.sources.mapping.model import Source
from common.spark.few_rows import few_rows
from common.spark.input_size import note_input

if TYPE_CHECKING:
    from common.config.lake_settings import LakeSettings

_SCHEMA = pa.schema(
    [
        ("position", pa.int64()),
        ("sha256", pa.string()),
        ("lines", pa.int64()),
        ("longest_line_bytes", pa.int64()),
        ("deepest_nesting", pa.int64()),
        ("undecodable_lines", pa.int64()),
        ("layout", pa.string()),
        ("compression", pa.string()),
        ("plain", pa.bool_()),
        ("spans_lines", pa.bool_()),
        ("range_lines", pa.list_(pa.int64())),
        ("reason", pa.string()),
    ]
)
_DDL = (
    "position bigint, sha256 string, lines bigint, longest_line_bytes bigint, deepest_nesting bigint, "
    "undecodable_lines bigint, layout string, compression string, plain boolean, "
    "spans_lines boolean, range_lines array<bigint>, reason string"
)
_TASK_BYTES = 256 << 20
_TASK_FILES = 200
# A row takes at least so many bytes once it is unpacked; Parquet may store a million rows in as many bits.
_ROW_BYTES = 32


def inspect(
    spark: SparkSession, location: str, source: Source, settings: LakeSettings, *, thorough: bool = False
) -> FileInventory:
    """Every file at ``location``, read through once by the tasks of one Spark job.

    ``thorough``: each page of parquet is unpacked as well, which tells damage that the footer does not (SRC-109).
    The driver holds one small entry a file. Whether bad files stop the run is ``FileInventory.enforce``'s to say.
    Raises InputMissingError SRC-007 when there is no file.
    """
    files = find_files(location, settings, source.ignore_files)
    stored_bytes = sum(file.bytes for file in files)
    note_input(spark, stored_bytes)
    bins = _bins(files)

    def look(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        opener = FileOpener(settings)
        for batch in batches:
            for number in batch.column(0).to_pylist():
                for position in bins[number]:
                    scanned = _scan(files[position], source, opener)
                    if thorough and source.format == "parquet" and scanned.reason is None:
                        scanned.reason = damage_of(files[position], opener)
                    found = {"position": position, **asdict(scanned)}
                    yield pa.RecordBatch.from_pylist([found], schema=_SCHEMA)

    rows = spark.range(0, len(bins), 1, len(bins)).mapInArrow(look, _DDL).collect()
    found = {row["position"]: row.asDict() for row in rows}
    note_input(spark, max(0, _ROW_BYTES * sum(row["lines"] for row in rows) - stored_bytes))
    inspected = []
    for position, file in enumerate(files):
        values = found[position]
        del values["position"]
        values["range_lines"] = tuple(values["range_lines"])
        inspected.append(
            InspectedFile(
                path=file.full_path(settings), bytes=file.bytes, modified=file.modified, source_file=file, **values
            )
        )
    return FileInventory(seen_together(inspected, source))


def _scan(file: FoundFile, source: Source, opener: FileOpener) -> Scan:
    if source.format == "parquet" and ":" in file.name and "://" not in file.root.removeprefix("file://"):
        # Hadoop takes what stands before the colon for the scheme of a checksum file.
        return Scan(reason="SRC-111 parquet on a local disk cannot be read under a name with a colon: rename the file")
    try:
        with opener.open(file) as stream:
            return scan(stream, file.path, file.bytes, source)
    except FileNotFoundError:
        return Scan(reason="SRC-110 the file vanished after it was listed")


def _bins(files: Sequence[FoundFile]) -> list[list[int]]:
    """Positions of files, grouped into tasks: many small files together, a large one alone, large ones first."""
    bins: list[list[int]] = []
    filled = 0
    for position in sorted(range(len(files)), key=lambda number: (-files[number].bytes, number)):
        size = files[position].bytes
        if not bins or filled + size > _TASK_BYTES or len(bins[-1]) >= _TASK_FILES:
            bins.append([])
            filled = 0
        bins[-1].append(position)
        filled += size
    return bins


def bad_file_rows(spark: SparkSession, files: FileInventory) -> DataFrame:
    """The bad files as rows for the quarantine: ``_file, _file_sha256, _raw`` (null), ``reasons array<string>``."""
    rows = [(file.path, file.sha256 or None, None, [file.reason]) for file in files.bad]
    found = few_rows(spark, rows, "_file string, _file_sha256 string, _raw string, reasons array<string>")
    return found.coalesce(1)  # one file of the quarantine, not one a row
