"""A toy job whose body a test hands in, and a lake of plain Python objects."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import Field

from common.config.params import Params
from common.errors import WriteConflictError
from common.job.declaration import Job
from common.lake.result import WriteResult
from common.run.context import RunContext, Services
from common.run.launch import run_job
from common.sources.mapping.model import Source


class ToyParams(Params):
    """Parameters of the toy."""

    gap_minutes: int = Field(30, ge=1, le=1440, description="Longest pause inside a visit, in minutes.")


class FakeLake:
    """Notes leases and rows of ops tables; the newest in ``last``."""

    last: FakeLake

    def __init__(self, context: RunContext) -> None:
        self.context = context
        self.events: list[str] = []
        self.versions_read: dict[str, int] = {}
        self.writes: list[WriteResult] = []
        self.objects = context.objects
        self.settings = context.settings
        self.ops_rows: dict[str, dict[str, Any]] = {}
        self.ops_commits = 0
        self.broken_ops = False
        self.taken: set[str] = set()
        FakeLake.last = self

    @contextmanager
    def lease(self, table: Any, *, wait_seconds: float | None = None) -> Iterator[None]:
        if table.name in self.taken:
            raise WriteConflictError("LEA-001", f"{table.name} is being written after {wait_seconds:g} s.")
        self.events.append(f"lease {table.name}")
        try:
            yield
        finally:
            self.events.append(f"release {table.name}")

    def append_ops(self, table: Any, rows: list[dict[str, Any]]) -> int:
        if self.broken_ops:
            raise OSError("no room for rows")
        assert set(rows[0]) == set(table.schema.names)
        if table.name == "ops.runs":
            self.ops_commits += 1
            self.ops_rows |= {f"{row['run_id']}/{row['attempt']}": row for row in rows}
        return len(rows)


class FakeReport:
    """Renders the title and the status."""

    def __init__(self, title: str) -> None:
        self.title = title

    def render(self, record: dict[str, Any]) -> bytes:
        return f"{self.title}: {record['status']}".encode()


TOY_TABLE = SimpleNamespace(name="toy.out", relative_path="gold/toy/out", personal_columns=("email",))


class Toy:
    """The toy job in its own lake."""

    def __init__(self, lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.lake = lake
        self._capsys = capsys
        self.services = Services(
            session=lambda settings, name: None,
            lake=FakeLake,
            report=FakeReport,
            source=lambda name: Source.parse("format: csv\nignore_files: ['*.crc']\ncolumns: {visits: '1'}", name=name),
        )
        self.job = Job("toy.run", "A toy.", ToyParams, "toy_module:run", next_command="show {lake} {days}")
        self.out = ""
        self.err = ""

    def run(self, body: Callable[[RunContext], None], *flags: str, **changes: Any) -> int:
        """The exit code of a run with ``body``; standard output and error are kept."""
        sys.modules["toy_module"] = SimpleNamespace(run=body, OUT=TOY_TABLE)  # type: ignore[assignment]
        job = Job(**{**vars(self.job), **changes})
        days = ["--day", "2026-11-20"] if job.by_day and not {"--day", "--from", "--changed"} & set(flags) else []
        code = run_job(job, ["--lake", str(self.lake), *days, *flags], services=self.services)
        self.out, self.err = self._capsys.readouterr()
        return code

    def records(self) -> list[dict[str, Any]]:
        """The stored records, oldest first."""
        found = [json.loads(path.read_text()) for path in (self.lake / "runs" / "toy" / "run").glob("*.json")]
        return sorted(found, key=lambda record: record["started_at"])

    @property
    def record(self) -> dict[str, Any]:
        """The only stored record."""
        (record,) = self.records()
        return record


@pytest.fixture
def toy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Toy]:
    """The toy job; its module is gone afterwards."""
    yield Toy(tmp_path / "lake", capsys)
    sys.modules.pop("toy_module", None)
