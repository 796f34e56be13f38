"""What was sent for a rejected row: the record that lies in bronze, by file content and line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from common.errors import InputMissingError, JobFailedError
from common.intake.batches import Batch, BatchLog
from common.job.catalogue import load_job
from common.job.references import attribute
from common.lake.table import Table
from common.sources.files.csv_dialect import names_in
from deploy.tables.lakes import LookedAt, delta_library, readable
from deploy.tables.masking import MASK, masked_text
from deploy.tables.printing import text_of

Place = tuple[str, int]
"""SHA-256 of a file's content, and a line of it."""


@dataclass(frozen=True)
class Sent:
    """One record, or the text of a line that is none, with the mapping by which it was judged.

    ``mapping`` are the expressions of canonical columns and of free ones; the latter are named in ``free``.
    """

    record: Mapping[str, Any] | None
    line: str
    mapping: Mapping[str, str] = field(default_factory=dict)
    personal: frozenset[str] = frozenset()
    free: frozenset[str] = frozenset()

    def text_for(self, columns: Sequence[str]) -> str:
        """The raw fields of some canonical columns, or of all, as ``name=text``; personal ones are hidden."""
        if self.record is None:
            return masked_text(self.line)
        named = [name for name in columns if name in self.mapping]
        # A field that was empty is not in the record: the others then show which row it is.
        shown = self._shown(named) or self._shown(list(self.mapping))
        return ", ".join(f"{name}={text}" for name, text in shown.items())

    def _shown(self, columns: Sequence[str]) -> dict[str, str]:
        hidden = self._read_by(self.personal & set(self.mapping))
        # A free column is personal, but it may be made of a field that is known not to be.
        hidden |= self._read_by(self.free) - self._read_by(set(self.mapping) - self.personal - self.free)
        values = {name: (self.record or {})[name] for column in columns for name in self._fields_of(column)}
        return {
            name: MASK if name in hidden and value is not None else masked_text(text_of(value))
            for name, value in values.items()
        }

    def _read_by(self, columns: Iterable[str]) -> set[str]:
        return {name for one in columns for name in self._fields_of(one)}

    def _fields_of(self, column: str) -> list[str]:
        words = names_in([self.mapping[column]])
        return [name for name in self.record or () if name.lower() in words]


def sent_records(lake: LookedAt, job: str, rows: Sequence[Mapping[str, Any]]) -> dict[Place, Sent]:
    """What was sent for quarantined rows, as far as bronze still holds it; at most one record per row."""
    places = {(row["source_sha256"], row["source_line"]) for row in rows if _has_place(row)}
    if not places:
        return {}
    bronze, silver = _tables_of(job)
    log = BatchLog(lake.objects, silver.name)
    batches = {name: log.batch(name) for name in {row["batch_id"] for row in rows if row.get("batch_id")}}
    known = [batch for batch in batches.values() if batch is not None]
    by_place = {
        (row["source_sha256"], row["source_line"]): batches.get(row["batch_id"]) for row in rows if _has_place(row)
    }
    personal = frozenset({*silver.personal_columns, *_addresses(job)})
    found: dict[Place, Sent] = {}
    for place, stored in _stored(lake, bronze, places, known).items():
        batch = by_place.get(place)
        record = json.loads(stored["record"]) if stored["record"] else None
        is_record = isinstance(record, dict)
        line = stored["line"] or stored["record"] or ""
        found[place] = Sent(record if is_record else None, line, _mapping(batch), personal, _free(batch))
    return found


def _has_place(row: Mapping[str, Any]) -> bool:
    return bool(row.get("source_sha256")) and row.get("source_line") is not None and bool(row.get("batch_id"))


def _tables_of(job: str) -> tuple[Table, Table]:
    """The bronze and the silver table of an ingest."""
    tables = [attribute(written) for written in load_job(*job.split(".")).writes]
    return next(one for one in tables if one.layer == "bronze"), next(one for one in tables if one.layer == "silver")


def _addresses(job: str) -> frozenset[str]:
    from deploy.feeds.targets import JOBS, target_of

    return target_of(job).personal if job in JOBS else frozenset()


def _mapping(batch: Batch | None) -> dict[str, str]:
    source = batch.source if batch else {}
    columns = {**source.get("columns", {}), **source.get("extra", {})}
    return {name: one["expr"] if isinstance(one, Mapping) else str(one) for name, one in columns.items()}


def _free(batch: Batch | None) -> frozenset[str]:
    return frozenset(batch.source.get("extra", {}) if batch else ())


def _stored(
    lake: LookedAt, bronze: Table, places: set[Place], batches: Sequence[Batch]
) -> dict[Place, Mapping[str, Any]]:
    """The bronze rows of some places; only the days on which the batches were read are looked at."""
    import pyarrow as pa

    days = sorted({file.ingest_date for batch in batches for file in batch.files})
    contents = ", ".join(f"'{sha256}'" for sha256 in sorted({sha256 for sha256, _ in places}) if sha256.isalnum())
    lines = ", ".join(str(int(line)) for line in sorted({line for _, line in places}))
    where = f"_file_sha256 IN ({contents}) AND _line IN ({lines})"
    if days:
        where += f" AND ingest_date BETWEEN '{days[0]}' AND '{days[-1]}'"
    query = f"SELECT record, line, _file_sha256, _line FROM bronze WHERE {where}"
    try:
        table = lake.open(bronze.name)
        with readable(bronze.name):
            batch = pa.table(delta_library().QueryBuilder().register("bronze", table).execute(query).read_all())
    except (InputMissingError, JobFailedError):
        # Bronze has its own, shorter retention, and older ones had other columns.
        return {}
    rows = ((row["_file_sha256"], row["_line"], row) for row in batch.to_pylist())
    return {(sha256, line): row for sha256, line, row in rows if (sha256, line) in places}
