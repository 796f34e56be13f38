"""What a run has cost, by its service's own numbers; every sum is made by hand from the rates of this test."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.stub import Stubber
from fake_serverless import FakeServerless

from common.errors import InputMissingError
from deploy.cost.prices import SHIPPED
from deploy.cost.used import used_on_cluster, used_on_eks
from deploy.remote.run import SentRun
from deploy.targets.clients import client
from deploy.targets.sizes import ServerlessSize

pytestmark = pytest.mark.unit

Lakejobs = Callable[..., tuple[int, str, str]]
_START = datetime(2026, 11, 20, 3, tzinfo=UTC)
_BILLED = {"vCPUHour": 10.0, "memoryGBHour": 40.0, "storageGBHour": 100.0}


@pytest.fixture
def ended(emr: FakeServerless, submit: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sends a run and lets it end, half an hour after its start."""
    monkeypatch.setattr("deploy.targets.clients.client", lambda *_, **__: emr)

    def end(**facts: Any) -> None:
        assert submit("--run-id", "night-1")[0] == 0
        emr.runs["00run1"].update(
            state="SUCCESS",
            startedAt=_START,
            endedAt=_START + timedelta(minutes=30),
            totalExecutionDurationSeconds=1800,
            **{"billedResourceUtilization": _BILLED, **facts},
        )

    return end


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    """Prices of the run's Region, round ones for EMR Serverless."""
    text = SHIPPED.read_text(encoding="utf-8").replace("region: us-east-1", "region: eu-west-1")
    for old, new in (("0.052624", "0.05"), ("0.0057785", "0.005"), ("0.000111", "0.0001")):
        text = text.replace(old, new)
    path = tmp_path / "prices.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_run_on_serverless_costs_what_is_billed_beside_what_it_would_have_cost_elsewhere(
    ended: Callable[..., None], record: Callable[..., None], lakejobs: Lakejobs, prices: Path
) -> None:
    ended()
    record("night-1", "done", 0, seconds=1700.5, resources={"driver_cpu_seconds": 12.5})
    words = ("cost", "--run-id", "night-1", "--target", "night", "--prices", str(prices))
    code, out, _ = lakejobs(*words, "-o", "json")
    assert code == 0
    cost = json.loads(out)
    # 10 x 0.05 + 40 x 0.005, and 100 x 0.0001 for disk.
    assert cost["cost"] == {"machines": 0.7, "fee": 0.0, "disk": 0.01, "total": 0.71}
    # 10 vCPU hours in half an hour are 20 vCPU: a driver of 2 and executors of 4.
    assert cost["used"]["executors"] == pytest.approx(4.5)
    assert [one["place"] for one in cost["places"]] == ["emr-step", "emr-serverless", "emr-eks"]
    assert cost["places"][1]["total"] == 0.71
    assert cost["cheapest"]["total"] == min(one["total"] for one in cost["places"] if not one["refusal"])
    assert cost["record"] == {"seconds": 1700.5, "resources": {"driver_cpu_seconds": 12.5}}
    assert cost["seconds"] == 1800
    _, text, _ = lakejobs(*words)
    assert "by its record: 1700.5 s, driver cpu seconds 12.5" in text
    assert "0.7100  this run" in text


def test_a_cost_is_kept_once_beside_the_record_and_waits_for_ops_costs(
    ended: Callable[..., None], lakejobs: Lakejobs, tmp_path: Path, prices: Path
) -> None:
    ended()
    runs = tmp_path / "lake" / "runs"
    words = ("cost", "--run-id", "night-1", "--target", "night", "-o", "json")
    assert json.loads(lakejobs(*words, "--no-keep")[1])["kept"] == "not kept: --no-keep"
    assert not list(runs.rglob("*cost*"))
    first = json.loads(lakejobs(*words)[1])
    assert first["kept"] == "runs/clickstream/sessionise/night-1.cost-1.json"
    kept = (runs / "clickstream" / "sessionise" / "night-1.cost-1.json").read_text(encoding="utf-8")
    again = json.loads(lakejobs(*words, "--prices", str(prices))[1])
    assert again["kept"].endswith("as it was priced before")
    assert (runs / "clickstream" / "sessionise" / "night-1.cost-1.json").read_text(encoding="utf-8") == kept
    (waiting,) = (runs / "_pending" / "costs").iterdir()
    assert waiting.read_text(encoding="utf-8") == kept


def test_graviton_has_its_own_rates_and_prices_of_another_region_are_said(
    ended: Callable[..., None], lakejobs: Lakejobs, emr: FakeServerless
) -> None:
    ended()
    emr.runs["00run1"]["billedResourceUtilization"] = {"vCPUHour": 100.0, "memoryGBHour": 0.0, "storageGBHour": 0.0}
    words = ("cost", "--run-id", "night-1", "--target", "night", "--no-keep", "-o", "json")
    arm, x86 = (json.loads(lakejobs(*words, "--arch", arch)[1]) for arch in ("aarch64", "x86_64"))
    assert (arm["cost"]["total"], x86["cost"]["total"]) == (pytest.approx(4.2094, abs=0.01), pytest.approx(5.2624))
    assert any("us-east-1, the run was in eu-west-1" in note for note in arm["notes"])


@pytest.mark.parametrize(
    ("facts", "said"), [({"state": "RUNNING"}, "has not ended yet"), ({"billedResourceUtilization": None}, "not yet")]
)
def test_what_is_not_billed_yet_has_no_cost(
    ended: Callable[..., None], lakejobs: Lakejobs, emr: FakeServerless, facts: dict[str, Any], said: str
) -> None:
    ended()
    emr.runs["00run1"].update(facts)
    code, _, err = lakejobs("cost", "--run-id", "night-1", "--target", "night")
    assert code == 75
    assert err.startswith("CST-004")
    assert said in err


def test_a_run_that_was_cancelled_before_it_started_costs_nothing(
    ended: Callable[..., None], lakejobs: Lakejobs, emr: FakeServerless
) -> None:
    ended()
    run = emr.runs["00run1"]
    for name in ("startedAt", "totalExecutionDurationSeconds", "billedResourceUtilization"):
        del run[name]
    run["state"] = "CANCELLED"
    cost = json.loads(lakejobs("cost", "--run-id", "night-1", "--target", "night", "-o", "json")[1])
    assert cost["cost"]["total"] == 0
    assert "The run never started." in cost["notes"]


def _step(name: str, start: int | None, end: int | None) -> dict[str, Any]:
    life = {"CreationDateTime": _START}
    life |= {} if start is None else {"StartDateTime": _START + timedelta(minutes=start)}
    life |= {} if end is None else {"EndDateTime": _START + timedelta(minutes=end)}
    return {"Id": name, "Name": name, "Status": {"State": "COMPLETED", "Timeline": life}}


def _instance(kind: str, market: str, start: int, end: int | None) -> dict[str, Any]:
    life = {"CreationDateTime": _START + timedelta(minutes=start)}
    life |= {} if end is None else {"EndDateTime": _START + timedelta(minutes=end)}
    return {"Id": "ci-1", "InstanceType": kind, "Market": market, "Status": {"State": "RUNNING", "Timeline": life}}


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """EMR, of which each answer is checked against its service model."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    with Stubber(client("emr", "eu-west-1")) as stub:
        yield stub


def _run(answer: dict[str, Any], **facts: Any) -> SentRun:
    known = {"created": _START, "ended": _START + timedelta(hours=1), **facts}
    return SentRun("s-1", "night-1", "fraud.score", 1, "COMPLETED", "", arguments=(), answer=answer, **known)


def test_a_step_has_its_part_of_the_instances_that_were_there_while_it_ran(cluster: Stubber) -> None:
    # The step ran from minute 10 to 70, another one from minute 40 to 130.
    steps = [_step("s-2", 40, 130), _step("s-1", 10, 70), _step("s-3", None, None), _step("s-0", 0, 10)]
    cluster.add_response("list_steps", {"Steps": steps}, {"ClusterId": "j-1"})
    first = [_instance("m5.xlarge", "ON_DEMAND", 0, None)]
    cluster.add_response("list_instances", {"Instances": first, "Marker": "more"}, {"ClusterId": "j-1"})
    rest = [_instance("r5.xlarge", "SPOT", 20, 50), _instance("r5.xlarge", "SPOT", 80, 90)]
    cluster.add_response("list_instances", {"Instances": rest}, {"ClusterId": "j-1", "Marker": "more"})
    used = used_on_cluster(_run(_step("s-1", 10, 70)), cluster.client, "j-1", None)
    # 30 minutes alone and half of 30; of the second, which was lost, 20 minutes alone and half of 10.
    assert used.instances == {("m5.xlarge", False): pytest.approx(0.75), ("r5.xlarge", True): pytest.approx(25 / 60)}
    assert used.hours == pytest.approx(1.0)
    assert any(note.startswith("1 other steps") for note in used.notes)


def test_pods_are_billed_for_what_they_ask_and_an_unknown_number_is_an_upper_bound() -> None:
    size = ServerlessSize(max_executors=3)
    # A driver of 2 cores and 3 executors of 4, for an hour.
    bound = used_on_eks(_run({}), size, None)
    assert bound.vcpu_hours == pytest.approx(14.0)
    assert any("upper bound" in note for note in bound.notes)
    known = used_on_eks(_run({}), size, 1.5)
    assert known.vcpu_hours == pytest.approx(8.0)
    assert not any("upper bound" in note for note in known.notes)
    conf = {"sparkSubmitParameters": "--conf spark.dynamicAllocation.enabled=false --conf spark.executor.instances=2"}
    fixed = used_on_eks(_run({"jobDriver": {"sparkSubmitJobDriver": conf}}), size, None)
    assert fixed.vcpu_hours == pytest.approx(10.0)


def test_a_cluster_whose_instances_are_forgotten_has_no_cost(cluster: Stubber) -> None:
    cluster.add_response("list_steps", {"Steps": []})
    cluster.add_response("list_instances", {"Instances": []})
    with pytest.raises(InputMissingError, match="is not known"):
        used_on_cluster(_run(_step("s-1", 10, 70)), cluster.client, "j-1", None)


def test_a_step_is_priced_by_type_and_market_and_compared_where_its_executors_are_counted(
    cluster: Stubber,
    record: Callable[..., None],
    lakejobs: Lakejobs,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "targets.yaml").write_text(
        "night:\n  kind: emr-step\n  cluster_id: j-EXAMPLE\n  region: us-east-1\n"
        f"  artifacts: s3://example-artifacts/lakejobs\n  lake: {tmp_path / 'lake'}\n",
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    for place in ("deploy.remote.services.client", "deploy.targets.clients.client"):
        monkeypatch.setattr(place, lambda *_, **__: cluster.client)
    args = ["spark-submit", "s3://a/jobs/clickstream/sessionise.py", "--run-id", "night-1"]
    step = {**_step("s-1", 0, 60), "Config": {"Jar": "command-runner.jar", "Args": args}}
    instances = [_instance("m5.xlarge", "ON_DEMAND", 0, None), _instance("m5.xlarge", "SPOT", 0, None)]
    for _ in range(2):
        cluster.add_response("list_steps", {"Steps": [step]})
        cluster.add_response("list_steps", {"Steps": [step]})
        cluster.add_response("list_instances", {"Instances": instances})
    words = ("cost", "--run-id", "night-1", "--target", "night", "--no-keep", "--node-disk-gb", "0", "-o", "json")
    cost = json.loads(lakejobs(*words)[1])
    # An hour of each: 0.192 and 0.192 less 60 %, and the fee on both.
    assert cost["cost"] == {"machines": 0.2688, "fee": 0.096, "disk": 0, "total": 0.3648}
    assert [one["place"] for one in cost["places"]] == ["emr-step"]
    assert any("--executors N" in note for note in cost["notes"])
    record("night-1", "done", 0, seconds=3590, resources={"executor_seconds": 5400.0})
    cost = json.loads(lakejobs(*words)[1])
    assert cost["used"]["executors"] == pytest.approx(1.5)
    # A driver of 2 vCPU and 8 GB, and 1.5 executors of 4 vCPU and 12 GB.
    serverless = next(one for one in cost["places"] if one["place"] == "emr-serverless")
    assert serverless["total"] == pytest.approx(8 * 0.052624 + 26 * 0.0057785, abs=1e-6)
