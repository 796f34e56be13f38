"""Retries of a commit: on the conflicts that Delta names, and on nothing else."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from common.errors import WriteConflictError

_LOG = logging.getLogger("lakejobs.lake")
_Result = TypeVar("_Result")


def is_conflict(error: BaseException) -> bool:
    """True for Delta's own concurrent-modification exceptions."""
    from delta.exceptions import DeltaConcurrentModificationException

    return isinstance(error, DeltaConcurrentModificationException)


def retried(attempt: Callable[[], _Result], *, table: str, retries: int, longest_wait_seconds: float = 20.0) -> _Result:
    """The result of ``attempt``, tried again with full jitter after each of Delta's conflicts.

    Raises WriteConflictError LAK-005 when the last try conflicts too; every other error passes at once.
    """

    def told(state: RetryCallState) -> None:
        failure = state.outcome.exception() if state.outcome else None
        _LOG.warning("%s: commit conflict, try %d follows: %s", table, state.attempt_number + 1, kind_of(failure))

    try:
        return Retrying(
            retry=retry_if_exception(is_conflict),
            stop=stop_after_attempt(retries + 1),
            wait=wait_random_exponential(multiplier=0.5, max=longest_wait_seconds),
            before_sleep=told,
            reraise=True,
        )(attempt)
    except Exception as error:
        if not is_conflict(error):
            raise
        raise WriteConflictError(
            "LAK-005",
            f"{table} was changed by another writer in each of {retries + 1} tries.",
            cause=f"{kind_of(error)}: {str(error).splitlines()[0]}",
            remedy="Run the job again when the other writer is done; nothing of this write was published.",
        ) from error


def kind_of(error: BaseException | None) -> str:
    """The class name of an error."""
    return type(error).__name__
