"""What a run has cost, as an object beside its record and as a row of ``ops.costs``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from common.run.record.keep import PENDING
from common.run.record.record import to_json

if TYPE_CHECKING:
    from common.lake.storage.objects import ObjectStore

PENDING_COSTS = f"{PENDING}costs/"
"""Where costs wait for maintenance, below the lake root."""

Cost = dict[str, Any]
_SAME = (
    *("run_id", "attempt", "job", "place", "service_run_id", "region", "architecture", "seconds"),
    *("prices_region",),
)
_USED = ("vcpu_hours", "memory_gb_hours", "storage_gb_hours", "instance_hours")


def cost_path(job: str, run_id: str, attempt: int) -> str:
    """``runs/<family>/<job>/<run id>.cost-<attempt>.json``, relative to the lake root."""
    family, _, name = job.partition(".")
    return f"runs/{family}/{name}/{run_id}.cost-{attempt}.json"


def keep_cost(objects: ObjectStore, cost: Cost) -> bool:
    """Keep what an attempt has cost, once: False when it is known already, and nothing is written then.

    A copy waits for ``ops.costs`` first: a call that dies in between is repeated without a second row.
    """
    path, body = cost_path(cost["job"], cost["run_id"], cost["attempt"]), to_json(cost)
    if objects.get(path) is not None:
        return False
    objects.write(f"{PENDING_COSTS}{cost['job']}-{cost['run_id']}-{cost['attempt']}.json", body)
    return objects.write_if_absent(path, body) is not None


def cost_row(cost: Mapping[str, Any]) -> dict[str, Any]:
    """A cost as a row of ``ops.costs`` (common.run.record.ops_tables)."""
    parts, best = cost["cost"], cost["cheapest"] or {}
    return {
        **{name: cost[name] for name in _SAME},
        **{name: cost["used"][name] for name in _USED},
        **{f"{name}_usd": float(parts[name]) for name in ("machines", "fee", "disk", "total")},
        "started_at": _moment(cost["started_at"]),
        "ended_at": _moment(cost["ended_at"]),
        "cheapest_place": best.get("place"),
        "cheapest_usd": best.get("total"),
        "prices_as_of": date.fromisoformat(cost["prices_as_of"]),
        "cost_json": to_json(cost).decode(),
    }


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
