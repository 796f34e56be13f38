"""The flags of the commands that look after a run that was sent; what is wrong with them is a UsageError."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from common.errors import UsageError
from deploy.targets.target import Target
from deploy.targets.target_file import target_of


@dataclass(frozen=True)
class Asked:
    """Which run is meant, and where; ``more`` are the flags of one command."""

    run_id: str
    target_name: str
    file: Path | None
    job: str
    attempt: int | None
    as_json: bool
    more: argparse.Namespace

    @property
    def target(self) -> Target:
        """Raises UsageError TGT-001 to TGT-003, PKG-013."""
        return target_of(self.target_name, self.file, {})

    def command(self, verb: str, run_id: str = "") -> str:
        """Another command for the same run."""
        return command_for(verb, run_id or self.run_id, self.target_name, self.file)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Raise instead of printing and leaving."""
        raise UsageError("CLI-002", f"{message[:1].upper()}{message[1:]}.", remedy=f"See `{self.prog} --help`.")


def command_for(verb: str, run_id: str, target: str, file: Path | None) -> str:
    """``lakejobs wait --run-id ID --target NAME``, with the file of targets where it is not the usual one."""
    targets = ["--targets", str(file)] if file else []
    return shlex.join(["lakejobs", verb, "--run-id", run_id, "--target", target, *targets])


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
    return Asked(found.run_id, found.target, found.targets, found.job, found.attempt, found.output == "json", found)
