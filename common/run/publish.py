"""The run of a job that is a declaration and a step: read, compute, stage, check, audit, publish, count, report."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from common.errors import ContractError, JobFailedError
from common.job.references import attribute
from common.run.counts import Counts

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from common.job.declaration import Input, Job
    from common.lake.audited import AuditedRows
    from common.lake.result import WriteResult
    from common.lake.staging import StagedRows
    from common.lake.table import Table
    from common.run.context import RunContext

_MOST_REASONS = 100


def body_of(job: Job) -> Callable[[RunContext], None]:
    """What a run of ``job`` calls. Raises JobFailedError RUN-002 when a function of the job cannot be imported."""
    if job.body:
        body: Callable[[RunContext], None] = attribute(job.body)
        return body
    step, check, report = (attribute(name) if name else None for name in (job.step, job.check, job.report))
    return partial(_run, step, check, report)


def _run(step: Any, check: Callable[..., Any] | None, report: Callable[..., Any] | None, context: RunContext) -> None:
    """One run.

    A function that names ``days`` (DayRange) or ``as_of`` (the last of them) among its parameters is given these;
    ``check`` and ``report`` also ``counts``, ``log`` and ``inputs``: they may look at rows, a step may not.
    """
    job, params = context.job, context.params
    tables = context.tables(job.writes)
    inputs = [_read(context, one) for one in job.inputs]
    asked = {} if context.day_range is None else {"days": context.days, "as_of": context.days.last}
    noted = {**asked, "counts": context.counts, "log": context.log, "inputs": inputs}
    with ExitStack() as until_published:
        staged: list[StagedRows] = []
        kept: list[DataFrame] = []
        for table, rows in zip(tables, _frames(job, _called(step, params, *inputs, offered=asked)), strict=True):
            staged.append(until_published.enter_context(_staged(context, table, rows, is_first=not staged)))
            kept.append(_kept(staged[-1], job.left_out if len(staged) == 1 else ""))
        context.counts.add(rows_read=_number(_driving(context, inputs[0]), job.balance_by))
        if check is not None:
            _refuse(_called(check, params, *kept, *inputs, offered=noted))
        tally = _tally(staged[0].rows, job.left_out, job.balance_by)
        _balance(context, tally)
        audited = [
            _gate(context, one, rows if job.left_out and one is staged[0] else None)
            for one, rows in zip(staged, kept, strict=True)
        ]
        context.fault(f"{job.short_name}.audited")
        written = [_publish(context, rows) for rows in audited]
        _count(context, tally, written)
        if report is not None:
            _called(report, context.report, params, *kept, offered=noted)


def _called(function: Callable[..., Any], *given: Any, offered: dict[str, Any]) -> Any:
    """The result of ``function``, given also what it names of ``offered``."""
    names = inspect.signature(function).parameters
    return function(*given, **{name: value for name, value in offered.items() if name in names})


def _read(context: RunContext, given: Input) -> DataFrame | None:
    table: Table = attribute(given.table)
    if given.optional and not context.lake.exists(table):
        return None
    days = None
    if context.day_range is not None and table.day_column is not None and not given.all_days:
        before = given.lookback_days
        days = context.days.extended(before_days=getattr(context.params, before) if isinstance(before, str) else before)
    rows = context.lake.read(table, days=days)
    return rows.where(given.where) if given.where else rows


def _driving(context: RunContext, rows: DataFrame | None) -> DataFrame | None:
    """Of the first input, the rows of the days that the run owns."""
    day = attribute(context.job.inputs[0].table).day_column
    if rows is None or day is None or context.day_range is None:
        return rows
    return rows.where(context.days.predicate(day))


def _number(rows: DataFrame | None, keys: Sequence[str]) -> int:
    if rows is None:
        return 0
    return rows.select(*keys).distinct().count() if keys else rows.count()


def _frames(job: Job, result: Any) -> tuple[DataFrame, ...]:
    """One frame for each table of the job. Raises JobFailedError RUN-007 for another number."""
    frames = result if isinstance(result, tuple) else (result,)
    if len(frames) != len(job.writes):
        raise JobFailedError(
            "RUN-007",
            f"{job.step} gives {len(frames)} frames for {len(job.writes)} tables.",
            remedy="Return one frame for each table in writes, in their order.",
        )
    return frames


def _staged(context: RunContext, table: Table, rows: DataFrame, *, is_first: bool) -> StagedRows:
    from common.lake.contract import check_rows

    # Before the rows are computed: the writer would find the same only after the audit.
    check_rows(table, (rows.drop(context.job.left_out) if is_first and context.job.left_out else rows).schema)
    return context.lake.stage(table, rows)


def _kept(staged: StagedRows, left_out: str) -> DataFrame:
    return staged.rows.where(f"`{left_out}` IS NULL").drop(left_out) if left_out else staged.rows


def _gate(context: RunContext, staged: StagedRows, rows: DataFrame | None) -> AuditedRows:
    from common.run.gate import pass_gate

    return pass_gate(context, staged, rows)


def _refuse(problems: Sequence[str] | None) -> None:
    """Raises ContractError QLT-004 for what a check found."""
    if problems:
        raise ContractError(
            "QLT-004",
            "The check of the job failed; nothing was published.",
            cause="; ".join(problems),
            remedy="Look at the input of the run; if that is right, this is a defect of the job.",
        )


@dataclass(frozen=True)
class _Tally:
    """What was staged for the first table: rows to publish, their number by the job's balance, those left out."""

    rows: int
    number: int
    left_out: dict[str, int]


def _tally(rows: DataFrame, left_out: str, keys: Sequence[str]) -> _Tally:
    """Counted in one pass. A key of which any row is kept counts as kept, the others once, by their first reason."""
    from pyspark.sql import functions as sf

    if not left_out and not keys:
        number = rows.count()
        return _Tally(number, number, {})
    reason = sf.col(f"`{left_out}`") if left_out else sf.lit(None)
    marked = rows.select(*keys, reason.cast("string").alias("_why"), reason.isNull().cast("long").alias("_kept"))
    if keys:
        marked = marked.groupBy(*keys).agg(sf.sum("_kept").alias("_kept"), sf.min("_why").alias("_why"))
    why = sf.when(sf.col("_kept") == 0, sf.col("_why"))
    counted = marked.groupBy(why.alias("why")).agg(sf.sum("_kept").alias("rows"), sf.count(sf.lit(1)).alias("number"))
    found = {row["why"]: row for row in counted.limit(_MOST_REASONS + 1).collect()}
    if len(found) > _MOST_REASONS:
        raise JobFailedError(
            "RUN-007",
            f"The column {left_out} holds more than {_MOST_REASONS} reasons.",
            remedy="Give rows one of a few reasons, without values of the rows themselves.",
        )
    kept = found.pop(None, None)
    rows_kept, number = (kept["rows"], kept["number"]) if kept is not None else (0, 0)
    return _Tally(rows_kept, number, {why: row["number"] for why, row in sorted(found.items())})


def _balance(context: RunContext, tally: _Tally) -> None:
    """Count what is left out. Raises JobFailedError RUN-001, before anything is published, when something is lost."""
    context.counts.add(rows_filtered=sum(tally.left_out.values()))
    for reason, number in tally.left_out.items():
        context.counts.detail(f"left_out_{reason.replace(' ', '_')}", number)
    staged = Counts()
    staged.add(**{**context.counts.as_dict(), "rows_written": tally.number})
    staged.check()


def _publish(context: RunContext, rows: AuditedRows) -> WriteResult:
    if rows.table.day_column is None or context.day_range is None:
        return context.lake.upsert(rows)
    return context.lake.replace_days(rows, days=context.days)


def _count(context: RunContext, tally: _Tally, results: Sequence[WriteResult]) -> None:
    """Count what the commits say they wrote. Raises JobFailedError RUN-001 when that is not what was staged."""
    written = [result.rows_written + result.rows_updated for result in results]
    if context.job.balance_by or len(results) > 1:
        for table, rows in zip(context.tables(context.job.writes), written, strict=True):
            context.counts.detail(f"{table.short_name}_rows", rows)
    if not context.job.balance_by:
        context.counts.add(rows_written=written[0])
    elif written[0] == tally.rows:
        context.counts.add(rows_written=tally.number)
    else:
        raise JobFailedError(
            "RUN-001",
            f"Of {tally.rows} rows staged, {written[0]} are in the commit.",
            cause=f"The commit is version {results[0].version_after} of {results[0].table}.",
            remedy="This is a defect of the job, not of its input: report it with the run record.",
        )
