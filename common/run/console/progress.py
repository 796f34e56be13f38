"""What a waiting person sees: a bar with stages and rows on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from common.clock import monotonic_seconds
from common.report.wording import plural
from common.run.console.log import is_terminal
from common.spark.jobs import StageProgress, active_stages

if TYPE_CHECKING:
    from common.run.context import RunContext

_REDRAW_SECONDS = 0.5


@contextmanager
def showing_progress(context: RunContext) -> Iterator[None]:
    """Show how the run gets on while the block runs; never on standard output."""
    stop = threading.Event()
    watch = _bar if is_terminal(sys.stderr) else _heartbeat
    thread = threading.Thread(target=watch, args=(context, stop), name="lakejobs-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=5)


def described(stages: list[StageProgress], rows_read: int, rows_written: int) -> str:
    """``stage 4 (save): 12 of 200 tasks, 2 running; 1,000 rows read`` in one line."""
    parts = []
    for stage in stages:
        failed = f", {stage.failed} failed" if stage.failed else ""
        parts.append(
            f"stage {stage.stage} ({stage.name}): {stage.done} of {stage.tasks} tasks, {stage.active} running{failed}"
        )
    parts = parts or ["no Spark stage is running"]
    parts += [f"{plural(rows_read, 'row')} read"] if rows_read else []
    parts += [f"{plural(rows_written, 'row')} written"] if rows_written else []
    return "; ".join(parts)


def _heartbeat(context: RunContext, stop: threading.Event) -> None:
    begun = monotonic_seconds()
    while not stop.wait(context.settings.heartbeat_seconds):
        stages = active_stages(context.opened("spark"))
        said = described(stages, context.counts.rows_read, context.counts.rows_written)
        context.log.info("working: %s", said, extra={"seconds": round(monotonic_seconds() - begun)})


def _bar(context: RunContext, stop: threading.Event) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    if stop.is_set():
        return  # The run was quicker than the imports.
    columns = (
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        BarColumn(20),
        TextColumn("{task.fields[said]}"),
    )
    # Standard output stays as it is: with -o json it belongs to the record.
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False) as progress:
        task = progress.add_task(context.job.name, total=None, said="starting")
        ended = False
        while not ended:
            ended = stop.wait(_REDRAW_SECONDS)
            stages = active_stages(context.opened("spark"))
            said = described(stages, context.counts.rows_read, context.counts.rows_written)
            tasks = sum(stage.tasks for stage in stages)
            done = sum(stage.done for stage in stages)
            progress.update(task, total=tasks or None, completed=done, said=said, refresh=True)
