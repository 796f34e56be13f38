"""A process killed in a write, once for each way of writing: what it leaves is whole, and the same write is repeated.

The kill comes where it hurts: after the commit of an append, before the commit of a replacement, after the commit of a
merge. On S3 an append dies while its files are being written.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import lake_writer
import pytest
from lake_writer import TABLES, written
from pyspark.sql import SparkSession
from s3_server import S3Server
from small_session import interpreted_process
from table_rows import stored_rows

from common.config.lake_settings import LakeSettings
from common.config.params import Params
from common.job.declaration import Job
from common.lake.lake import Lake
from common.lake.storage.open import object_store
from common.run.context import Services
from common.run.launch import run_job
from common.run.record.ops_tables import RUNS
from common.run.record.outbox import fill_ops

pytestmark = pytest.mark.fault

_WRITER = Path(lake_writer.__file__)
_REPOSITORY = Path(__file__).resolve().parents[2]


def _start(settings: LakeSettings, *flags: str, fault: str = "") -> subprocess.Popen[str]:
    path = os.pathsep.join([str(_REPOSITORY), str(_WRITER.parent)])
    return subprocess.Popen(
        [sys.executable, str(_WRITER), f"--settings={settings.model_dump_json()}", "--name", "a", *flags],
        env={**os.environ, **interpreted_process(), "PYTHONPATH": path, "LAKEJOBS_FAULT": fault},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake where one process was killed in each way of writing, all at once."""
    folder = tmp_path_factory.mktemp("killed") / "lake"
    settings = LakeSettings(root=str(folder))
    points = {"append": "lake.after_commit", "replace": "lake.before_write", "merge": "lake.after_commit"}
    killed = {
        way: _start(settings, "--ways", way, "--rows", "3", fault=f"{point}:kill") for way, point in points.items()
    }
    for way, process in killed.items():
        _, errors = process.communicate(timeout=400)
        assert process.returncode == -signal.SIGKILL, f"{way}: {errors}"
    return folder


@pytest.fixture
def lake(spark: SparkSession, root: Path) -> Lake:
    """That lake, as the next run sees it."""
    started = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
    settings = LakeSettings(root=str(root))
    return Lake(spark, settings, run_id="next", job="races.write", code_version="test", started_at=started)


def _rows(lake: Lake, way: str) -> Sequence[tuple[int, str]]:
    return sorted((row["id"], row["writer"]) for row in lake.read(TABLES[way]).collect())


def test_an_append_that_was_committed_is_not_appended_again(lake: Lake) -> None:
    assert _rows(lake, "append") == [(0, "a"), (1, "a"), (2, "a")]
    assert written(lake, "append", "a", 0, rows=3).skipped
    assert _rows(lake, "append") == [(0, "a"), (1, "a"), (2, "a")]


def test_a_replacement_that_was_not_committed_left_nothing_and_is_made_by_the_next(lake: Lake) -> None:
    assert _rows(lake, "replace") == []
    written(lake, "replace", "a", 0, rows=3)
    assert _rows(lake, "replace") == [(0, "a-0"), (1, "a-0"), (2, "a-0")]


def test_a_merge_that_was_committed_is_merged_again_into_the_same_rows(lake: Lake) -> None:
    assert _rows(lake, "merge") == [(0, "a-0"), (1, "a-0"), (2, "a-0")]
    result = written(lake, "merge", "a", 0, rows=3)
    assert (result.rows_written, result.rows_updated) == (0, 3)
    assert _rows(lake, "merge") == [(0, "a-0"), (1, "a-0"), (2, "a-0")]


FILLER = """
import sys
from common.config.params import Params
from common.job.declaration import Job
from common.run.launch import run_job
from common.run.record.outbox import fill_ops

def body(context):
    fill_ops(context.lake)

sys.modules["filler"] = sys.modules["__main__"]
sys.exit(run_job(Job("toy.filler", "Fills.", Params, "filler:body", by_day=False), sys.argv[1:]))
"""


def test_a_filling_of_the_ops_tables_killed_after_its_commit_is_repeated_without_a_second_row(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = ["--lake", str(tmp_path / "lake"), "--run-id"]
    job = Job("toy.filler", "Fills.", Params, "filler:body", by_day=False)
    services = Services(session=lambda _settings, _name: spark)
    monkeypatch.setitem(sys.modules, "filler", SimpleNamespace(body=lambda context: None))
    assert run_job(job, [*flags, "first"], services=services) == 0
    killed = subprocess.run(
        [sys.executable, "-c", FILLER, *flags, "second"],
        env={**os.environ, **interpreted_process(), "LAKEJOBS_FAULT": "lake.after_commit:kill"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert (tmp_path / "lake/runs/_pending/first-1.json").is_file()
    monkeypatch.setitem(sys.modules, "filler", SimpleNamespace(body=lambda context: fill_ops(context.lake)))
    assert run_job(job, [*flags, "third"], services=services) == 0
    rows = spark.read.format("delta").load(str(tmp_path / "lake" / RUNS.relative_path)).collect()
    assert [row["run_id"] for row in rows] == ["first"]


def test_on_s3_a_writer_killed_while_it_writes_files_leaves_no_row_and_is_followed(
    s3: S3Server, tmp_path: Path
) -> None:
    settings = s3.settings(tmp_path.name, lease_wait_seconds=60, lease_seconds=6)
    objects = object_store(settings.root, settings)
    killed = _start(settings, "--rows", "4000000", "--files", "40")
    table = TABLES["append"].relative_path
    while not any(entry.path.endswith(".parquet") for entry in objects.list(f"{table}/day=")):
        assert killed.poll() is None, killed.communicate()
        time.sleep(0.05)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    assert list(stored_rows(objects, table)) == []
    again = _start(settings, "--rows", "10")
    _, errors = again.communicate(timeout=300)
    assert again.returncode == 0, errors
    assert sorted((row["id"], row["writer"]) for row in stored_rows(objects, table)) == [(n, "a") for n in range(10)]
