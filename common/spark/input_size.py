"""Runs on little data are planned once: adaptive planning starts a job per shuffle and replans after each.

That pays where there is much to gain from knowing the sizes of the parts. On a few rows it is most of the work of a
query. So while all that a run has read is small, its queries are planned without it, for a partition per core, eight at
most, and joins shuffle: a broadcast of a few rows takes a job of its own. As soon as something large is read, or
something of unknown size, the session is as it was. The rows are the same either way.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

SMALL_INPUT_BYTES = 32 << 20
"""All inputs of a run together, as stored, up to which it is planned once."""

_ADAPTIVE = "spark.sql.adaptive.enabled"
_SHUFFLES = "spark.sql.shuffle.partitions"
_BROADCAST = "spark.sql.autoBroadcastJoinThreshold"
_FEW_PARTITIONS = 8


@dataclass(eq=False)
class _Run:
    """What one run has read so far, in bytes; None: more than is small."""

    bytes: int | None = 0
    has_read: bool = False
    held: list[DataFrame] = field(default_factory=list)


_current: ContextVar[_Run | None] = ContextVar("run", default=None)
_lock = threading.Lock()
# Runs of this process that have read something, and the settings of their session that were put aside.
_runs: list[_Run] = []
_aside: dict[str, str] = {}
_session: list[SparkSession] = []


@contextmanager
def planned_by_size() -> Iterator[None]:
    """For a block: plan queries by the sizes that ``note_input`` receives; afterwards the session is as before."""
    run = _Run()
    token = _current.set(run)
    is_stopped = False
    try:
        yield
    except BaseException as error:
        # A signal may have come in the middle of a call of the JVM, after which this thread cannot call it again.
        is_stopped = not isinstance(error, Exception)
        raise
    finally:
        _current.reset(token)
        with _lock:
            if run in _runs:
                _runs.remove(run)
            if is_stopped:
                _aside.clear()
            # The session may have died; why it did is not to be hidden.
            with suppress(Exception):
                _apply()
        if not is_stopped:
            with suppress(Exception):
                for rows in run.held:
                    rows.unpersist()


def note_input(spark: SparkSession, size_bytes: int | None) -> None:
    """Say that the run reads an input of so many bytes; None: nobody knows. Outside of ``planned_by_size``: nothing."""
    run = _current.get()
    if run is None:
        return
    with _lock:
        total = None if size_bytes is None or run.bytes is None else run.bytes + size_bytes
        run.bytes = total if total is not None and total <= SMALL_INPUT_BYTES else None
        if not run.has_read:
            run.has_read = True
            _runs.append(run)
        _session[:] = [spark]
        _apply()


def asks_for_size() -> bool:
    """Whether the size of one more input would change anything."""
    run = _current.get()
    return run is not None and run.bytes is not None


def is_planned_once() -> bool:
    """Whether adaptive planning is off because all that is read is small."""
    return bool(_aside)


def held_if_small(rows: DataFrame) -> DataFrame:
    """``rows`` of an input: kept by the executors until the run ends where all that it reads is small.

    Each query over a Delta table lists the files of its log, which is a Spark job of its own.
    """
    run = _current.get()
    # What another read of the run keeps already is found by its plan.
    if run is None or not is_planned_once() or rows.storageLevel.useMemory:
        return rows
    held = rows.persist()
    run.held.append(held)
    return held


def _apply() -> None:
    """Settings as all runs of the process allow: a large one among them has its way."""
    small = bool(_runs) and all(run.bytes is not None for run in _runs)
    if small == bool(_aside):
        return
    conf = _session[0].conf
    if not small:
        before = dict(_aside)
        _aside.clear()
        for key, value in before.items():
            conf.set(key, value)
    elif conf.get(_ADAPTIVE) == "true":
        partitions = conf.get(_SHUFFLES) or str(_FEW_PARTITIONS)
        cores = max(2, _session[0].sparkContext.defaultParallelism)
        few = min(int(partitions), cores, _FEW_PARTITIONS)
        for key, value in {_ADAPTIVE: "false", _SHUFFLES: str(few), _BROADCAST: "-1"}.items():
            _aside[key] = conf.get(key) or ""
            conf.set(key, value)
