"""``lakejobs cost``: what jobs would cost on a cluster, on EMR Serverless and on EMR on EKS, side by side."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from common.errors import LakejobsError, UsageError
from common.job.graph import Graph
from common.words import did_you_mean
from deploy.cost.estimate import Estimate, Work, cheapest, estimates
from deploy.cost.prices import SHIPPED, Prices, read_prices
from deploy.cost.sample import sample_text
from deploy.targets.sizes import ServerlessSize
from deploy.targets.target import INSTANCE_TYPES, ClusterTarget, Target
from deploy.targets.target_file import target_of


def main(argv: Sequence[str]) -> int:
    """Command line of ``lakejobs cost``; the exit code."""
    options = _parser().parse_args(argv)
    try:
        prices = read_prices(options.prices)
        if options.sample:
            print(sample_text(prices), end="")
            return 0
        names = _jobs(options.jobs)
        target = target_of(options.target, options.targets, {}) if options.target else None
        work = _work(options, target, runs=len(names))
        found = estimates(work, prices)
    except LakejobsError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(_as_json(names, work, found, prices) if options.output == "json" else _as_text(names, work, found, prices))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lakejobs cost",
        description="Print what jobs would cost before they run, one after another: on a transient cluster, on EMR "
        "Serverless and on EMR on EKS.",
        epilog="lakejobs cost clickstream.sessionise --hours 0.5 --executors 8 --size executor_cores=4 "
        "--size executor_memory_gb=8 --spot-share 0.8",
    )
    add = parser.add_argument
    add("jobs", nargs="*", metavar="JOB", help="jobs or selectors, as for `lakejobs run`")
    add("--hours", type=float, default=1.0, help="hours of each job (default: 1)")
    add("--executors", type=int, default=4, help="executors on average (default: 4)")
    add(
        "--size",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help=f"repeat it; {', '.join(ServerlessSize.model_fields)}; defaults as in targets",
    )
    add("--target", metavar="NAME", help="take sizes, processor and instance type from a target")
    add("--targets", type=Path, metavar="FILE", help="the file of targets (default: ./targets.yaml)")
    add("--spot-share", type=float, default=0.0, help="share of worker nodes on spot, 0 to 1 (default: 0)")
    add("--instance-type", help="nodes of the cluster and of EKS (default: the target's, else m5.xlarge)")
    add("--startup-minutes", type=float, default=5.0, help="until a new cluster begins (default: 5)")
    add("--node-disk-gb", type=int, help="disk of a node (default: the target's, else 100)")
    add("--prices", type=Path, default=SHIPPED, metavar="FILE", help="default: deploy/cost/prices.yaml")
    add("--sample", action="store_true", help="a published calculation under its own rates and under these")
    add("-o", "--output", choices=("text", "json"), default="text")
    return parser


def _jobs(selectors: Sequence[str]) -> list[str]:
    if not selectors:
        raise UsageError("CST-003", "No price can be given: no job is named.", remedy="lakejobs cost JOB... --hours H")
    return Graph.of_suite().selected(selectors)


def _work(options: argparse.Namespace, target: Target | None, *, runs: int) -> Work:
    disk = options.node_disk_gb if options.node_disk_gb is not None else getattr(target, "node_disk_gb", 100)
    return Work(
        size=_size(options.size, options.executors, target.size.model_dump() if target else {}),
        hours=options.hours,
        executors=options.executors,
        runs=runs,
        spot_share=options.spot_share,
        instance_type=options.instance_type or nodes_of(target),
        startup_minutes=options.startup_minutes,
        node_disk_gb=disk,
    )


def nodes_of(target: Target | None) -> str:
    """The instance type that a target's jobs run on, or the usual one of its processor."""
    if target is None:
        return INSTANCE_TYPES["x86_64"]
    declared = target.node_types[1] if isinstance(target, ClusterTarget) else getattr(target, "instance_type", None)
    return declared or INSTANCE_TYPES[target.architecture]


def _size(pairs: Sequence[str], executors: int, of_target: Mapping[str, Any]) -> ServerlessSize:
    given: dict[str, Any] = dict(of_target)
    for pair in pairs:
        key, has_value, value = pair.partition("=")
        if not has_value or key not in ServerlessSize.model_fields:
            raise UsageError(
                "CST-003",
                f"--size '{pair}' is not known.{did_you_mean(key, ServerlessSize.model_fields)}",
                remedy=f"Write KEY=VALUE with one of {', '.join(ServerlessSize.model_fields)}.",
            )
        given[key] = value
    if executors > 0:
        # The average is no bound, but a bound below it is a mistake, unless it is given.
        given.setdefault("max_executors", str(max(executors, ServerlessSize().max_executors)))
    try:
        return ServerlessSize.model_validate(given)
    except ValidationError as error:
        found = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise UsageError("CST-003", "No price can be given for this --size.", cause=found) from error


def _as_text(names: Sequence[str], work: Work, found: Sequence[Estimate], prices: Prices) -> str:
    best = cheapest(list(found))
    lines = [
        f"{', '.join(names)}: {work.hours:g} h each, {work.executors} executors, {work.spot_share:.0%} on spot",
        f"driver {work.size.driver.text}",
        f"executor {work.size.executor.text}",
        "",
        f"{'':<16}{'machines':>10}{'EMR fee':>10}{'disk':>10}{'USD':>10}",
    ]
    for one in found:
        if one.refusal:
            lines.append(f"{one.place:<16}does not fit: {one.refusal}")
            continue
        mark = "  cheapest" if one is best else ""
        lines.append(f"{one.place:<16}{one.machines:>10.2f}{one.fee:>10.2f}{one.disk:>10.2f}{one.total:>10.2f}{mark}")
    lines += ["", *(f"{one.place}: {one.basis}" for one in found if not one.refusal)]
    lines.append(
        f"Prices of {prices.region} as of {prices.oldest} or later; without S3 requests, KMS, logs and transfer."
    )
    return "\n".join(lines)


def _as_json(names: Sequence[str], work: Work, found: Sequence[Estimate], prices: Prices) -> str:
    best = cheapest(list(found))
    shown = {
        "jobs": list(names),
        "hours": work.hours,
        "executors": work.executors,
        "region": prices.region,
        "prices_as_of": str(prices.oldest),
        "currency": "USD",
        "places": [{**asdict(one), "total": None if one.refusal else round(one.total, 6)} for one in found],
        "cheapest": best.place if best else None,
    }
    return json.dumps(shown, indent=2)
