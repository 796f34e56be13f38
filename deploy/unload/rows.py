"""Rows of a Delta table on their way out: plain Arrow types, personal values masked as ``lakejobs show`` masks them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from common.errors import JobFailedError
from deploy.tables.masking import MASK, PSEUDONYM
from deploy.tables.show import answer_of, batches_of


@dataclass
class Outgoing:
    """The rows of ``columns`` that fulfil ``where``, of one version of a table.

    ``personal`` are the columns to mask; with ``has_pseudonyms`` a pseudonym is shown. Text is masked as ``***``; what
    has another type is masked as null. ``masked`` are the columns in which that has happened.
    """

    table: Any
    name: str
    columns: Sequence[str]
    where: str = ""
    personal: frozenset[str] = frozenset()
    has_pseudonyms: bool = False
    masked: set[str] = field(default_factory=set)

    def count(self) -> int:
        """How many rows there are to write."""
        query = "SELECT count(*) FROM stored" + (f" WHERE ({self.where})" if self.where else "")
        return sum(int(batch.column(0)[0].as_py()) for batch in answer_of(self.table, query, self.name))

    def schema(self) -> pa.Schema:
        """Names and plain types, in the order of the columns; not nullable where the table says so and no mask may."""
        fields = {one.name: one for one in pa.schema(self.table.schema().to_arrow())}
        return pa.schema(
            [
                pa.field(name, plain(fields[name].type), nullable=fields[name].nullable or name in self.personal)
                for name in self.columns
            ]
        )

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows, a batch at a time, with exactly ``schema``."""
        schema = self.schema()
        for batch in batches_of(self.table, self.columns, self.where, self.name):
            arrays = [self._shown(one.name, cast(batch.column(at), one.type)) for at, one in enumerate(schema)]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    def _shown(self, name: str, values: pa.Array) -> pa.Array:
        if name not in self.personal:
            return values
        hidden = pc.is_valid(values)
        if pa.types.is_string(values.type) and self.has_pseudonyms:
            hidden = pc.and_(hidden, pc.invert(pc.fill_null(pc.match_substring_regex(values, PSEUDONYM), False)))
        if not pc.any(hidden).as_py():
            return values
        self.masked.add(name)
        if not pa.types.is_string(values.type):
            return pa.nulls(len(values), values.type)
        return pc.if_else(hidden, pa.scalar(MASK), values)


def plain(kind: pa.DataType) -> pa.DataType:
    """A type without what only an engine uses: views, dictionaries, large offsets; times in microseconds."""
    if pa.types.is_dictionary(kind):
        return plain(kind.value_type)
    if pa.types.is_string_view(kind) or pa.types.is_large_string(kind):
        return pa.string()
    if pa.types.is_binary_view(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return pa.binary()
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", tz="UTC" if kind.tz else None)
    if pa.types.is_struct(kind):
        return pa.struct([one.with_type(plain(one.type)) for one in kind])
    if pa.types.is_map(kind):
        return pa.map_(plain(kind.key_type), plain(kind.item_type))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_list_view(kind):
        return pa.list_(pa.field("element", plain(kind.value_type), nullable=kind.value_field.nullable))
    return kind


def cast(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """Values as a plain type; nothing is done where they have it."""
    return values if values.type == kind else values.cast(kind)


def check_count(read: int, written: int) -> None:
    """Raises JobFailedError UNL-005 when not all rows have arrived."""
    if read != written:
        raise JobFailedError(
            "UNL-005",
            f"{written:,} rows were written, and the table has {read:,}.",
            remedy="Do not use the files. Run the command again; if it happens again, report it.",
        )
