"""How a csv file is written: its marks, the names in its header, and where its records end."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

# Columns that every raw row has.
_OWN = frozenset({"_file", "_file_sha256", "_line", "_raw", "_reason"})
# Of the blanks only these are no text to Spark's reader: a no-break space stays.
_BLANKS = "".join(map(chr, range(33)))
# A field may be as long as a line; Python's own limit is 128 kB.
csv.field_size_limit(1 << 30)
SEPARATOR_LINE = re.compile(r'(?i)^"?sep=.{1,2}"?\s*$')
"""The line above the header in which Excel notes the separator; Java reads the pattern alike."""


@dataclass(frozen=True)
class Dialect:
    """The marks of a csv file; ``quote`` is empty where nothing is quoted.

    ``escape`` equal to ``quote``: a quote inside a quoted field is doubled (RFC 4180). ``multiline``: a quoted field
    may hold newlines.
    """

    separator: str = ","
    quote: str = '"'
    escape: str = '"'
    comment: str = ""
    multiline: bool = False

    @classmethod
    def of(cls, options: Mapping[str, str]) -> Dialect:
        """The dialect of a source's options."""
        quote = options.get("quote", '"')
        return cls(
            separator=options.get("sep", ","),
            quote=quote,
            escape=options.get("escape", quote),
            comment=options.get("comment", ""),
            multiline=options.get("multiline") == "true",
        )

    def fields(self, record: str) -> list[str]:
        """The fields of one record, blanks around them taken off: those that Spark's reader makes of it."""
        separator = self.separator
        if len(separator) > 1:
            one_mark = replace(self, separator="\x1f")
            fields = one_mark.fields(record.replace(separator, "\x1f"))
            return [field.replace("\x1f", separator) for field in fields]
        if not self.quote:
            return [field.strip(_BLANKS) for field in record.split(separator)]
        doubled = self.escape == self.quote
        reader = csv.reader(
            [record if doubled or not self.escape else self._escaped.sub(self._escape_kept, record)],
            delimiter=separator,
            quotechar=self.quote,
            doublequote=doubled,
            escapechar=None if doubled or not self.escape else self.escape,
            skipinitialspace=True,
        )
        try:
            return [field.strip(_BLANKS) for field in next(reader, [])]
        except csv.Error:
            return [field.strip(_BLANKS) for field in record.split(separator)]

    @cached_property
    def _escaped(self) -> re.Pattern[str]:
        return re.compile(f"{re.escape(self.escape)}(.?)", re.DOTALL)

    def _escape_kept(self, match: re.Match[str]) -> str:
        """An escape before anything but a mark is text, which Python's reader would drop."""
        return match[0] if match[1] in (self.quote, self.escape) and match[1] else self.escape + match[0]

    def is_passed_over(self, line: str) -> bool:
        """Whether a line before the header is none: blank, a comment, or Excel's ``sep=;``."""
        is_comment = bool(self.comment) and line.startswith(self.comment)
        return is_comment or not line.strip() or bool(SEPARATOR_LINE.match(line))

    def ends_open(self, line: str) -> bool:
        """Whether a quoted field of ``line`` is still open at its end."""
        return bool(self.quote) and self._open.match(line) is not None

    @property
    def is_ascii(self) -> bool:
        """Whether each mark is one byte in every encoding."""
        return len(self.separator) == 1 and f"{self.separator}{self.quote}{self.escape}".isascii()

    @property
    def quoted(self) -> str:
        """Pattern (Java and Python alike, in linear time) of the inside of a quoted field."""
        mark = re.escape(self.quote)
        if self.escape == self.quote:
            return f"[^{mark}]*+(?:{mark}{mark}[^{mark}]*+)*+"
        if not self.escape:
            return f"[^{mark}]*+"
        escape = re.escape(self.escape)
        return f"[^{mark}{escape}]*+(?:{escape}.[^{mark}{escape}]*+)*+"

    @cached_property
    def _open(self) -> re.Pattern[str]:
        mark, separator = re.escape(self.quote), re.escape(self.separator)
        rest = f"(?:(?!{separator}).)*+"
        field = f"(?:[ ]*+{mark}{self.quoted}{mark}{rest}|(?![ ]*+{mark}){rest})"
        # An escape that ends the line has nothing to escape.
        last = f"(?:{re.escape(self.escape)})?" if self.escape not in ("", self.quote) else ""
        return re.compile(f"(?:{field}{separator})*+[ ]*+{mark}{self.quoted}{last}\\Z", re.DOTALL)


HEADER_MARKS = "\"' \t\r\ufeff"
"""What headers with the same names may differ in: quotes, blanks, the mark of a file's beginning."""


def without_marks(header: str) -> str:
    """A header without ``HEADER_MARKS``: equal for all lines that name the same columns."""
    return header.translate(dict.fromkeys(map(ord, HEADER_MARKS)))


def header_of(lines: Iterator[str], dialect: Dialect) -> str:
    """The header among the first lines of a file, all lines of it where quoted names hold newlines; empty if none."""
    header = next((line for line in lines if not dialect.is_passed_over(line)), "")
    is_open = dialect.multiline and dialect.ends_open(header)
    while is_open:
        line = next(lines, None)
        if line is None:
            break
        header = f"{header}\n{line}"
        is_open = dialect.ends_open(header)
    return header


def folded(name: str) -> str:
    """A name without its case, as Java compares them letter by letter: the Turkish I with and without dot is an i."""
    if name.isascii():
        return name.lower()
    upper = (one.upper() if len(one.upper()) == 1 else one for one in name)
    return "".join(one.lower()[0] for one in upper)


def column_names(header: str, dialect: Dialect) -> list[str]:
    """The columns of a header, each name once whatever its case.

    A column without a name is called by its place, ``_c0`` the first. One whose name was there before gets ``_2``, and
    so on: it cannot be mapped (see ``fault_of_names``).
    """
    names: list[str] = []
    taken = set(_OWN)
    for place, found in enumerate(dialect.fields(header)):
        # No expression can hold a name with a back quote.
        base = found.replace("`", "'") or f"_c{place}"
        name, copy = base, 1
        while folded(name) in taken:
            copy += 1
            name = f"{base}_{copy}"
        taken.add(folded(name))
        names.append(name)
    return names


def fault_of_header(header: str, dialect: Dialect, mapped: frozenset[str]) -> str | None:
    """Why a header is none (SRC-1xx): other line ends, another separator, or mapped names that come twice."""
    if "\r" in header:
        return "SRC-112 its lines end with carriage returns alone: save it with line feeds"
    fields = dialect.fields(header)
    for other in ",;\t|":
        found = {name.lower() for name in replace(dialect, separator=other).fields(header)}
        if len(fields) == 1 < len(found) and fields[0].lower() not in mapped and mapped & found:
            shown = "\\t" if other == "\t" else other
            return f'SRC-113 the fields of its header are separated by another mark: set options: {{sep: "{shown}"}}'
    fault = fault_of_names(fields, mapped)
    return f"SRC-108 the header has {fault}" if fault else None


def fault_of_names(names: Sequence[str], mapped: frozenset[str]) -> str | None:
    """Why these cannot be the columns of a file: names that differ only in case, or not at all, and are mapped.

    ``mapped`` holds the names that the source uses, in lower case.
    """
    lower = [folded(name) for name in names]
    twice = sorted({name for name, low in zip(names, lower, strict=True) if low in mapped and lower.count(low) > 1})
    if not twice:
        return None
    return f"columns that differ only in case, or not at all, and are mapped: {', '.join(twice)}"


_TEXT = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""", re.DOTALL)
_NAME = re.compile(r"`([^`]+)`|([^\W\d]\w*)")


def names_in(expressions: Sequence[str]) -> frozenset[str]:
    """Every word of some SQL expressions that may be a column, in lower case; text in quotes is left out."""
    bare = (_TEXT.sub(" ", expression) for expression in expressions)
    return frozenset((match[1] or match[2]).lower() for text in bare for match in _NAME.finditer(text))
