"""Steps of a cluster of EMR on EC2: they have no token and no tags, so their own words say which run they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from common.errors import TransientError
from deploy.remote.resource_manager import end_applications
from deploy.remote.run import SentRun, fit_to_show, job_of_entry, value_of
from deploy.targets.clients import ask


class Steps:
    """A cluster. ``sender`` is a client that sends a request once only: sent again, a step would run twice."""

    name = "emr"

    def __init__(self, client: Any, sender: Any, place: str, region: str | None) -> None:
        self._client = client
        self._sender = sender
        self._region = region
        self.place = place

    def send(self, body: Mapping[str, Any]) -> str:
        """See Service. If the answer is lost, the step is looked for before anybody thinks of sending it again."""
        run_id = value_of("--run-id", body["Steps"][0]["HadoopJarStep"]["Args"])
        before = {run.id for run in self.find(run_id)}
        try:
            return str(ask(self._sender, "add_job_flow_steps", **body)["StepIds"][0])
        except TransientError:
            arrived = [run.id for run in self.find(run_id) if run.id not in before]
            if not arrived:
                raise
            return arrived[-1]

    def find(self, run_id: str) -> list[SentRun]:
        """See Service. EMR lists the newest steps first; the order of their creation numbers the attempts."""
        found: list[Mapping[str, Any]] = []
        answer = ask(self._client, "list_steps", ClusterId=self.place)
        while True:
            found += [step for step in answer["Steps"] if value_of("--run-id", _words(step)) == run_id]
            if not answer.get("Marker"):
                break
            answer = ask(self._client, "list_steps", ClusterId=self.place, Marker=answer["Marker"])
        found.sort(key=lambda step: step["Status"]["Timeline"]["CreationDateTime"])
        return [_step_run(step, attempt) for attempt, step in enumerate(found, start=1)]

    def describe(self, service_id: str) -> SentRun:
        """See Service; the number of the attempt is not known from a single step."""
        return _step_run(ask(self._client, "describe_step", ClusterId=self.place, StepId=service_id)["Step"], 1)

    def cancel(self, run: SentRun, grace_seconds: int, /) -> list[str]:
        """See Service. In cluster mode the step is only the one that watches: the application is ended by itself.

        EMR signals the step's own process; the driver runs in a container of YARN, which goes on without it.
        """
        run = self.describe(run.id)
        option = "SEND_INTERRUPT" if grace_seconds else "TERMINATE_PROCESS"
        answer = ask(
            self._client, "cancel_steps", ClusterId=self.place, StepIds=[run.id], StepCancellationOption=option
        )
        said = [f"EMR cancels the step {run.id} ({option})."]
        said += [
            f"EMR did not take that: {one.get('Reason', 'it gives no reason')}."
            for one in answer.get("CancelStepsInfoList", [])
            if one.get("Status") == "FAILED"
        ]
        if run.state == "PENDING":
            return said
        cluster = ask(self._client, "describe_cluster", ClusterId=self.place)["Cluster"]
        host = cluster.get("MasterPublicDnsName", "")
        return said + end_applications(host, run.applications, run.answer["Name"], self.place, self._region)

    def request_again(self, run: SentRun, _attempt: int, /) -> dict[str, Any]:
        """See Service."""
        step = run.answer
        config = step["Config"]
        again: dict[str, Any] = {
            "Name": step["Name"],
            "ActionOnFailure": step.get("ActionOnFailure", "CONTINUE"),
            "HadoopJarStep": {"Jar": config["Jar"], "Args": list(config["Args"])},
        }
        described = ask(self._client, "describe_step", ClusterId=self.place, StepId=run.id)["Step"]
        if described.get("LogUri"):
            again["StepMonitoringConfiguration"] = {"S3MonitoringConfiguration": {"LogUri": described["LogUri"]}}
        body: dict[str, Any] = {"JobFlowId": self.place, "Steps": [again]}
        if described.get("ExecutionRoleArn"):
            body["ExecutionRoleArn"] = described["ExecutionRoleArn"]
        return body


def _words(step: Mapping[str, Any]) -> Sequence[str]:
    return tuple(step.get("Config", {}).get("Args", ()))


def entry_and_arguments(words: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """The entry file and the job's arguments in the words of a spark-submit command."""
    at = next((number for number, word in enumerate(words) if word.endswith(".py") and "/jobs/" in word), len(words))
    return (words[at] if at < len(words) else "", tuple(words[at + 1 :]))


def _step_run(step: Mapping[str, Any], attempt: int) -> SentRun:
    status = step["Status"]
    entry, arguments = entry_and_arguments(_words(step))
    failure, change = status.get("FailureDetails") or {}, status.get("StateChangeReason") or {}
    reason = [str(failure[key]) for key in ("Reason", "Message") if failure.get(key)] or [
        str(change.get("Message", ""))
    ]
    return SentRun(
        id=step["Id"],
        run_id=value_of("--run-id", arguments),
        job=job_of_entry(entry),
        attempt=attempt,
        state=status["State"],
        detail=fit_to_show(": ".join(part for part in reason if part)),
        created=status.get("Timeline", {}).get("CreationDateTime"),
        ended=status.get("Timeline", {}).get("EndDateTime"),
        arguments=arguments,
        answer=step,
        applications=tuple((step.get("AdditionalInfo") or {}).get("ResourceManagerApplicationIds", ())),
    )
