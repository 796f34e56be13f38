"""One line per run in CloudWatch's embedded metric format, from which CloudWatch Logs makes metrics.

The format is that of the CloudWatch embedded metric format specification: one JSON object alone on its line, metric
values at its root, few dimensions. A run id is no dimension, nor is a table: each would be a metric of its own, and be
charged.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from common.clock import utc_now
from common.run.counts import NAMES
from common.spark.emr import is_emr

if TYPE_CHECKING:
    from common.errors import LakejobsError
    from common.run.failures import Failure

NAMESPACE = "lakejobs"
DIMENSIONS = ("Job", "Env")
_OF_TABLE = ("rows_written", "rows_updated", "rows_deleted", "bytes_written")

Units = dict[str, tuple[str, float]]


def print_metrics(record: Mapping[str, Any], wanted: str) -> None:
    """Print the line of an ended run: ``on`` always, ``auto`` where the platform is EMR, ``off`` never."""
    if _is_wanted(wanted):
        _print(metric_line(record))


def print_brief_metrics(job: str, env: str, wanted: str, error: LakejobsError | Failure | None) -> None:
    """Print the line of a run without a record: one that was refused before it had one, or found nothing to do."""
    if _is_wanted(wanted):
        _print(brief_line(job, env, utc_now(), error))


def metric_line(record: Mapping[str, Any]) -> str:
    """The line of an ended run: rows by fate, bytes, seconds, failures, audits, and how old the last day is, in hours.

    ``freshness_hours`` counts from the end of the last day that the run owns to the end of the run; a run without days
    has none. ``tables`` has rows and bytes of each table written, beside the metrics.
    """
    audits = record["quality"]
    tables = _tables(record)
    units: Units = {name: ("Count", record["counts"].get(name, 0)) for name in NAMES}
    units["bytes_written"] = ("Bytes", sum(one["bytes_written"] for one in tables.values()))
    units["seconds"] = ("Seconds", record["seconds"])
    units["failed"] = ("Count", int(record["exit_code"] != 0))
    units["audits_passed"] = ("Count", sum(1 for audit in audits if audit["passed"]))
    units["audits_failed"] = ("Count", sum(1 for audit in audits if not audit["passed"]))
    ended = datetime.fromisoformat(record["ended_at"]).astimezone(UTC)
    if record["days"]:
        last = date.fromisoformat(record["days"]["last"]) + timedelta(days=1)
        behind = ended - datetime(last.year, last.month, last.day, tzinfo=UTC)
        units["freshness_hours"] = ("None", round(behind / timedelta(hours=1), 2))
    members = {name: record[name] for name in ("run_id", "attempt", "exit_code", "status", "code_version")}
    members["error_code"] = (record["error"] or {}).get("code")
    return _line(record["job"], record["env"], ended, units, {**members, "tables": tables})


def brief_line(job: str, env: str, ended: datetime, error: LakejobsError | Failure | None) -> str:
    """The line of a run without a record: only whether it failed, and with which code."""
    units: Units = {"failed": ("Count", int(error is not None))}
    members = {"exit_code": error.exit_code if error else 0, "error_code": error.code if error else None}
    return _line(job, env, ended, units, {**members, "status": "failed" if error else "done"})


def _is_wanted(wanted: str) -> bool:
    return wanted == "on" or (wanted == "auto" and is_emr())


def _print(line: str) -> None:
    with suppress(BrokenPipeError):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def _tables(record: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Table -> what all writes of the run did to it together."""
    found: dict[str, dict[str, int]] = {}
    for write in record["outputs"]:
        table = found.setdefault(write["table"], dict.fromkeys(_OF_TABLE, 0))
        for name in _OF_TABLE:
            table[name] += write[name]
    return found


def _line(job: str, env: str, ended: datetime, units: Units, members: Mapping[str, Any]) -> str:
    metrics = [{"Name": name, "Unit": unit} for name, (unit, _) in units.items()]
    directive = {"Namespace": NAMESPACE, "Dimensions": [list(DIMENSIONS)], "Metrics": metrics}
    line = {
        "_aws": {"Timestamp": int(ended.timestamp() * 1000), "CloudWatchMetrics": [directive]},
        "Job": job,
        # A dimension must hold a text: an environment may have been given as an empty one.
        "Env": env or "none",
        **members,
        **{name: value for name, (_, value) in units.items()},
    }
    return json.dumps(line, separators=(",", ":"))
