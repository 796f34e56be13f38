"""``lakejobs cost --refresh-prices``: a price file of today from AWS's price list, to edit and for ``--prices``."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

from common.clock import utc_now
from common.errors import UsageError
from deploy.cost.price_list import (
    Rates,
    disk_prices,
    eks_prices,
    endpoint_of,
    instance_prices,
    serverless_prices,
)
from deploy.cost.prices import SHIPPED, Prices, Section, read_prices
from deploy.targets import clients

_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_DEFAULT_OUTPUT = Path("prices.yaml")
_HEAD = """\
# Prices of AWS's price list, for `lakejobs cost --prices FILE`; written by `lakejobs cost --refresh-prices`.
# They are list prices: write those of your contract over them. The spot discount is an assumption.
"""


def main(words: Sequence[str]) -> int:
    """Command line: ``lakejobs cost --refresh-prices [--region R] [--prices FILE] [--output FILE]``; the exit code.

    Raises UsageError CST-001, CST-003, CST-005 and those of ``deploy.targets.clients.ask``.
    """
    parser = argparse.ArgumentParser(
        prog="lakejobs cost",
        description="Write a price file from AWS's price list. It needs the right pricing:GetProducts.",
    )
    add = parser.add_argument
    add("--refresh-prices", action="store_true", required=True)
    add("--region", metavar="REGION", help="default: that of the file of --prices")
    add("--prices", type=Path, metavar="FILE", help="whose instance types and spot discount are taken over")
    add("--output", type=Path, default=_DEFAULT_OUTPUT, metavar="FILE", help="default: prices.yaml; replaced if there")
    options = parser.parse_args(list(words))
    output: Path = options.output
    _check_output(output)
    before = read_prices(options.prices or (output if output.is_file() else SHIPPED))
    region = options.region or before.region
    if not _REGION.fullmatch(region):
        raise UsageError("CST-003", f"'{region}' is not the name of a Region.", remedy="e.g. --region eu-west-1")
    after, missing = refreshed(before, region, clients.client("pricing", endpoint_of(region)), utc_now().date())
    _write(output, price_text(after))
    read_prices(output)
    for name in missing:
        print(f"The price list of {region} has no one price of {name}: it is left out.", file=sys.stderr)
    print("\n".join([*_changes(before, after), f"written: {output} ({region}, {after.ec2.as_of})"]))
    return 0


def refreshed(before: Prices, region: str, client: object, today: date) -> tuple[Prices, list[str]]:
    """The prices of a Region by the price list, for the instance types of ``before``; and what the list lacks.

    Raises UsageError CST-005 when it has no price at all.
    """
    ec2, fee = instance_prices(client, region, tuple(before.ec2.rates))
    found = {
        "ec2": ec2,
        "emr_fee": fee,
        "disk": disk_prices(client, region),
        "serverless": serverless_prices(client, region),
        "eks_fee": eks_prices(client, region),
    }
    if not any(found.values()):
        raise UsageError(
            "CST-005",
            f"AWS's price list has no price of {region}.",
            remedy="Check the Region. For another one: lakejobs cost --refresh-prices --region REGION",
        )
    sections: dict[str, Section] = {
        name: _section(getattr(before, name), rates, today) for name, rates in found.items()
    }
    missing = [
        f"{rate} ({name})" for name, rates in found.items() for rate in getattr(before, name).rates if rate not in rates
    ]
    return Prices(region=region, spot=before.spot, **sections), missing


def price_text(prices: Prices) -> str:
    """A price file, section by section, as ``read_prices`` takes it."""
    lines = [_HEAD + f"region: {prices.region}"]
    for name in Prices.model_fields:
        if name == "region":
            continue
        section: Section = getattr(prices, name)
        lines += ["", f"{name}:", f"  unit: {json.dumps(section.unit)}", f"  as_of: {section.as_of}"]
        lines += [f"  source: {json.dumps(section.source)}"]
        lines += [f"  unverified: [{', '.join(section.unverified)}]"] if section.unverified else []
        lines += ["  rates:" if section.rates else "  rates: {}"]
        lines += [f"    {rate}: {Decimal(str(price)):f}" for rate, price in section.rates.items()]
    return "\n".join([*lines, ""])


def _section(before: Section, rates: Rates, today: date) -> Section:
    return Section(
        unit=before.unit,
        as_of=today,
        source="AWS price list, on demand (pricing:GetProducts)",
        rates={name: float(price) for name, price in rates.items()},
    )


def _changes(before: Prices, after: Prices) -> list[str]:
    """``emr_fee m5.xlarge: 0.048 -> 0.05``, where both files are of one Region."""
    if before.region != after.region:
        return []
    return [
        f"{name} {rate}: {old} -> {new}"
        for name in Prices.model_fields
        if name != "region"
        for rate, old, new in _different(getattr(before, name).rates, getattr(after, name).rates)
    ]


def _different(old: Mapping[str, float], new: Mapping[str, float]) -> list[tuple[str, float, float]]:
    return [(name, old[name], price) for name, price in new.items() if name in old and old[name] != price]


def _check_output(output: Path) -> None:
    if output.resolve() == SHIPPED:
        raise UsageError(
            "CST-003",
            "The price file of the suite itself is never written.",
            remedy="Give another --output FILE, and use it with --prices FILE.",
        )
    if output.is_dir() or not output.resolve().parent.is_dir():
        raise UsageError(
            "CST-003", f"{output} cannot be written.", remedy="Give --output FILE in a folder that is there."
        )


def _write(output: Path, text: str) -> None:
    beside = output.with_name(f"{output.name}.new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(output)
