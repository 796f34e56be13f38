"""``--plan``: what a run would read, write and use, without a JVM and without touching anything."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from common.errors import InputMissingError
from common.report.wording import plural
from common.run.console.summary import aligned, print_refusal
from common.run.failures import explain
from common.run.record.record import SCHEMA_VERSION, to_json

if TYPE_CHECKING:
    from common.config.lake_settings import LakeSettings
    from common.config.params import Params
    from common.job.declaration import Input, Job
    from common.lake.storage.objects import ObjectStore
    from common.run.context import Services
    from common.run.flags import Flags
    from common.sources.mapping.model import Source

_MOST_FILES = 10_000
_SAMPLE = 5


def print_plan(job: Job, flags: Flags, services: Services) -> int:
    """Print the plan as text, or as JSON with ``-o json``; the exit code."""
    try:
        plan = make_plan(job, flags, services)
    except Exception as error:  # whatever it is, it becomes an exit code with a sentence.
        return print_refusal(job, explain(error), as_json=flags.output == "json")
    sys.stdout.write(to_json(plan).decode() if flags.output == "json" else plan_text(plan))
    sys.stdout.flush()
    return 0


def make_plan(job: Job, flags: Flags, services: Services) -> dict[str, Any]:
    """The plan as a dictionary. Raises UsageError and InputMissingError for what the run would refuse at its start."""
    from common.config.resolve import without_secrets
    from common.job.references import attribute
    from common.run.settings import settings_of
    from common.run.start import check_free_columns, check_input, check_start

    resolved = settings_of(job, flags, services)
    store = services.objects(resolved.lake.root, resolved.lake)
    days = flags.days
    found = _changed(job, resolved.params, store, resolved.lake.first_days) if flags.changed else None
    source = None if flags.source is None else _source(flags.source, resolved.lake, services)
    check_start(job, resolved.lake, resolved.env, source)
    check_free_columns(job, source, store)
    if flags.input:
        check_input(flags.input, resolved.lake, source)
    ignored = () if source is None else source.ignore_files
    rest = without_secrets(flags.rest)
    command = ["spark-submit", "--py-files", "lakejobs.zip", f"jobs/{job.family}/{job.short_name}.py", *rest]
    return {
        "schema_version": SCHEMA_VERSION,
        "job": job.name,
        "env": resolved.env,
        "lake": resolved.lake.root,
        "days": {"first": str(days.first), "last": str(days.last), "count": len(days)} if days else None,
        "changed": found,
        "input": _input(flags.input, resolved.lake, ignored) if flags.input else None,
        "source": flags.source,
        "reads": [_input_table(one, store) for one in job.inputs],
        "writes": [_table(reference, store) for reference in job.writes],
        "maintains_all": job.maintains_all,
        "details": attribute(job.plan)(resolved.params, store) if job.plan else None,
        "settings": resolved.shown(),
        "command": shlex.join(command),
    }


def _source(name: str, settings: LakeSettings, services: Services) -> Source:
    from common.run.named_source import source_of

    return source_of(name, settings, services.source, services.objects)


def _changed(job: Job, params: Params, store: ObjectStore, first_days: int) -> dict[str, Any]:
    """The runs that ``--changed`` would start as the tables are now, and why."""
    from common.run.changed.due import due_days
    from common.run.changed.runs import found_text

    try:
        due = due_days(job, params, store, first_days=first_days)
    except InputMissingError as error:
        # A job before this one may be planned to make it.
        return {"runs": [], "since": None, "reasons": [error.message], "text": f"not known yet: {error.message}"}
    runs = [{"first": str(one.first), "last": str(one.last), "count": len(one)} for one in due.blocks]
    return {"runs": runs, "since": due.since or None, "reasons": list(due.reasons), "text": found_text(due)}


def _table(reference: str, store: ObjectStore) -> dict[str, Any]:
    from common.job.references import attribute
    from common.lake.delta.commits import latest_version

    table = attribute(reference)
    version = latest_version(store, table.relative_path)
    return {"table": table.name, "path": table.relative_path, "version": version}


def _input_table(given: Input, store: ObjectStore) -> dict[str, Any]:
    return {**_table(given.table, store), "optional": given.optional, "external": given.external}


def _input(path: str, settings: LakeSettings, ignored: Sequence[str]) -> dict[str, Any]:
    """Files and bytes that the run would find at an input path; stops counting at 10,000 files."""
    from common.sources.files.locations import each_file

    found = list(islice(each_file(path, settings, ignored), _MOST_FILES))
    return {
        "path": path,
        "files": len(found),
        "bytes": sum(file.bytes for file in found),
        "more": len(found) == _MOST_FILES,
        "sample": [file.path for file in found[:_SAMPLE]],
    }


def plan_text(plan: dict[str, Any]) -> str:
    """The plan for a person."""
    days, given = plan["days"], plan["input"]
    head = [("environment", plan["env"]), ("lake", plan["lake"])]
    if days:
        head.append(("days", f"{days['first']} to {days['last']} ({days['count']})"))
    if plan["changed"]:
        head.append(("days", plan["changed"]["text"]))
    if given:
        least, files = "at least " if given["more"] else "", plural(given["files"], "file")
        head.append(("input", f"{given['path']}: {least}{files}, {plural(given['bytes'], 'byte')}"))
        head += [("", name) for name in given["sample"]]
        head.append(("source", str(plan["source"])))
    head += [("reads", _described(table)) for table in plan["reads"]]
    head += [("writes", _described(table)) for table in plan["writes"]]
    if plan["maintains_all"]:
        head.append(("works on", "all tables below the lake root"))
    settings = [(name, f"{_shown(one['value'])}  ({one['origin']})") for name, one in plan["settings"].items()]
    return (
        f"Plan of {plan['job']}: nothing is started, nothing is changed.\n{aligned(head)}{_details(plan['details'])}"
        f"\nSettings (and the layer each comes from):\n{aligned(settings)}\nCommand:\n  {plan['command']}\n"
    )


def _details(details: dict[str, Any] | None) -> str:
    """The job's own table, in columns as wide as they need."""
    if details is None:
        return ""
    rows = [[str(cell) for cell in row] for row in [details["columns"], *details["rows"]]]
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    lines = ["  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join([f"\n{details['title']}:", *(line.rstrip() for line in lines)])


def _described(table: dict[str, Any]) -> str:
    """``forecast.stock (optional, external, missing) at silver/forecast/stock``."""
    facts = [name for name in ("optional", "external") if table.get(name)]
    # What no job of the suite writes may never come.
    absent = "missing" if table.get("external") else "not created yet"
    facts.append(absent if table["version"] is None else f"version {table['version']}")
    return f"{table['table']} ({', '.join(facts)}) at {table['path']}"


def _shown(value: Any) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
