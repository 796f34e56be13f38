"""The graph as one request of RunJobFlow: a cluster that is started for a day's steps, and ends with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from common.errors import UsageError
from common.run.record.record import STATUS_DONE
from deploy.graph.work import Work, Works
from deploy.remote.records import record_of
from deploy.targets.cluster import check_steps
from deploy.targets.request_check import check_request
from deploy.targets.requests import Request
from deploy.targets.target import ClusterTarget


def cluster_request(works: Works) -> Request:
    """The request; its steps come in the order of the graph, one at a time, and the first that fails ends the cluster.

    Raises UsageError TGT-012 for another target than a cluster to be started, PKG-011 for what EMR would refuse.
    """
    request = works.all[0].plan.request
    target = works.all[0].plan.target
    if not isinstance(target, ClusterTarget) or not isinstance(request.body, dict):
        raise UsageError(
            "TGT-012",
            f"No cluster is started for the target {works.all[0].plan.target_name}.",
            cause=f"It is of kind {target.kind}.",
            remedy="Export to a target of kind emr-cluster; targets.example.yaml shows one.",
        )
    steps: list[dict[str, Any]] = []
    for work in works.all:
        body = work.plan.request.body
        steps += body["Steps"] if isinstance(body, dict) else []
    check_steps(steps)
    body = {**request.body, "Steps": steps}
    check_request(request.service, request.operation, body)
    return replace(request, body=body)


def not_done(works: Works, say: Callable[[str], None]) -> Works:
    """The works whose run record in the lake does not say that they are done.

    What could not be read is run: a run that is repeated leaves the same rows. Raises UsageError PKG-001 when all are
    done.
    """
    left: list[Work] = []
    for work in works.all:
        sent = work.plan.submission
        record, unread = record_of(work.name, sent.run_id, sent.arguments, work.plan.target)
        if unread:
            say(f"{work.name}: {unread}")
        if record and record["status"] == STATUS_DONE:
            say(f"{work.name} is left out: {sent.run_id} is done.")
        else:
            left.append(work)
    if not left:
        raise UsageError(
            "PKG-001",
            "No job is left to run.",
            cause="The run records say that all are done.",
            remedy="Nothing is due.",
        )
    return replace(works, all=tuple(left))
