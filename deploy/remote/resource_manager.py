"""Ends an application of YARN through the resource manager's REST interface, or says how a person ends it."""

from __future__ import annotations

import json
import shlex
import urllib.request
from collections.abc import Sequence

_PORT = 8088
_PATIENCE_SECONDS = 5
# As whom EMR runs steps.
_USER = "hadoop"
_ACTIVE = "NEW,NEW_SAVING,SUBMITTED,ACCEPTED,RUNNING"


def end_applications(
    host: str, applications: Sequence[str], name: str, cluster: str, region: str | None, port: int = _PORT
) -> list[str]:
    """End the applications of a step; without their ids the one that is active under the step's ``name``.

    Sentences about what was done, or the command that does it where ``host`` cannot be reached from here.
    """
    known = list(applications)
    try:
        known = known or _named(host, name, port)
        for one in known:
            _kill(host, one, port)
    except (OSError, ValueError):
        return _by_hand(host, known, name, cluster, region)
    if not known:
        return [f"YARN has no active application named {name}: the driver had not started, or has ended."]
    return [f"The YARN application {one} is ended too." for one in known]


def _named(host: str, name: str, port: int) -> list[str]:
    """Raises OSError when the resource manager cannot be reached, ValueError when two applications have the name."""
    address = f"http://{host}:{port}/ws/v1/cluster/apps?states={_ACTIVE}&applicationTypes=SPARK"
    with urllib.request.urlopen(address, timeout=_PATIENCE_SECONDS) as answer:
        listed = (json.load(answer).get("apps") or {}).get("app") or []
    found = [str(one["id"]) for one in listed if one.get("name") == name]
    if len(found) > 1:
        raise ValueError("the name is not of one application")
    return found


def _kill(host: str, application: str, port: int) -> None:
    request = urllib.request.Request(
        f"http://{host}:{port}/ws/v1/cluster/apps/{application}/state?user.name={_USER}",
        data=b'{"state": "KILLED"}',
        headers={"Content-Type": "application/json"},
        method="PUT",
    )
    with urllib.request.urlopen(request, timeout=_PATIENCE_SECONDS):
        pass


def _by_hand(host: str, known: Sequence[str], name: str, cluster: str, region: str | None) -> list[str]:
    where = ["--region", region] if region else []
    said = [
        "The YARN application goes on: cancelling a step does not end it, and the resource manager cannot be reached."
    ]
    if not known:
        said.append("Its id: `yarn application -list` on the primary node" + f" ({host}), the name is {name}.")
    for one in known or ["application_..."]:
        step = {"Type": "CUSTOM_JAR", "Name": f"end {one}", "Jar": "command-runner.jar", "ActionOnFailure": "CONTINUE"}
        words = ["aws", "emr", "add-steps", *where, "--cluster-id", cluster, "--steps"]
        ends = ["yarn", "application", "-kill", one]
        said.append(f"On the primary node: {shlex.join(ends)}")
        said.append(f"or as a step: {shlex.join([*words, json.dumps([{**step, 'Args': ends}])])}")
    return said
