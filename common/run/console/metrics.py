"""One line per run in CloudWatch's embedded metric format, from which CloudWatch Logs makes metrics.

The format is that of the CloudWatch embedded metric format specification: one JSON object alone on its line, metric
values at its root, few dimensions. A run id is no dimension: each would be a metric of its own, and be charged.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any

from common.run.counts import NAMES

NAMESPACE = "lakejobs"
DIMENSIONS = ("Job", "Env")
# What EMR appends to the version of its patched builds.
_EMR_BUILD = "amzn"


def print_metrics(record: Mapping[str, Any], wanted: str) -> None:
    """Print the line on standard output: ``on`` always, ``auto`` where Spark is EMR's, ``off`` never."""
    if wanted == "on" or (wanted == "auto" and _EMR_BUILD in (record["spark_version"] or "")):
        with suppress(BrokenPipeError):
            sys.stdout.write(metric_line(record) + "\n")
            sys.stdout.flush()


def metric_line(record: Mapping[str, Any]) -> str:
    """The line of an ended run: rows by fate, seconds, failures, audits, and how old the last day is, in hours.

    ``freshness_hours`` counts from the end of the last day that the run owns to the end of the run; a run without days
    has none.
    """
    audits = record["quality"]
    units: dict[str, tuple[str, float]] = {name: ("Count", record["counts"].get(name, 0)) for name in NAMES}
    units["seconds"] = ("Seconds", record["seconds"])
    units["failed"] = ("Count", int(record["exit_code"] != 0))
    units["audits_passed"] = ("Count", sum(1 for audit in audits if audit["passed"]))
    units["audits_failed"] = ("Count", sum(1 for audit in audits if not audit["passed"]))
    ended = datetime.fromisoformat(record["ended_at"]).astimezone(UTC)
    if record["days"]:
        last = date.fromisoformat(record["days"]["last"]) + timedelta(days=1)
        behind = ended - datetime(last.year, last.month, last.day, tzinfo=UTC)
        units["freshness_hours"] = ("None", round(behind / timedelta(hours=1), 2))
    metrics = [{"Name": name, "Unit": unit} for name, (unit, _) in units.items()]
    directive = {"Namespace": NAMESPACE, "Dimensions": [list(DIMENSIONS)], "Metrics": metrics}
    line = {
        "_aws": {"Timestamp": int(ended.timestamp() * 1000), "CloudWatchMetrics": [directive]},
        "Job": record["job"],
        "Env": record["env"],
        **{name: record[name] for name in ("run_id", "attempt", "exit_code", "status", "code_version")},
        **{name: value for name, (_, value) in units.items()},
    }
    return json.dumps(line, separators=(",", ":"))
