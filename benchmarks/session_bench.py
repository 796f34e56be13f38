"""What the parts of the session measurement share: sizes, made-up events, silver tables, and what was found."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from benchmarks.measure import load_note
from benchmarks.results import Claim

DAYS = 30


class Bench:
    """One part of the measurement: its size, its folder of made-up events, and what it has found."""

    def __init__(self, folder: Path, rows: int, pairs: int) -> None:
        self.folder = folder
        self.rows = rows
        self.pairs = pairs
        self.claims: list[Claim] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.notes = [load_note()]
        self._spark: Any = None

    @property
    def spark(self) -> Any:
        """The one session of this process."""
        if self._spark is None:
            from benchmarks.session_lakes import bench_session

            self._spark = bench_session()
        return self._spark

    def events(self, rows: int | None = None, hot_share: float = 0.0) -> Path:
        """Parquet files of made-up events, generated if missing."""
        from benchmarks.events import write_events

        count = self.rows if rows is None else rows
        folder = self.folder / f"events-{count}-{int(100 * hot_share)}"
        if not (folder / "_DONE").exists():
            shutil.rmtree(folder, ignore_errors=True)
            write_events(folder, rows=count, days=DAYS, hot_share=hot_share)
            (folder / "_DONE").touch()
        return folder

    def silver(self, rows: int) -> Path:
        """A lake with that many made-up events as its silver table, filled if missing."""
        from benchmarks import session_lakes as lakes

        base = self.folder / f"lake-{rows}" / "base"
        if not (base / "_DONE").exists():
            shutil.rmtree(base, ignore_errors=True)
            base.mkdir(parents=True)
            lakes.fill_silver(self.spark, self.events(rows), base, days=DAYS)
            (base / "_DONE").touch()
        return base
