"""``lakejobs status``, ``wait``, ``cancel``, and ``retry`` of a run that was sent."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from common.clock import utc_text
from common.errors import LakejobsError, UsageError
from deploy.control.sequence import say
from deploy.remote.flags import Asked, parse
from deploy.remote.run import CANCELLING, SentRun, Service
from deploy.remote.services import found_run, service_of
from deploy.remote.verdict import RETRIED, Verdict
from deploy.remote.waiting import GRACE_SECONDS, judged, leave, state_words, wait_for_end
from deploy.targets.request_check import check_request
from deploy.targets.target import Target

_SHORTEST_GRACE, _LONGEST_GRACE = 15, 1800
_OPERATIONS = {"emr": "AddJobFlowSteps"}


def status(words: Sequence[str]) -> int:
    """``lakejobs status``: the run as it is now; the exit code is its own once it has ended, and 0 before."""
    asked = parse("status", "Show a run that was sent: what its service and its record say.", words)
    target, _, run = _found(asked)
    found = judged(run, target)
    _show(asked, run, found)
    if not run.has_ended and not asked.as_json:
        print(f"next: {asked.command('wait')}")
    return found.exit_code or 0


def wait(words: Sequence[str]) -> int:
    """``lakejobs wait``: until the run ends, without a ceiling; its exit code.

    Ctrl-C asks at a terminal whether to cancel the run; elsewhere, and by default, the run goes on.
    """
    asked = parse("wait", "Wait for the end of a run. Ctrl-C leaves it, or cancels it if you say so.", words)
    target, service, run = _found(asked)
    try:
        run, found = wait_for_end(service, run, target, say)
    except KeyboardInterrupt:
        return leave(service, run, asked.command, say)
    except LakejobsError:
        say(f"The run goes on. To wait again: {asked.command('wait')}")
        raise
    _show(asked, run, found)
    return found.exit_code or 0


def cancel(words: Sequence[str]) -> int:
    """``lakejobs cancel``: ask the service to end a run, for a step YARN too. Cancelled twice is cancelled once."""
    more: list[tuple[str, dict[str, Any]]] = [
        ("--grace-seconds", {"type": int, "help": "for the driver to end on EMR Serverless, 15 to 1,800 (120)"}),
        ("--now", {"action": "store_true", "help": "without a grace: kill the process"}),
    ]
    asked = parse("cancel", "Cancel a run that was sent.", words, more)
    grace = _grace(asked)
    _, service, run = _found(asked)
    if run.has_ended or run.phase == CANCELLING:
        said = [f"There is nothing to cancel: the run is {run.state}."]
    else:
        said = service.cancel(run, grace)
    if asked.as_json:
        print(json.dumps({"run_id": run.run_id, "attempt": run.attempt, "id": run.id, "said": said}, indent=2))
    else:
        print("\n".join([*said, f"next: {asked.command('wait')}"]))
    return 0


def retry(words: Sequence[str]) -> int:
    """``lakejobs retry --run-id``: send a run that ended with 5 or 75 again, as the next attempt.

    Raises UsageError SUB-003 for a run that goes on or that another attempt cannot help.
    """
    asked = parse("retry", "Send a run again that failed with exit code 5 or 75, as its next attempt.", words)
    target, service, run = _found(replace(asked, attempt=None))
    found = judged(run, target)
    if found.exit_code not in RETRIED:
        ended = f"ended with exit code {found.exit_code}" if run.has_ended else f"is {run.state}"
        raise UsageError(
            "SUB-003",
            f"The run {run.run_id} {ended}; only 5 and 75 are repeated.",
            cause=" ".join(found.sentences),
            remedy="Another attempt would end the same way: correct the cause, then `lakejobs submit` sends the next "
            "attempt."
            if run.has_ended and found.exit_code
            else "There is nothing to repeat.",
        )
    body = service.request_again(run, run.attempt + 1)
    check_request(service.name, _OPERATIONS.get(service.name, "StartJobRun"), body)
    sent = service.send(body)
    shown = {
        "run_id": run.run_id,
        "attempt": run.attempt + 1,
        "id": sent,
        "next_command": asked.command("wait"),
    }
    if asked.as_json:
        print(json.dumps(shown, indent=2))
    else:
        print(
            f"sent: {run.job}, run id {run.run_id}, attempt {run.attempt + 1}, id {sent}\nnext: {asked.command('wait')}"
        )
    return 0


def _found(asked: Asked) -> tuple[Target, Service, SentRun]:
    target = asked.target
    service = service_of(target)
    return target, service, found_run(service, asked.run_id, asked.job, asked.attempt)


def _grace(asked: Asked) -> int:
    said = asked.more.grace_seconds
    if asked.more.now and said is None:
        return 0
    if asked.more.now or not _SHORTEST_GRACE <= (said or GRACE_SECONDS) <= _LONGEST_GRACE:
        raise UsageError(
            "CLI-002",
            "--grace-seconds is 15 to 1,800.",
            cause="--now leaves no grace." if asked.more.now else "",
            remedy="Give --now alone to leave no grace.",
        )
    return int(said or GRACE_SECONDS)


def _show(asked: Asked, run: SentRun, found: Verdict) -> None:
    if asked.as_json:
        print(json.dumps(shown(run, found), indent=2))
        return
    code = "" if found.exit_code is None else f", exit code {found.exit_code}"
    print("\n".join([state_words(run), f"id: {run.id}", f"end state: {found.status}{code}"]))
    for sentence in found.sentences:
        print(sentence)
    if found.exit_code:
        print(f"logs: {asked.command('logs')}")
    if found.exit_code in RETRIED:
        print(f"next: {asked.command('retry')}")


def shown(run: SentRun, found: Verdict) -> dict[str, Any]:
    """A run for programs."""
    return {
        "run_id": run.run_id,
        "job": run.job,
        "attempt": run.attempt,
        "service_attempt": run.service_attempt,
        "id": run.id,
        "state": run.state,
        "status": found.status,
        "exit_code": found.exit_code,
        "created_at": utc_text(run.created) if run.created else None,
        "ended_at": utc_text(run.ended) if run.ended else None,
        "yarn_applications": list(run.applications),
        "said": list(found.sentences),
    }
