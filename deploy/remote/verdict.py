"""What became of a run: what its service says and what its own record says, taken together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from common.run.record.record import STATUS_DONE, STATUS_RUNNING
from deploy.remote.run import CANCELLED, DONE, FAILED, SentRun

RETRIED = (5, 75)
"""The exit codes that a retry can help: a lease or a commit that another run held, and what failed for now."""

_STOPPED = 143
# The clocks of the driver and of the service need not agree to the second.
_CLOCKS_APART = timedelta(seconds=30)


@dataclass(frozen=True)
class Verdict:
    """``status`` is a phase of ``deploy.remote.run``; ``exit_code`` that of a local run, None until it has ended."""

    status: str
    exit_code: int | None
    sentences: tuple[str, ...] = ()


def record_of_attempt(run: SentRun, record: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The record, unless an earlier attempt has written it: attempts share one path, and one may leave no record."""
    if record is None or run.created is None:
        return record
    written = record.get("ended_at") or record.get("started_at")
    if not isinstance(written, str):
        return None
    return record if datetime.fromisoformat(written) >= run.created - _CLOCKS_APART else None


def verdict(run: SentRun, record: Mapping[str, Any] | None, *, unread: str = "") -> Verdict:
    """The end state of a run. ``record`` is that of this attempt, or None; ``unread`` says why it could not be read.

    The service sees a process end, the record what the job made of it: what only one of them calls done is not done.
    """
    if not run.has_ended:
        return Verdict(run.phase, None, _details(run))
    status = record.get("status") if record else None
    if run.phase == CANCELLED:
        if status == STATUS_DONE:
            return Verdict(
                CANCELLED, _STOPPED, ("It was cancelled, but its record says done: its rows are published.",)
            )
        return Verdict(CANCELLED, _STOPPED, _details(run))
    if record and status not in (STATUS_DONE, STATUS_RUNNING):
        contradiction = (f"The service says {run.state}, the run's record says {status}.",) if run.phase == DONE else ()
        return Verdict(FAILED, int(record.get("exit_code") or 1), (*contradiction, *_error(record)))
    if run.phase == DONE:
        return _done_by_service(run, record, status, unread)
    if status == STATUS_DONE:
        said = "The service says that it failed, the run's record that it is done: its rows are published."
        return Verdict(FAILED, 1, (*_details(run), said))
    if unread:
        return Verdict(FAILED, 1, (*_details(run), unread))
    ended = "It has left no end in its record" if record else "It has left no record"
    return Verdict(FAILED, 1, (*_details(run), f"{ended}: the driver never started, or was lost. See `lakejobs logs`."))


def _done_by_service(run: SentRun, record: Mapping[str, Any] | None, status: object, unread: str) -> Verdict:
    if status == STATUS_DONE:
        return Verdict(DONE, 0)
    if record:
        return Verdict(FAILED, 1, (f"The service says {run.state}, but the run's record has no end.",))
    return Verdict(
        DONE, 0, (unread or f"The service says {run.state}, but there is no record of the run in the lake.",)
    )


def _details(run: SentRun) -> tuple[str, ...]:
    return (run.detail,) if run.detail else ()


def _error(record: Mapping[str, Any]) -> tuple[str, ...]:
    error = record.get("error") or {}
    words = (
        f"{error.get('code', '')}: {error.get('message', '')}" if error else "",
        f"Cause: {error['cause']}" if error.get("cause") else "",
        f"What to do: {error['remedy']}" if error.get("remedy") else "",
    )
    return tuple(word for word in words if word)
