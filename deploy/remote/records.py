"""The record of a run that was sent, read from its lake."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from common.errors import LakejobsError
from common.lake.storage.objects import ObjectStore
from deploy.control.run import objects_of
from deploy.remote.run import SentRun, value_of
from deploy.targets.target import Target

# A laptop without the network of the lake is not kept waiting.
_PATIENCE = "lake.storage_deadline_seconds=10"


def read_record(run: SentRun, target: Target) -> tuple[Mapping[str, Any] | None, str]:
    """The record of a run that was sent, and why there is none when the lake could not be read."""
    return record_of(run.job, run.run_id, run.arguments, target)


def lake_objects(arguments: Sequence[str], target: Target) -> ObjectStore | None:
    """The objects of the lake that a job's ``arguments`` or its target name; None where neither does."""
    lake = value_of("--lake", arguments) or target.lake or ""
    env = value_of("--env", arguments) or target.env or "local"
    return objects_of([("--env", env), ("--lake", lake), ("--set", _PATIENCE)]) if lake else None


def record_of(
    full_name: str, run_id: str, arguments: Sequence[str], target: Target
) -> tuple[Mapping[str, Any] | None, str]:
    """The record below the lake that a job's ``arguments`` name; why there is none if it could not be read."""
    family, _, job = full_name.partition(".")
    try:
        objects = lake_objects(arguments, target)
        if objects is None or not job:
            return None, "The lake of the run is not known: no record was looked for."
        stored = objects.get(f"runs/{family}/{job}/{run_id}.json")
    except (LakejobsError, OSError) as error:
        code = f" ({error.code})" if isinstance(error, LakejobsError) else ""
        return None, f"The run's record could not be read from here{code}: the service's word stands alone."
    if stored is None:
        return None, ""
    try:
        record = json.loads(stored.body)
    except ValueError:
        return None, "The run's record is not JSON."
    return (record, "") if isinstance(record, dict) else (None, "The run's record is not JSON.")
