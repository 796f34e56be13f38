"""``lakejobs cost`` and its price file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploy.cost.prices import SHIPPED, read_prices

pytestmark = pytest.mark.unit


def lakejobs(*words: str) -> int:
    from deploy.cli import main

    return main(["cost", *words])


def test_places_stand_side_by_side_with_the_cheapest_that_fits(capsys: pytest.CaptureFixture[str]) -> None:
    assert lakejobs("clickstream.sessionise", "--hours", "0.5", "--executors", "8", "--spot-share", "0.8") == 0
    shown = capsys.readouterr().out
    assert [line.split()[0] for line in shown.splitlines() if line.startswith("emr-")][:3] == [
        "emr-step",
        "emr-serverless",
        "emr-eks",
    ]
    # 9 workers and a primary for 35 minutes: 0.64 + 0.28 + 0.06.
    assert "      0.98  cheapest" in shown


def test_programs_read_the_same_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert lakejobs("fraud.*", "-o", "json", "--size", "executor_cores=2") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["currency"] == "USD"
    assert {one["place"] for one in shown["places"]} == {"emr-step", "emr-serverless", "emr-eks"}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), "CST-003"),
        (("fraud.scoer",), "PKG-001"),
        (("fraud.score", "--size", "executor_core=2"), "CST-003"),
        (("fraud.score", "--size", "executor_cores=none"), "CST-003"),
        (("fraud.score", "--executors", "0"), "CST-003"),
        (("fraud.score", "--instance-type", "z9.huge"), "TGT-003"),
        (("fraud.score", "--prices", "none.yaml"), "CST-001"),
    ],
)
def test_what_has_no_price_is_refused(words: tuple[str, ...], code: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert lakejobs(*words) == 2
    assert capsys.readouterr().err.startswith(code)


def test_every_price_has_its_unit_day_and_source() -> None:
    prices = read_prices()
    for section in (prices.ec2, prices.emr_fee, prices.disk, prices.serverless, prices.eks_fee, prices.spot):
        assert section.unit
        assert section.source
        assert set(section.unverified) <= set(section.rates)
    assert set(prices.ec2.rates) == set(prices.emr_fee.rates)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("m5.xlarge: 0.192", "m5.xlarge: -1"),
        ("discount: 0.6", "discount: 60"),
        ("region:", "regoin:"),
        ("as_of: 2026-11-21", "as_of: soon"),
    ],
)
def test_a_price_file_with_a_slip_is_refused(
    old: str, new: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "prices.yaml"
    file.write_text(SHIPPED.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    assert lakejobs("fraud.score", "--prices", str(file)) == 2
    assert capsys.readouterr().err.startswith("CST-001")


def test_a_target_says_sizes_processor_and_nodes_and_flags_stand_above_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "targets.yaml"
    file.write_text(
        "night:\n  kind: emr-serverless\n  application_id: 00example\n  architecture: aarch64\n"
        "  role_arn: arn:aws:iam::000000000000:role/example\n  artifacts: s3://example-artifacts/lakejobs\n"
        "  size: {driver_cores: 1, driver_memory_gb: 4, executor_cores: 1, executor_memory_gb: 4}\n",
        encoding="utf-8",
    )
    words = ("fraud.score", "--target", "night", "--targets", str(file), "--executors", "2", "-o", "json")
    assert lakejobs(*words) == 0
    places = {one["place"]: one for one in json.loads(capsys.readouterr().out)["places"]}
    # A driver of 4 GB + 1,690 MB is one of 6 GB; an executor of 4 GB + 1,178 MB too: 3 vCPU and 18 GB of Graviton.
    assert places["emr-serverless"]["total"] == pytest.approx(3 * 0.042094 + 18 * 0.004628)
    assert "m6g.xlarge" in places["emr-step"]["basis"]
    assert lakejobs(*words, "--instance-type", "m5.2xlarge", "--size", "executor_cores=2") == 0
    assert "m5.2xlarge" in capsys.readouterr().out
