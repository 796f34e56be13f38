"""The summary of a run: a table for people, the record for programs."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from common.run.console.log import uses_colour
from common.run.counts import NAMES
from common.run.findings import findings_text
from common.run.record.record import SCHEMA_VERSION, STATUS_FAILED, table_versions, to_json

if TYPE_CHECKING:
    from common.errors import LakejobsError
    from common.job.declaration import Job
    from common.run.failures import Failure


def print_refusal(job: Job, error: LakejobsError | Failure, *, as_json: bool) -> int:
    """Report a run that never started; returns the exit code. With JSON, the record has only the error."""
    fields = {"code": error.code, "message": error.message, "cause": error.cause, "remedy": error.remedy}
    if as_json:
        record = {
            "schema_version": SCHEMA_VERSION,
            "job": job.name,
            "status": STATUS_FAILED,
            "exit_code": error.exit_code,
            "error": fields,
        }
        sys.stdout.write(to_json(record).decode())
        sys.stdout.flush()
    print_error(fields)
    return error.exit_code


def print_error(error: Mapping[str, Any]) -> None:
    """One error on standard error: code, sentence, cause, what to do."""
    headline = f"{error['code']}: {error['message']}"
    lines = [f"\x1b[31m{headline}\x1b[0m" if uses_colour(sys.stderr) else headline]
    lines += [f"Cause: {error['cause']}"] if error["cause"] else []
    lines += [f"What to do: {error['remedy']}"] if error["remedy"] else []
    sys.stderr.write("\n".join(lines) + "\n")
    sys.stderr.flush()


def print_summary(record: Mapping[str, Any], *, as_json: bool) -> None:
    """The end of a run on standard output: the record alone with ``-o json``, otherwise a table."""
    if record["error"]:
        print_error(record["error"])
    with suppress(BrokenPipeError):  # The reader closed the pipe; the record is stored.
        sys.stdout.write(to_json(record).decode() if as_json else summary_text(record))
        sys.stdout.flush()


def summary_text(record: Mapping[str, Any]) -> str:
    """Rows, table versions, seconds, report and next command, one per line."""
    days = record["days"]
    what = record["job"]
    if days:
        what += f" {days['first']}" if days["first"] == days["last"] else f" {days['first']}..{days['last']}"
    lines = [("run", f"{record['run_id']} (attempt {record['attempt']}, {record['env']})")]
    counts = record["counts"]
    lines += [(name.replace("_", " "), f"{counts[name]:,}") for name in NAMES if name in counts]
    lines += [(name.replace("_", " "), f"{number:,}") for name, number in counts.items() if name not in NAMES]
    for table, (before, after) in table_versions(record).items():
        same = " (nothing to do)" if before == after else ""
        lines.append((table, f"version {'none' if before is None else before} -> {after}{same}"))
    lines.append(("seconds", f"{record['seconds']:.1f}"))
    if record["report"]:
        lines.append(("report", f"{str(record['lake']).rstrip('/')}/{record['report']}"))
    lines += [("warning", warning) for warning in record["warnings"]]
    if record["next_command"]:
        lines.append(("next", record["next_command"]))
    ended = record["outcome"] or record["status"]
    headline = f"{what}: {ended}" + (f", exit code {record['exit_code']}" if record["exit_code"] else "")
    return f"{headline}\n{findings_text(record.get('findings') or [])}{aligned(lines)}"


def aligned(rows: Sequence[tuple[str, str]], indent: int = 2) -> str:
    """Two columns, the first as wide as its longest word."""
    width = max((len(name) for name, _ in rows), default=0)
    return "".join(f"{' ' * indent}{name:<{width}}  {value}".rstrip() + "\n" for name, value in rows)
