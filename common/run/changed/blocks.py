"""What a search for due days has found: the days as blocks, each a run of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from common.days import DayRange

if TYPE_CHECKING:
    from common.job.declaration import Job
    from common.lake.touched import Days
    from common.run.changed.ledger import Known


@dataclass(frozen=True)
class Due:
    """``blocks`` are the due days, each block a run of its own, oldest first.

    ``since`` is the run that the search started from (empty: none); ``reasons`` say why days are due that no commit
    touched. ``now`` is what the days would be computed from, ``seen`` the attempts that the search has regarded.
    """

    blocks: tuple[DayRange, ...]
    since: str
    reasons: tuple[str, ...]
    now: Known
    seen: frozenset[str]


def blocks_of(job: Job, due: Days, computable: Days) -> list[DayRange]:
    """The ``due`` days as ranges that cover no other day on which there is anything: one of ``computable``."""
    if job.as_of_day or job.days_alone:
        return [DayRange.single(day) for day in sorted(due)]
    if job.days_are_one:
        return [DayRange(min(due), max(due))] if due else []
    blocks: list[DayRange] = []
    goes_on = False
    for day in sorted(due | computable):
        if day in due and goes_on:
            blocks[-1] = replace(blocks[-1], last=day)
        elif day in due:
            blocks.append(DayRange.single(day))
        goes_on = day in due
    return blocks
