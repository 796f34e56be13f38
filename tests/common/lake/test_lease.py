"""The lease of a table: taken, renewed, waited for, taken over, lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from common.errors import WriteConflictError
from common.lake.lease import Lease, lease_folder
from common.lake.storage.folder import FolderStore

pytestmark = pytest.mark.unit

REPOSITORY = Path(__file__).resolve().parents[3]
TABLE = "shop.orders"


@pytest.fixture
def objects(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


def lease(objects: FolderStore, run_id: str, *, seconds: float = 60) -> Lease:
    return Lease(objects, TABLE, run_id=run_id, job="tests.job", seconds=seconds)


def as_foreign(objects: FolderStore, token: int) -> None:
    """Let a held lease look as if a process on another machine held it."""
    path = f"{lease_folder(TABLE)}{token:020d}.json"
    fields = json.loads(objects.read(path))
    objects.write(path, json.dumps({**fields, "machine": "elsewhere"}).encode())


def silent_for(objects: FolderStore, token: int, seconds: float) -> None:
    """Let the last renewal be so long ago."""
    then = time.time() - seconds
    os.utime(objects.folder / f"{lease_folder(TABLE)}{token:020d}.json", (then, then))


def test_a_held_lease_is_refused_with_its_holder_and_since_when(objects: FolderStore) -> None:
    with lease(objects, "first").acquire(), pytest.raises(WriteConflictError) as caught:
        lease(objects, "second").acquire()
    assert caught.value.code == "LEA-001"
    assert caught.value.exit_code == 5
    assert "Run first has been writing shop.orders since 20" in caught.value.message


def test_a_released_lease_is_free_and_its_token_never_comes_again(objects: FolderStore) -> None:
    tokens = []
    for number in range(25):
        with lease(objects, f"run-{number}").acquire() as held:
            tokens.append(held.token)
    assert tokens == list(range(1, 26))
    # Old tokens are cleared away, the latest ones stay.
    assert len(list(objects.list(lease_folder(TABLE)))) == 21


def test_a_waiting_run_gets_the_lease_when_it_is_released(objects: FolderStore) -> None:
    held = lease(objects, "first").acquire()
    threading.Timer(0.3, held.release).start()
    with lease(objects, "second").acquire(wait_seconds=30) as taken:
        assert taken.token == 2


def test_a_lease_that_was_not_renewed_is_taken_over_only_after_its_life(objects: FolderStore) -> None:
    first = lease(objects, "first", seconds=60).acquire()
    as_foreign(objects, first.token)
    silent_for(objects, first.token, 55)
    with pytest.raises(WriteConflictError, match="LEA-001"):
        lease(objects, "second").acquire()
    silent_for(objects, first.token, 63)
    with lease(objects, "second").acquire() as taken:
        assert taken.token == 2
        with pytest.raises(WriteConflictError, match=r"LEA-002[\s\S]*Run second has held it"):
            first.check()
    first.release()
    # The fenced-off holder has not touched its successor's lease.
    assert json.loads(objects.read(f"{lease_folder(TABLE)}{2:020d}.json"))["run_id"] == "second"


def test_a_lease_is_renewed_in_the_background(objects: FolderStore) -> None:
    with lease(objects, "first", seconds=0.6).acquire() as held:
        path = objects.folder / f"{lease_folder(TABLE)}{held.token:020d}.json"
        silent_for(objects, held.token, 100)
        deadline = time.monotonic() + 20
        while time.time() - path.stat().st_mtime > 50:
            assert time.monotonic() < deadline, "not renewed"
            time.sleep(0.05)


def test_a_holder_that_could_not_renew_in_time_gives_up_by_itself(
    objects: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with lease(objects, "first", seconds=60).acquire() as held:
        now = time.monotonic()
        monkeypatch.setattr("common.lake.lease.time.monotonic", lambda: now + 61)
        with pytest.raises(WriteConflictError, match=r"LEA-002[\s\S]*not renewed for 61 s"):
            held.check()


HOLD = """
import sys, time
from pathlib import Path
from common.lake.lease import Lease
from common.lake.storage.folder import FolderStore
Lease(FolderStore(Path(sys.argv[1])), "shop.orders", run_id="dead", job="tests.job", seconds=600).acquire()
print("held", flush=True)
time.sleep(600)
"""


def test_in_a_folder_the_lease_of_a_killed_process_is_taken_over_at_once(objects: FolderStore) -> None:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-c", HOLD, objects.root]
    holder = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(WriteConflictError, match="Run dead has been writing"):
        lease(objects, "next").acquire()
    holder.kill()
    holder.wait()
    with lease(objects, "next").acquire() as taken:
        assert taken.token == 2


def test_where_commits_can_overwrite_each_other_a_dead_holder_is_waited_out(
    objects: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FolderStore, "commits_exclude", False)
    held = lease(objects, "first").acquire()
    path = f"{lease_folder(TABLE)}{held.token:020d}.json"
    objects.write(path, json.dumps({**json.loads(objects.read(path)), "pid": 2**22 + 1}).encode())
    with pytest.raises(WriteConflictError, match="LEA-001"):
        lease(objects, "second").acquire()
    held.release()
