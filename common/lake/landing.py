"""Raw files that a job makes for an ingest to take in: simulated feeds, exports for another system.

Files are written by the tasks, one day after another, each in one step and with the same bytes for the same rows; so a
rerun replaces what an earlier run wrote, and an ingest knows a file again by its content.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from common.days import DayRange
from common.errors import UsageError
from common.lake.storage.open import is_for_drivers_only, object_store

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from common.config.lake_settings import LakeSettings

_REPORT = "path string, rows bigint"


def write_landing(
    rows: DataFrame,
    settings: LakeSettings,
    folder: str,
    *,
    days: DayRange,
    day_column: str,
    order: Sequence[str],
    rows_per_file: int = 1_000_000,
) -> int:
    """Write ``rows`` as Parquet files ``<root>/<folder>/<day>-<number>.parquet`` and return how many rows.

    ``order`` must order the rows of a day totally: it makes the files reproducible. Files of ``days`` that the rows no
    longer fill are deleted; other days are left alone. A task holds ``rows_per_file`` rows at most. Raises UsageError
    LAK-001 for a lake on HDFS.
    """
    if is_for_drivers_only(settings.root):
        raise UsageError(
            "LAK-001",
            f"No files can be made below {settings.root}.",
            cause="They are written by the tasks, which have no client of HDFS.",
            remedy="Use a lake on S3 or in a folder.",
        )
    ordered = rows.repartition(day_column).sortWithinPartitions(day_column, *order)
    write = _writer(settings, folder, day_column, rows_per_file)
    written = {row["path"]: row["rows"] for row in ordered.mapInArrow(write, _REPORT).collect()}
    objects = object_store(settings.root, settings)
    owned = {str(day) for day in days}
    for entry in list(objects.list(f"{folder}/")):
        if entry.path.removeprefix(f"{folder}/")[:10] in owned and entry.path not in written:
            objects.delete(entry.path)
    return sum(written.values())


def _writer(
    settings: LakeSettings, folder: str, day_column: str, rows_per_file: int
) -> Callable[[Iterable[Any]], Iterator[Any]]:
    def write(batches: Iterable[Any]) -> Iterator[Any]:
        import pyarrow

        objects = object_store(settings.root, settings)
        for name, table in _files(batches, day_column, rows_per_file):
            path = f"{folder}/{name}.parquet"
            objects.write(path, _parquet(table))
            yield pyarrow.RecordBatch.from_pydict({"path": [path], "rows": [table.num_rows]})

    return write


def _files(batches: Iterable[Any], day_column: str, rows_per_file: int) -> Iterator[tuple[str, Any]]:
    """``<day>-<number>`` and the rows of each file, from batches in the order of their days."""
    import pyarrow
    import pyarrow.compute as pc

    held: list[Any] = []
    day, number, count = None, 0, 0
    for batch in batches:
        whole = pyarrow.Table.from_batches([batch])
        for value in pc.unique(whole[day_column]).to_pylist():
            part = whole.filter(pc.equal(whole[day_column], pyarrow.scalar(value, whole[day_column].type)))
            if value != day:
                if count:
                    yield f"{day}-{number:04d}", pyarrow.concat_tables(held)
                day, number, held, count = value, 0, [], 0
            while part.num_rows:
                taken = part.slice(0, rows_per_file - count)
                held.append(taken)
                count += taken.num_rows
                part = part.slice(taken.num_rows)
                if count == rows_per_file:
                    yield f"{day}-{number:04d}", pyarrow.concat_tables(held)
                    number, held, count = number + 1, [], 0
    if count:
        yield f"{day}-{number:04d}", pyarrow.concat_tables(held)


def _parquet(table: Any) -> bytes:
    import pyarrow.parquet as pq

    body = io.BytesIO()
    pq.write_table(table.combine_chunks(), body, compression="zstd")
    return body.getvalue()
