"""From the command line to an exit code: flags, settings, and who does what with them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from common.errors import LakejobsError
from common.run.flags import Flags, parse_flags, wanted_env, wants_json

if TYPE_CHECKING:
    from common.job.declaration import Job
    from common.run.context import Services


def main(job: Job, argv: Sequence[str] | None, services: Services | None) -> int:
    """Do what ``argv`` asks of ``job``; the exit code. Never raises."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        flags = parse_flags(job, arguments)
    except LakejobsError as error:
        from common.run.console.metrics import print_brief_metrics
        from common.run.console.summary import print_refusal

        as_json = wants_json(arguments)
        if not as_json and "--plan" not in arguments:
            print_brief_metrics(job.name, wanted_env(arguments), "auto", error)
        return print_refusal(job, error, as_json=as_json)
    if flags.help or flags.version:
        from common.run.console.help import help_text, version_text

        sys.stdout.write(help_text(job) if flags.help else version_text())
        return 0
    return _run_or_plan(job, flags, services)


def _run_or_plan(job: Job, flags: Flags, services: Services | None) -> int:
    from common.run.context import Services as RealServices

    if flags.plan:
        from common.run.console.plan import print_plan

        return print_plan(job, flags, services or RealServices())
    from common.run.runner import Run

    known = services or RealServices()
    if flags.changed:
        from common.run.changed.runs import run_changed

        return run_changed(job, flags, known, lambda block: Run(job, block, known).execute())
    return Run(job, flags, known).execute()


def run_job(job: Job, argv: Sequence[str] | None = None, *, services: Services | None = None) -> int:
    """Run ``job`` as the command line asks and return the exit code; never raises.

    ``argv`` defaults to the arguments of the process. ``services`` replaces what opens sessions, lakes and stores.
    """
    return main(job, argv, services)
