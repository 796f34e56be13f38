"""What ``--help`` and ``--version`` print; neither imports PySpark."""

from __future__ import annotations

import importlib.util
import platform
import re
from importlib import metadata
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from common import __version__
from common.config.lake_settings import LakeSettings
from common.errors import EXIT_CODES
from common.releases import RELEASES
from common.run.console.summary import aligned

if TYPE_CHECKING:
    from common.job.declaration import Job


def help_text(job: Job) -> str:
    """Usage, two examples, flags, and every parameter with its default, bounds and description."""
    parts = [
        f"{job.name}: {job.summary}\n",
        f"Usage: {usage(job)}\n",
        "Examples:\n" + "".join(f"  {example}\n" for example in examples(job)),
        "Flags:\n" + aligned(_flags(job)),
        f"Parameters of {job.short_name} (--set NAME=VALUE):\n" + (aligned(parameters(job.params)) or "  none\n"),
        "Shared by all jobs (--set lake.NAME=VALUE):\n" + aligned(parameters(LakeSettings)),
        "Exit codes:\n" + aligned(EXIT_CODES),
    ]
    return "\n".join(parts)


def usage(job: Job) -> str:
    """The shortest complete command."""
    words = [f"jobs/{job.family}/{job.short_name}.py", "--env NAME"]
    words += ["--day D | --from D --to D" + " | --changed" * job.takes_changed] if job.by_day else []
    words += ["--input PATH --source NAME"] if job.ingests else []
    return " ".join([*words, "[flags]"])


def examples(job: Job) -> list[str]:
    """At least two: those of the job, then one local and one on a cluster."""
    given = " --day 2026-11-20" if job.by_day else ""
    given += " --input s3://bucket/landing/ --source web.yaml" if job.ingests else ""
    entry = f"jobs/{job.family}/{job.short_name}.py"
    usual = [
        f"python {entry} --env local --lake ./lake{given} --plan",
        f"spark-submit --py-files lakejobs.zip {entry} --env prod --lake s3://bucket/lake{given}",
    ]
    return [*job.examples, *usual[: max(0, 2 - len(job.examples))]]


def _flags(job: Job) -> list[tuple[str, str]]:
    by_day = [
        ("--day D", "the day to run (YYYY-MM-DD)"),
        ("--from D --to D", "or a range of days, both ends included"),
    ]
    by_day += [("--changed", "or the days that were touched since the last such run")] if job.takes_changed else []
    ingests = [
        ("--input PATH", "location of the raw files: a folder, a file or s3://..."),
        ("--source NAME", "their layout: a preset in conf/sources, or a .yaml file"),
    ]
    return [
        ("--env NAME", "section of conf/ that overrides the defaults: local (default), dev, prod"),
        ("--lake ROOT", "lake root, s3://bucket/prefix or a folder (local Spark only); overrides conf"),
        *(by_day if job.by_day else []),
        *(ingests if job.ingests else []),
        ("--set KEY=VALUE", "one parameter; repeatable"),
        ("--conf-file URI", "one more YAML layer, local or s3://; repeatable"),
        ("--plan", "print inputs, days, tables and settings with their origin; change nothing"),
        ("-o json", "the run record on standard output, nothing else"),
        ("--run-id ID", "reuse the id of an earlier attempt"),
        ("--attempt N", "number of this attempt; the default is one more than the last with this --run-id"),
        ("--debug", "debug lines and full stacks"),
        ("--version", "versions of the suite, Spark, Delta and Python, and the EMR release"),
        ("-h, --help", "this help"),
    ]


def parameters(model: type[BaseModel]) -> list[tuple[str, str]]:
    """Name -> type, default, bounds and description of each parameter; of a group of them each member."""
    schema = model.model_json_schema()
    return _rows(schema, schema.get("$defs", {}), "")


def _rows(schema: dict[str, Any], groups: dict[str, Any], before: str) -> list[tuple[str, str]]:
    required = set(schema.get("required", ()))
    rows = []
    for name, field in schema.get("properties", {}).items():
        if "$ref" in field:
            rows += _rows(groups[_type(field)], groups, f"{before}{name}.")
            continue
        default = "required" if name in required else f"default {_plain(field.get('default'))}"
        facts = ", ".join(fact for fact in (_type(field), default, *_bounds(field)) if fact)
        rows.append((f"{before}{name}", f"{field.get('description', '')} [{facts}]".strip()))
    return rows


def _type(field: dict[str, Any]) -> str:
    if "enum" in field:
        return "|".join(str(value) for value in field["enum"])
    if "const" in field:
        return str(field["const"])
    members = field.get("anyOf") or field.get("oneOf")
    if members:
        return " or ".join(_type(member) for member in members)
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    if "allOf" in field:
        return _type(field["allOf"][0])
    kind = str(field.get("type", "any"))
    if kind == "array":
        return f"list of {_type(field.get('items', {}))}"
    return str(field.get("format", kind))


def _bounds(field: dict[str, Any]) -> list[str]:
    for member in field.get("anyOf", []):
        if member.get("type") != "null":
            return _bounds(member)
    signs = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    bounds = [f"{sign} {_plain(field[key])}" for key, sign in signs.items() if key in field]
    return bounds + ([f"matches {field['pattern']}"] if "pattern" in field else [])


def _plain(value: Any) -> str:
    if value is None:
        return "null"
    if value == "":
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def version_text() -> str:
    """Versions of the suite, Spark, Delta and Python, and the EMR releases that bring this Spark."""
    spark = _installed("pyspark")
    labels = [label for label, release in RELEASES.items() if spark.startswith(release.spark)]
    rows = [
        ("lakejobs", __version__),
        ("Spark", spark),
        ("Delta", _installed("delta-spark")),
        ("Python", platform.python_version()),
        ("EMR release", " or ".join(labels) or "none has this Spark"),
    ]
    return aligned(rows, indent=0)


def _installed(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        found = _version_in_source(name) if name == "pyspark" else None
        return found or "of the platform"


def _version_in_source(package: str) -> str | None:
    """On EMR, PySpark is on the path without the metadata of a package; its version is read, not imported."""
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        read = getattr(spec.loader if spec else None, "get_data", None)
        if callable(read):
            try:
                match = re.search(r'__version__[^=]*= *"([^"]+)"', read(f"{folder}/version.py").decode())
            except OSError:
                return None
            return match.group(1) if match else None
    return None
