"""The flags of a job's command line; whatever is wrong with them is a UsageError with a code."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NoReturn

from common.days import DayRange, parse_day
from common.errors import UsageError
from common.words import did_you_mean

if TYPE_CHECKING:
    from common.job.declaration import Job

_DEFAULT_ENV = "local"
_RUN_ID = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.\-]{0,99}$")


@dataclass(frozen=True)
class Flags:
    """A parsed command line. ``rest`` are the arguments without ``--plan`` and ``-o``, fit for a spark-submit line.

    With ``changed`` the days are None until the touched ones are found.
    """

    env: str
    lake: str | None
    days: DayRange | None
    input: str | None
    source: str | None
    sets: tuple[str, ...]
    conf_files: tuple[str, ...]
    plan: bool
    output: Literal["text", "json"]
    debug: bool
    run_id: str | None
    attempt: int | None
    help: bool
    version: bool
    rest: tuple[str, ...]
    changed: bool = False


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Raise instead of printing and leaving."""
        raise UsageError("CLI-002", f"{message[:1].upper()}{message[1:]}.", remedy="Add --help to see every flag.")


def _parser(job: Job) -> _Parser:
    parser = _Parser(prog=job.name, add_help=False, allow_abbrev=False, exit_on_error=False)
    for name in _VALUES:
        parser.add_argument(name)
    parser.add_argument("--env", default=_DEFAULT_ENV)
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--conf-file", action="append", default=[])
    parser.add_argument("-o", "--output", choices=("text", "json"), default="text")
    parser.add_argument("-h", "--help", action="store_true")
    for switch in _SWITCHES:
        parser.add_argument(switch, action="store_true")
    return parser


_SWITCHES = ("--changed", "--plan", "--debug", "--version")
_VALUES = ("--lake", "--day", "--from", "--to", "--input", "--source", "--run-id", "--attempt")
FLAG_NAMES = (*_VALUES, *_SWITCHES, "--env", "--set", "--conf-file", "-o", "--output", "--help")


def parse_flags(job: Job, arguments: Sequence[str]) -> Flags:
    """The flags in ``arguments``. Raises UsageError CLI-001 to CLI-009."""
    try:
        found, unknown = _parser(job).parse_known_args(list(arguments))
    except argparse.ArgumentError as error:
        flag = f"{error.argument_name}: " if error.argument_name else ""
        raise UsageError("CLI-002", f"{flag}{error.message}.", remedy="Add --help to see every flag.") from error
    if unknown:
        word = unknown[0].partition("=")[0]
        raise UsageError(
            "CLI-001",
            f"'{word}' is not a flag of {job.name}.{did_you_mean(word, FLAG_NAMES)}",
            remedy="Parameters are given as --set KEY=VALUE; add --help to see flags and parameters.",
        )
    asks_only = found.help or found.version
    if not asks_only:
        retakes = any(text.replace(" ", "").startswith("retake=") for text in found.set)
        _check_input(job, found.input, found.source, needs_files=not retakes)
    given = () if asks_only else (found.day, getattr(found, "from"), found.to)
    return Flags(
        env=found.env,
        lake=found.lake,
        days=_days(job, *given, changed=found.changed) if given else None,
        input=found.input,
        source=found.source,
        sets=tuple(found.set),
        conf_files=tuple(found.conf_file),
        plan=found.plan,
        output=found.output,
        debug=found.debug,
        run_id=_run_id(found.run_id),
        attempt=_attempt(found.attempt),
        help=found.help,
        version=found.version,
        rest=_rest(arguments),
        changed=found.changed,
    )


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether a command line that could not be parsed asks for JSON."""
    text = " ".join(arguments)
    return re.search(r"(^|\s)(-o\s?|--output[ =])json(\s|$)", text) is not None


def wanted_env(arguments: Sequence[str]) -> str:
    """The environment that a command line names which could not be parsed; the last one holds."""
    found = re.findall(r"(?:^|\x00)--env[=\x00]([^\x00]+)", "\x00".join(arguments))
    return found[-1] if found else _DEFAULT_ENV


def _days(job: Job, day: str | None, first: str | None, last: str | None, *, changed: bool) -> DayRange | None:
    given = [text for text in (day, first, last) if text is not None]
    if not job.by_day:
        if given or changed:
            raise UsageError(
                "CLI-006", f"{job.name} does not work by day.", remedy="Leave --day, --from, --to and --changed out."
            )
        return None
    if changed and not given:
        _check_changed(job)
        return None
    if day is not None and first is None and last is None and not changed:
        return DayRange.single(parse_day(day))
    if day is None and first is not None and last is not None and not changed:
        return DayRange(parse_day(first), parse_day(last))
    found = "--changed together with other days" if changed else "only one end" if given else "no day"
    found = "--day together with --from or --to" if day is not None and not changed else found
    or_changed = ", or --changed for the days touched since the last such run" if job.takes_changed else ""
    raise UsageError(
        "CLI-005",
        f"{job.name} needs the days to run.",
        cause=f"The command line has {found}.",
        remedy=f"Give --day 2026-11-20, or --from 2026-11-01 --to 2026-11-20 (both inclusive){or_changed}.",
    )


def _check_changed(job: Job) -> None:
    """Raises UsageError CLI-009 for a job whose days do not follow from what was touched."""
    if not job.takes_changed:
        why = "it takes in files" if job.ingests else job.days_are_chosen or "it reads no table"
        raise UsageError("CLI-009", f"{job.name} takes no --changed: {why}.", remedy="Give --day, or --from and --to.")


def _check_input(job: Job, input_path: str | None, source: str | None, *, needs_files: bool) -> None:
    # Without files an ingest can map again what lies in bronze.
    if job.ingests and not ((input_path or not needs_files) and source):
        missing = "--source" if not source else "--input"
        raise UsageError(
            "CLI-007",
            f"{job.name} needs {missing}.",
            remedy="Give the location of the raw files (--input PATH) and their layout (--source NAME).",
        )
    if not job.ingests and (input_path is not None or source is not None):
        flag = "--input" if input_path is not None else "--source"
        raise UsageError("CLI-007", f"{job.name} reads tables, not files.", remedy=f"Leave {flag} out.")


def _run_id(text: str | None) -> str | None:
    if text is not None and not _RUN_ID.match(text):
        raise UsageError(
            "CLI-008",
            f"'{text}' is not a valid run id.",
            remedy="Use letters, digits, '-', '_' and '.', at most 100 of them.",
        )
    return text


def _attempt(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdigit() or not 1 <= int(text) <= 1000:
        raise UsageError(
            "CLI-008", f"'{text}' is not a valid attempt.", remedy="Give --attempt a number from 1 to 1000."
        )
    return int(text)


def _rest(arguments: Sequence[str]) -> tuple[str, ...]:
    kept: list[str] = []
    skip = False
    for argument in arguments:
        if skip:
            skip = False
        elif argument in ("-o", "--output"):
            skip = True
        elif argument != "--plan" and not argument.startswith(("-o", "--output=")):
            kept.append(argument)
    return tuple(kept)
