"""Declarations of tables: the contract between the job that writes a table and its readers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pyspark.sql.types import DateType, StructType

Layer = Literal["bronze", "silver", "gold", "ops", "quarantine"]


@dataclass(frozen=True)
class Table:
    """One Delta table of the lake, lying at ``<lake root>/<layer>/<family>/<table>``.

    ``schema`` is the whole contract: names, types and nullability as published. ``keys`` identify a row.
    ``day_column`` (DATE, the partition column) is None for tables that are not written by day.
    ``cluster_by`` names columns to sort by inside files. ``personal_columns`` are kept out of Delta statistics,
    logs and reports. ``additive`` says whether new nullable columns may be added by a write.
    ``suite`` names the expectation suite under conf/expectations that gates publication.
    ``retention_days`` says how long rows are kept, by ``retention_column`` (DATE or TIMESTAMP; None: the day column);
    maintenance.maintain deletes older days. Both are table properties.
    ``is_owned`` is False for a table of another family, or from outside the suite: the schema is then no more than the
    columns relied upon, and the table is never written.
    """

    name: str
    layer: Layer
    schema: StructType
    keys: tuple[str, ...]
    day_column: str | None = None
    cluster_by: tuple[str, ...] = ()
    personal_columns: tuple[str, ...] = ()
    retention_days: int = 730
    retention_column: str | None = None
    deleted_files_retention_hours: int = 168
    additive: bool = True
    suite: str | None = None
    target_file_bytes: int = 128 * 1024 * 1024
    description: str = ""
    is_owned: bool = True

    def __post_init__(self) -> None:
        family, dot, table = self.name.partition(".")
        if not (family and dot and table) or "." in table:
            raise ValueError(f"a table is named <family>.<table>, not '{self.name}'")
        named = {*self.keys, *self.cluster_by, *self.personal_columns}
        if self.day_column is not None:
            named.add(self.day_column)
            if self.day_column in self.schema.names and self.schema[self.day_column].dataType != DateType():
                raise ValueError(f"{self.name}: the day column {self.day_column} must be a DATE")
        if self.retention_column is not None:
            named.add(self.retention_column)
        unknown = sorted(named - set(self.schema.names))
        if unknown:
            raise ValueError(f"{self.name}: not in the schema: {', '.join(unknown)}")

    @property
    def family(self) -> str:
        """The family that owns the table."""
        return self.name.partition(".")[0]

    @property
    def short_name(self) -> str:
        """The name without its family."""
        return self.name.partition(".")[2]

    @property
    def relative_path(self) -> str:
        """Where the table is below the lake root."""
        return f"{self.layer}/{self.family}/{self.short_name}"
