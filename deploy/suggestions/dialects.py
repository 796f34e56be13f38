"""The dialect of csv files: separator, quotes, header, guessed from a sample."""

from __future__ import annotations

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from common.sources.files import csv_dialect
from common.sources.files.csv_dialect import SEPARATOR_LINE, column_names, header_of
from deploy.suggestions.periods import are_years, is_period

_SEPARATORS = (",", ";", "\t", "|", "^", "~")
_MOST_ROWS = 2_000
_PLAIN_VALUE = re.compile(r"^[\s$€£¥()+\-]*\d[\d\s.,:/TZ+\-%€$]*$")


@dataclass(frozen=True)
class Dialect:
    """How a csv file is written; ``names`` are the columns, made up as ``_c0, _c1, ...`` without a header."""

    separator: str
    has_header: bool
    names: tuple[str, ...]
    quote: str = '"'
    escape: str = ""
    comment: str = ""
    multiline: bool = False
    notes: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = field(default=(), repr=False)

    @property
    def options(self) -> dict[str, str]:
        """The reader options that differ from their defaults."""
        found = {}
        if self.separator != ",":
            found["sep"] = "\\t" if self.separator == "\t" else self.separator
        if self.quote != '"':
            found["quote"] = self.quote
        if self.escape:
            found["escape"] = self.escape
        if self.comment:
            found["comment"] = self.comment
        if not self.has_header:
            found["header"] = "false"
        if self.multiline:
            found["multiline"] = "true"
        return found


def dialect_of(text: str) -> Dialect:
    """The dialect of the beginning of a csv file."""
    lines = text.split("\n")
    if SEPARATOR_LINE.match(lines[0]):
        lines = lines[1:]
    comment = "#" if _begins_with_comments(lines) else ""
    body = "\n".join(line for line in lines if not (comment and line.startswith(comment)))
    separator, quote, escape, notes = _marks(body)
    rows = parsed(body, separator, quote, escape)
    has_header = _has_header(rows)
    multiline = _is_multiline(body, quote)
    if has_header:
        marks = csv_dialect.Dialect(separator, quote, escape or quote, multiline=multiline)
        names = column_names(header_of(iter(body.split("\n")), marks), marks)
    else:
        width = Counter(map(len, rows)).most_common(1)[0][0] if rows else 0
        names = [f"_c{number}" for number in range(width)]
    body_rows = rows[has_header:]
    odd = sum(len(row) != len(names) for row in body_rows)
    if odd:
        notes.append(f"{odd} of {len(body_rows)} sampled lines do not have {len(names)} columns.")
    return Dialect(
        separator=separator,
        has_header=has_header,
        names=tuple(names),
        quote=quote,
        escape=escape,
        comment=comment,
        multiline=multiline,
        notes=tuple(notes),
        rows=tuple(tuple([*row, *[""] * len(names)][: len(names)]) for row in body_rows),
    )


def _begins_with_comments(lines: Sequence[str]) -> bool:
    """Whether the file begins with lines of words behind ``#``: a header may begin with that sign too."""
    found = [line for line in lines if line.startswith("#")]
    return lines[0].startswith("#") and not any(set(line) & set(",;\t|") for line in found) if lines else False


def _marks(body: str) -> tuple[str, str, str, list[str]]:
    """Separator, quote, escape, and what is not certain about them."""
    quote = _quote_of(body)
    # A backslash before a quote may also be the last sign of a value: what cuts the lines more evenly is right.
    escaped = bool(quote) and f"\\{quote}" in body
    escape = "\\" if escaped and _best(body, quote, "\\") > _best(body, quote, "") else ""
    scored = sorted(((_score(body, mark, quote, escape), mark) for mark in _SEPARATORS), reverse=True)
    best, separator = scored[0]
    # Tabs part values without quotes: a quote is then a sign like any other, even at the beginning of a value.
    if _score(body, "\t", "", "") > best:
        return "\t", "", "", []
    if best <= 0:
        return ",", quote, escape, ["No separator splits the lines into columns: read as one column."]
    if scored[1][0] > 0.9 * best:
        return separator, quote, escape, [f"'{scored[1][1]}' separates the lines nearly as well as '{separator}'."]
    return separator, quote, escape, []


def parsed(text: str, separator: str, quote: str, escape: str) -> list[list[str]]:
    """The records of a text, blank lines left out; at most the first few thousand."""
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=separator,
        quotechar=quote or None,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
        escapechar=escape or None,
        doublequote=True,
    )
    rows: list[list[str]] = []
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append(row)
            if len(rows) >= _MOST_ROWS:
                break
    except csv.Error:
        pass
    return rows


def _quote_of(text: str) -> str:
    """The sign around values: double quotes unless only single ones stand where a value begins or ends."""
    double = len(re.findall(r'(?:^|[,;\t|])"', text, re.MULTILINE))
    single = len(re.findall(r"(?:^|[,;\t|])'[^'\n]*'(?=[,;\t|\n])", text, re.MULTILINE))
    return "'" if single > 3 and not double else '"'


def _score(text: str, separator: str, quote: str, escape: str) -> float:
    """How evenly a separator cuts the lines: the share of records of the commonest width, more for more columns.

    A comma within numbers or texts may cut every line, but into few pieces, and not the header.
    """
    rows = parsed(text, separator, quote, escape)
    if not rows:
        return 0
    width, count = Counter(map(len, rows)).most_common(1)[0]
    if width < 2:
        return 0
    share = count / len(rows)
    return share**2 * (1 + math.log2(width)) * (1 if len(rows[0]) == width else 0.5)


def _best(text: str, quote: str, escape: str) -> float:
    return max(_score(text, separator, quote, escape) for separator in _SEPARATORS)


def _is_multiline(text: str, quote: str) -> bool:
    return bool(quote) and any(line.count(quote) % 2 for line in text.split("\n")[:_MOST_ROWS]) and '"\n' in text + "\n"


def _has_header(rows: Sequence[Sequence[str]]) -> bool:
    if not rows:
        return False
    first, rest = rows[0], [row for row in rows[1:] if len(row) == len(rows[0])]
    if len({*first}) < len(first):
        return False
    if any(_PLAIN_VALUE.match(cell) for cell in first):
        return _names_periods(first, rest)
    if not rest:
        return True
    for place, name in enumerate(first):
        column = [row[place] for row in rest]
        values = [cell for cell in column if cell.strip()]
        if values and sum(bool(_PLAIN_VALUE.match(cell)) for cell in values) >= 0.8 * len(values):
            return True
        if name in column:
            return False
    # All text: names are short and their words do not come back as values.
    return all(len(name) <= 40 for name in first)


def _names_periods(first: Sequence[str], rest: Sequence[Sequence[str]]) -> bool:
    """Whether the first row is the header of a wide table: some names, then periods above numbers that are none."""
    plain = [place for place, cell in enumerate(first) if _PLAIN_VALUE.match(cell)]
    if rest and len(plain) < len(first) and are_years([first[place] for place in plain]):
        return True
    if not rest or len(plain) == len(first) or not all(is_period(first[place]) for place in plain):
        return False
    return not any(is_period(row[place]) for row in rest[:20] for place in plain)
