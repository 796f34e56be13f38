"""Looks whether the role of a run exists and may read and write the lake, as IAM's own simulator judges it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from common.errors import UsageError
from common.job.references import attribute
from common.lake.delta.probe import PROBES
from deploy.package.entries import find_entries
from deploy.targets.clients import ask, client, is_absent
from deploy.targets.target import EmrTarget

_READ, _WRITE = ("s3:GetObject",), ("s3:GetObject", "s3:PutObject", "s3:DeleteObject")


def check_role(target: EmrTarget, jobs: Iterable[tuple[str, str]]) -> list[str]:
    """Nothing to say when all is well. ``jobs`` are names, each with its lake.

    Raises UsageError SUB-009 for a role that is missing or lacks a right.
    """
    role: str = getattr(target, "role_arn", None) or ""
    if not role:
        return ["the rights of the cluster's own role (the target names no role_arn)"]
    iam = client("iam", target.region)
    try:
        ask(iam, "get_role", RoleName=role.rpartition("/")[2])
    except UsageError as error:
        if is_absent(error.__cause__):
            raise UsageError(
                "SUB-009", f"There is no role {role}.", remedy="Correct role_arn of the target: `lakejobs infra roles`."
            ) from error
        raise
    missing = [
        f"{action} below {address}"
        for address, actions in _wanted(target, jobs).items()
        for action in _denied(iam, role, actions, address)
    ]
    if missing:
        raise UsageError(
            "SUB-009",
            f"The role {role} lacks rights.",
            cause=f"IAM denies {', '.join(missing)}.",
            remedy="`lakejobs policy JOB...` prints the rights that the jobs need.",
        )
    return []


def _wanted(target: EmrTarget, jobs: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """Folder on S3 -> what the jobs do with an object in it, from their declarations."""
    wanted: dict[str, tuple[str, ...]] = {target.artifacts.rstrip("/"): _READ}
    entries = {entry.name: entry for entry in find_entries()}
    for name, root in jobs:
        lake = root.rstrip("/")
        if name not in entries or lake.partition("://")[0] not in ("s3", "s3a"):
            continue
        job = entries[name].load()
        wanted[f"{lake}/runs/{job.family}/{job.short_name}"] = _WRITE[:2]
        if job.examines:
            wanted[f"{lake}/{PROBES}"] = _WRITE
        for read in job.inputs:
            if not read.optional:
                wanted.setdefault(f"{lake}/{attribute(read.table).relative_path}", _READ)
        wanted |= {f"{lake}/{attribute(written).relative_path}": _WRITE for written in job.writes}
    return wanted


def _denied(iam: Any, role: str, actions: Sequence[str], address: str) -> list[str]:
    resource = f"arn:{role.split(':')[1]}:s3:::{address.partition('://')[2]}/any"
    request = {"PolicySourceArn": role, "ActionNames": list(actions), "ResourceArns": [resource]}
    results = ask(iam, "simulate_principal_policy", **request)["EvaluationResults"]
    return [one["EvalActionName"] for one in results if one["EvalDecision"] != "allowed"]
