"""What jobs cost, by hand: every expectation is computed from the rates that stand in the test."""

from __future__ import annotations

from datetime import date

import pytest

from common.errors import UsageError
from deploy.cost.estimate import Estimate, Work, cheapest, estimates
from deploy.cost.prices import Prices, Section, read_prices
from deploy.cost.sample import PUBLISHED, Sample, sample_text
from deploy.targets.sizes import ServerlessSize

pytestmark = pytest.mark.unit


def section(**rates: float) -> Section:
    return Section(unit="USD", as_of=date(2026, 11, 21), source="this test", rates=rates)


PRICES = Prices(
    region="test",
    ec2=section(**{"m5.xlarge": 0.2, "m5.2xlarge": 0.4}),
    emr_fee=section(**{"m5.xlarge": 0.05, "m5.2xlarge": 0.1}),
    disk=section(gp3=0.073),
    serverless=section(vcpu_x86_64=0.05, memory_x86_64=0.005, vcpu_aarch64=0.04, memory_aarch64=0.004, disk=0.0001),
    eks_fee=section(vcpu=0.01, memory=0.001),
    spot=section(discount=0.5),
)
# Driver 2 cores and 6 GB + 1,895 MB; executors 4 cores and 8 GB + 3,892 MB = 12,084 MB.
SIZE = ServerlessSize()


def estimate(place: str, **facts: object) -> Estimate:
    work = Work(**{"size": SIZE, "hours": 1.0, "executors": 4, "startup_minutes": 0.0, **facts})  # type: ignore[arg-type]
    return next(one for one in estimates(work, PRICES) if one.place == place)


def test_serverless_is_vcpu_and_memory_of_driver_and_executors() -> None:
    # 2 + 4 x 4 = 18 vCPU; 8 + 4 x 12 = 56 GB: 18 x 0.05 + 56 x 0.005 = 0.90 + 0.28.
    assert estimate("emr-serverless").total == pytest.approx(1.18)


def test_twenty_gb_of_disk_are_free_for_each_worker() -> None:
    # (120 - 20) GB x 5 workers x 0.0001
    assert estimate("emr-serverless", size=ServerlessSize(disk_gb=120)).disk == pytest.approx(0.05)


def test_a_worker_is_paid_for_a_minute_at_least_and_else_by_the_second() -> None:
    assert estimate("emr-serverless", hours=6 / 3600).total == pytest.approx(1.18 / 60)
    assert estimate("emr-serverless", hours=90.2 / 3600).total == pytest.approx(1.18 * 91 / 3600)


def test_each_of_several_runs_has_its_own_workers() -> None:
    assert estimate("emr-serverless", hours=6 / 3600, runs=3).total == pytest.approx(3 * 1.18 / 60)


def test_a_cluster_is_a_primary_node_and_as_many_workers_as_hold_driver_and_executors() -> None:
    # YARN has 12,288 MB on an m5.xlarge: one executor each, a fifth worker for the driver, and the primary.
    found = estimate("emr-step")
    assert found.machines == pytest.approx(6 * 0.2)
    assert found.fee == pytest.approx(6 * 0.05)
    # 100 GB x 6 nodes x 0.073 / 730 hours
    assert found.disk == pytest.approx(0.06)


def test_spot_saves_on_the_workers_machines_and_neither_on_the_fee_nor_on_the_primary() -> None:
    found = estimate("emr-step", spot_share=1.0)
    assert found.machines == pytest.approx(0.2 + 5 * 0.1)
    assert found.fee == pytest.approx(6 * 0.05)


def test_a_new_cluster_is_paid_for_while_it_starts_once_for_all_runs() -> None:
    assert estimate("emr-step", runs=2, startup_minutes=6.0).machines == pytest.approx(6 * 0.2 * 2.1)


def test_pods_pay_the_fee_for_what_they_ask_and_the_nodes_that_hold_them() -> None:
    # 7 cores and 31,775 MB of an m5.2xlarge are for pods: one executor each, and the driver beside one of them.
    found = estimate("emr-eks", instance_type="m5.2xlarge")
    assert found.machines == pytest.approx(4 * 0.4)
    # 18 vCPU x 0.01 + (8,039 + 4 x 12,084) / 1,024 GB x 0.001
    assert found.fee == pytest.approx(0.18 + 56_375 / 1_024 * 0.001)


def test_where_a_size_does_not_fit_the_reason_takes_the_place_of_the_price() -> None:
    found = estimates(Work(size=SIZE, hours=1, executors=4), PRICES)
    assert "does not fit a node m5.xlarge" in next(one.refusal for one in found if one.place == "emr-eks")
    best = cheapest(found)
    assert best is not None
    assert best.place == "emr-serverless"
    assert cheapest([Estimate("emr-eks", refusal="no")]) is None


@pytest.mark.parametrize(
    "facts", [{"hours": 0.0}, {"hours": float("nan")}, {"executors": 0}, {"executors": 21}, {"spot_share": 1.5}]
)
def test_odd_numbers_have_no_price(facts: dict[str, float]) -> None:
    with pytest.raises(UsageError) as refused:
        estimate("emr-step", **facts)
    assert refused.value.code == "CST-003"


def test_a_price_that_is_missing_is_named() -> None:
    with pytest.raises(UsageError) as refused:
        estimate("emr-step", instance_type="r5.xlarge")
    assert refused.value.code == "CST-002"
    assert "r5.xlarge" in refused.value.message


def test_the_published_sample_is_43_40_by_its_rates_and_4_80_by_list_prices() -> None:
    # 10 x 2 h x (1.92 + 0.25); with spot 74 % off the 1.92: 20 x (0.4992 + 0.25).
    assert PUBLISHED.cost() == pytest.approx(43.40)
    assert PUBLISHED.cost(saved=0.74) == pytest.approx(14.984)
    assert Sample("m5.xlarge", 10, 2, 0.192, 0.048).cost() == pytest.approx(4.80)
    text = sample_text(read_prices())
    assert "43.40 USD" in text
    assert "4.80 USD" in text
    assert "multiplied by ten once more" in text
