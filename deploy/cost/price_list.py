"""AWS's price list, asked through its query API (``pricing:GetProducts``): on-demand prices in US dollars.

Attributes of products as the price list spells them: EC2 by instanceType, EMR's fee by the product family "Elastic Map
Reduce Instance", EMR Serverless by usagetype, EMR on EKS by meterunit and computeprovider, EBS by volumeApiName.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from common.errors import UsageError
from deploy.targets.clients import ask

_EC2, _EMR = "AmazonEC2", "ElasticMapReduce"
_LINUX = {
    "operatingSystem": "Linux",
    "tenancy": "Shared",
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
    "marketoption": "OnDemand",
}
_SERVERLESS = {
    "EMR-SERVERLESS-vCPUHours": "vcpu_x86_64",
    "EMR-SERVERLESS-MemoryGBHours": "memory_x86_64",
    "EMR-SERVERLESS-ARM-vCPUHours": "vcpu_aarch64",
    "EMR-SERVERLESS-ARM-MemoryGBHours": "memory_aarch64",
    "EMR-SERVERLESS-StorageGBHours": "disk",
}
_PODS = {"CPUHours": "vcpu", "GBHours": "memory"}
_PAGE = 100

Rates = dict[str, Decimal]
Product = Mapping[str, Any]


def endpoint_of(region: str) -> str:
    """Where the price list is asked for a Region: it has three endpoints, each of which knows all Regions.

    Raises UsageError CST-005 for China, whose prices are in another list and in yuan.
    """
    if region.startswith("cn-"):
        raise UsageError(
            "CST-005",
            f"There is no price of {region} in US dollars.",
            remedy="Copy deploy/cost/prices.yaml and write your prices into it.",
        )
    if region.startswith(("eu-", "me-", "af-", "il-")):
        return "eu-central-1"
    return "ap-south-1" if region.startswith("ap-") else "us-east-1"


def instance_prices(client: Any, region: str, types: tuple[str, ...]) -> tuple[Rates, Rates]:
    """Type -> EC2's price of an hour, and type -> EMR's fee; types that one of them lacks are in neither."""
    ec2: Rates = {}
    fee: Rates = {}
    for kind in types:
        machine = _one(_products(client, _EC2, region, instanceType=kind, **_LINUX))
        family = {"productFamily": "Elastic Map Reduce Instance", "softwareType": "EMR"}
        emr = _one(_products(client, _EMR, region, instanceType=kind, **family))
        if machine is not None and emr is not None:
            ec2[kind], fee[kind] = machine, emr
    return ec2, fee


def serverless_prices(client: Any, region: str) -> Rates:
    """vCPU and memory of either processor, and disk, of an hour, by the names of the price file."""
    found: dict[str, list[Product]] = {}
    for product in _products(client, _EMR, region, productFamily="EMR Serverless"):
        # Outside us-east-1 a usage type begins with the Region's short name.
        usage = str(_attributes(product).get("usagetype", ""))
        for suffix, name in _SERVERLESS.items():
            if usage == suffix or usage.endswith(f"-{suffix}"):
                found.setdefault(name, []).append(product)
    return _known(found)


def eks_prices(client: Any, region: str) -> Rates:
    """EMR's fee on vCPU and GB hours of pods on EC2."""
    found: dict[str, list[Product]] = {}
    for product in _products(client, _EMR, region, productFamily="EMR Containers", operation="StartJobRun"):
        given = _attributes(product)
        name = _PODS.get(str(given.get("meterunit", "")))
        if name and str(given.get("computeprovider", "")).upper() == "EC2":
            found.setdefault(name, []).append(product)
    return _known(found)


def disk_prices(client: Any, region: str) -> Rates:
    """A GB and month of gp3."""
    return _known({"gp3": list(_products(client, _EC2, region, productFamily="Storage", volumeApiName="gp3"))})


def _known(found: Mapping[str, list[Product]]) -> Rates:
    return {name: price for name, some in found.items() if (price := _one(iter(some))) is not None}


def _products(client: Any, service: str, region: str, **terms: str) -> Iterator[Product]:
    """The products that match, page after page; each is a JSON text of its own."""
    filters = [
        {"Type": "TERM_MATCH", "Field": field, "Value": value}
        for field, value in {"regionCode": region, **terms}.items()
    ]
    request = {"ServiceCode": service, "Filters": filters, "FormatVersion": "aws_v1", "MaxResults": _PAGE}
    answer = ask(client, "get_products", **request)
    yield from map(json.loads, answer.get("PriceList", ()))
    while answer.get("NextToken"):
        answer = ask(client, "get_products", **request, NextToken=answer["NextToken"])
        yield from map(json.loads, answer.get("PriceList", ()))


def _attributes(product: Product) -> Mapping[str, Any]:
    found: Mapping[str, Any] = product.get("product", {}).get("attributes", {})
    return found


def _one(products: Iterator[Product]) -> Decimal | None:
    """The price that products agree on; None where there is none or where they differ, so that nobody guesses."""
    prices = {price for product in products if (price := _price(product)) is not None}
    return prices.pop() if len(prices) == 1 else None


def _price(product: Product) -> Decimal | None:
    """The first tier of the on-demand term in US dollars; None for what is free or priced otherwise."""
    for term in product.get("terms", {}).get("OnDemand", {}).values():
        for dimension in term.get("priceDimensions", {}).values():
            if dimension.get("beginRange", "0") != "0":
                continue
            try:
                price = Decimal(str(dimension.get("pricePerUnit", {}).get("USD", "")))
            except InvalidOperation:
                continue
            if price.is_finite() and price > 0:
                return price.normalize()
    return None
