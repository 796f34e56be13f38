"""``lakejobs show TABLE``: rows of a Delta table, without a JVM."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from common.errors import UsageError
from common.words import did_you_mean
from deploy.tables.contracts import contracts
from deploy.tables.lakes import add_lake_flags, delta_library, first_line, lake_of, parsed, readable
from deploy.tables.masking import Mask
from deploy.tables.printing import note_of_masks, print_rows

_DEFAULT_LIMIT = 20


def main(arguments: Sequence[str]) -> int:
    """Command line: ``lakejobs show TABLE [--where SQL] [--columns A,B] [--limit N] [-o text|json|csv] [--clear]``.

    Returns the exit code.
    """
    parser = argparse.ArgumentParser(prog="lakejobs show", description="Print rows of a Delta table.")
    parser.add_argument("table", help="<family>.<table>, as `lakejobs tables` lists it")
    add_lake_flags(parser)
    parser.add_argument("--where", default="", metavar="SQL", help="a condition, e.g. \"event_date = '2026-11-20'\"")
    parser.add_argument("--columns", default="", metavar="A,B", help="only these columns")
    parser.add_argument("--limit", type=int, default=_DEFAULT_LIMIT, metavar="N", help="rows; 0: all; default: 20")
    parser.add_argument("--clear", action="store_true", help="show personal columns as they are stored")
    parser.add_argument("-o", "--output", choices=("text", "json", "csv"), default="text", help="default: text")
    options = parsed(parser, arguments)
    if options.limit < 0 or (options.limit == 0 and options.output == "text"):
        raise UsageError(
            "CLI-002", f"--limit {options.limit} is not allowed.", remedy="Give a number; all rows need -o csv or json."
        )
    table = lake_of(options).open(options.table)
    columns = columns_of(options.columns, [field.name for field in table.schema().fields], options.table)
    contract = contracts().get(options.table)
    mask = Mask(contract.personal, contract.has_pseudonyms) if contract and not options.clear else Mask()
    rows = selected(table, columns, options.where, options.limit, options.table)
    count = print_rows(map(mask.applied, rows), columns, options.output)
    notes = [note_of_masks([name for name in columns if name in mask.used])] if mask.used else []
    if contract is None:
        notes.append("The suite does not declare this table: no column is masked.")
    if options.limit and count == options.limit:
        notes.append(f"Only the first {count} rows found are shown; --limit shows more.")
    if not count:
        notes.append("No rows.")
    for note in notes:
        print(note, file=sys.stderr)
    return 0


def columns_of(asked: str, there: Sequence[str], table: str) -> list[str]:
    """The columns of ``--columns``, or all. Raises UsageError TBL-002 for one that is not there."""
    names = [name.strip() for name in asked.split(",") if name.strip()]
    for name in names:
        if name not in there:
            raise UsageError(
                "TBL-002",
                f"{table} has no column '{name}'.{did_you_mean(name, there)}",
                remedy=f"Its columns are {', '.join(there)}.",
            )
    return names or list(there)


def selected(table: Any, columns: Sequence[str], where: str, limit: int, name: str) -> Iterator[dict[str, Any]]:
    """Rows as name -> value, read as they are asked for; see ``batches_of``."""
    for batch in batches_of(table, columns, where, name, limit=limit):
        yield from _rows(batch)


def batches_of(table: Any, columns: Sequence[str], where: str, name: str, *, limit: int = 0) -> Iterator[Any]:
    """Arrow batches of a table, read as they are asked for; partitions and files that ``where`` rules out are not read.

    Raises UsageError TBL-002 when ``where`` is not a condition over the columns.
    """
    names = ", ".join(quoted(column) for column in columns)
    query = f"SELECT {names} FROM stored"
    query += f" WHERE ({where})" if where else ""
    query += f" LIMIT {limit}" if limit else ""
    return answer_of(table, query, name)


def answer_of(table: Any, query: str, name: str) -> Iterator[Any]:
    """Arrow batches of a query over the table ``stored``. Raises UsageError TBL-002 when it cannot be planned."""
    import pyarrow as pa

    builder = delta_library().QueryBuilder().register("stored", table)
    try:
        batches = builder.execute(query)
    except Exception as error:  # the library raises several classes for a query that cannot be planned
        raise UsageError(
            "TBL-002",
            f"--where is not a condition over the columns of {name}.",
            cause=first_line(error),
            remedy="Write SQL such as \"item_id = 'A1' AND quantity > 2\"; text goes into single quotes.",
        ) from error
    with readable(name):
        for batch in batches:
            yield pa.record_batch(batch)


def quoted(column: str) -> str:
    """A column's name in SQL."""
    doubled = column.replace('"', '""')
    return f'"{doubled}"'


def _rows(batch: Any) -> Iterator[dict[str, Any]]:
    import pyarrow as pa

    values = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        # As text: a table may hold years that Python has no date for.
        temporal = pa.types.is_timestamp(column.type) or pa.types.is_date(column.type)
        values[name] = _moments(column) if temporal else column.to_pylist()
    names = list(values)
    for row in zip(*values.values(), strict=True):
        yield dict(zip(names, row, strict=True))


def _moments(column: Any) -> list[str | None]:
    import pyarrow as pa

    is_time = pa.types.is_timestamp(column.type)
    zone = "Z" if is_time and column.type.tz else ""
    plain = column.cast(pa.timestamp("us")) if is_time else column
    return [
        None if text is None else f"{text.removesuffix('.000000')}{zone}"
        for text in plain.cast(pa.string()).to_pylist()
    ]
