"""What can be asked before anything is sent: is the place ready and of the right kind, are artefacts and rights there.

Nothing of it needs Spark. What may not be asked from here is said, and left to the run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from common.errors import LakejobsError, UsageError
from common.releases import release_of
from deploy.remote.artefacts_there import check_artefacts
from deploy.remote.buckets import check_buckets
from deploy.remote.role import check_role
from deploy.remote.work import Work
from deploy.targets.clients import ask, client
from deploy.targets.target import EksTarget, EmrTarget, ServerlessTarget, StepTarget

_CLUSTER_WORKS = {"STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING"}
_APPLICATION_WORKS = {"CREATED", "STARTING", "STARTED"}
_PROCESSORS = {"ARM64": "aarch64", "X86_64": "x86_64"}
# No right to ask, or nobody to ask: the run finds out. Anything else is an answer.
UNASKED = frozenset({"TGT-009", "TGT-011"})


def check_before(works: Sequence[Work], bodies: Sequence[Mapping[str, Any]]) -> list[str]:
    """Sentences about what could not be asked.

    Raises UsageError SUB-006 for a place that is not ready, SUB-007 for a cluster without auto-termination, SUB-008
    for a bucket of another region, SUB-009 for a role that is missing or lacks a right, TGT-006 for artefacts that are
    missing or are others than those of the manifest.
    """
    unseen: list[str] = []
    first = works[0]
    target = first.target
    if not isinstance(target, EmrTarget):
        return unseen
    checks: list[tuple[str, Callable[[], list[str]]]] = [
        ("the place where it runs", lambda: check_place(target)),
        ("the artefacts", lambda: [one for body in bodies for one in check_artefacts(target, body, first.manifest)]),
        ("the buckets", lambda: check_buckets(target, [work.lake for work in works])),
        ("the role", lambda: check_role(target, [(work.job, work.lake) for work in works])),
    ]
    for what, check in checks:
        try:
            unseen += check()
        except LakejobsError as error:
            if error.code not in UNASKED:
                raise
            unseen.append(f"{what} ({error.message})")
    return list(dict.fromkeys(unseen))


def check_place(target: EmrTarget) -> list[str]:
    """Nothing to say when the place takes runs. Raises UsageError SUB-006, SUB-007."""
    if isinstance(target, StepTarget):
        return _check_cluster(target)
    if isinstance(target, ServerlessTarget):
        emr = client("emr-serverless", target.region)
        found = ask(emr, "get_application", applicationId=target.identifier)["application"]
        starts = (found.get("autoStartConfiguration") or {}).get("enabled", True)
        if found["state"] not in _APPLICATION_WORKS and not (found["state"] in ("STOPPED", "STOPPING") and starts):
            raise _not_ready(target, found["state"], found.get("stateDetails", ""))
        _check_kind(target, found.get("releaseLabel", ""), _PROCESSORS.get(found.get("architecture", ""), ""))
    elif isinstance(target, EksTarget):
        emr = client("emr-containers", target.region)
        found = ask(emr, "describe_virtual_cluster", id=target.identifier)["virtualCluster"]
        if found["state"] != "RUNNING":
            raise _not_ready(target, found["state"], "")
    return []


def _check_cluster(target: StepTarget) -> list[str]:
    emr = client("emr", target.region)
    found = ask(emr, "describe_cluster", ClusterId=target.identifier)["Cluster"]
    state = found["Status"]["State"]
    if state not in _CLUSTER_WORKS:
        reason = (found["Status"].get("StateChangeReason") or {}).get("Message", "")
        raise _not_ready(target, state, reason)
    _check_kind(target, found.get("ReleaseLabel", ""), "")
    if target.keeps_running or found.get("AutoTerminate"):
        return []
    policy = ask(emr, "get_auto_termination_policy", ClusterId=target.identifier).get("AutoTerminationPolicy") or {}
    if not policy.get("IdleTimeout"):
        raise UsageError(
            "SUB-007",
            f"The cluster {target.identifier} has no auto-termination: it costs money until somebody remembers it.",
            remedy=f"aws emr put-auto-termination-policy --cluster-id {target.identifier} --auto-termination-policy "
            "IdleTimeout=3600; or keeps_running: true in the target, if it is meant to.",
        )
    return []


def _check_kind(target: EmrTarget, release: str, processor: str) -> None:
    """Raises UsageError SUB-006 for a release of other versions, or another processor, than the plan is made for."""
    if processor and processor != target.architecture:
        raise UsageError(
            "SUB-006",
            f"{target.identifier} has processors of {processor}, the target says {target.architecture}.",
            remedy=f"Write architecture: {processor} into the target, and package for it.",
        )
    if release and release != target.release:
        there, planned = release_of(release), release_of(target.release)
        if (there.spark, there.delta) != (planned.spark, planned.delta):
            raise UsageError(
                "SUB-006",
                f"{target.identifier} runs {release}, the target says {target.release}.",
                cause=f"That is Spark {there.spark}, not {planned.spark}.",
                remedy=f"Write release: {release} into the target.",
            )


def _not_ready(target: EmrTarget, state: str, reason: str) -> UsageError:
    return UsageError(
        "SUB-006",
        f"{target.identifier} is {state}: it takes no run.",
        cause=reason,
        remedy="Start or create another one, and write its id into the target.",
    )
