"""A price file from AWS's price list: what its API answers is written here as it spells it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.stub import Stubber

from common.errors import UsageError
from deploy.cost.price_list import disk_prices, endpoint_of, serverless_prices
from deploy.cost.prices import SHIPPED, read_prices
from deploy.targets.clients import client

pytestmark = pytest.mark.unit


def product(usd: str, *more: str, **attributes: str) -> str:
    """A product of the price list with one on-demand term; ``more`` are prices of higher tiers."""
    tiers = {
        f"d{number}": {"beginRange": str(number * 100), "unit": "Hrs", "pricePerUnit": {"USD": price}}
        for number, price in enumerate((usd, *more))
    }
    reserved = {"r": {"priceDimensions": {"d": {"pricePerUnit": {"USD": "0.0010000000"}}}}}
    terms = {"OnDemand": {"t": {"priceDimensions": tiers}}, "Reserved": reserved}
    return json.dumps({"product": {"attributes": attributes}, "terms": terms, "publicationDate": "2026-11-28"})


@pytest.fixture
def pricing(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """The price list, of which each answer is checked against its service model."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    monkeypatch.setattr("deploy.cost.refresh.utc_now", lambda: datetime(2026, 12, 24, tzinfo=UTC))
    made = client("pricing", "us-east-1")
    monkeypatch.setattr("deploy.targets.clients.client", lambda *_, **__: made)
    with Stubber(made) as stub:
        yield stub


@pytest.fixture
def one_type(tmp_path: Path) -> Path:
    """A price file with two instance types, so that few questions are asked."""
    text = SHIPPED.read_text(encoding="utf-8")
    kept = ("m5.xlarge", "m7g.xlarge")
    lines = [line for line in text.splitlines() if ".4xlarge:" not in line and ".2xlarge:" not in line]
    lines = [line for line in lines if "xlarge:" not in line or line.strip().startswith(kept)]
    lines = [line for line in lines if "unverified:" not in line and not line.strip().startswith("[m6g")]
    path = tmp_path / "mine.yaml"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def _answers(stub: Stubber, *pages: list[str]) -> None:
    for page in pages:
        stub.add_response("get_products", {"PriceList": page})


def test_a_price_file_of_the_region_is_written_with_its_day_and_source(
    pricing: Stubber, one_type: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _answers(
        pricing,
        *([product("0.2140000000")], [product("0.0480000000")]),
        # m7g.xlarge is not offered in this Region.
        *([], []),
        [product("0.0880000000", "0.0800000000")],
    )
    arm = [
        product("0.0460000000", usagetype="EU-EMR-SERVERLESS-ARM-vCPUHours"),
        product("0.0050000000", usagetype="EU-EMR-SERVERLESS-ARM-MemoryGBHours"),
    ]
    x86 = [
        product("0.0578800000", usagetype="EU-EMR-SERVERLESS-vCPUHours"),
        product("0.0063560000", usagetype="EU-EMR-SERVERLESS-MemoryGBHours"),
        product("0.0001220000", usagetype="EU-EMR-SERVERLESS-StorageGBHours"),
    ]
    pricing.add_response("get_products", {"PriceList": arm, "NextToken": "more"})
    pricing.add_response("get_products", {"PriceList": x86})
    pods = [
        product("0.0111300000", meterunit="CPUHours", computeprovider="EC2"),
        product("0.0900000000", meterunit="CPUHours", computeprovider="Fargate"),
        product("0.0012200000", meterunit="GBHours", computeprovider="EC2"),
    ]
    _answers(pricing, pods)
    output = tmp_path / "eu.yaml"
    assert _refresh("--region", "eu-west-1", "--prices", str(one_type), "--output", str(output)) == 0
    pricing.assert_no_pending_responses()
    prices = read_prices(output)
    assert prices.region == "eu-west-1"
    assert prices.ec2.rates == {"m5.xlarge": 0.214}
    assert prices.emr_fee.rates == {"m5.xlarge": 0.048}
    # The first tier, not the cheaper one of large amounts.
    assert prices.disk.rates == {"gp3": 0.088}
    assert prices.serverless.rates == {
        "vcpu_aarch64": 0.046,
        "memory_aarch64": 0.005,
        "vcpu_x86_64": 0.05788,
        "memory_x86_64": 0.006356,
        "disk": 0.000122,
    }
    assert prices.eks_fee.rates == {"vcpu": 0.01113, "memory": 0.00122}
    assert prices.spot == read_prices(one_type).spot
    assert "AWS price list" in prices.ec2.source
    assert str(prices.ec2.as_of) == "2026-12-24"
    assert "no one price of m7g.xlarge (ec2)" in capsys.readouterr().err


def _refresh(*words: str) -> int:
    from deploy.cli import main

    return main(["cost", "--refresh-prices", *words])


def test_every_question_names_the_region_and_what_is_asked_for(pricing: Stubber) -> None:
    terms = {"regionCode": "eu-west-1", "productFamily": "Storage", "volumeApiName": "gp3"}
    filters = [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in terms.items()]
    asked = {"ServiceCode": "AmazonEC2", "Filters": filters, "FormatVersion": "aws_v1", "MaxResults": 100}
    pricing.add_response("get_products", {"PriceList": [product("0.08")]}, asked)
    assert {name: str(price) for name, price in disk_prices(pricing.client, "eu-west-1").items()} == {"gp3": "0.08"}


@pytest.mark.parametrize("others", [["0.06"], ["0.0000000000"], ["none"]])
def test_prices_that_differ_are_no_price_and_free_ones_do_not_count(pricing: Stubber, others: list[str]) -> None:
    usage = "EMR-SERVERLESS-vCPUHours"
    _answers(pricing, [product(usd, usagetype=usage) for usd in ("0.05", *others)])
    found = serverless_prices(pricing.client, "us-east-1")
    assert set(found) == (set() if others == ["0.06"] else {"vcpu_x86_64"})


@pytest.mark.parametrize(
    ("region", "endpoint"),
    [("us-west-2", "us-east-1"), ("ca-central-1", "us-east-1"), ("eu-west-1", "eu-central-1"),
     ("me-south-1", "eu-central-1"), ("ap-northeast-1", "ap-south-1")],
)  # fmt: skip
def test_the_list_is_asked_at_one_of_its_three_endpoints(region: str, endpoint: str) -> None:
    assert endpoint_of(region) == endpoint
    with pytest.raises(UsageError, match="US dollars"):
        endpoint_of("cn-north-1")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (lambda _: ("--output", str(SHIPPED)), "CST-003"),
        (lambda folder: ("--output", str(folder / "none" / "prices.yaml")), "CST-003"),
        (lambda folder: ("--region", "Ireland", "--output", str(folder / "p.yaml")), "CST-003"),
        (lambda folder: ("--region", "xx-nowhere-1", "--output", str(folder / "p.yaml")), "CST-005"),
    ],
)
def test_what_cannot_be_written_or_priced_is_refused_and_the_files_stay(
    words: Callable[[Path], tuple[str, ...]],
    code: str,
    pricing: Stubber,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = SHIPPED.read_bytes()
    _answers(pricing, *([[]] * (2 * len(read_prices().ec2.rates) + 3)))
    assert _refresh(*words(tmp_path)) == 2
    assert capsys.readouterr().err.startswith(code)
    assert SHIPPED.read_bytes() == before
    assert not list(tmp_path.glob("*"))


def test_a_file_that_is_refreshed_says_what_has_changed(
    pricing: Stubber, one_type: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    same: list[Any] = [[product("0.0800000000")], [], []]
    _answers(pricing, [product("0.2")], [product("0.048")], [product("0.1632")], [product("0.05")], *same)
    assert _refresh("--output", str(one_type)) == 0
    out = capsys.readouterr().out
    assert "ec2 m5.xlarge: 0.192 -> 0.2" in out
    assert "emr_fee m7g.xlarge: 0.0408 -> 0.05" in out
    assert "disk" not in out
