"""What a check has found: one line for a person, one object for programs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from common.run.failures import explain

OK, WRONG, UNCHECKED = "ok", "wrong", "not checked"


@dataclass(frozen=True)
class Finding:
    """One check: ``status`` is ``ok``, ``wrong`` or ``not checked``, ``found`` what there is, ``remedy`` what to do.

    What is ``wrong`` and ``stops`` would stop a job, or make its writes unsafe.
    """

    check: str
    status: str
    found: str
    remedy: str = ""
    stops: bool = False

    @classmethod
    def ok(cls, check: str, found: str) -> Finding:
        """All is well."""
        return cls(check, OK, found)

    @classmethod
    def wrong(cls, check: str, found: str, remedy: str, *, stops: bool = True) -> Finding:
        """Something to correct."""
        return cls(check, WRONG, found, remedy, stops)

    @classmethod
    def unchecked(cls, check: str, why: str, remedy: str = "") -> Finding:
        """Nobody could tell."""
        return cls(check, UNCHECKED, why, remedy)

    @classmethod
    def of_error(cls, check: str, error: Exception) -> Finding:
        """A check that failed; of an error that is not the suite's own, only what holds no value of a row."""
        failure = explain(error)
        found = " ".join(part for part in (f"{failure.code}: {failure.message}", failure.cause) if part)
        return cls.wrong(check, found, failure.remedy)

    def as_dict(self) -> dict[str, Any]:
        """For the run record."""
        return asdict(self)


def looked(check: str, look: Callable[[], Finding | str]) -> Finding:
    """What ``look`` finds; a text is what is well, and an error is what is wrong."""
    try:
        found = look()
    except Exception as error:  # whatever it is, it is the answer of this check and not the end of the others.
        return Finding.of_error(check, error)
    return found if isinstance(found, Finding) else Finding.ok(check, found)


def stopping(findings: Iterable[Finding]) -> list[str]:
    """The checks that have found what would stop a job."""
    return [one.check for one in findings if one.status == WRONG and one.stops]


def findings_text(findings: Sequence[Mapping[str, Any]], indent: int = 2) -> str:
    """Findings as they are in a record, one line per check; below what is not well, what to do."""
    width = max((len(one["check"]) for one in findings), default=0)
    lines = []
    for one in findings:
        lines.append(f"{' ' * indent}{one['status']:<11}  {one['check']:<{width}}  {one['found']}")
        if one["remedy"]:
            lines.append(f"{' ' * (indent + 13 + width + 2)}What to do: {one['remedy']}")
    return "".join(f"{line.rstrip()}\n" for line in lines)
