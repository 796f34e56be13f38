"""Which days of a job were computed from which versions of its inputs: what ``--changed`` starts from.

Kept for each job as ``runs/_changed/<job>.json``, made by the job's first run with ``--changed``; from then on every
run of the job notes its days. Before a run writes, its days count as unknown; at its end they are known again, by the
state in which the run found its inputs at its beginning. So days are computed once too often rather than once too
seldom, whatever breaks off.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from common.days import DayRange
from common.errors import TransientError
from common.lake.touched import TableState

if TYPE_CHECKING:
    from common.lake.storage.objects import ObjectStore

_SCHEMA_VERSION = 1
_TRIES = 20
# A year of days that were each given by hand; beyond that all of them are computed again.
_MOST_ENTRIES = 366


@dataclass(frozen=True)
class Known:
    """What days were computed from: ``run_id``, parameters, table -> state of the inputs at its beginning (None: there
    was no such table), and table -> id of the tables written.
    """

    run_id: str
    params: Mapping[str, Any]
    inputs: Mapping[str, TableState | None]
    outputs: Mapping[str, str]


@dataclass(frozen=True)
class Entry:
    """Days that one attempt has computed, or began to (``known`` is None); ``attempt_id`` names it."""

    days: DayRange
    attempt_id: str
    known: Known | None


@dataclass(frozen=True)
class Ledger:
    """``base`` holds for all days, of which ``entries`` (no day in two of them, oldest first) are exceptions.

    Without a base nothing is known of the other days.
    """

    base: Known | None = None
    entries: tuple[Entry, ...] = ()

    def of(self, day: date) -> Known | None:
        """What a day was computed from, None when that is not known."""
        return next((one.known for one in self.entries if day in one.days), self.base)

    def begun(self, days: DayRange, attempt_id: str) -> Ledger:
        """The ledger once an attempt on ``days`` has begun."""
        kept = [part for one in self.entries for part in _outside(one, days)]
        entries = (*kept, Entry(days, attempt_id, None))
        return replace(self, entries=entries) if len(entries) <= _MOST_ENTRIES else Ledger(None, entries[-1:])

    def done(self, attempt_id: str, known: Known) -> Ledger:
        """The ledger once the attempt is over; days that another one has begun since are left to that one."""
        entries = [replace(one, known=known) if one.attempt_id == attempt_id else one for one in self.entries]
        return replace(self, entries=tuple(entries))

    def settled(self, base: Known, seen: Iterable[str]) -> Ledger:
        """The ledger once all days are computed, or need not be: ``seen`` are attempts that ``base`` has regarded."""
        gone = set(seen)
        return Ledger(base, tuple(one for one in self.entries if one.attempt_id not in gone))

    @property
    def last_run(self) -> str:
        """The run of the newest entry that is known, otherwise that of the base; empty when there is none."""
        runs = [one.known.run_id for one in self.entries if one.known is not None]
        return runs[-1] if runs else self.base.run_id if self.base is not None else ""


def _outside(entry: Entry, days: DayRange) -> list[Entry]:
    """The parts of an entry before and after ``days``."""
    found, day = [], timedelta(days=1)
    if entry.days.first < days.first:
        found.append(DayRange(entry.days.first, min(entry.days.last, days.first - day)))
    if entry.days.last > days.last:
        found.append(DayRange(max(entry.days.first, days.last + day), entry.days.last))
    return [replace(entry, days=part) for part in found]


def ledger_path(job: str) -> str:
    """Where a job's ledger is, below the lake root."""
    return f"runs/_changed/{job}.json"


def read_ledger(objects: ObjectStore, job: str) -> Ledger | None:
    """The ledger of a job, None when it has none. One that cannot be read knows nothing."""
    stored = objects.get(ledger_path(job))
    return None if stored is None else _parsed(stored.body)


def make_ledger(objects: ObjectStore, job: str) -> None:
    """Begin the ledger of a job unless it is there."""
    objects.write_if_absent(ledger_path(job), _text(Ledger()))


def change_ledger(objects: ObjectStore, job: str, change: Callable[[Ledger], Ledger]) -> None:
    """Change the ledger of a job, if it has one. Raises TransientError RUN-008 when other runs keep changing it."""
    for _ in range(_TRIES):
        stored = objects.get(ledger_path(job))
        if stored is None:
            return
        if objects.write_if_match(ledger_path(job), _text(change(_parsed(stored.body))), stored.etag) is not None:
            return
    raise TransientError(
        "RUN-008",
        f"{job} could not note its days in {ledger_path(job)}.",
        cause="Other runs of the job kept changing it.",
        remedy="Run again: it is safe.",
    )


def _text(ledger: Ledger) -> bytes:
    entries = [
        {
            "first": str(one.days.first),
            "last": str(one.days.last),
            "attempt": one.attempt_id,
            "known": _known_as_json(one.known),
        }
        for one in ledger.entries
    ]
    shown = {"schema_version": _SCHEMA_VERSION, "base": _known_as_json(ledger.base), "entries": entries}
    return (json.dumps(shown, indent=1) + "\n").encode()


def _known_as_json(known: Known | None) -> dict[str, Any] | None:
    if known is None:
        return None
    inputs = {name: None if state is None else vars(state) for name, state in known.inputs.items()}
    return {"run_id": known.run_id, "params": known.params, "inputs": inputs, "outputs": known.outputs}


def _parsed(body: bytes) -> Ledger:
    try:
        stored = json.loads(body)
        if stored["schema_version"] != _SCHEMA_VERSION:
            return Ledger()
        entries = tuple(
            Entry(
                DayRange(date.fromisoformat(one["first"]), date.fromisoformat(one["last"])),
                one["attempt"],
                _known(one["known"]),
            )
            for one in stored["entries"]
        )
        return Ledger(_known(stored["base"]), entries)
    except (ValueError, KeyError, TypeError):
        return Ledger()


def _known(stored: Mapping[str, Any] | None) -> Known | None:
    if stored is None:
        return None
    inputs = {name: None if state is None else TableState(**state) for name, state in stored["inputs"].items()}
    return Known(stored["run_id"], stored["params"], inputs, stored["outputs"])
