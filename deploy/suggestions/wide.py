"""Tables with a column for each period, which no source can map: a source makes a sale of a row."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from common.errors import UsageError
from deploy.suggestions.columns import RawColumn
from deploy.suggestions.layouts import Layout
from deploy.suggestions.periods import are_years, is_period

_NUMBERED = re.compile(r"(?:d|day|tag|v|w|wk|week|kw|m|month|monat|q|t|p|period|f)[ _-]?(\d{1,4})", re.IGNORECASE)
_FEWEST = 4


def columns_of_periods(columns: Sequence[RawColumn]) -> list[str]:
    """The columns that are named after a period, or numbered like one (``d_1``, ``W0``), and hold numbers."""
    holding = [one.name for one in columns if one.number is not None or not one.given]
    dated = [name for name in holding if is_period(name)]
    years = [name for name in holding if name.isdecimal()]
    dated = years if are_years(years) else dated
    numbered = [name for name in holding if _NUMBERED.fullmatch(name)]
    found = max(dated, numbered, key=len)
    return found if len(found) >= _FEWEST else []


def refuse_wide(layout: Layout, file: str) -> None:
    """Raises UsageError FED-006 for a wide table, with the command that makes rows of its columns."""
    periods = columns_of_periods(layout.columns)
    if not periods:
        return
    numbered = bool(_NUMBERED.fullmatch(periods[0]))
    also = f", and put a date in place of {periods[0]}, {periods[1]}, ..." if numbered else ""
    options = layout.keys.get("options")
    separator = str(options.get("sep", ",")) if isinstance(options, dict) else ","
    sep = "" if separator == "," else f', sep="{separator}"'
    sep += f', encoding="{layout.keys["encoding"]}"' if "encoding" in layout.keys else ""
    kept = json.dumps([one.name for one in layout.columns if one.name not in periods], ensure_ascii=False)
    names = 'var_name="date", value_name="quantity"'
    raise UsageError(
        "FED-006",
        f"{file} has a column for each period: {len(periods)} columns, {periods[0]} to {periods[-1]}.",
        cause="A source makes one sale, or one value of a series, of a row.",
        remedy=f"Turn its columns into rows first{also}: python -c 'import pandas as pd; "
        f'pd.read_csv("{file}"{sep}).melt(id_vars={kept}, {names}).to_csv("long.csv", index=False)\'',
    )
