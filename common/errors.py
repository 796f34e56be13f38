"""The error tree of the suite: one class per exit code, so that a scheduler knows whether a retry can help."""

from __future__ import annotations

from typing import ClassVar, Final

EXIT_CODES: Final = (
    ("0", "done, or nothing to do"),
    ("1", "the job failed"),
    ("2", "the command line or a setting is wrong"),
    ("3", "a contract or quality gate refused the rows; nothing was published"),
    ("4", "an input is missing or stale"),
    ("5", "write conflict, or another run holds the table"),
    ("75", "transient; run the same command again"),
    ("130, 143", "stopped by a signal; the lease is released"),
)
"""What a scheduler learns from a run's exit code: the codes of the errors below, and those of no error or a signal."""


class LakejobsError(Exception):
    """A failure that a person can act on: a code, one sentence, the cause and what to do.

    ``code`` is ``<AREA>-<NNN>`` (listed in docs/errors.md), ``message`` one sentence, ``cause`` what was found,
    ``remedy`` what to do about it.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, code: str, message: str, *, cause: str = "", remedy: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.cause = cause
        self.remedy = remedy

    def __str__(self) -> str:
        parts = [f"{self.code}: {self.message}"]
        if self.cause:
            parts.append(f"Cause: {self.cause}")
        if self.remedy:
            parts.append(f"What to do: {self.remedy}")
        return "\n".join(parts)


class JobFailedError(LakejobsError):
    """The job failed for a reason that neither its input nor its settings explain."""

    exit_code = 1


class UsageError(LakejobsError):
    """The command line or a setting is wrong; nothing was started."""

    exit_code = 2


class ContractError(LakejobsError):
    """A schema contract or a quality gate failed; nothing was published."""

    exit_code = 3


class InputMissingError(LakejobsError):
    """An input is absent, empty where it must not be, or older than allowed."""

    exit_code = 4


class WriteConflictError(LakejobsError):
    """Another run holds the lease, or won the commit."""

    exit_code = 5


class TransientError(LakejobsError):
    """Storage or the network failed for now; it is safe to run the same command again."""

    exit_code = 75
