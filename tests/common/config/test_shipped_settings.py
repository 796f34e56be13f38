"""The settings that are shipped, and the schema that is exported of them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from pydantic import BaseModel

from common.config.lake_settings import LakeSettings
from common.config.params import Params
from common.config.resolve import resolve
from common.job import catalogue
from common.job.catalogue import families, job_names, load_job
from common.job.schema import settings_schema

pytestmark = pytest.mark.unit

JOBS = [(family, name) for family in families() for name in job_names(family)]


@pytest.mark.parametrize("env", ["local", "dev", "prod"])
def test_the_shipped_files_of_every_job_resolve_in_every_environment(env: str) -> None:
    assert resolve("none", "none", Params, env=env).env == env
    for family, name in JOBS:
        resolve(family, name, load_job(family, name).params, env=env, suite=catalogue)


def test_every_parameter_of_every_job_has_a_description() -> None:
    models: list[type[BaseModel]] = [LakeSettings, *(load_job(family, name).params for family, name in JOBS)]
    bare = [
        f"{model.__name__}.{name}"
        for model in models
        for name, field in model.model_fields.items()
        if not field.description
    ]
    assert bare == []


def test_the_schema_names_the_bounds_of_what_all_jobs_share() -> None:
    lease = settings_schema()["properties"]["lake"]["properties"]["lease_seconds"]
    assert (lease["type"], lease["minimum"], lease["maximum"]) == ("integer", 5, 3600)


def test_the_schema_holds_every_job_and_no_reference_is_left_open() -> None:
    schema = settings_schema()
    assert {
        (family, name) for family in families() for name in schema["properties"].get(family, {}).get("properties", {})
    } == set(JOBS)
    assert "$ref" not in json.dumps(schema)


def test_the_schema_is_printed_by_its_module() -> None:
    printed = subprocess.run([sys.executable, "-m", "common.job.schema"], capture_output=True, text=True, check=True)
    assert json.loads(printed.stdout)["additionalProperties"] is False
