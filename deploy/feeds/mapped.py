"""Records of raw files as canonical rows, without Spark, as the ingest would map them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pyspark.sql.types import DataType

from common.errors import UsageError
from common.sources.mapping.conversion import FINITE, READS
from common.sources.mapping.fit import lacking_of
from common.sources.mapping.model import Source
from common.words import did_you_mean
from deploy.feeds.casts import BadValueError, NeedsSparkError
from deploy.feeds.expressions import Evaluator, compiled
from deploy.feeds.records import FileRecords, Record
from deploy.feeds.targets import Target
from deploy.feeds.values import converted, is_given

# Where a row is from, for feeds without ids.
_ORIGIN = ("_file", "_file_sha256", "_line")


@dataclass(frozen=True)
class MappedRow:
    """One record with its canonical values; ``unread`` are the columns whose value could not be read, ``given`` the
    raw columns that each expression reads, with their text.
    """

    record: Record
    values: Mapping[str, Any]
    unread: tuple[str, ...] = ()
    given: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        """Why the row could not be read, empty if it could."""
        return self.record.reason or (f"SRC-301 cannot be read: {', '.join(self.unread)}" if self.unread else "")


@dataclass(frozen=True)
class _Column:
    name: str
    evaluate: Evaluator
    read: tuple[str, ...]
    wanted: DataType
    reads: str


class SourceMapping:
    """A source applied to records of files that have ``columns`` between them; one that a file lacks is null there.

    ``raw`` are these columns, each once whatever its case, ``read`` those that expressions read, in lower case.
    ``needs_spark`` holds, by canonical column, why it is not evaluated here. Raises UsageError SRC-004 when an
    expression names no raw column.
    """

    def __init__(self, source: Source, target: Target, columns: Sequence[str]) -> None:
        self._source, self._target = source, target
        self.needs_spark: dict[str, str] = {}
        self.read: set[str] = set()
        self._spelling: dict[str, str] = {}
        for name in columns:
            self._spelling.setdefault(name.lower(), name)
        self.raw = list(self._spelling.values())
        self._columns = list(self._compile([*self.raw, *lacking_of(source, self.raw), *_ORIGIN]))

    def rows(self, records: FileRecords) -> Iterator[MappedRow]:
        """The records of one file as rows."""
        # Another file may spell a column in another case.
        spelling = {name: self._spelling[name.lower()] for name in records.columns}
        for record in records:
            if record.reason:
                yield MappedRow(record, {})
                continue
            values = {spelling[name]: value for name, value in record.values.items()}
            values |= {"_line": record.line, **records.origin}
            yield self._mapped(replace(record, values=values), self._columns)

    def _compile(self, names: Sequence[str]) -> Iterator[_Column]:
        for name, mapping in self._source.columns.items():
            try:
                evaluate, read = compiled(mapping.expr, names)
            except KeyError as error:
                missing = str(error.args[0])
                raise UsageError(
                    "SRC-004",
                    f"Source {self._source.name}: the expression of '{name}' cannot be used."
                    f"{did_you_mean(missing, names)}",
                    cause=f"{mapping.expr}: there is no raw column '{missing}'.",
                    remedy=f"The raw columns are {', '.join(self.raw)}.",
                ) from error
            except NeedsSparkError as error:
                self.needs_spark[name] = str(error)
                # What cannot be evaluated may still name its columns.
                self.read |= {one.lower() for one in names if one.lower() in mapping.expr.lower()}
                continue
            self.read |= read
            by_lower = {one.lower(): one for one in names}
            field = self._target.schema[name]
            given = tuple(by_lower[one] for one in sorted(read))
            yield _Column(name, evaluate, given, field.dataType, field.metadata.get(READS, ""))

    def _mapped(self, record: Record, columns: Sequence[_Column]) -> MappedRow:
        values: dict[str, Any] = {}
        unread: list[str] = []
        for column in columns:
            if column.name in self.needs_spark:
                continue
            try:
                given = column.evaluate(record.values)
                mapping = self._source.columns[column.name]
                given = None if column.reads == FINITE and given != given else given
                value = converted(given, column.wanted, mapping, self._source, column.reads)
                value = None if column.reads == FINITE and value is not None and math.isinf(value) else value
            except BadValueError:
                values[column.name] = None
                unread.append(column.name)
                continue
            except NeedsSparkError as error:
                self.needs_spark[column.name] = str(error)
                continue
            except (TypeError, ValueError, AttributeError, LookupError, ArithmeticError):
                # A guess would be worse: what Spark makes of such a value is not known here.
                self.needs_spark[column.name] = "a value of a kind that is not known here"
                continue
            values[column.name] = value
            if value is None and is_given(given, column.wanted):
                unread.append(column.name)
        return MappedRow(record, values, tuple(unread), {one.name: _given(record, one.read) for one in columns})


def _given(record: Record, names: Sequence[str]) -> list[tuple[str, str]]:
    return [(name, "-" if record.values.get(name) is None else str(record.values[name])) for name in names]
