"""What a run finds in a bucket before it starts, fetched from a real S3 server: a settings file, touched days."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from s3_server import BUCKET, S3Server
from toy_changes import ToyParams, job, known, out_log, sales_log, toy_tables

from common.config.resolve import Resolved
from common.days import DayRange
from common.errors import UsageError
from common.lake.storage.open import object_store
from common.run.changed.due import due_days
from common.run.changed.ledger import change_ledger, make_ledger
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


def test_touched_days_are_found_and_noted_in_a_bucket(s3: S3Server, tmp_path: Path) -> None:
    store = object_store(f"s3://{BUCKET}/changed", s3.settings())

    def send() -> list[str]:
        """Copy the logs to the bucket; the blocks of days that are due there."""
        for file in tmp_path.rglob("*.json"):
            store.write(str(file.relative_to(tmp_path)), file.read_bytes())
        return [str(block) for block in due_days(job(), ToyParams(), store).blocks]

    with toy_tables():
        sales, _ = sales_log(tmp_path), out_log(tmp_path)
        assert send() == ["2026-11-01..2026-11-10"]
        make_ledger(store, "toy.run")
        change_ledger(store, "toy.run", lambda ledger: ledger.settled(known(sales=1), ()))
        assert send() == []
        sales.add("2026-11-02")
        assert send() == ["2026-11-02"]
        ended = DayRange.single(date(2026, 11, 2))
        change_ledger(store, "toy.run", lambda ledger: ledger.begun(ended, "a").done("a", known("run-2", sales=2)))
        assert send() == []


def test_a_settings_file_that_is_not_in_the_bucket_is_named(s3: S3Server) -> None:
    with pytest.raises(UsageError) as caught:
        _settings(s3, "none.yaml")
    assert caught.value.code == "CFG-005"
    assert "none.yaml" in str(caught.value)
