"""The flags of the commands that look after a run that was sent; what is wrong with them is a UsageError."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from common.errors import UsageError
from deploy.targets.plan_flags import TARGET_FLAGS
from deploy.targets.target import Target
from deploy.targets.target_file import target_of

_PLACE = ("cluster_id", "application_id", "virtual_cluster_id", "role_arn", "artifacts", "region")


@dataclass(frozen=True)
class Asked:
    """Which run is meant, and where; ``more`` are the flags of one command."""

    run_id: str
    target_name: str
    file: Path | None
    job: str
    attempt: int | None
    as_json: bool
    overrides: Mapping[str, tuple[str, str]]
    more: argparse.Namespace

    @property
    def target(self) -> Target:
        """Raises UsageError TGT-001 to TGT-003, PKG-013."""
        return target_of(self.target_name, self.file, self.overrides)

    def command(self, verb: str) -> str:
        """Another command for the same run."""
        return command_for(verb, self.run_id, self.target_name, self.file, self.overrides)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Raise instead of printing and leaving."""
        raise UsageError("CLI-002", f"{message[:1].upper()}{message[1:]}.", remedy=f"See `{self.prog} --help`.")


def command_for(
    verb: str, run_id: str, target: str, file: Path | None, overrides: Mapping[str, tuple[str, str]]
) -> str:
    """``lakejobs wait --run-id ID --target NAME``, with the file and the flags without which the target is another."""
    targets = ["--targets", str(file)] if file else []
    given = [word for key, pair in overrides.items() if key in _PLACE for word in pair]
    return shlex.join(["lakejobs", verb, "--run-id", run_id, "--target", target, *targets, *given])


def parse(verb: str, description: str, words: Sequence[str], more: Sequence[tuple[str, dict[str, Any]]] = ()) -> Asked:
    """The flags of ``lakejobs VERB``; ``more`` are those that only it has. Raises UsageError CLI-001, CLI-002."""
    parser = _Parser(prog=f"lakejobs {verb}", description=description, allow_abbrev=False, exit_on_error=False)
    add = parser.add_argument
    add("--run-id", required=True, help="the run, as `lakejobs submit` printed it")
    add("--target", required=True, help="where it was sent")
    add("--targets", type=Path, metavar="FILE", help="the file of targets (default: ./targets.yaml)")
    add("--job", default="", help="which job, if several share the run id")
    add("--attempt", type=int, help="default: the latest")
    add("-o", "--output", choices=("text", "json"), default="text", help="json: for programs, on standard output")
    for flag in TARGET_FLAGS:
        # As for `lakejobs plan`; they are many, and few are needed here.
        add(flag, help=argparse.SUPPRESS)
    for flag, options in more:
        add(flag, **options)
    try:
        found, unknown = parser.parse_known_args(list(words))
    except argparse.ArgumentError as error:
        flag = f"{error.argument_name}: " if error.argument_name else ""
        raise UsageError("CLI-002", f"{flag}{error.message}.", remedy=f"See `lakejobs {verb} --help`.") from error
    if unknown:
        raise UsageError(
            "CLI-001", f"'{unknown[0]}' is not a flag of `lakejobs {verb}`.", remedy=f"See `lakejobs {verb} --help`."
        )
    given = {
        key: (flag, value)
        for flag, key in TARGET_FLAGS.items()
        if (value := getattr(found, flag.removeprefix("--").replace("-", "_"))) is not None
    }
    as_json = found.output == "json"
    return Asked(found.run_id, found.target, found.targets, found.job, found.attempt, as_json, given, found)
