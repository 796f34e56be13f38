"""``lakejobs doctor``: whether jobs can run on a target, asked from here and then, by a tiny job, from inside."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from common.errors import UsageError
from common.run.findings import Finding, findings_text, stopping
from common.run.launch import run_job
from deploy.control.sequence import say
from deploy.doctor.laptop import Laptop, examine
from deploy.remote.records import record_of
from deploy.remote.services import service_of
from deploy.remote.submit import IS_DONE, Sent, send_once, waited
from deploy.targets.plan_flags import parse_plan_flags
from deploy.targets.sending import command_of
from deploy.targets.target import ClusterTarget, Target
from jobs.maintenance.doctor import JOB

_ASSUMED = re.compile(r"\barn:aws[a-z-]*:sts::\d{12}:assumed-role/([^/\s]+)/")

_USAGE = """Usage: lakejobs doctor --target NAME [--laptop-only] [-o json] [flags of plan] -- [flags of the job]
       lakejobs doctor [flags of the job]

Say whether jobs can run on a target, one line per check: ok, wrong or not checked, with what to do. First what can be
asked from here without Spark (target, release, credentials, place, artefacts, buckets, role, logs), then, by a tiny
job that is sent there, what only the inside can tell. Nothing is sent when a line says what would stop it.

Without --target the job runs here; `lakejobs run maintenance.doctor --help` lists its flags.

  --laptop-only   send nothing
  -o json         the lines, and the run, on standard output
The exit code is 2 when something would stop a job, otherwise 0; if the tiny job itself fails, that of its run.
See `lakejobs plan --help` for the other flags.
"""


def doctor(words: Sequence[str]) -> int:
    """``lakejobs doctor``; the exit code. Raises UsageError CLI-001, CLI-002, and what sending a run raises."""
    cut = list(words).index("--") if "--" in words else len(words)
    before = list(words[:cut])
    if before[:1] in (["-h"], ["--help"]):
        print(_USAGE, end="")
        return 0
    if not any(word.partition("=")[0] == "--target" for word in before):
        if "--laptop-only" in before:
            raise UsageError("CLI-002", "--laptop-only goes with --target.", remedy="lakejobs doctor --target NAME")
        return run_job(JOB, [*before, *words[cut + 1 :]])
    laptop_only = "--laptop-only" in before
    before = [word for word in before if word != "--laptop-only"]
    flags = parse_plan_flags([JOB.name, *before, "--", *_patient(words[cut + 1 :])])
    if flags.output == "shell":
        raise UsageError("CLI-002", "-o shell is not an output of `lakejobs doctor`.", remedy="Give -o json.")
    as_json = flags.output == "json"
    found = examine(JOB, flags)
    if not as_json:
        print(f"From here, for {flags.target}:\n{findings_text(_shown(found.findings))}", end="")
    shown: dict[str, Any] = {"target": flags.target, "laptop": _shown(found.findings), "run": None, "inside": []}
    code = _goes_on(found, shown, laptop_only=laptop_only, as_json=as_json)
    if as_json:
        print(json.dumps({**shown, "exit_code": code}, indent=2))
    return code


def _patient(arguments: Sequence[str]) -> list[str]:
    """The job's flags; without a word of theirs it does not wait long for a store that does not answer."""
    is_said = any("storage_deadline_seconds" in word for word in arguments)
    return [*([] if is_said else JOB.rehearsal), *arguments]


def _goes_on(found: Laptop, shown: dict[str, Any], *, laptop_only: bool, as_json: bool) -> int:
    stops = stopping(found.findings)
    if stops or found.target is None or found.plan is None:
        say(f"Nothing is sent: {', '.join(stops)}.")
        return 2
    if laptop_only:
        return 0
    if found.work is None or isinstance(found.target, ClusterTarget):
        shown["next_command"] = command_of(found.plan.request, found.target)
        how = "on a node of the cluster" if found.work is None else "it starts a cluster of its own"
        say(f"To look from inside, run this ({how}):\n{shown['next_command']}")
        return 0
    service = service_of(found.target)
    sent = send_once(found.work, service)
    say(f"{sent.outcome}: run id {found.work.run_id}, id {sent.id or 'forgotten'}; waiting for its end")
    shown["run"], code = sent.shown(), 0
    if sent.outcome != IS_DONE:
        run, end = waited(sent, service)
        shown["run"] |= {"state": run.state, "status": end.status, "exit_code": end.exit_code}
        say("\n".join([f"{end.status}, exit code {end.exit_code}", *end.sentences]))
        code = end.exit_code or 0
    shown["inside"], why = _from_inside(sent)
    if not as_json:
        print(f"From inside:\n{findings_text(shown['inside'])}" if shown["inside"] else why)
    return code


def _from_inside(sent: Sent) -> tuple[list[Mapping[str, Any]], str]:
    """The lines that the run has left in its record, and where else they are if it cannot be read."""
    work = sent.work
    record, why = record_of(work.job, work.run_id, work.arguments, work.target)
    if record and record.get("findings"):
        inside: list[Mapping[str, Any]] = list(record["findings"])
        return [*inside, *_shown(role_findings(work.target, inside))], ""
    return [], f"{why or 'The run has left no lines in its record.'} See {work.command('logs')}".strip()


def role_findings(target: Target, inside: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """A line on whether boto3 has, inside, the role that the target names: under a runtime role it need not."""
    wanted = getattr(target, "role_arn", None)
    said = " ".join(str(one["found"]) for one in inside if one["check"] == "credentials")
    assumed = _ASSUMED.search(said)
    if not wanted or assumed is None:
        return []
    name, check = str(wanted).rpartition("/")[2], "role of the run"
    if assumed[1] == name:
        return [Finding.ok(check, f"{name}, as the target says")]
    remedy = "On a cluster: a security configuration with runtime roles, or a target without role_arn."
    return [Finding.wrong(check, f"boto3 has {assumed[1]}, the target names {name}", remedy, stops=False)]


def _shown(findings: Sequence[Finding]) -> list[Mapping[str, Any]]:
    return [one.as_dict() for one in findings]
