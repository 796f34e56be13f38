"""Several writers on one table: threads for the lease, real processes for whole writes, in a folder and on S3.

Each way of writing (append, replace, merge) is raced for once, in the same two processes: it is their starts that cost.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lake_writer
import pytest
from s3_server import S3Server
from small_session import interpreted_process
from table_rows import stored_rows

from common.config.lake_settings import LakeSettings
from common.errors import WriteConflictError
from common.lake.lease import Lease
from common.lake.storage.open import object_store

pytestmark = pytest.mark.engine

THREADS = 8
ROUNDS = 6
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
        env={**os.environ, **interpreted_process(), "PYTHONPATH": path, **environment},
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


def stored(settings: LakeSettings, way: str = "append") -> list[tuple[int, str]]:
    """(id, writer) of every row, found without Delta and without Spark."""
    rows = stored_rows(object_store(settings.root, settings), lake_writer.TABLES[way].relative_path)
    return sorted((row["id"], row["writer"]) for row in rows)


@dataclass(frozen=True)
class Race:
    """What two processes have left that wrote in each way at once, and what each write says of itself."""

    lake: LakeSettings
    results: dict[str, list[dict[str, Any]]]


ROWS, TURNS = 5, 3


@pytest.fixture(scope="module")
def races(s3: S3Server, tmp_path_factory: pytest.TempPathFactory) -> list[Race]:
    """The races of two processes in a folder, then of the same two on S3; each waits for the other's lease."""
    folder = tmp_path_factory.mktemp("races")
    lakes = [
        LakeSettings(root=str(folder / "lake"), lease_wait_seconds=300),
        s3.settings(folder.name, lease_wait_seconds=300),
    ]
    flags = ["--ways", *lake_writer.TABLES, "--rounds", str(TURNS), "--rows", str(ROWS), "--gate", str(folder / "gate")]
    running = [
        start(lakes, "--name", "a", "--first", "0", *flags),
        start(lakes, "--name", "b", "--first", "100", *flags),
    ]
    for number in range(len(lakes)):
        open_gate(folder / f"gate{number or ''}", "a", "b")
    results: list[list[dict[str, Any]]] = [[] for _ in lakes]
    for writer in running:
        output, errors = writer.communicate(timeout=400)
        assert writer.returncode == 0, errors
        lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
        half = len(lines) // 2
        for number in range(len(lakes)):
            results[number] += lines[number * half : (number + 1) * half]
    return [
        Race(lake, {way: [one for one in of_lake if one["table"] == f"races.{way}"] for way in lake_writer.TABLES})
        for lake, of_lake in zip(lakes, results, strict=True)
    ]


def test_two_processes_that_append_lose_and_double_no_row(races: list[Race]) -> None:
    for race in races:
        assert stored(race.lake) == [*((n, "a") for n in range(15)), *((n, "b") for n in range(100, 115))]
        assert len({result["version_after"] for result in race.results["append"]}) == 2 * TURNS


def test_two_processes_that_replace_a_day_leave_the_rows_of_the_last_of_them_alone(races: list[Race]) -> None:
    for race in races:
        results = race.results["replace"]
        assert len({result["version_after"] for result in results}) == 2 * TURNS
        ids, writers = zip(*stored(race.lake, "replace"), strict=True)
        assert ids == (0, 1, 2, 3, 4)
        assert set(writers) in ({"a-2"}, {"b-2"})


def test_two_processes_that_merge_leave_each_key_once(races: list[Race]) -> None:
    for race in races:
        results = race.results["merge"]
        assert [key for key, _ in stored(race.lake, "merge")] == [0, 1, 2, 3, 4]
        assert sorted(result["rows_updated"] for result in results) == [0, 5, 5, 5, 5, 5]
        assert len({result["version_after"] for result in results}) == 2 * TURNS


def test_a_process_that_may_not_wait_for_the_lease_leaves_with_exit_code_5(s3: S3Server, tmp_path: Path) -> None:
    settings = s3.settings(tmp_path.name, lease_wait_seconds=0)
    table = lake_writer.TABLES["append"].name
    held = Lease(object_store(settings.root, settings), table, run_id="run-a", job="races", seconds=600).acquire()
    refused = start(settings, "--name", "b")
    _, refusal = refused.communicate(timeout=300)
    held.release()
    assert refused.returncode == 5, refusal
    assert "LEA-001: Run run-a has been writing races.append since" in refusal
    assert stored(settings) == []
