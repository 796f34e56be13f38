"""The size of a run that was sent, read from its own request."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from pydantic import ValidationError

from deploy.remote.run import SentRun
from deploy.targets.sizes import ServerlessSize
from deploy.targets.target import Target

_BYTES = re.compile(r"(\d+)\s*([kmgt]?)b?", re.IGNORECASE)
_MB = {"k": 1 / 1_024, "": 1.0, "m": 1.0, "g": 1_024.0, "t": 1_048_576.0}


def conf_of(run: SentRun) -> dict[str, str]:
    """Spark property -> value, as the request says it: its words over its ``spark-defaults``."""
    answer = run.answer
    driver = answer.get("jobDriver", {})
    sent = driver.get("sparkSubmit") or driver.get("sparkSubmitJobDriver") or {}
    words = answer.get("Config", {}).get("Args") or _words(str(sent.get("sparkSubmitParameters", "")))
    overrides: Sequence[Any] = answer.get("configurationOverrides", {}).get("applicationConfiguration", ())
    found: dict[str, str] = {}
    for one in overrides:
        if one.get("classification") == "spark-defaults":
            found |= one.get("properties", {})
    for word, following in pairwise(words):
        key, sign, value = following.partition("=")
        if word == "--conf" and sign:
            found[key] = value
    return found


def size_of(conf: Mapping[str, str], target: Target) -> ServerlessSize:
    """Driver and executors as the properties say; what they leave open is taken from the target."""
    given: dict[str, Any] = target.size.model_dump()
    for role in ("driver", "executor"):
        memory, overhead = conf.get(f"spark.{role}.memory"), conf.get(f"spark.{role}.memoryOverhead")
        asked = {
            f"{role}_cores": _whole(conf.get(f"spark.{role}.cores")),
            f"{role}_memory_gb": _megabytes(memory, plain_mb=False) // 1_024 if memory else None,
            f"{role}_overhead_mb": _megabytes(overhead, plain_mb=True) if overhead else None,
        }
        given |= {name: value for name, value in asked.items() if value}
    if disk := conf.get("spark.emr-serverless.executor.disk"):
        given["disk_gb"] = _megabytes(disk, plain_mb=True) // 1_024
    for name, key in (("max_executors", "maxExecutors"), ("initial_executors", "initialExecutors")):
        given[name] = _whole(conf.get(f"spark.dynamicAllocation.{key}")) or given[name]
    try:
        return ServerlessSize.model_validate(given)
    except ValidationError:
        # Somebody has sent it by hand, with a size that the suite does not know.
        return ServerlessSize.model_validate(target.size.model_dump())


def fixed_executors(conf: Mapping[str, str]) -> int | None:
    """How many executors a run without dynamic allocation has; None where their number changes."""
    is_dynamic = conf.get("spark.dynamicAllocation.enabled", "true").lower() == "true"
    return None if is_dynamic else _whole(conf.get("spark.executor.instances"))


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return text.split()


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None


def _megabytes(text: str, *, plain_mb: bool) -> int:
    """MiB of Spark's spelling; a bare number is MiB for an overhead and bytes for a heap."""
    found = _BYTES.fullmatch(text.strip())
    if found is None:
        return 0
    factor = _MB[found[2].lower()] if found[2] or plain_mb else 1 / 1_048_576
    return int(int(found[1]) * factor)
