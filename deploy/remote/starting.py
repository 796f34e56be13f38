"""EMR Serverless and EMR on EKS: StartJobRun with a client token, so that the same work sent twice is one run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import cache
from typing import Any

from common.causes import cloud_code
from common.clock import utc_now
from common.errors import UsageError
from deploy.package.entries import find_entries
from deploy.remote.run import SentRun, fit_to_show, job_of_entry, other_work, value_of
from deploy.targets.clients import ask
from deploy.targets.requests import ATTEMPT_TAG, JOB_TAG, RUN_ID_TAG
from deploy.targets.submission import client_token

_PAGE = 50
# Older runs are looked for in the lake only. A longer name is cut behind so many characters, and a hash follows.
_LOOKED_BACK = timedelta(days=30)
_UNCUT_NAME = 51


class Serverless:
    """An application of EMR Serverless."""

    name = "emr-serverless"

    def __init__(self, client: Any, place: str) -> None:
        self._client = client
        self.place = place

    def send(self, body: Mapping[str, Any]) -> str:
        """See Service."""
        return str(_started(self._client, body)["jobRunId"])

    def find(self, run_id: str) -> list[SentRun]:
        """See Service. A listing holds no tags: each run that may be it is asked for them, the newest first.

        Earlier attempts are looked for only until the first one is found: attempts are sent one after another.
        """
        request = {"applicationId": self.place, "maxResults": _PAGE, "createdAtAfter": utc_now() - _LOOKED_BACK}
        listed = [one for page in _pages(self._client, "list_job_runs", **request) for one in page["jobRuns"]]
        found: list[SentRun] = []
        for one in sorted(listed, key=lambda run: run["createdAt"], reverse=True):
            if _may_be(run_id, str(one.get("name", ""))):
                run = self.describe(str(one["id"]))
                found += [run] if run.run_id == run_id else []
                if run.run_id == run_id and run.attempt == 1:
                    break
        return sorted(found, key=lambda run: run.attempt)

    def describe(self, service_id: str) -> SentRun:
        """See Service."""
        run = ask(self._client, "get_job_run", applicationId=self.place, jobRunId=service_id)["jobRun"]
        driver = run["jobDriver"].get("sparkSubmit", {})
        return SentRun(
            id=service_id,
            **_identity(run, driver),
            state=run["state"],
            detail=fit_to_show(run.get("stateDetails", "")),
            created=run.get("createdAt"),
            ended=run.get("endedAt"),
            arguments=tuple(driver.get("entryPointArguments", ())),
            answer=run,
            service_attempt=int(run.get("attempt") or 1),
        )

    def cancel(self, run: SentRun, grace_seconds: int, /) -> list[str]:
        """See Service. In the grace the driver releases its lease and writes its record."""
        request: dict[str, Any] = {"applicationId": self.place, "jobRunId": run.id}
        if _without_grace(str(run.answer.get("releaseLabel", ""))):
            ask(self._client, "cancel_job_run", **request)
            return [f"EMR Serverless cancels {run.id} at once: this release knows no grace."]
        ask(self._client, "cancel_job_run", **request, shutdownGracePeriodInSeconds=grace_seconds)
        return [f"EMR Serverless cancels {run.id}; the driver has {grace_seconds} s to end."]

    def request_again(self, run: SentRun, attempt: int, /) -> dict[str, Any]:
        """See Service."""
        answer = run.answer
        body = {
            "applicationId": self.place,
            "clientToken": client_token(run.job, run.run_id, attempt, self.place),
            "executionRoleArn": answer["executionRole"],
            "tags": _tags_again(answer, attempt),
        }
        kept = (
            *("name", "mode", "executionTimeoutMinutes", "jobDriver", "configurationOverrides", "retryPolicy"),
            *("flexExecution", "executionIamPolicy"),
        )
        return {**body, **{key: answer[key] for key in kept if answer.get(key)}}


class Eks:
    """A virtual cluster of EMR on EKS."""

    name = "emr-containers"

    def __init__(self, client: Any, place: str) -> None:
        self._client = client
        self.place = place

    def send(self, body: Mapping[str, Any]) -> str:
        """See Service."""
        return str(_started(self._client, body)["id"])

    def find(self, run_id: str) -> list[SentRun]:
        """See Service."""
        request = {"virtualClusterId": self.place, "maxResults": _PAGE, "createdAfter": utc_now() - _LOOKED_BACK}
        pages = _pages(self._client, "list_job_runs", **request)
        listed = [one for page in pages for one in page["jobRuns"] if _may_be(run_id, one.get("name", ""))]
        # A listing may leave out what a description holds.
        runs = [_eks_run(one) if one.get("tags") else self.describe(one["id"]) for one in listed]
        return sorted((run for run in runs if run.run_id == run_id), key=lambda run: run.attempt)

    def describe(self, service_id: str) -> SentRun:
        """See Service."""
        return _eks_run(ask(self._client, "describe_job_run", virtualClusterId=self.place, id=service_id)["jobRun"])

    def cancel(self, run: SentRun, _grace_seconds: int, /) -> list[str]:
        """See Service. Kubernetes gives the pods its own grace, 30 s."""
        ask(self._client, "cancel_job_run", virtualClusterId=self.place, id=run.id)
        return [f"EMR on EKS cancels {run.id}; its pods have the grace of Kubernetes to end."]

    def request_again(self, run: SentRun, attempt: int, /) -> dict[str, Any]:
        """See Service."""
        answer = self.describe(run.id).answer
        body = {
            "virtualClusterId": self.place,
            "clientToken": client_token(run.job, run.run_id, attempt, self.place),
            "tags": _tags_again(answer, attempt),
        }
        kept = (
            *("name", "executionRoleArn", "releaseLabel", "jobDriver", "configurationOverrides"),
            "retryPolicyConfiguration",
        )
        return {**body, **{key: answer[key] for key in kept if answer.get(key)}}


def _started(client: Any, body: Mapping[str, Any]) -> Any:
    """The answer of StartJobRun. Raises UsageError SUB-005 for a token that was another request's."""
    try:
        return ask(client, "start_job_run", **body)
    except UsageError as error:
        if error.__cause__ is not None and cloud_code(error.__cause__) == "ConflictException":
            raise other_work((body.get("tags") or {}).get(RUN_ID_TAG, "")) from error
        raise


def _eks_run(run: Mapping[str, Any]) -> SentRun:
    driver = run.get("jobDriver", {}).get("sparkSubmitJobDriver", {})
    reason = [str(run[key]) for key in ("failureReason", "stateDetails") if run.get(key)]
    return SentRun(
        id=run["id"],
        **_identity(run, driver),
        state=run["state"],
        detail=fit_to_show(": ".join(reason)),
        created=run.get("createdAt"),
        ended=run.get("finishedAt"),
        arguments=tuple(driver.get("entryPointArguments", ())),
        answer=run,
        service_attempt=int(run.get("retryPolicyExecution", {}).get("currentAttemptCount") or 1),
    )


def _identity(run: Mapping[str, Any], driver: Mapping[str, Any]) -> dict[str, Any]:
    """Run id, job and attempt, by the tags; by the run's own words where somebody has sent it without them."""
    tags, words = run.get("tags") or {}, driver.get("entryPointArguments", ())
    return {
        "run_id": tags.get(RUN_ID_TAG) or value_of("--run-id", words),
        "job": tags.get(JOB_TAG) or job_of_entry(driver.get("entryPoint", "")),
        "attempt": int(tags.get(ATTEMPT_TAG) or 1),
    }


def _tags_again(answer: Mapping[str, Any], attempt: int) -> dict[str, str]:
    return {**(answer.get("tags") or {}), ATTEMPT_TAG: str(attempt)}


def _without_grace(release: str) -> bool:
    """Whether a release is older than 7.9, the first one that knows a grace."""
    found = re.match(r"emr-(\d+)\.(\d+)", release)
    return found is not None and (int(found.group(1)), int(found.group(2))) < (7, 9)


def _may_be(run_id: str, name: str) -> bool:
    """Whether a run of that name may have the run id: a proposed run id begins with the name, job and days."""
    is_proposed = any(run_id.startswith(f"{job}-") for job in _jobs())
    return not is_proposed or run_id.startswith(name[:_UNCUT_NAME])


@cache
def _jobs() -> tuple[str, ...]:
    return tuple(entry.name for entry in find_entries())


def _pages(client: Any, operation: str, **request: Any) -> Iterator[Any]:
    answer = ask(client, operation, **request)
    yield answer
    while answer.get("nextToken"):
        answer = ask(client, operation, **request, nextToken=answer["nextToken"])
        yield answer
