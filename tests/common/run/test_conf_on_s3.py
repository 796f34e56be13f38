"""A settings file that lies in a bucket, as a step on EMR names it: fetched from a real S3 server."""

from __future__ import annotations

import pytest
from s3_server import BUCKET, S3Server

from common.config.resolve import Resolved
from common.errors import UsageError
from common.lake.storage.open import object_store
from common.run.context import Services
from common.run.flags import parse_flags
from common.run.settings import settings_of
from deploy.package.entries import entry_of

pytestmark = pytest.mark.engine


def _settings(s3: S3Server, name: str) -> Resolved:
    job = entry_of("clickstream.sessionise").load()
    settings = s3.settings().model_dump(include={"s3_endpoint_url", "s3_region", "s3_path_style"})
    sets = [word for key, value in settings.items() for word in ("--set", f"lake.{key}={value}")]
    arguments = ["--day", "2026-11-20", *sets, "--conf-file", f"s3://{BUCKET}/conf/{name}"]
    return settings_of(job, parse_flags(job, arguments), Services())


def test_a_settings_file_in_a_bucket_is_one_more_layer(s3: S3Server) -> None:
    text = b"clickstream:\n  sessionise:\n    gap_minutes: 7\n"
    object_store(f"s3://{BUCKET}/conf", s3.settings()).write("shop.yaml", text)
    found = _settings(s3, "shop.yaml")
    assert found.params.model_dump()["gap_minutes"] == 7
    assert found.origins["sessionise.gap_minutes"] == f"s3://{BUCKET}/conf/shop.yaml"


def test_a_settings_file_that_is_not_in_the_bucket_is_named(s3: S3Server) -> None:
    with pytest.raises(UsageError) as caught:
        _settings(s3, "none.yaml")
    assert caught.value.code == "CFG-005"
    assert "none.yaml" in str(caught.value)
