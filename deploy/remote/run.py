"""A run as its service knows it, and what all services can do with one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from common.errors import UsageError

WAITING, RUNNING, CANCELLING, DONE, FAILED, CANCELLED = (
    "waiting", "running", "cancelling", "done", "failed", "cancelled",
)  # fmt: skip
ENDED = frozenset({DONE, FAILED, CANCELLED})
PHASES: Mapping[str, str] = {
    **dict.fromkeys(("SUBMITTED", "PENDING", "SCHEDULED", "QUEUED"), WAITING),
    "RUNNING": RUNNING,
    **dict.fromkeys(("CANCELLING", "CANCEL_PENDING"), CANCELLING),
    **dict.fromkeys(("SUCCESS", "COMPLETED"), DONE),
    # A step is interrupted when its cluster ends.
    **dict.fromkeys(("FAILED", "INTERRUPTED"), FAILED),
    "CANCELLED": CANCELLED,
}
"""State of EMR Serverless, EMR on EKS or a step -> what it means. A run that is being cancelled has not ended."""


@dataclass(frozen=True)
class SentRun:
    """One attempt at a run, as its service describes it.

    ``id`` is the service's own; ``state`` its word, ``detail`` its reason; ``attempt`` counts what was sent, and
    ``service_attempt`` what the service itself started again. ``arguments`` are the job's, ``answer`` the whole
    description, ``applications`` the ids of YARN. Times are aware, in UTC or the service's zone.
    """

    id: str
    run_id: str
    job: str
    attempt: int
    state: str
    detail: str
    created: datetime | None
    ended: datetime | None
    arguments: tuple[str, ...]
    answer: Mapping[str, Any]
    service_attempt: int = 1
    applications: tuple[str, ...] = ()

    @property
    def phase(self) -> str:
        """One of the six above; a state that is not known yet counts as running, so that nobody stops waiting."""
        return PHASES.get(self.state, RUNNING)

    @property
    def has_ended(self) -> bool:
        """Whether the service will do nothing more with it."""
        return self.phase in ENDED


_LONGEST_REASON = 200
_QUOTED = re.compile(
    r"[Ll]ast (?:few|error)|Caused by|Traceback|Exception|Error:|[\w.]+(?:Exception|Error)\b|\n|[\"'`\[{(]"
)
_EXIT_CODE = re.compile(r"exit ?code:? ?(\d{1,3})", re.IGNORECASE)
_RAISED = re.compile(r"\b(?:[a-z_]\w*\.)+[A-Z]\w*(?:Exception|Error)\b")


class Service(Protocol):
    """Where runs are sent, found again, watched and cancelled. Errors are those of ``deploy.targets.clients.ask``."""

    name: str
    place: str

    def send(self, body: Mapping[str, Any]) -> str:
        """Send a request of ``lakejobs plan``; the service's id of the run."""
        ...

    def find(self, run_id: str) -> list[SentRun]:
        """The attempts that were sent under a run id, the earliest first."""
        ...

    def describe(self, service_id: str) -> SentRun:
        """A run by the service's own id."""
        ...

    def cancel(self, run: SentRun, grace_seconds: int, /) -> list[str]:
        """Cancel a run, at once with a grace of 0; sentences about what was done and what is left to do."""
        ...

    def request_again(self, run: SentRun, attempt: int, /) -> dict[str, Any]:
        """The request of a run that was sent, as another attempt."""
        ...


def value_of(flag: str, words: Sequence[str]) -> str:
    """The value of a flag among words, ``--flag value`` or ``--flag=value``; empty when it is not there."""
    for number, word in enumerate(words):
        if word == flag and number + 1 < len(words):
            return words[number + 1]
        if word.startswith(f"{flag}="):
            return word.partition("=")[2]
    return ""


def job_of_entry(entry: str) -> str:
    """``clickstream.sessionise`` for the address of ``jobs/clickstream/sessionise.py``."""
    folder, _, file = entry.rpartition("/")
    return f"{folder.rpartition('/')[2]}.{file.removesuffix('.py')}"


def fit_to_show(detail: str) -> str:
    """A service's reason without what it quotes of the driver's log: messages of exceptions may hold values of rows.

    Its own words up to the quotation, then the exit code and the classes of the exceptions.
    """
    own = _QUOTED.split(detail, maxsplit=1)[0].strip(" .,:;-\n")[:_LONGEST_REASON]
    code = _EXIT_CODE.search(detail)
    known = [own, f"exit code {code.group(1)}" if code and code.group(0) not in own else "", *_RAISED.findall(detail)]
    return "; ".join(dict.fromkeys(word for word in known if word))


def other_work(run_id: str) -> UsageError:
    """The refusal of a run id that was given to a run with other flags."""
    return UsageError(
        "SUB-005",
        f"The run id {run_id} names other work already: a run with other flags.",
        remedy="Give another --run-id, or leave it out: one is proposed for each work.",
    )
