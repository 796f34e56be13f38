"""Retries of a commit: on the conflicts that Delta names, and on nothing else."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from common.causes import cause_of
from common.errors import WriteConflictError

_LOG = logging.getLogger("lakejobs.lake")
_Result = TypeVar("_Result")


_NAMED = (
    "ConcurrentAppendException",
    "ConcurrentDeleteDeleteException",
    "ConcurrentDeleteReadException",
    "ConcurrentTransactionException",
    "ConcurrentWriteException",
    "DeltaConcurrentModificationException",
    "MetadataChangedException",
    "ProtocolChangedException",
)


def named_conflicts() -> tuple[type[BaseException], ...]:
    """Delta's own conflict exceptions, which share no base class.

    PySpark learns to tell them from its own errors only when the module that teaches it is imported: Delta 3 does so in
    ``delta.exceptions``, Delta 4 in ``delta.exceptions.captured``, which nothing in Delta imports.
    """
    import delta.exceptions

    with suppress(ModuleNotFoundError):
        importlib.import_module("delta.exceptions.captured")
    return tuple(getattr(delta.exceptions, name) for name in _NAMED)


def retried(attempt: Callable[[], _Result], *, table: str, retries: int, longest_wait_seconds: float = 20.0) -> _Result:
    """The result of ``attempt``, tried again with full jitter after each of Delta's conflicts.

    Raises WriteConflictError LAK-005 when the last try conflicts too; every other error passes at once.
    """

    # Asked for before the first try, for the sake of what it imports.
    conflicts = named_conflicts()

    def log_conflict(state: RetryCallState) -> None:
        failure = state.outcome.exception() if state.outcome else None
        _LOG.warning("%s: commit conflict, starting attempt %d: %s", table, state.attempt_number + 1, kind_of(failure))

    try:
        return Retrying(
            retry=retry_if_exception_type(conflicts),
            stop=stop_after_attempt(retries + 1),
            wait=wait_random_exponential(multiplier=0.5, max=longest_wait_seconds),
            before_sleep=log_conflict,
            reraise=True,
        )(attempt)
    except conflicts as error:
        raise WriteConflictError(
            "LAK-005",
            f"Another writer changed {table} during each of {retries + 1} attempts.",
            cause=cause_of(error),
            remedy="Run the job again when the other writer is done; nothing of this write was published.",
        ) from error


def kind_of(error: BaseException | None) -> str:
    """The class name of an error."""
    return type(error).__name__
