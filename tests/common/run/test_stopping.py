"""Signals and faults, each in its own process."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from common.faults import fault

pytestmark = pytest.mark.unit

SCRIPT = """
import subprocess, sys, time
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from common.config.params import Params
from common.run.context import Services
from common.job.declaration import Job
from common.run.launch import run_job

root = Path(sys.argv[1])

class Lake:
    writes, versions_read = [], {{}}
    def __init__(self, context):
        pass
    @contextmanager
    def lease(self, table, wait_seconds=None):
        (root / "lease").write_text("held")
        try:
            yield
        finally:
            (root / "lease").write_text("released")

OUT = SimpleNamespace(name="toy.out", relative_path="gold/toy/out", personal_columns=())

def body(context):
    {body}

sys.modules["toy_module"] = sys.modules["__main__"]
job = Job("toy.run", "A toy.", Params, "toy_module:body", writes=("toy_module:OUT",), by_day=False)
sys.exit(run_job(job, ["--lake", str(root / "lake"), "--run-id", "r"], services=Services(lake=Lake)))
"""
WAITING = '(root / "ready").touch(); time.sleep(60)'


def started(folder: Path, body: str, **environment: str) -> subprocess.Popen[str]:
    script = folder / "job.py"
    script.write_text(SCRIPT.format(body=body))
    repository = Path(__file__).resolve().parents[3]
    return subprocess.Popen(
        [sys.executable, str(script), str(folder)],
        env={**os.environ, "PYTHONPATH": str(repository), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} never came"
        time.sleep(0.02)


def stored(folder: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((folder / "lake" / "runs" / "toy" / "run" / "r.json").read_text())
    return record


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_releases_the_lease_writes_the_record_and_names_itself_in_the_exit_code(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    process = started(tmp_path, WAITING)
    wait_for(tmp_path / "ready")
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == code
    assert (tmp_path / "lease").read_text() == "released"
    assert (stored(tmp_path)["status"], stored(tmp_path)["exit_code"]) == ("stopped", code)


def test_a_body_that_swallows_exceptions_is_stopped_all_the_same(tmp_path: Path) -> None:
    process = started(
        tmp_path,
        f"""
    try:
        {WAITING}
    except Exception:
        pass""",
    )
    wait_for(tmp_path / "ready")
    process.terminate()
    process.communicate(timeout=60)
    assert process.returncode == 143


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_second_signal_does_not_cut_the_clearing_up_short(tmp_path: Path, number: signal.Signals, code: int) -> None:
    process = started(
        tmp_path,
        f"""
    try:
        {WAITING}
    finally:
        (root / "clearing").touch(); time.sleep(0.5); (root / "cleared").touch()""",
    )
    wait_for(tmp_path / "ready")
    process.send_signal(number)
    wait_for(tmp_path / "clearing")
    process.send_signal(number)
    process.communicate(timeout=60)
    assert (process.returncode, (tmp_path / "lease").read_text()) == (code, "released")
    assert (tmp_path / "cleared").exists()


def test_on_a_terminal_a_bar_shows_the_rows_and_standard_output_is_the_record_alone(tmp_path: Path) -> None:
    script = tmp_path / "job.py"
    text = SCRIPT.format(
        body="""
    context.counts.add(rows_read=1234, rows_written=1234)
    while "rich.progress" not in sys.modules:
        time.sleep(0.1)
    time.sleep(1)"""
    )
    script.write_text(text.replace('"--run-id"', '"-o", "json", "--run-id"'))
    ours, theirs = pty.openpty()
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).resolve().parents[3]),
        "TERM": "xterm",
        "COLUMNS": "120",
    }
    process = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path)], env=environment, stdout=subprocess.PIPE, stderr=theirs, text=True
    )
    os.close(theirs)
    shown = b""
    with suppress(OSError):  # The terminal is gone when the process is.
        while chunk := os.read(ours, 4096):
            shown += chunk
    os.close(ours)
    assert process.stdout is not None
    assert json.loads(process.stdout.read())["status"] == "done"
    assert b"1,234 rows written" in shown


def test_a_kill_leaves_no_process_behind_and_the_record_says_running(tmp_path: Path) -> None:
    body = 'child = subprocess.Popen(["sleep", "60"]); (root / "pid").write_text(str(child.pid)); context.fault("here")'
    process = started(tmp_path, body, LAKEJOBS_FAULT="elsewhere:raise,here:kill")
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert (tmp_path / "lease").read_text() == "held"
    assert stored(tmp_path)["status"] == "running"
    child = Path("/proc") / (tmp_path / "pid").read_text() / "stat"
    deadline = time.monotonic() + 10
    while child.exists() and child.read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < deadline, "the child lives on"
        time.sleep(0.02)


def test_without_the_variable_a_point_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LAKEJOBS_FAULT", raising=False)
    fault("here")


def test_a_point_may_raise_or_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEJOBS_FAULT", "here:raise,there:pause:0.05")
    with pytest.raises(RuntimeError, match="asked for at here"):
        fault("here")
    begun = time.monotonic()
    fault("there")
    assert time.monotonic() - begun >= 0.05
    fault("nowhere")


def test_an_unknown_action_is_an_error_and_not_a_silent_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEJOBS_FAULT", "here:explode")
    with pytest.raises(ValueError, match="explode"):
        fault("here")
