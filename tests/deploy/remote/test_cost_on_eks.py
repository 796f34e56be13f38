"""What a run on EKS has cost, from the request to the printed sum."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from botocore.stub import Stubber

from deploy.targets.clients import client

pytestmark = pytest.mark.unit

_START = datetime(2026, 11, 20, 3, tzinfo=UTC)
_SIZE = (
    "--conf spark.driver.cores=1 --conf spark.driver.memory=3g --conf spark.driver.memoryOverhead=1024m "
    "--conf spark.executor.cores=2 --conf spark.executor.memory=6g --conf spark.executor.memoryOverhead=2g "
    "--conf spark.dynamicAllocation.maxExecutors=10"
)


def test_a_run_on_eks_costs_what_its_pods_asked_for_and_their_part_of_nodes(
    lakejobs: Callable[..., tuple[int, str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    (tmp_path / "targets.yaml").write_text(
        "night:\n  kind: emr-eks\n  virtual_cluster_id: example\n  region: us-east-1\n  instance_type: m5.2xlarge\n"
        "  role_arn: arn:aws:iam::000000000000:role/example\n  artifacts: s3://example-artifacts/lakejobs\n",
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    run = {
        "id": "a",
        "name": "fraud.score-2026-11-20",
        "virtualClusterId": "example",
        "state": "COMPLETED",
        "jobDriver": {
            "sparkSubmitJobDriver": {
                "entryPoint": "s3://a/jobs/fraud/score.py",
                "entryPointArguments": ["--run-id", "night-1"],
                "sparkSubmitParameters": _SIZE,
            }
        },
        "createdAt": _START,
        "finishedAt": _START + timedelta(hours=2),
        "tags": {"lakejobs:job": "fraud.score", "lakejobs:run-id": "night-1", "lakejobs:attempt": "1"},
    }
    containers = client("emr-containers", "us-east-1")
    monkeypatch.setattr("deploy.remote.services.client", lambda *_, **__: containers)
    with Stubber(containers) as stub:
        stub.add_response("list_job_runs", {"jobRuns": [run]})
        words = ("--run-id", "night-1", "--target", "night", "--executors", "3", "--node-disk-gb", "0", "-o", "json")
        code, out, _ = lakejobs("cost", *words)
    assert code == 0
    cost = json.loads(out)
    # Two hours of 1 + 3 x 2 vCPU and of 4 + 3 x 8 GB.
    assert (cost["used"]["vcpu_hours"], cost["used"]["memory_gb_hours"]) == (14, 56)
    assert cost["cost"]["fee"] == pytest.approx(14 * 0.01012 + 56 * 0.00111125, abs=1e-6)
    # 7 cores and 31,775 MB of a node are for pods: two hours of a whole one by cores, which is the larger part.
    assert cost["cost"]["machines"] == pytest.approx(2 * 0.384)
    # No lake is known, so there is no record, and nothing is kept.
    assert cost["kept"] == "not kept: the lake of the run is not known"
    assert cost["record"]["seconds"] is None
