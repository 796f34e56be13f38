"""A tiny EMR on EC2: starts a cluster from a request of RunJobFlow, runs its steps in turn, and ends it as EMR does.

A step ends with the exit code that ``fate`` holds for its job, in turn, or well; its record then lies in ``records``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ALL_DONE, STEP_FAILED, IDLE = "ALL_STEPS_COMPLETED", "STEP_FAILURE", "IDLE_TIMEOUT"


@dataclass
class Cluster:
    """One cluster: the states of its steps in order, and how it ended."""

    states: dict[str, str]
    state: str = "RUNNING"
    reason: str = ""


@dataclass
class Account:
    """Clusters that were started, and the run records that their jobs left: (job, run id) -> record."""

    fate: dict[str, list[int]] = field(default_factory=dict)
    records: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    clusters: list[Cluster] = field(default_factory=list)
    ran: list[tuple[str, str]] = field(default_factory=list)

    def run_job_flow(self, request: Mapping[str, Any]) -> Cluster:
        """Start a cluster and run it to its end; EMR's own rules of what goes together are asserted."""
        assert request["StepConcurrencyLevel"] == 1 or all(
            step["ActionOnFailure"] == "CONTINUE" for step in request["Steps"]
        )
        # A fleet scaled by a policy needs a start within its bounds.
        limits = request["ManagedScalingPolicy"]["ComputeLimits"]
        fleets = [one for one in request["Instances"]["InstanceFleets"] if one["InstanceFleetType"] != "MASTER"]
        units = sum(one["TargetOnDemandCapacity"] + one["TargetSpotCapacity"] for one in fleets)
        assert limits["MinimumCapacityUnits"] <= units <= limits["MaximumCapacityUnits"]
        cluster = Cluster({f"{number} {step['Name']}": "PENDING" for number, step in enumerate(request["Steps"])})
        self.clusters.append(cluster)
        for key, step in zip(cluster.states, request["Steps"], strict=True):
            cluster.states[key] = "FAILED" if self._run(step["HadoopJarStep"]["Args"]) else "COMPLETED"
            if cluster.states[key] == "FAILED" and step["ActionOnFailure"] != "CONTINUE":
                cluster.states |= {one: "CANCELLED" for one, state in cluster.states.items() if state == "PENDING"}
                if step["ActionOnFailure"] == "TERMINATE_CLUSTER":
                    return self._ended(cluster, "TERMINATED_WITH_ERRORS", STEP_FAILED)
        if not request["Instances"]["KeepJobFlowAliveWhenNoSteps"]:
            return self._ended(cluster, "TERMINATED", ALL_DONE)
        return self._ended(cluster, "TERMINATED", IDLE) if "AutoTerminationPolicy" in request else cluster

    def _run(self, words: list[str]) -> int:
        family, file = next(word for word in words if word.endswith(".py")).split("/")[-2:]
        job, run_id = f"{family}.{file.removesuffix('.py')}", words[words.index("--run-id") + 1]
        code = self.fate[job].pop(0) if self.fate.get(job) else 0
        self.ran.append((job, words[words.index("--day") + 1] if "--day" in words else ""))
        self.records[job, run_id] = {"status": "failed" if code else "done", "exit_code": code}
        return code

    @staticmethod
    def _ended(cluster: Cluster, state: str, reason: str) -> Cluster:
        cluster.state, cluster.reason = state, reason
        return cluster
