"""``lakejobs submit``: plan, look whether it can run there, send; the same work sent twice is one run."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.errors import UsageError
from common.job.graph import Graph
from common.run.record.record import STATUS_DONE
from deploy.control.sequence import say
from deploy.remote.preflight import check_before
from deploy.remote.records import record_of
from deploy.remote.run import SentRun, Service, other_work
from deploy.remote.services import attempts_of, service_of
from deploy.remote.verdict import Verdict
from deploy.remote.waiting import judged, leave, wait_for_end
from deploy.remote.work import Work, from_file, planned

_USAGE = """Usage: lakejobs submit JOB... --target NAME [flags of plan] [--wait] [-o json] -- [flags of the job]
       lakejobs submit --plan FILE --target NAME [--wait] [-o json]

Send a job to EMR. All that `lakejobs plan` refuses is refused before anything is sent; so is what the place, the
artefacts, the buckets and the role say when they are asked. Several jobs, or selectors such as +JOB, go in the order
of the graph, and each waits for those before it; those that need a failed one are not sent.

The same work sent twice is one run. If its last attempt failed, the next attempt is sent.

  --plan FILE   what `lakejobs plan -o json` printed, exactly as it is
  --wait        wait for the end; the exit code is that of the run
  -o json       what was sent, on standard output
See `lakejobs plan --help` for the other flags.
"""

SENT, GOES_ON, IS_DONE = "sent", "goes on", "done already"


@dataclass(frozen=True)
class Sent:
    """What became of the wish to send: the run at the service, and whether it is new there."""

    work: Work
    outcome: str
    attempt: int
    id: str

    def shown(self) -> dict[str, Any]:
        """For programs."""
        return {
            "job": self.work.job,
            "run_id": self.work.run_id,
            "attempt": self.attempt,
            "id": self.id,
            "outcome": self.outcome,
            "next_command": self.work.command("wait"),
        }


def submit(words: Sequence[str]) -> int:
    """``lakejobs submit``; 0 when it is sent, with ``--wait`` and for several jobs the exit code of the first failure.

    Raises UsageError SUB-001 to SUB-009, and what ``lakejobs plan`` raises.
    """
    if not words or words[0] in ("-h", "--help"):
        print(_USAGE, end="")
        return 0
    cut = list(words).index("--") if "--" in words else len(words)
    flags, own = _own_flags(words[:cut])
    works = _works(flags, own, words[cut + 1 :])
    for sentence in dict.fromkeys(sentence for work in works for sentence in work.warnings):
        say(sentence)
    if not works:
        raise UsageError("PKG-001", "There is no job to send.", remedy="`lakejobs jobs` lists the jobs.")
    service = service_of(works[0].target)
    for sentence in check_before(works, [work.body_of(work.attempt or 1) for work in works]):
        say(f"Not checked: {sentence}")
    results, code = _in_order(works, service, waits="--wait" in own or len(works) > 1, as_json="-o" in own)
    if "-o" in own:
        print(json.dumps(results if len(works) > 1 else results[0], indent=2))
    return code


def _own_flags(words: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """The flags of plan, and those that only submit has."""
    flags: list[str] = []
    own: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if name == "--wait":
            own["--wait"] = ""
        elif name in ("--plan", "-o", "--output"):
            own["-o" if name != "--plan" else name] = value if equals else next(rest, "")
        else:
            flags.append(word)
    if own.get("-o", "json") not in ("json", "text"):
        raise UsageError("CLI-002", f"-o {own['-o']} is not an output of `lakejobs submit`.", remedy="Give -o json.")
    if own.get("-o") == "text":
        del own["-o"]
    return flags, own


def _works(flags: Sequence[str], own: dict[str, str], arguments: Sequence[str]) -> list[Work]:
    cut = next((at for at, word in enumerate(flags) if word.startswith("-")), len(flags))
    if "--plan" not in own:
        return planned(flags[:cut], flags[cut:], arguments, say)
    known = dict(zip(flags[cut::2], flags[cut + 1 :: 2], strict=False))
    if cut or arguments or set(known) - {"--target", "--targets"} or len(flags) % 2 or "--target" not in known:
        raise UsageError(
            "CLI-002",
            "With --plan the request is sent exactly as it is: nothing but --target and --targets goes with it.",
            remedy="lakejobs submit --plan FILE --target NAME",
        )
    file = Path(known["--targets"]) if "--targets" in known else None
    return [from_file(Path(own["--plan"]), known["--target"], file)]


def _in_order(
    works: Sequence[Work], service: Service, *, waits: bool, as_json: bool
) -> tuple[list[dict[str, Any]], int]:
    """Send one after the other; what needs a failed job is not sent."""
    graph = Graph.of_suite() if len(works) > 1 else None
    blocked: dict[str, str] = {}
    results: list[dict[str, Any]] = []
    code = 0
    for work in works:
        if work.job in blocked:
            say(f"{work.job} is not sent: {blocked[work.job]}.")
            results.append({"job": work.job, "run_id": work.run_id, "outcome": f"not sent: {blocked[work.job]}"})
            continue
        sent = send_once(work, service)
        result = sent.shown()
        if not as_json:
            _print(sent, waits=waits)
        if waits and sent.outcome != IS_DONE:
            run, found = waited(sent, service)
            result |= {"state": run.state, "status": found.status, "exit_code": found.exit_code}
            say("\n".join([f"{work.job}: {found.status}, exit code {found.exit_code}", *found.sentences]))
            if found.exit_code:
                code = code or found.exit_code
                why = f"{work.job} ended with exit code {found.exit_code}"
                blocked |= dict.fromkeys([work.job, *(graph.needing(work.job) if graph else ())], why)
        results.append(result)
    return results, code


def send_once(work: Work, service: Service) -> Sent:
    """Send work unless it was: one that goes on or is done stays the run that it is, after a failure the next is sent.

    Raises UsageError SUB-005 for an attempt that has failed already, or that would run beside an earlier one.
    """
    found = attempts_of(service, work.run_id, work.job)
    same = [run for run in found if run.attempt == work.attempt]
    latest = same[-1] if same else found[-1] if found else None
    if latest is None:
        return _send_unless_recorded(work, service)
    if not latest.has_ended:
        if work.attempt in (None, latest.attempt):
            return _known(work, latest, GOES_ON)
        raise UsageError(
            "SUB-005",
            f"Attempt {latest.attempt} of {work.run_id} is {latest.state}: another one beside it would meet its lease.",
            remedy=f"Wait for it, or {work.command('cancel')}.",
        )
    verdict = judged(latest, work.target)
    if work.attempt is None:
        return _known(work, latest, IS_DONE) if _is_done(verdict) else _send(work, service, latest.attempt + 1)
    if not same:
        return _send(work, service, work.attempt)
    if _is_done(verdict):
        return _known(work, latest, IS_DONE)
    raise UsageError(
        "SUB-005",
        f"Attempt {latest.attempt} of {work.run_id} has ended with exit code {verdict.exit_code}.",
        cause="Sent again, it would be the old answer.",
        remedy=f"Plan attempt {found[-1].attempt + 1}, or leave --attempt out.",
    )


def _known(work: Work, run: SentRun, outcome: str) -> Sent:
    """The run that is there. Raises UsageError SUB-005 if it was sent with other flags: it is not this work then."""
    if run.arguments != work.arguments:
        raise other_work(work.run_id)
    return Sent(work, outcome, run.attempt, run.id)


def _send_unless_recorded(work: Work, service: Service) -> Sent:
    """A service forgets runs, and a transient cluster goes with its steps; the record in the lake stays."""
    if work.attempt is not None:
        return _send(work, service, work.attempt)
    record, unread = record_of(work.job, work.run_id, work.arguments, work.target)
    if unread:
        say(unread)
    earlier = int(record["attempt"]) if record else 0
    if record and record["status"] == STATUS_DONE:
        return Sent(work, IS_DONE, earlier, "")
    return _send(work, service, earlier + 1)


def _is_done(verdict: Verdict) -> bool:
    return verdict.exit_code == 0


def _send(work: Work, service: Service, attempt: int) -> Sent:
    return Sent(work, SENT, attempt, service.send(work.body_of(attempt)))


def waited(sent: Sent, service: Service) -> tuple[SentRun, Verdict]:
    """The run at its end. Ctrl-C leaves it, or cancels it if somebody says so, and ends the process."""
    run = next(
        (one for one in attempts_of(service, sent.work.run_id, sent.work.job) if one.id == sent.id), None
    ) or service.describe(sent.id)
    try:
        return wait_for_end(service, run, sent.work.target, say)
    except KeyboardInterrupt:
        sys.exit(leave(service, run, sent.work.command, say))


def _print(sent: Sent, *, waits: bool) -> None:
    work = sent.work
    print(f"{sent.outcome}: {work.job}, run id {work.run_id}, attempt {sent.attempt}, id {sent.id or 'forgotten'}")
    if sent.outcome == IS_DONE:
        print(f"To run it again: --attempt {sent.attempt + 1}, or another --run-id.")
    elif not waits:
        print(f"next: {work.command('wait')}")
