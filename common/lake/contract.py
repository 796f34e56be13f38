"""The schema contract: what a frame, and the table on storage, must look like before a write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql.types import ArrayType, DataType, MapType, StructField, StructType

from common.errors import ContractError
from common.lake.table import Table


@dataclass(frozen=True)
class Difference:
    """One line of a contract diff: the column, what the contract says, what was found."""

    column: str
    expected: str
    found: str


def shape(kind: DataType) -> str:
    """A type as text without nullability and metadata, which frames only guess at: ``array<struct<a:int>>``."""
    if isinstance(kind, StructType):
        return f"struct<{','.join(f'{field.name}:{shape(field.dataType)}' for field in kind.fields)}>"
    if isinstance(kind, ArrayType):
        return f"array<{shape(kind.elementType)}>"
    if isinstance(kind, MapType):
        return f"map<{shape(kind.keyType)},{shape(kind.valueType)}>"
    return kind.simpleString()


def differences(expected: StructType, found: StructType) -> list[Difference]:
    """How ``found`` departs from ``expected``: missing, unexpected, other type, same name in another case."""
    lines = []
    by_name = {field.name: field for field in found.fields}
    lowered: dict[str, list[str]] = {}
    for name in found.names:
        lowered.setdefault(name.lower(), []).append(name)
    for names in lowered.values():
        if len(names) > 1:
            lines.append(Difference(names[0], "one column", f"{len(names)}: {', '.join(names)}"))
    for field in expected.fields:
        other = by_name.get(field.name)
        if other is None:
            near = [name for name in lowered.get(field.name.lower(), []) if name != field.name]
            lines.append(Difference(field.name, shape(field.dataType), f"named {near[0]}" if near else "missing"))
        elif shape(other.dataType) != shape(field.dataType):
            lines.append(Difference(field.name, shape(field.dataType), shape(other.dataType)))
    known = {name.lower() for name in expected.names}
    for name in found.names:
        if name.lower() not in known:
            lines.append(Difference(name, "not in the contract", shape(by_name[name].dataType)))
    return lines


def check_rows(table: Table, schema: StructType) -> None:
    """Raise ContractError LAK-002 with the diff unless a frame of this schema has exactly the contract's columns.

    Raises ValueError for a table that belongs to another family.
    """
    if not table.is_owned:
        raise ValueError(f"{table.name} belongs to another family: it is read here, never written")
    lines = differences(table.schema, schema)
    if lines:
        raise _clash(table, "The rows do not match the contract", lines, "Cast and select the columns of the contract.")


def additions(table: Table, stored: StructType) -> list[StructField]:
    """The columns that the contract has and the stored table lacks: added by an explicit ALTER before the write.

    Raises ContractError LAK-002 when the stored table differs in any other way, when a new column is not nullable, or
    when the table's declaration does not allow additions.
    """
    lines = differences(table.schema, stored)
    if not table.is_owned:
        lines = [line for line in lines if line.expected != "not in the contract"]
    clashes = [line for line in lines if line.found != "missing"]
    if clashes:
        remedy = "Migrate the table, or create a new one; types are never narrowed or changed in place."
        raise _clash(table, "The stored table does not match the contract", clashes, remedy)
    new = [table.schema[line.column] for line in lines]
    refused = [field for field in new if not (field.nullable and table.additive)]
    if refused:
        why = "nullable" if table.additive else "declared additive"
        raise _clash(
            table,
            "The stored table lacks columns of the contract that cannot be added",
            [Difference(field.name, shape(field.dataType), f"missing, and not {why}") for field in refused],
            "Make the new columns nullable and the table additive, or write a migration.",
        )
    return new


def now_optional(table: Table, stored: StructType) -> list[str]:
    """The columns that the contract lets be null, and the stored table does not."""
    required = {field.name for field in stored if not field.nullable}
    return [field.name for field in table.schema if field.nullable and field.name in required]


def _clash(table: Table, sentence: str, lines: Sequence[Difference], remedy: str) -> ContractError:
    return ContractError("LAK-002", f"{sentence} of {table.name}.", cause=f"\n{diff_table(lines)}", remedy=remedy)


def diff_table(lines: Sequence[Difference]) -> str:
    """The diff as text in three columns."""
    rows = [("column", "expected", "found"), *((line.column, line.expected, line.found) for line in lines)]
    widths = [max(len(row[n]) for row in rows) for n in range(2)]
    return "\n".join(f"  {row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]}" for row in rows)
