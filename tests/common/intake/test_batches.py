"""The log of batches: what is unfinished, and what was done with which file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from common.intake.batches import BEGUN, WAITING, Batch, BatchFile, BatchLog, digest_of
from common.lake.storage.folder import FolderStore

pytestmark = pytest.mark.unit

A, B = "a" * 64, "b" * 64


def batch(name: str, *sha256s: str) -> Batch:
    files = tuple(BatchFile(sha256, f"{sha256[0]}.csv", name, "2026-03-02") for sha256 in sha256s)
    return Batch(name, files, {"name": "tills"}, "r1", "m1", "2026-03-02T06:00:00Z")


@pytest.fixture
def log(tmp_path: Path) -> BatchLog:
    return BatchLog(FolderStore(tmp_path), "fraud.transactions")


def test_a_batch_is_open_until_its_end_and_its_files_are_known_afterwards(log: BatchLog) -> None:
    begun = log.save(batch("1", A, B))
    assert ([one.batch_id for one in log.open()], log.marks([A, B])) == (["1"], {})
    log.finish(begun)
    assert log.open() == []
    marks = log.marks([A, B, "c" * 64])
    assert {sha256: (mark.batch_id, mark.source, mark.mapping) for sha256, mark in marks.items()} == {
        A: ("1", "tills", "m1"),
        B: ("1", "tills", "m1"),
    }
    found = log.batch("1")
    assert found is not None
    assert (found.state, found.sha256s) == ("done", [A, B])


def test_a_batch_with_rows_that_wait_stays_open_and_its_files_are_known(log: BatchLog) -> None:
    log.finish(replace(batch("1", A), due_at="2026-03-05T00:00:00Z"))
    assert [(one.state, one.due_at) for one in log.open()] == [("waiting", "2026-03-05T00:00:00Z")]
    assert list(log.marks([A])) == [A]


def test_a_file_that_is_taken_again_is_taken_out_of_the_open_batches(log: BatchLog) -> None:
    log.save(batch("1", A, B))
    log.save(batch("2", B))
    log.save(replace(batch("4", B), state=WAITING))
    log.give_up({B}, but="3", states=(BEGUN,))
    assert [(one.batch_id, one.sha256s) for one in log.open()] == [("1", [A]), ("4", [B])]


def test_files_that_lost_rows_are_found_by_their_days(log: BatchLog) -> None:
    log.note_lost([A], ("2026-03-02", "2026-03-04"))
    log.note_lost([B], ("2026-03-09", "2026-03-09"))
    assert log.lost_on(("2026-03-04", "2026-03-08")) == {A}
    assert log.lost_on(("2026-03-05", "2026-03-08")) == set()
    assert log.lost_on(("2026-03-05", "2026-03-08"), around=1) == {A, B}


def test_the_id_is_that_of_the_contents_in_whatever_order() -> None:
    assert digest_of(["x", "y"]) == digest_of(["y", "x"])
    assert digest_of(["x", "y"]) != digest_of(["x"])


def test_files_that_an_earlier_release_ingested_stay_known_and_those_it_left_unfinished_are_new(
    log: BatchLog, tmp_path: Path
) -> None:
    folder = tmp_path / "_batches" / "fraud.transactions"
    folder.mkdir(parents=True)
    for name, sha256, is_done in (("old", A, True), ("broken", B, False)):
        fields = {"batch_id": name, "sha256s": [sha256], "begun_at": "2026-03-01T06:00:00+00:00", "is_done": is_done}
        (folder / f"{name}.json").write_text(json.dumps(fields))
    log.adopt_earlier()
    assert {sha256: mark.mapping for sha256, mark in log.marks([A, B]).items()} == {A: ""}
    assert log.open() == []
