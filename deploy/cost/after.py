"""``lakejobs cost --run-id``: what a run has cost, by its service's own numbers, kept beside its record."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from common.clock import utc_now, utc_text
from common.errors import LakejobsError, TransientError, UsageError
from common.run.record.cost import Cost, cost_path, keep_cost
from deploy.cost.command import nodes_of
from deploy.cost.estimate import Estimate, cheapest
from deploy.cost.prices import SHIPPED, Prices, read_prices
from deploy.cost.sizes_sent import conf_of, size_of
from deploy.cost.spent import Elsewhere, compared, spent
from deploy.cost.used import Used, used_on_cluster, used_on_eks, used_on_serverless
from deploy.remote.flags import Asked, parse
from deploy.remote.records import lake_objects, read_record
from deploy.remote.run import SentRun
from deploy.remote.services import found_run, service_of
from deploy.remote.verdict import record_of_attempt
from deploy.targets import clients
from deploy.targets.instances import processor_of
from deploy.targets.sizes import ServerlessSize
from deploy.targets.target import EksTarget, EmrTarget, ServerlessTarget

_MORE: list[tuple[str, dict[str, Any]]] = [
    ("--executors", {"type": float, "help": "how many ran on average, where it is not known otherwise"}),
    ("--compare-type", {"metavar": "TYPE", "help": "instance type of the places compared; default: the target's"}),
    ("--spot-share", {"type": float, "default": 0.0, "help": "share of nodes on spot in the places compared (0)"}),
    ("--startup-minutes", {"type": float, "default": 5.0, "help": "until a cluster would have begun (5)"}),
    ("--node-disk-gb", {"type": int, "default": 100, "help": "disk of a node (100)"}),
    ("--prices", {"type": Path, "default": SHIPPED, "metavar": "FILE", "help": "default: deploy/cost/prices.yaml"}),
    ("--no-keep", {"action": "store_true", "help": "print it only"}),
]
_PRINTED = (
    *("driver_cpu_seconds", "driver_peak_memory_mb", "executors", "executor_core_seconds", "task_cpu_seconds"),
    "executor_peak_heap_mb",
)


def main(words: Sequence[str]) -> int:
    """Command line of ``lakejobs cost --run-id ID --target NAME``; the exit code.

    Raises TransientError CST-004 before the run has ended, and the errors of ``lakejobs status``.
    """
    asked = parse("cost", "What a run has cost that was sent, and what it would have cost elsewhere.", words, _MORE)
    prices, target = read_prices(asked.more.prices), asked.target
    service = service_of(target)
    if not isinstance(target, EmrTarget):
        raise TypeError(f"no costs on {type(target).__name__}")
    run = found_run(service, asked.run_id, asked.job, asked.attempt)
    if not run.has_ended:
        raise TransientError(
            "CST-004",
            f"The run {run.run_id} has not ended yet: it is {run.state}.",
            remedy=f"Wait for it: {asked.command('wait')}",
        )
    record, unread = read_record(run, target)
    record = record_of_attempt(run, record)
    size = size_of(conf_of(run), target)
    other = _elsewhere(asked, target)
    used = _used(run, target, size, _average(asked, record, run))
    own = spent(used, prices, target.architecture, other)
    places, alone = compared(used, own, size, prices, other)
    notes = [*used.notes, alone, unread, _of_another_region(target, prices)]
    cost = _cost(run, target, used, own, places, prices, record)
    cost["notes"] = [note for note in notes if note]
    cost["kept"] = _kept(run, target, cost, is_wanted=not asked.more.no_keep)
    print(json.dumps(cost, indent=2) if asked.as_json else _text(cost))
    return 0


def _elsewhere(asked: Asked, target: EmrTarget) -> Elsewhere:
    more = asked.more
    if not (0 <= more.spot_share <= 1 and more.startup_minutes >= 0 and more.node_disk_gb >= 0) or (
        more.executors is not None and not 0 <= more.executors <= 10_000
    ):
        raise UsageError(
            "CST-003",
            "No price can be given: a number is out of its bounds.",
            remedy="--executors is 0 to 10,000, --spot-share 0 to 1, --startup-minutes and --node-disk-gb from 0 on.",
        )
    declared = more.compare_type or nodes_of(target)
    processor_of(declared)
    return Elsewhere(declared, more.spot_share, more.startup_minutes, more.node_disk_gb)


def _average(asked: Asked, record: Mapping[str, Any] | None, run: SentRun) -> float | None:
    """Executors on average: as given, else as the record has counted their seconds."""
    if asked.more.executors is not None:
        return float(asked.more.executors)
    seconds = ((record or {}).get("resources") or {}).get("executor_seconds")
    began = run.answer.get("Status", {}).get("Timeline", {}).get("StartDateTime") or run.created
    lasted = (run.ended - began).total_seconds() if run.ended and began else 0.0
    return None if seconds is None or lasted <= 0 else float(seconds) / lasted


def _used(run: SentRun, target: EmrTarget, size: ServerlessSize, average: float | None) -> Used:
    if isinstance(target, EksTarget):
        return used_on_eks(run, size, average)
    service = "emr-serverless" if isinstance(target, ServerlessTarget) else "emr"
    client = clients.client(service, target.region)
    if isinstance(target, ServerlessTarget):
        return used_on_serverless(run, client, target.identifier, size)
    return used_on_cluster(run, client, target.identifier, average)


def _of_another_region(target: EmrTarget, prices: Prices) -> str:
    if target.region in (None, prices.region):
        return ""
    return (
        f"The prices are those of {prices.region}, the run was in {target.region}: "
        f"`lakejobs cost --refresh-prices --region {target.region} --output FILE` writes a file for --prices."
    )


def _cost(
    run: SentRun,
    target: EmrTarget,
    used: Used,
    own: Estimate,
    places: Sequence[Estimate],
    prices: Prices,
    record: Mapping[str, Any] | None,
) -> Cost:
    best = cheapest(list(places))
    return {
        "schema_version": 1,
        "run_id": run.run_id,
        "attempt": run.attempt,
        "job": run.job,
        "state": run.state,
        "place": used.place,
        "service_run_id": run.id,
        "region": target.region,
        "architecture": target.architecture,
        "started_at": utc_text(used.started) if used.started else None,
        "ended_at": utc_text(used.ended) if used.ended else None,
        "seconds": round(used.hours * 3_600, 3),
        "record": {
            "seconds": (record or {}).get("seconds"),
            "resources": (record or {}).get("resources"),
        },
        "used": {
            "executors": used.executors,
            "vcpu_hours": used.vcpu_hours,
            "memory_gb_hours": used.memory_gb_hours,
            "storage_gb_hours": used.storage_gb_hours,
            "instance_hours": sum(used.instances.values()) if used.instances else None,
            "instances": [
                {"type": kind, "market": "spot" if is_spot else "on-demand", "hours": hours}
                for (kind, is_spot), hours in sorted(used.instances.items())
            ],
        },
        "cost": _parts(own),
        "places": [{**_parts(one), "place": one.place, "basis": one.basis, "refusal": one.refusal} for one in places],
        "cheapest": {"place": best.place, "total": round(best.total, 6)} if best else None,
        "currency": "USD",
        "prices_region": prices.region,
        "prices_as_of": str(prices.oldest),
        "priced_at": utc_text(utc_now()),
    }


def _parts(one: Estimate) -> dict[str, float | None]:
    parts = {"machines": one.machines, "fee": one.fee, "disk": one.disk, "total": one.total}
    return {name: None if one.refusal else round(value, 6) for name, value in parts.items()}


def _kept(run: SentRun, target: EmrTarget, cost: Cost, *, is_wanted: bool) -> str:
    """Where the cost is kept, or why it is not, in words."""
    if not is_wanted:
        return "not kept: --no-keep"
    path = cost_path(run.job, run.run_id, run.attempt)
    try:
        objects = lake_objects(run.arguments, target)
        if objects is None:
            return "not kept: the lake of the run is not known"
        return path if keep_cost(objects, cost) else f"{path}, as it was priced before"
    except (LakejobsError, OSError) as error:
        code = f" ({error.code})" if isinstance(error, LakejobsError) else ""
        return f"not kept: the lake could not be written from here{code}"


def _text(cost: Cost) -> str:
    used, record = cost["used"], cost["record"]
    lines = [
        f"{cost['job']} {cost['run_id']}, attempt {cost['attempt']}: {cost['state']} on {cost['place']} after "
        f"{cost['seconds']:g} s",
        "by its record: "
        + (f"{record['seconds']:g} s" if record["seconds"] is not None else "seconds not known")
        + _resources_text(record["resources"]),
        "executors on average: " + ("not known" if used["executors"] is None else f"{used['executors']:.4g}"),
        "",
        f"{'':<16}{'machines':>10}{'EMR fee':>10}{'disk':>10}{'USD':>10}",
    ]
    best = cost["cheapest"] or {}
    for one in cost["places"]:
        if one["refusal"]:
            lines.append(f"{one['place']:<16}no price: {one['refusal']}")
            continue
        marks = ["this run"] if one["place"] == cost["place"] else []
        marks += ["cheapest"] if one["place"] == best.get("place") and len(cost["places"]) > 1 else []
        numbers = "".join(f"{one[name]:>10.4f}" for name in ("machines", "fee", "disk", "total"))
        lines.append(f"{one['place']:<16}{numbers}{'  ' if marks else ''}{', '.join(marks)}")
    lines += ["", *(f"{one['place']}: {one['basis']}" for one in cost["places"] if not one["refusal"])]
    lines += [*cost["notes"], f"kept: {cost['kept']}"]
    lines.append(
        f"Prices of {cost['prices_region']} as of {cost['prices_as_of']} or later; without S3 requests, KMS, logs and "
        "transfer."
    )
    return "\n".join(lines)


def _resources_text(resources: Mapping[str, Any] | None) -> str:
    if not resources:
        return ", CPU and memory not known"
    known = [f"{name.replace('_', ' ')} {resources[name]:,}" for name in _PRINTED if resources.get(name) is not None]
    return f", {', '.join(known)}" if known else ", CPU and memory not known"
