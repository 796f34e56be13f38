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
    from datetime import date

    from pyspark.sql import DataFrame

    from common.days import DayRange
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
    ``check`` and ``report`` also ``counts``, ``log``, ``inputs``, ``objects`` (the small objects of the lake) and
    ``is_changed`` (the days are those whose input has changed): they may look at rows, a step may not. In the place of
    a later frame a step may give a function of the frames before it, which are then staged: nothing is computed twice.
    """
    job, params = context.job, context.params
    tables = context.tables(job.writes)
    inputs = [_read(context, one) for one in job.inputs]
    asked = {} if context.day_range is None else {"days": context.days, "as_of": context.days.last}
    noted = {**asked, "counts": context.counts, "log": context.log, "inputs": inputs, "objects": context.objects}
    noted["is_changed"] = context.is_changed
    with ExitStack() as until_published:
        staged: list[StagedRows] = []
        kept: list[DataFrame] = []
        for table, made in zip(tables, _frames(job, _called(step, params, *inputs, offered=asked)), strict=True):
            rows = made(*kept) if callable(made) else made
            staged.append(until_published.enter_context(_staged(context, table, rows, is_first=not staged)))
            kept.append(_kept(staged[-1], job.left_out if len(staged) == 1 else ""))
        tally = _tally(context, inputs[0], staged[0].rows)
        context.counts.add(rows_read=tally.read)
        if check is not None:
            _refuse(_called(check, params, *kept, *inputs, offered=noted))
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
    rows = context.lake.read(table, days=_days_read(context, given, table))
    return rows.where(given.where) if given.where else rows


def _days_read(context: RunContext, given: Input, table: Table) -> DayRange | None:
    """The days of a table that a step sees, None for all."""
    if context.day_range is None or table.day_column is None or given.all_days:
        return None
    before = given.lookback_days
    return context.days.extended(before_days=getattr(context.params, before) if isinstance(before, str) else before)


def _frames(job: Job, result: Any) -> tuple[DataFrame | Callable[..., DataFrame], ...]:
    """A frame, or a function that makes it, for each table. Raises JobFailedError RUN-007 for another number."""
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
    """Both sides of the balance of a run, each counted for itself: rows, or distinct keys where the job says so.

    ``read`` is the first input on the days of the run. ``rows`` are to be published in the first table, ``number``
    what they count in the balance, ``left_out`` the others by reason.
    """

    read: int
    rows: int
    number: int
    left_out: dict[str, int]


def _tally(context: RunContext, driving: DataFrame | None, staged: DataFrame) -> _Tally:
    """Count both sides, in one action, and warn when there are not all the days that the step looks back to."""
    sides = _staged_side(staged, context.job.left_out, context.job.balance_by)
    if driving is not None:
        sides = sides.unionByName(_read_side(context, driving))
    read, first_day, found = 0, None, {}
    for row in sides.collect():  # one row and, at most, one more than _MOST_REASONS
        if row["is_read"]:
            read, first_day = row["number"], row["first_day"]
        else:
            found[row["why"]] = row
    if len(found) > _MOST_REASONS:
        raise JobFailedError(
            "RUN-007",
            f"The column {context.job.left_out} holds more than {_MOST_REASONS} reasons.",
            remedy="Give rows one of a few reasons, without values of the rows themselves.",
        )
    _warn_of_short_history(context, first_day)
    kept = found.pop(None, None)
    left_out = {why: row["number"] for why, row in sorted(found.items())}
    return _Tally(read, kept["rows"] or 0 if kept else 0, kept["number"] if kept else 0, left_out)


def _read_side(context: RunContext, rows: DataFrame) -> DataFrame:
    """One row: how much of the first input lies on the days of the run, and the first day that was read of it."""
    from pyspark.sql import functions as sf

    day, keys = attribute(context.job.inputs[0].table).day_column, context.job.balance_by
    has_days = day is not None and context.day_range is not None
    is_own = sf.expr(context.days.predicate(day)) if has_days else sf.lit(True)
    # A struct of nulls is no null: keys count here as they do in a grouping.
    number = sf.count_distinct(sf.when(is_own, sf.struct(*keys))) if keys else sf.count_if(is_own)
    return rows.agg(
        sf.lit(True).alias("is_read"),
        sf.lit(None).cast("string").alias("why"),
        sf.lit(0).cast("long").alias("rows"),
        number.alias("number"),
        (sf.min(day) if has_days else sf.lit(None).cast("date")).alias("first_day"),
    )


def _staged_side(rows: DataFrame, left_out: str, keys: Sequence[str]) -> DataFrame:
    """One row for each reason. A key of which any row is kept counts as kept, others once, by their first reason."""
    from pyspark.sql import functions as sf

    reason = sf.col(f"`{left_out}`") if left_out else sf.lit(None)
    marked = rows.select(*keys, reason.cast("string").alias("_why"), reason.isNull().cast("long").alias("_kept"))
    if keys:
        marked = marked.groupBy(*keys).agg(sf.sum("_kept").alias("_kept"), sf.min("_why").alias("_why"))
    why = sf.when(sf.col("_kept") == 0, sf.col("_why"))
    grouped = marked.groupBy(why.alias("why")) if left_out else marked.groupBy()
    counted = grouped.agg(sf.sum("_kept").alias("rows"), sf.count(sf.lit(1)).alias("number"))
    named = counted if left_out else counted.withColumn("why", sf.lit(None).cast("string"))
    named = named.limit(_MOST_REASONS + 1) if left_out else named
    return named.withColumns({"is_read": sf.lit(False), "first_day": sf.lit(None).cast("date")})


def _warn_of_short_history(context: RunContext, first_day: date | None) -> None:
    driving = context.job.inputs[0]
    wanted = _days_read(context, driving, attribute(driving.table))
    if driving.lookback_days and first_day is not None and wanted is not None and first_day > wanted.first:
        context.log.warning(
            "history begins on %s, the step looks back to %s: early rows see less", first_day, wanted.first
        )


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
