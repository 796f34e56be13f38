"""Names of csv columns, from the header line of a file."""

from __future__ import annotations

import csv
from collections.abc import Mapping


def csv_names(header: str, options: Mapping[str, str]) -> list[str]:
    """The column names that a csv header line holds, blanks around them taken off."""
    quote = options.get("quote", '"') or None
    separator = options.get("sep", ",").replace("\\t", "\t")
    if quote is None:
        return [name.strip() for name in header.split(separator)]
    return [name.strip() for name in next(csv.reader([header], delimiter=separator, quotechar=quote))]


def fault_of_names(names: list[str]) -> str | None:
    """Why these cannot be the columns of a file: an empty name, or two that differ only in case."""
    if not all(names):
        return "a column without a name"
    lower = [name.lower() for name in names]
    twice = sorted({name for name in names if lower.count(name.lower()) > 1})
    return f"columns that differ only in case, or not at all: {', '.join(twice)}" if twice else None
