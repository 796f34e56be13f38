"""Several writers on one table: threads for the lease, real processes for whole writes, in a folder and on S3."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lake_writer
import pytest
from pyarrow import parquet
from s3_server import S3Server

from common.config.lake_settings import LakeSettings
from common.errors import WriteConflictError
from common.lake.lease import Lease, lease_folder
from common.lake.objects import object_store

pytestmark = pytest.mark.engine

THREADS = 8
ROUNDS = 12
WRITER = Path(lake_writer.__file__)
REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., LakeSettings]:
    """Settings with an empty lake root, in a folder or on the S3 server."""

    def settings(**more: object) -> LakeSettings:
        if request.param == "folder":
            return LakeSettings.model_validate({"root": str(tmp_path / "lake"), **more})
        server: S3Server = request.getfixturevalue("s3")
        return server.settings(f"{tmp_path.parent.name}/{tmp_path.name}", **more)

    return settings


@pytest.fixture
def places(s3: S3Server, tmp_path: Path) -> list[LakeSettings]:
    """Both places, for writers that go from one to the other and wait for each other's lease."""
    on_s3 = s3.settings(f"{tmp_path.parent.name}/{tmp_path.name}", lease_wait_seconds=300)
    return [LakeSettings(root=str(tmp_path / "lake"), lease_wait_seconds=300), on_s3]


def race(settings: LakeSettings, table: str) -> list[Lease]:
    """The leases that were won when all threads asked for the table at once and nobody gave it back."""
    barrier = threading.Barrier(THREADS)
    won: list[Lease] = []
    lost: list[WriteConflictError] = []

    def contend(number: int) -> None:
        lease = Lease(object_store(settings.root, settings), table, run_id=f"run-{number}", job="races", seconds=60)
        barrier.wait()
        try:
            won.append(lease.acquire())
        except WriteConflictError as error:
            lost.append(error)

    threads = [threading.Thread(target=contend, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {error.code for error in lost} == {"LEA-001"}
    assert len(won) + len(lost) == THREADS
    return won


def test_of_eight_threads_that_want_a_lease_exactly_one_gets_it(place: Callable[..., LakeSettings]) -> None:
    settings = place()
    for number in range(ROUNDS):
        table = f"races.fresh_{number}"
        first = race(settings, table)
        assert len(first) == 1
        first[0].release()
        # Given back, it is raced for again by conditional replacement, and the token has grown.
        second = race(settings, table)
        assert [lease.token for lease in second] == [2]
        second[0].release()


def start(lakes: LakeSettings | list[LakeSettings], *arguments: str, **environment: str) -> subprocess.Popen[str]:
    path = os.pathsep.join([str(REPOSITORY), str(WRITER.parent)])
    settings = [f"--settings={lake.model_dump_json()}" for lake in (lakes if isinstance(lakes, list) else [lakes])]
    command = [sys.executable, str(WRITER), *settings, *arguments]
    return subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": path, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def open_gate(gate: Path, *names: str) -> None:
    """Let the writers go when all of them are ready."""
    deadline = time.monotonic() + 240
    while not all((gate.parent / f"{gate.name}.{name}.ready").exists() for name in names):
        assert time.monotonic() < deadline, "the writers did not get ready"
        time.sleep(0.1)
    gate.touch()


def stored(settings: LakeSettings) -> list[tuple[int, str]]:
    """(id, writer) of every row: the log replayed and the files read without Delta and without Spark."""
    objects = object_store(settings.root, settings)
    table = lake_writer.TABLE.relative_path
    live: dict[str, dict[str, object]] = {}
    for entry in objects.list(f"{table}/_delta_log/"):
        if not entry.path.endswith(".json"):
            continue
        for line in objects.read(entry.path).splitlines():
            action = json.loads(line)
            if "remove" in action:
                live.pop(action["remove"]["path"])
            if "add" in action:
                live[action["add"]["path"]] = action["add"]
    rows = []
    for path, added in live.items():
        assert "deletionVector" not in added
        frame = parquet.read_table(io.BytesIO(objects.read(f"{table}/{path}")), columns=["id", "writer"])
        rows += [(row["id"], row["writer"]) for row in frame.to_pylist()]
    return sorted(rows)


def written_by_both(places: list[LakeSettings], gate: Path, writers: dict[str, list[str]]) -> list[list[Any]]:
    """What the writes of each process tell, after two have raced in one place after the other."""
    running = [start(places, "--name", name, "--gate", str(gate), *flags) for name, flags in writers.items()]
    for number in range(len(places)):
        open_gate(gate.with_name(f"{gate.name}{number or ''}"), *writers)
    told = []
    for writer in running:
        output, errors = writer.communicate(timeout=400)
        assert writer.returncode == 0, errors
        told.append([json.loads(line) for line in output.splitlines() if line.startswith("{")])
    return told


def test_two_processes_that_append_lose_and_double_no_row(places: list[LakeSettings], tmp_path: Path) -> None:
    flags = ["--rounds", "4", "--rows", "5", "--first"]
    written_by_both(places, tmp_path / "gate", {"a": [*flags, "0"], "b": [*flags, "100"]})
    for settings in places:
        assert stored(settings) == [*((n, "a") for n in range(20)), *((n, "b") for n in range(100, 120))]


def test_two_processes_that_upsert_leave_each_key_once(places: list[LakeSettings], tmp_path: Path) -> None:
    flags = ["--verb", "upsert", "--rounds", "3", "--rows", "5"]
    told = written_by_both(places, tmp_path / "gate", {"a": flags, "b": flags})
    for number, settings in enumerate(places):
        results = [result for lines in told for result in lines[3 * number : 3 * number + 3]]
        assert [key for key, _ in stored(settings)] == [0, 1, 2, 3, 4]
        assert sorted(result["rows_updated"] for result in results) == [0, 5, 5, 5, 5, 5]
        assert len({result["version_after"] for result in results}) == 6


def test_the_second_process_leaves_with_exit_code_5_when_it_may_not_wait(
    place: Callable[..., LakeSettings], tmp_path: Path
) -> None:
    settings = place(lease_wait_seconds=0)
    gate = tmp_path / "gate"
    slow = start(settings, "--name", "a", "--gate", str(gate), LAKEJOBS_FAULT="lake.before_write:pause:15")
    fast = start(settings, "--name", "b", "--first", "100", "--gate", str(tmp_path / "gate_b"))
    open_gate(gate, "a")
    objects = object_store(settings.root, settings)
    while not list(objects.list(lease_folder(lake_writer.TABLE.name))):
        time.sleep(0.1)
    open_gate(tmp_path / "gate_b", "b")
    _, refusal = fast.communicate(timeout=300)
    _, errors = slow.communicate(timeout=300)
    assert (slow.returncode, fast.returncode) == (0, 5), f"{errors}\n{refusal}"
    assert "LEA-001: races.counters is being written by run run-a since" in refusal
    assert stored(settings) == [(n, "a") for n in range(10)]


def test_a_writer_killed_while_it_writes_files_leaves_nothing_and_is_followed_safely(
    place: Callable[..., LakeSettings], tmp_path: Path
) -> None:
    settings = place(lease_wait_seconds=60, lease_seconds=6)
    objects = object_store(settings.root, settings)
    many = ["--name", "a", "--rows", "4000000", "--files", "40"]
    killed = start(settings, *many)
    data = f"{lake_writer.TABLE.relative_path}/day="
    while not any(entry.path.endswith(".parquet") for entry in objects.list(data)):
        assert killed.poll() is None, killed.communicate()
        time.sleep(0.05)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    files = {entry.path for entry in objects.list(data) if entry.path.endswith(".parquet")}
    assert stored(settings) == []
    again = start(settings, "--name", "a", "--rows", "10")
    _, errors = again.communicate(timeout=300)
    assert again.returncode == 0, errors
    assert stored(settings) == [(n, "a") for n in range(10)]
    assert files
