"""Toy tables whose logs are written by hand, a job over them, and what runs of it have noted."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from delta_logs import DeltaLog
from pydantic import Field
from pyspark.sql.types import DateType, StructField, StructType

from common.config.params import Params
from common.days import DayRange
from common.job.declaration import Input, Job
from common.lake.storage.folder import FolderStore
from common.lake.table import Table
from common.lake.touched import TableState
from common.run.changed.blocks import Due
from common.run.changed.due import due_days
from common.run.changed.ledger import Known, Ledger, change_ledger, make_ledger

SCHEMA = StructType([StructField("day", DateType()), StructField("sold_day", DateType())])


def table(name: str, layer: Any = "silver", day_column: str | None = "day") -> Table:
    """A table of the toy family."""
    return Table(f"toy.{name}", layer, SCHEMA, keys=(), day_column=day_column)


SALES, LABELS, MODELS, OUT = table("sales"), table("labels"), table("models", day_column=None), table("out", "gold")


class ToyParams(Params):
    """Parameters of the toy."""

    beside_rows = ("top",)
    window_days: int = Field(2, ge=0, le=9, description="Days looked back to.")
    leave_out_fraud: bool = Field(True, description="Look at the labels.")
    top: int = Field(3, ge=1, le=9, description="Rows of the report.")


def job(*reads: Input, **changes: Any) -> Job:
    """The toy job with these inputs, that is with sales."""
    given = reads or (Input("toy_tables:SALES"),)
    return Job("toy.run", "A toy.", ToyParams, "toy:run", reads=given, writes=("toy_tables:OUT",), **changes)


@contextmanager
def toy_tables() -> Iterator[None]:
    """The tables, to be imported as a job's references name them."""
    tables = SimpleNamespace(SALES=SALES, LABELS=LABELS, MODELS=MODELS, OUT=OUT)
    sys.modules["toy_tables"] = tables  # type: ignore[assignment]
    try:
        yield
    finally:
        sys.modules.pop("toy_tables")


def sales_log(root: Path) -> DeltaLog:
    """Four days, one of them after a gap, in version 1."""
    log = DeltaLog(root, "silver/toy/sales", "day")
    log.add("2026-11-01", "2026-11-02", "2026-11-03", "2026-11-10")
    return log


def out_log(root: Path) -> DeltaLog:
    """The same days in the table that the job writes."""
    log = DeltaLog(root, "gold/toy/out", "day", table_id="out")
    log.add("2026-11-01", "2026-11-02", "2026-11-03", "2026-11-10")
    return log


def search(root: Path, declared: Job, *, first_days: int = 1, **params: Any) -> Due:
    """What is found in a folder."""
    return due_days(declared, ToyParams(**params), FolderStore(root), first_days=first_days)


def due(root: Path, declared: Job, **params: Any) -> list[str]:
    """The blocks of days that are due."""
    return [str(block) for block in search(root, declared, **params).blocks]


def why(root: Path, declared: Job, **params: Any) -> tuple[str, ...]:
    """Why all of them are."""
    return search(root, declared, **params).reasons


def known(run_id: str = "run-1", params: dict[str, Any] | None = None, **versions: int | None) -> Known:
    """What days were computed from, with the version of each table."""
    states = {f"toy.{name}": None if at is None else TableState("first", at) for name, at in versions.items()}
    same = {"window_days": 2, "leave_out_fraud": True}
    return Known(run_id, {**same, **(params or {})}, states, {"toy.out": "out"})


def note(root: Path, base: Known | None, *entries: tuple[str, str, Known | None]) -> None:
    """A ledger with this base, and what runs on these days (first, last) have noted after it."""
    store = FolderStore(root)
    make_ledger(store, "toy.run")
    change_ledger(store, "toy.run", lambda _: Ledger(base))
    for number, (first, last, state) in enumerate(entries):
        days = DayRange(date.fromisoformat(first), date.fromisoformat(last))
        change_ledger(store, "toy.run", lambda found, days=days, n=number: found.begun(days, f"a{n}"))
        if state is not None:
            change_ledger(store, "toy.run", lambda found, state=state, n=number: found.done(f"a{n}", state))
