"""A stand-in for EMR Serverless that keeps client tokens, as the service does and moto does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

_FIRST = datetime(2026, 11, 20, 3, tzinfo=UTC)


class FakeServerless:
    """Answers as boto3's client of ``emr-serverless`` does; ``states`` are set by the test."""

    def __init__(self) -> None:
        self.meta = SimpleNamespace(service_model=SimpleNamespace(service_name="emr-serverless"))
        self.runs: dict[str, dict[str, Any]] = {}
        self.cancelled: list[dict[str, Any]] = []
        self._tokens: dict[str, tuple[str, dict[str, Any]]] = {}

    def start_job_run(self, **body: Any) -> dict[str, str]:
        """The run of the token if there is one, otherwise a new one."""
        token = body["clientToken"]
        if token in self._tokens:
            known, first = self._tokens[token]
            if first != body:
                raise ClientError({"Error": {"Code": "ConflictException", "Message": "token"}}, "StartJobRun")
            return {"jobRunId": known}
        created = _FIRST + timedelta(hours=len(self.runs))
        name = f"00run{len(self.runs) + 1}"
        self._tokens[token] = (name, body)
        self.runs[name] = {
            **{key: value for key, value in body.items() if key not in ("clientToken", "executionRoleArn")},
            "executionRole": body["executionRoleArn"],
            "jobRunId": name,
            "state": "SUBMITTED",
            "stateDetails": "",
            "createdAt": created,
        }
        return {"jobRunId": name}

    def list_job_runs(self, **request: Any) -> dict[str, Any]:
        """Two runs a page, neither sorted nor with tags."""
        names = sorted(self.runs)
        start = int(request.get("nextToken", 0))
        page = [
            {"id": name, "name": self.runs[name]["name"], "createdAt": self.runs[name]["createdAt"]} for name in names
        ]
        answer: dict[str, Any] = {"jobRuns": page[start : start + 2]}
        return answer if start + 2 >= len(names) else {**answer, "nextToken": str(start + 2)}

    def get_job_run(self, **request: Any) -> dict[str, Any]:
        """All that the service knows of a run."""
        return {"jobRun": self.runs[request["jobRunId"]]}

    def cancel_job_run(self, **request: Any) -> dict[str, Any]:
        """Takes the wish; the state is the test's."""
        self.cancelled.append(request)
        return {}

    def get_application(self, **_request: Any) -> dict[str, Any]:
        """An application that takes runs."""
        return {"application": {"state": "STARTED", "releaseLabel": "emr-spark-8.1.0", "architecture": "X86_64"}}
