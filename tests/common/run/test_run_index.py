"""The page over all runs."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from common.errors import ContractError
from common.lake.storage.folder import FolderStore
from common.run.record.index import PAGE, entry_name, keep_index, latest_attempts

pytestmark = pytest.mark.unit


def record(run_id: str, *, attempt: int = 1, minute: int = 0, status: str = "done") -> dict[str, Any]:
    return {
        "job": "toy.run",
        "run_id": run_id,
        "attempt": attempt,
        "status": status,
        "exit_code": 0,
        "started_at": f"2026-11-20T06:{minute:02d}:00.000Z",
        "seconds": 1.0,
        "settings": {"run.gap_minutes": "never-shown"},
        "counts": {"rows_read": 1},
        "report": f"reports/toy/run/{run_id}.html",
    }


def page(store: FolderStore) -> str:
    return store.read(PAGE).decode()


def test_a_report_is_linked_and_a_failure_named(toy: Any) -> None:
    def failing(context: Any) -> None:
        raise ContractError("TOY-001", "Rows are wrong.")

    toy.run(lambda context: context.report.title)
    toy.run(failing)
    html = (toy.lake / PAGE).read_text()
    assert toy.records()[0]["report"].removeprefix("reports/") in html
    assert "TOY-001" in html


def test_no_run_is_lost_when_many_end_at_once(tmp_path: Path) -> None:
    runs = [f"run-{number:02d}" for number in range(12)]
    together = threading.Barrier(len(runs))

    def end(run_id: str) -> None:
        together.wait()
        keep_index(FolderStore(tmp_path), record(run_id))

    threads = [threading.Thread(target=end, args=(run_id,)) for run_id in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    html = page(FolderStore(tmp_path))
    assert [run_id for run_id in runs if run_id not in html] == []


def test_a_page_written_over_by_a_slower_run_is_written_again(tmp_path: Path) -> None:
    class SlowStore(FolderStore):
        """Another run ends between this one's look and its page."""

        def write(self, path: str, body: bytes) -> str:
            if path == PAGE and not hasattr(self, "done"):
                self.done = True
                keep_index(FolderStore(tmp_path), record("quick"))
            return super().write(path, body)

    keep_index(SlowStore(tmp_path), record("slow"))
    assert "quick" in page(FolderStore(tmp_path))
    assert "slow" in page(FolderStore(tmp_path))


def test_the_newest_run_sorts_first() -> None:
    assert entry_name(record("a", minute=5)) < entry_name(record("b", minute=4))


def test_of_a_retried_run_the_last_attempt_is_shown() -> None:
    tries = [record("a", attempt=2, status="done"), record("a", attempt=1, status="failed"), record("b")]
    assert sorted((one["run_id"], one["attempt"]) for one in latest_attempts(tries)) == [("a", 2), ("b", 1)]


def test_a_broken_cache_is_read_past_and_settings_stay_out(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    keep_index(store, record("first"))
    store.write("reports/_index/cache.json", b"{broken")
    keep_index(store, record("second", minute=1))
    assert "first" in page(store)
    assert "never-shown" not in json.dumps([store.read(entry.path).decode() for entry in store.list("reports/")])
