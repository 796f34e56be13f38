"""Waits for the end of a run, however long it takes and however often the connection is lost."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from time import sleep

from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_exponential

from common.errors import TransientError
from deploy.remote.records import read_record
from deploy.remote.run import SentRun, Service
from deploy.remote.verdict import Verdict, record_of_attempt, verdict
from deploy.targets.target import Target

GRACE_SECONDS = 120
"""What a driver gets to release its lease and to write its record, by default."""

INTERRUPTED = 130
"""The exit code of a command that Ctrl-C has ended."""

_SHORTEST_SECONDS, _LONGEST_SECONDS = 5.0, 30.0

Say = Callable[[str], None]


def look(service: Service, run: SentRun) -> SentRun:
    """The run as it is now; its number of attempt stays, which a single step does not tell."""
    return replace(service.describe(run.id), attempt=run.attempt)


def judged(run: SentRun, target: Target) -> Verdict:
    """The run's end state; before its end the record is not asked."""
    if not run.has_ended:
        return verdict(run, None)
    record, unread = read_record(run, target)
    return verdict(run, record_of_attempt(run, record), unread=unread)


def wait_for_end(
    service: Service, run: SentRun, target: Target, say: Say, pause: Callable[[float], None] | None = None
) -> tuple[SentRun, Verdict]:
    """Look again and again until the service has ended the run; each new state is said once.

    A connection that is lost, or a service that asks for patience, is tried again for ever: the run goes on without us.
    """

    rest = pause or sleep

    def lost(state: RetryCallState) -> None:
        if state.attempt_number == 1:
            say("The connection is lost; the run goes on. Trying again ...")

    trying = Retrying(
        retry=retry_if_exception_type(TransientError),
        wait=wait_exponential(multiplier=2, max=60),
        before_sleep=lost,
        sleep=rest,
        reraise=True,
    )
    seconds, said = _SHORTEST_SECONDS, ""
    while True:
        run = trying(look, service, run)
        words = state_words(run)
        if words != said:
            say(words)
            said, seconds = words, _SHORTEST_SECONDS
        if run.has_ended:
            return run, judged(run, target)
        rest(seconds)
        seconds = min(seconds * 1.5, _LONGEST_SECONDS)


def state_words(run: SentRun) -> str:
    """``RUNNING (attempt 2, the service's own 1)``: the service's word for the state."""
    own = f", the service's own {run.service_attempt}" if run.service_attempt > 1 else ""
    return f"{run.job} {run.run_id}: {run.state} (attempt {run.attempt}{own})"


def leave(service: Service, run: SentRun, command: Callable[[str], str], say: Say) -> int:
    """After Ctrl-C: cancel the run if somebody at a terminal says so, otherwise say how to go on; the exit code."""
    if sys.stdin.isatty():
        say(f"\nCancel {run.run_id}? It goes on otherwise. [y/N] ")
        if sys.stdin.readline().strip().lower() in ("y", "yes"):
            for sentence in service.cancel(look(service, run), GRACE_SECONDS):
                say(sentence)
            return INTERRUPTED
    say(f"The run goes on. To wait again: {command('wait')}\nTo end it: {command('cancel')}")
    return INTERRUPTED
