"""``lakejobs graph --format asl``, ``emr-steps`` and ``airflow``: the same jobs and plans, for what others run."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from typing import NoReturn

from common.clock import utc_now
from common.errors import LakejobsError, UsageError
from deploy.graph.asl import state_machine
from deploy.graph.dag import dag_file
from deploy.graph.emr_steps import cluster_request, not_done
from deploy.graph.work import Works, works_of
from deploy.targets.sending import command_of

ASL, EMR_STEPS, AIRFLOW = "asl", "emr-steps", "airflow"
FORMATS = (ASL, EMR_STEPS, AIRFLOW)

_CRON = re.compile(r"\S+( \S+){4}")
_DAG_ID = re.compile(r"[A-Za-z0-9_.-]{1,250}")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Raise instead of printing and leaving."""
        raise UsageError("CLI-002", f"{message[:1].upper()}{message[1:]}.", remedy="See `lakejobs graph --help`.")


def is_export(words: Sequence[str]) -> bool:
    """Whether a command line of ``lakejobs graph`` asks for an export."""
    pairs = zip(words, [*words[1:], ""], strict=True)
    return any(word == "--format" and value in FORMATS for word, value in pairs) or any(
        word == f"--format={one}" for word in words for one in FORMATS
    )


def main(words: Sequence[str]) -> int:
    """Command line; the exit code."""
    try:
        print(_exported(list(words)))
    except LakejobsError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def _exported(words: list[str]) -> str:
    cut = words.index("--") if "--" in words else len(words)
    before, job_words = words[:cut], words[cut + 1 :]
    at = next((number for number, word in enumerate(before) if word.startswith("-")), len(before))
    selectors, flags = before[:at], before[at:]
    parser = _Parser(prog="lakejobs graph", add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--format", choices=FORMATS, required=True)
    parser.add_argument("--each-day", action="store_true")
    parser.add_argument("--max-concurrency", type=int)
    for flag in ("--name", "--schedule", "--start"):
        parser.add_argument(flag)
    parser.add_argument("--rest", action="store_true")
    parser.add_argument("-o", "--output", choices=("json", "shell"), default="json")
    try:
        options, target_words = parser.parse_known_args(flags)
    except argparse.ArgumentError as error:
        raise UsageError("CLI-002", f"{error}.", remedy="See `lakejobs graph --help`.") from error
    _refuse_flags_of_others(options)
    if options.format == EMR_STEPS:
        return _cluster(options, selectors, target_words, job_words)
    works = works_of(selectors, target_words, job_words, is_sent_later=True)
    if options.format == AIRFLOW:
        return _dag(options, works)
    if options.each_day and not (works.day and any(work.job.by_day for work in works.all)):
        raise UsageError(
            "CLI-005",
            "--each-day takes its days from the input of each execution.",
            cause="Days are given." if not works.day else "No job of these works by day.",
            remedy="Leave the days out, or --each-day.",
        )
    _say_doubts(works)
    definition = state_machine(works, each_day=options.each_day, max_concurrency=options.max_concurrency or 1)
    return json.dumps(definition, indent=2)


def _refuse_flags_of_others(options: argparse.Namespace) -> None:
    if options.max_concurrency is not None and options.max_concurrency < 1:
        raise UsageError("CLI-002", "--max-concurrency is below 1.", remedy="Give the number of days side by side.")
    owned = [
        ("--max-concurrency", options.max_concurrency is not None, ASL),
        ("--rest", options.rest, EMR_STEPS),
        ("-o shell", options.output == "shell", EMR_STEPS),
        *((f"--{one}", getattr(options, one) is not None, AIRFLOW) for one in ("name", "schedule", "start")),
    ]
    if options.each_day and options.format == AIRFLOW:
        raise UsageError(
            "CLI-002", "--each-day is not for --format airflow.", remedy="Leave it out: each run of a DAG has its day."
        )
    for flag, is_given, owner in owned:
        if is_given and options.format != owner:
            raise UsageError("CLI-002", f"{flag} is for --format {owner}.", remedy="Leave it out.")


def _cluster(
    options: argparse.Namespace, selectors: Sequence[str], target_words: Sequence[str], job_words: Sequence[str]
) -> str:
    each_day = ["--each-day"] if options.each_day else []
    works = works_of(selectors, target_words, [*each_day, *job_words], is_sent_later=False)
    if options.rest:
        works = not_done(works, _say)
    _say_doubts(works)
    request = cluster_request(works)
    if options.output == "shell":
        return command_of(request, works.all[0].plan.target)
    return json.dumps(request.body, indent=2)


def _dag(options: argparse.Namespace, works: Works) -> str:
    name = options.name or f"lakejobs-{works.all[0].plan.target_name}"
    if not _DAG_ID.fullmatch(name):
        raise UsageError("CLI-002", f"--name '{name}' is no id of a DAG.", remedy="Letters, digits, '-', '_' and '.'.")
    schedule = options.schedule or "0 3 * * *"
    if not _CRON.fullmatch(schedule):
        raise UsageError("CLI-002", f"--schedule '{schedule}' is not cron.", remedy="e.g. --schedule '0 3 * * *'")
    for flag in ("schedule", "start"):
        if getattr(options, flag) and not works.day:
            raise UsageError(
                "CLI-005", f"--{flag} is for days that come later.", cause="Days are given.", remedy="Leave one out."
            )
    try:
        # The run of the coming night is for the day before it.
        start = date.fromisoformat(options.start) if options.start else utc_now().date() - timedelta(days=1)
    except ValueError as error:
        raise UsageError("CLI-003", f"--start '{options.start}' is no day.", remedy="Write YYYY-MM-DD.") from error
    _say_doubts(works)
    return dag_file(works, name, schedule, start).rstrip("\n")


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr)


def _say_doubts(works: Works) -> None:
    for name, why in works.left_out.items():
        _say(f"{name} does not run: {why}.")
    for sentence in dict.fromkeys(sentence for work in works.all for sentence in work.plan.warnings):
        _say(sentence)
