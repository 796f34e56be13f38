"""The rows of a check as Spark maps them: the reader and the mapping of the ingests themselves, on local Spark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F
from pyspark.sql.types import TimestampType

from common.config.lake_settings import LakeSettings
from common.sources.files.csv_dialect import names_in
from common.sources.files.inventory import FileInventory, InspectedFile
from common.sources.files.locations import FileOpener
from common.sources.mapping.canonical import canonical
from common.sources.mapping.elements import WANTED, elements, is_unwanted, with_filter
from common.sources.mapping.model import Source
from common.sources.rows.reading import read_raw
from common.spark.session import open_session
from deploy.feeds.mapped import MappedRow
from deploy.feeds.records import FileRecords, Record
from deploy.feeds.targets import Target

if TYPE_CHECKING:
    from pyspark.sql import Row

_UNREAD = "SRC-301 cannot be read: "
_SHOWN = 100


def spark_rows(
    files: Sequence[InspectedFile], source: Source, target: Target, settings: LakeSettings, rows: int
) -> tuple[list[MappedRow], bool]:
    """The first rows of some files, mapped by Spark, and whether these are all; ends the session that it opened."""
    from pyspark.sql import SparkSession

    if not files:
        return [], True
    before = SparkSession.getActiveSession()
    spark = before or open_session(settings, "lakejobs source check")
    try:
        raw = elements(read_raw(spark, FileInventory(tuple(files)), source, settings), source)
        mapped = canonical(raw, *with_filter(source, target.schema))
        if source.where:
            mapped = mapped.where(~is_unwanted("_reason")).drop(WANTED)
        names = [name for name in target.schema.names if name in mapped.columns]
        times = {field.name for field in mapped.schema if isinstance(field.dataType, TimestampType)}
        # As text: a row may claim a year that Python has no date for.
        shown = [F.col(name).cast("string").alias(name) if name in times else F.col(name) for name in mapped.columns]
        collected = mapped.select(*shown).limit(rows + 1).collect()
    finally:
        if before is None:
            spark.stop()
    found = sorted(
        (_mapped(row, names, times) for row in collected[:rows]), key=lambda row: (row.record.file, row.record.line)
    )
    return _with_records(found, files, source, settings), len(collected) <= rows


def _mapped(row: Row, names: Sequence[str], times: set[str]) -> MappedRow:
    cells: dict[str, Any] = row.asDict()
    reason = cells["_reason"] or ""
    unread = tuple(reason.removeprefix(_UNREAD).split(", ")) if reason.startswith(_UNREAD) else ()
    name = str(cells["_file"]).rpartition("/")[2]
    record = Record(name, cells["_line"] or 0, cells["_raw"] or "", {}, "" if unread else reason)
    values = {column: value for column, value in cells.items() if column in names}
    for column in times & set(values):
        values[column] = _moment(values[column])
    return MappedRow(record, {} if record.reason else values, unread)


def _moment(text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None
    except ValueError:
        return None


def _with_records(
    rows: list[MappedRow], files: Sequence[InspectedFile], source: Source, settings: LakeSettings
) -> list[MappedRow]:
    """The rows to be shown, the first and the faulty ones, with the raw columns that their expressions read."""
    wanted = {(row.record.file, row.record.line) for row in rows[:_SHOWN]}
    faulty = [row for row in rows if row.reason]
    wanted |= {(row.record.file, row.record.line) for row in faulty[:_SHOWN]}
    raw: dict[tuple[str, int], Mapping[str, Any]] = {}
    opener = FileOpener(settings)
    for file in files:
        last = max((line for name, line in wanted if name == file.found().name), default=0)
        for record in FileRecords(file, source, opener) if last else ():
            if record.line > last:
                break
            if (record.file, record.line) in wanted:
                raw[record.file, record.line] = record.values
    words = {name: names_in([mapping.expr]) for name, mapping in source.columns.items()}
    return [_given(row, raw.get((row.record.file, row.record.line), {}), words) for row in rows]


def _given(row: MappedRow, values: Mapping[str, Any], words: Mapping[str, frozenset[str]]) -> MappedRow:
    given = {
        column: [(name, "-" if values[name] is None else str(values[name])) for name in values if name.lower() in named]
        for column, named in words.items()
    }
    return replace(row, record=replace(row.record, values=values), given=given)
