"""What an ingest declares of its feed, and what a run says it took in."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql.types import StructType

if TYPE_CHECKING:
    from common.lake.table import Table
    from common.sources.mapping.model import Source

DUE = "_due"
"""The column of prepared rows that says when a row can be taken that is only too early now; null for all others."""

WAITS = "_waits"
"""The column of prepared rows that is true for a row that cannot be taken yet, for whatever reason."""

LEFT_OUT = "_left_out"
"""The column of prepared rows that is true for a row that says nothing yet: it is counted as filtered, not judged."""


@dataclass(frozen=True)
class Published:
    """Rows of silver on the days of a batch: those of ``others``, and what an earlier run of it has published, ``own``.

    Each is None where there can be none. ``hold`` computes a frame once, until the batch is published.
    """

    others: DataFrame | None
    own: DataFrame | None
    hold: Callable[[DataFrame], DataFrame]


@dataclass(frozen=True)
class Feed:
    """One feed: what its sources may map to, its tables, and how rows are judged.

    ``target`` are the canonical columns; a source must map all of at least one of the ``required`` groups.
    ``identifiers`` are those that hold ids (see common.intake.cards).

    ``prepare`` takes mapped rows (the columns of ``target``, ``read_error``, ``_file``, ``_line``, ``_file_sha256``,
    ``_batch_id`` and ``ingested_at``) and their source. It gives each of them as a row with ``reasons``, its day in
    ``day_column``, ``_due`` and ``_waits`` where rows may wait, and ``_left_out`` where they may say nothing yet.
    ``settle`` takes these, without those left out, and what is published. It gives each row its ``_fate``
    (common.intake.fates) and the columns of ``silver``, and adds the published rows that are to change; with
    ``settles_own`` also those of earlier runs of the batch, which otherwise are compared by the keys of the table
    afterwards.

    ``key`` and ``day_column`` name a rejected row in the quarantine, ``shown`` are its columns there: all, unless
    given. ``appends``: new rows are appended to silver, which is cheaper than a merge where no row ever changes.
    ``days_around``: how many days around those of a batch ``settle`` looks at. ``stamps`` are columns of silver that
    differ between runs over the same row. ``token`` names the state of what waiting rows wait for, other than the
    clock: they are looked at again when it has changed. ``clashes`` are the codes of reasons for which a row gives way
    to another one. ``outdated`` gives, in a block, the contents of files that are to be mapped once more since other
    tables have changed; when the block ends well, they are written down.
    """

    target: StructType
    required: Sequence[tuple[str, ...]]
    bronze: Table
    silver: Table
    identifiers: Sequence[str]
    prepare: Callable[[DataFrame, Source], DataFrame]
    settle: Callable[[DataFrame, Published], DataFrame]
    key: str
    day_column: str
    shown: Sequence[str] = ()
    appends: bool = False
    settles_own: bool = False
    days_around: int = 0
    stamps: Sequence[str] = ("_batch_id", "ingested_at")
    token: Callable[[], str] = lambda: ""
    clashes: Sequence[str] = ()
    outdated: Callable[[], AbstractContextManager[Collection[str]]] = lambda: nullcontext(())


@dataclass
class Taken:
    """What a run took in: rows by fate, the reasons of the rejected ones with the file of one, new files, and days.

    ``first_day`` and ``last_day`` are the first and last of the new rows, in ISO form, empty when no row is new.
    ``aside`` says of each batch that could not be published why.
    """

    fates: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)
    files: int = 0
    files_again: int = 0
    waiting: int = 0
    left_out: int = 0
    first_day: str = ""
    last_day: str = ""
    aside: list[str] = field(default_factory=list)

    def add(self, fates: Mapping[str, int], days: Sequence[str]) -> None:
        """Add a batch: its rows by fate, and the first and last day of its new ones."""
        for fate, count in fates.items():
            self.fates[fate] = self.fates.get(fate, 0) + count
        known = [day for day in (self.first_day, self.last_day, *days) if day]
        self.first_day, self.last_day = min(known, default=""), max(known, default="")

    def add_reasons(self, reasons: Mapping[str, int], examples: Mapping[str, str]) -> None:
        """Add why rows of a batch were rejected."""
        for reason, count in reasons.items():
            self.reasons[reason] = self.reasons.get(reason, 0) + count
        self.examples = {**examples, **self.examples}
