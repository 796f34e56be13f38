"""Rows on a terminal, as csv and as JSON lines."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from deploy.tables.masking import MASK

Row = Mapping[str, Any]
_WIDEST = 60
_GAP = "  "


def text_of(value: Any) -> str:
    """A value in one line: times in ISO form, ``-`` for null, structures as JSON."""
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return moment_text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, (Mapping, list, tuple)):
        return json.dumps(value, default=plain, ensure_ascii=False)
    return " ".join(str(value).split("\n"))


def moment_text(value: datetime) -> str:
    """A time in ISO form, ``Z`` for UTC, without a fraction of zeros."""
    return value.isoformat(sep=" ").replace("+00:00", "Z")


def plain(value: Any) -> Any:
    """A value as JSON takes it: exact numbers and times as text."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


def aligned(columns: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[str] = ()) -> list[str]:
    """A table in lines: a header, then a line per row; columns named in ``numbers`` are set to the right."""
    body = [[_cut(cell) for cell in row] for row in rows]
    widths = [max([len(name), *(len(row[at]) for row in body)]) for at, name in enumerate(columns)]
    right = [name in numbers for name in columns]
    lines = []
    for row in [list(columns), *body]:
        cells = [
            cell.rjust(width) if is_right else cell.ljust(width)
            for cell, width, is_right in zip(row, widths, right, strict=True)
        ]
        lines.append(_GAP.join(cells).rstrip())
    return lines


def _cut(text: str) -> str:
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"


def print_rows(rows: Iterable[Row], columns: Sequence[str], output: str, width: int | None = None) -> int:
    """Print rows as ``text``, ``csv`` or ``json`` (one object per line); how many there were.

    As text, a table that is too wide for the terminal is printed row by row, one line per value; null values are then
    left out.
    """
    if output == "csv":
        return _print_csv(rows, columns)
    if output == "json":
        count = 0
        for count, row in enumerate(rows, start=1):  # noqa: B007 - the count is the result
            print(json.dumps({name: row.get(name) for name in columns}, default=plain, ensure_ascii=False))
        return count
    found = list(rows)
    texts = [[text_of(row.get(name)) for name in columns] for row in found]
    lines = aligned(columns, texts)
    if max(map(len, lines)) <= (width or shutil.get_terminal_size((160, 24)).columns):
        print("\n".join(lines))
    else:
        _print_blocks(columns, texts)
    return len(found)


def _print_blocks(columns: Sequence[str], texts: Sequence[Sequence[str]]) -> None:
    widest = max(map(len, columns), default=0)
    for number, row in enumerate(texts, start=1):
        print(f"--- {number}")
        for name, text in zip(columns, row, strict=True):
            if text != "-":
                print(f"{name:<{widest}}  {text}")


def _print_csv(rows: Iterable[Row], columns: Sequence[str]) -> int:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    count = 0
    for row in rows:
        writer.writerow(["" if row.get(name) is None else text_of(row.get(name)) for name in columns])
        count += 1
    return count


def note_of_masks(columns: Sequence[str]) -> str:
    """The sentence that says which columns were hidden."""
    return f"{', '.join(columns)} may hold personal data: shown as {MASK}, --clear shows the values."
