from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from common.intake.batches import BatchLog
from common.lake.storage.folder import FolderStore
from common.sources.files.inventory import InspectedFile

pytestmark = pytest.mark.unit

START = datetime(2026, 3, 2, 6, tzinfo=UTC)


def file(path: str, sha256: str) -> InspectedFile:
    return InspectedFile(path=path, bytes=1, modified=START, sha256=sha256)


@pytest.fixture
def log(tmp_path: Path) -> BatchLog:
    return BatchLog(FolderStore(tmp_path), "fraud.transactions")


def test_a_batch_is_known_from_its_beginning_and_done_at_its_end(log: BatchLog) -> None:
    batch = log.begin([file("b.csv", "2" * 64), file("a.csv", "1" * 64)], START)
    assert [(one.is_done, one.sha256s) for one in log.all()] == [(False, ("1" * 64, "2" * 64))]
    log.finish(batch)
    assert [one.is_done for one in log.all()] == [True]
    assert log.all()[0].ingest_date == START.date()


def test_the_id_is_that_of_the_contents_and_a_copy_under_another_name_is_the_same(log: BatchLog) -> None:
    first = log.begin([file("a.csv", "1" * 64), file("copy.csv", "1" * 64)], START)
    second = log.begin([file("renamed.csv", "1" * 64)], START)
    assert first.batch_id == second.batch_id


def test_a_forgotten_batch_is_gone(log: BatchLog) -> None:
    log.forget(log.begin([file("a.csv", "1" * 64)], START))
    assert log.all() == []
