"""The run record: everything one needs to know of a run, for success and failure alike.

Stored as ``<root>/runs/<family>/<job>/<run id>.json`` and as a row of ``ops.runs``. Its fields are listed in
docs/command-line.md; ``schema_version`` grows when one of them changes its meaning.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
import shlex
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from importlib import metadata
from typing import TYPE_CHECKING, Any

from common.clock import utc_text
from common.job.references import attribute
from common.run.counts import NAMES
from common.run.record.build import running_build

if TYPE_CHECKING:
    from common.config.resolve import Resolved
    from common.days import DayRange
    from common.job.declaration import Job
    from common.run.context import RunContext
    from common.run.failures import Failure

SCHEMA_VERSION = 1
_DEFAULT_ENV = "local"
_REFERENCE = re.compile(r"[\w.]+:\w+")
STATUS_RUNNING, STATUS_DONE, STATUS_FAILED, STATUS_STOPPED = "running", "done", "failed", "stopped"

Record = dict[str, Any]


def new_run_id(job: Job, resolved: Resolved, days: DayRange | None, input_path: str | None, started: datetime) -> str:
    """``<hash>-<start>``: the hash says which work it is (job, days, parameters, input), the rest which run of it."""
    work = {
        "job": job.name,
        "days": str(days or ""),
        "params": resolved.params.model_dump(mode="json"),
        "input": input_path or "",
        "root": resolved.lake.root,
    }
    digest = hashlib.sha256(json.dumps(work, sort_keys=True).encode()).hexdigest()
    return f"{digest[:10]}-{started:%Y%m%dT%H%M%S%f}Z"


def record_path(job: Job, run_id: str) -> str:
    """Where the record is, relative to the lake root."""
    return f"runs/{job.family}/{job.short_name}/{run_id}.json"


def report_path(job: Job, run_id: str) -> str:
    """Where the report is, relative to the lake root."""
    return f"reports/{job.family}/{job.short_name}/{run_id}.html"


def started_record(context: RunContext) -> Record:
    """What is known when a run starts; ``status`` is ``running`` until its end is written."""
    days, shown, build = context.day_range, context.resolved.shown(), running_build()
    return {
        "schema_version": SCHEMA_VERSION,
        "job": context.job.name,
        "run_id": context.run_id,
        "attempt": context.attempt,
        "status": STATUS_RUNNING,
        "exit_code": None,
        "error": None,
        "env": context.env,
        "lake": context.settings.root,
        "days": {"first": str(days.first), "last": str(days.last)} if days else None,
        "changed": context.is_changed,
        "input_path": context.input_path,
        "source": context.source_name,
        "settings": {name: setting["value"] for name, setting in shown.items()},
        "origins": {name: setting["origin"] for name, setting in shown.items()},
        "code_version": build.label,
        "code_hash": build.code_hash,
        "release": context.settings.release,
        "python_version": platform.python_version(),
        "spark_version": None,
        "delta_version": None,
        "started_at": utc_text(context.started_at),
        "ended_at": None,
        "seconds": None,
        "resources": None,
        "outcome": "",
        "counts": {},
        "inputs": {},
        "outputs": [],
        "quality": [],
        "warnings": [],
        "findings": [],
        "report": None,
        "next_command": next_command(context),
    }


def ended_record(context: RunContext, failure: Failure | None, ended: datetime, seconds: float) -> Record:
    """The record of a run that has ended, well or badly."""
    lake = context.opened("lake")
    writes = [asdict(write) for write in getattr(lake, "writes", [])]
    return {
        **started_record(context),
        "status": _status(failure),
        "exit_code": failure.exit_code if failure else 0,
        "error": failure.as_dict() if failure else None,
        **_engine(context),
        "ended_at": utc_text(ended),
        "seconds": round(seconds, 3),
        "counts": {**context.counts.as_dict(), **context.counts.details},
        "inputs": dict(getattr(lake, "versions_read", {})),
        "outputs": writes,
        "quality": [_audit(audit) for audit in context.audits],
        "outcome": context.outcome,
        "warnings": list(context.warnings),
        "findings": [one.as_dict() for one in context.findings],
        "next_command": next_command(context) if failure is None else "",
    }


def table_versions(record: Mapping[str, Any]) -> dict[str, tuple[int | None, int]]:
    """Table -> version before the run's first write and after its last, in the order of the first writes."""
    versions: dict[str, tuple[int | None, int]] = {}
    for write in record["outputs"]:
        first = versions.get(write["table"], (write["version_before"], 0))[0]
        versions[write["table"]] = (first, write["version_after"])
    return versions


def ops_row(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record as a row of ``ops.runs`` (common.run.record.ops_tables)."""
    days, error = record["days"] or {}, record["error"] or {}
    return {
        **{name: record[name] for name in ("run_id", "attempt", "job", "env", "status", "exit_code", "code_version")},
        "first_day": date.fromisoformat(days["first"]) if days else None,
        "last_day": date.fromisoformat(days["last"]) if days else None,
        "error_code": error.get("code"),
        "started_at": datetime.fromisoformat(record["started_at"]),
        "ended_at": datetime.fromisoformat(record["ended_at"]),
        "seconds": float(record["seconds"]),
        **{name: int(record["counts"].get(name, 0)) for name in NAMES},
        "record_json": to_json(record).decode(),
    }


def quality_rows(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the audits of the run found, as rows of ``ops.quality``: one per expectation, numbered through the run."""
    kept = ("expectation", "column", "severity", "success", "observed", "detail")
    results = [(audit["table"], result) for audit in record["quality"] for result in audit["results"]]
    return [
        {
            **{name: record[name] for name in ("run_id", "attempt", "job")},
            "position": position,
            "table": table,
            **{name: result[name] for name in kept},
            "started_at": datetime.fromisoformat(record["started_at"]),
        }
        for position, (table, result) in enumerate(results, start=1)
    ]


def to_json(record: Mapping[str, Any]) -> bytes:
    """A record, or a mapping of them, as it is stored and printed."""
    return (json.dumps(record, indent=2, default=str, ensure_ascii=False) + "\n").encode()


def next_command(context: RunContext) -> str:
    """The job's next command with this run's environment, lake and days."""
    text, days = context.job.next_command, context.day_range
    if _REFERENCE.fullmatch(text):
        text = str(attribute(text)(context))
    if context.env != _DEFAULT_ENV:
        text = text.replace("--lake {lake}", f"--env {context.env} --lake {{lake}}")
    if days is not None:
        both = f"--day {days.first}" if len(days) == 1 else f"--from {days.first} --to {days.last}"
        text = text.replace("{days}", both).replace("{first}", str(days.first)).replace("{last}", str(days.last))
    return text.replace("{lake}", shlex.quote(context.settings.root))


def _status(failure: Failure | None) -> str:
    if failure is None:
        return STATUS_DONE
    return STATUS_STOPPED if failure.exit_code in (130, 143) else STATUS_FAILED


def _audit(audit: Any) -> dict[str, Any]:
    return {
        "table": getattr(audit, "table", None),
        "passed": bool(audit.passed),
        "results": [dict(result) for result in audit.results],
    }


def _engine(context: RunContext) -> dict[str, str | None]:
    """Versions of Spark and Delta, and the EMR release; nothing is asked of a JVM, which may have gone."""
    if context.opened("spark") is None:
        return {}
    import pyspark

    from common.spark.session import running_release

    release = running_release(context.settings.release)
    try:
        delta = metadata.version("delta-spark")
    except metadata.PackageNotFoundError:
        # On EMR Delta is there as jars only; which ones, the release says.
        delta = release.delta
    return {"spark_version": pyspark.__version__, "delta_version": delta, "release": release.label}
