"""What an inspection found: one entry per file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from common.errors import ContractError
from common.sources.files.csv_dialect import Dialect, column_names, names_in
from common.sources.files.locations import FoundFile
from common.sources.mapping.model import Source

_LISTED = 10


@dataclass(frozen=True)
class InspectedFile:
    """One raw file.

    ``bytes`` as stored, ``sha256`` of the content after decompression, ``lines`` with the header and blank ones (rows
    for parquet), ``longest_line_bytes`` and ``deepest_nesting`` over its lines, ``undecodable_lines`` with bytes that
    are not in the source's encoding, ``layout`` the csv header, the parquet schema or the kind of log. ``plain``: each
    line of JSON is one object. ``spans_lines``: a record may hold newlines. ``range_lines``: the number of the first
    line of each range of ``RANGE_BYTES``, where the file can be read in ranges. ``reason`` says why ``status`` is
    ``bad``.
    """

    path: str
    bytes: int
    modified: datetime
    sha256: str = ""
    lines: int = 0
    longest_line_bytes: int = 0
    deepest_nesting: int = 0
    undecodable_lines: int = 0
    layout: str = ""
    compression: str = ""
    plain: bool = False
    spans_lines: bool = False
    range_lines: tuple[int, ...] = ()
    reason: str | None = None
    source_file: FoundFile | None = None

    def found(self) -> FoundFile:
        """Where the file was listed, to open it again."""
        if self.source_file is None:
            raise ValueError(f"{self.path} was not listed")
        return self.source_file

    @property
    def status(self) -> str:
        """``ok`` or ``bad``."""
        return "ok" if self.reason is None else "bad"

    @property
    def spark_path(self) -> str:
        """The path as Spark's readers take it: globbing characters escaped."""
        return re.sub(r"([\[\]{}*?,\\])", r"\\\1", self.path)

    @property
    def key(self) -> str:
        """The path without scheme and leading slashes, the form in which rows are matched to files."""
        return re.sub(r"^[A-Za-z0-9]+:/*", "", self.path).lstrip("/")


def seen_together(files: Sequence[InspectedFile], source: Source) -> tuple[InspectedFile, ...]:
    """The files, those bad (SRC-114) whose csv header names no column that the source reads, where others do.

    Such a file, a page that reports an error for example, would have rows of nulls, or none at all. Where no file has
    a column of the source, the source is at fault (SRC-004).
    """
    if source.format != "csv" or not source.has_header:
        return tuple(files)
    read, dialect = names_in(source.mapped_expressions), Dialect.of(source.options)

    def is_stranger(file: InspectedFile) -> bool:
        return file.reason is None and read.isdisjoint(name.lower() for name in column_names(file.layout, dialect))

    strangers = {file.path for file in files if is_stranger(file)}
    if len(strangers) == sum(file.reason is None for file in files):
        return tuple(files)
    words = "SRC-114 its header names no column that the source reads: it is another kind of file"
    return tuple(replace(file, reason=words) if file.path in strangers else file for file in files)


@dataclass(frozen=True)
class FileInventory:
    """The files of one input, in the order of their paths."""

    files: tuple[InspectedFile, ...]

    @property
    def good(self) -> tuple[InspectedFile, ...]:
        """The files that can be read."""
        return tuple(file for file in self.files if file.reason is None)

    @property
    def bad(self) -> tuple[InspectedFile, ...]:
        """The files that cannot be read, with their reason."""
        return tuple(file for file in self.files if file.reason is not None)

    def without(self, sha256s: set[str]) -> FileInventory:
        """The files whose content is not among ``sha256s``, those ingested before, whatever their name."""
        return FileInventory(tuple(file for file in self.files if file.sha256 not in sha256s))

    def enforce(self, source: Source) -> None:
        """Raises ContractError SRC-008 (bad files under ``fail``), SRC-009 (too many of them under ``skip``)."""
        if not self.bad:
            return
        listed = "; ".join(f"{file.path}: {file.reason}" for file in self.bad[:_LISTED])
        more = f"; and {len(self.bad) - _LISTED} more" if len(self.bad) > _LISTED else ""
        share = len(self.bad) / len(self.files)
        if source.on_bad_file == "fail":
            raise ContractError(
                "SRC-008",
                f"{len(self.bad)} of {len(self.files)} input files could not be read.",
                cause=listed + more,
                remedy="Get them delivered again, or set on_bad_file: skip in the source to continue without them.",
            )
        if share > source.max_bad_share:
            raise ContractError(
                "SRC-009",
                f"{share:.1%} of the input files could not be read; the source allows {source.max_bad_share:.1%}.",
                cause=listed + more,
                remedy="Get them delivered again, or raise max_bad_share in the source.",
            )
