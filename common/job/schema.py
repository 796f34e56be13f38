"""JSON Schema of all settings, for editors: ``python -m common.job.schema [file]``."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from common.config.lake_settings import LakeSettings
from common.job.catalogue import families, job_names, load_job


def settings_schema() -> dict[str, Any]:
    """One schema for conf files: ``lake`` and, by family, each job's parameters."""
    properties: dict[str, Any] = {"lake": _inlined(LakeSettings)}
    for family in families():
        jobs = {name: _inlined(load_job(family, name).params) for name in job_names(family)}
        if jobs:
            properties[family] = {"type": "object", "additionalProperties": False, "properties": jobs}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "lakejobs settings (--conf-file)",
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
    }


def _inlined(model: type[BaseModel]) -> dict[str, Any]:
    """A model's schema with its definitions put where they are used, so that it can be nested in another."""
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})

    def replaced(node: Any) -> Any:
        if isinstance(node, dict):
            if "$ref" in node:
                return replaced({**definitions[str(node["$ref"]).rpartition("/")[2]], **_without_ref(node)})
            return {key: replaced(value) for key, value in node.items()}
        return [replaced(value) for value in node] if isinstance(node, list) else node

    schema.pop("required", None)  # a layer may leave out what another one gives
    result: dict[str, Any] = replaced(schema)
    return result


def _without_ref(node: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in node.items() if key != "$ref"}


def main(arguments: Sequence[str]) -> int:
    """Print the schema, or write it to the file that is named."""
    text = json.dumps(settings_schema(), indent=2) + "\n"
    if arguments:
        Path(arguments[0]).write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
