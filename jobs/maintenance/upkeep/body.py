"""The body of maintenance.maintain: table after table, each under its own lease."""

from __future__ import annotations

from datetime import timedelta

from common.errors import LakejobsError, TransientError, WriteConflictError
from common.lake.delta.maintain import checkpoint, compact, stored_table, vacuum
from common.lake.lake import Lake
from common.run.context import RunContext
from common.run.record.outbox import fill_ops
from jobs.maintenance.upkeep.params import MaintainParams
from jobs.maintenance.upkeep.retention import declared_tables, delete_old_days
from jobs.maintenance.upkeep.small_files import COLUMNS, TableFiles, chosen_tables, files_of


def run(context: RunContext) -> None:
    """Fill the ``ops`` tables, then maintain the chosen tables.

    A table that another run holds, or that fails with a transient error, is skipped until the next run. All other
    tables are maintained first; then the run ends with the exit code of the first one skipped.
    """
    params = context.params_as(MaintainParams)
    before: list[TableFiles] = []
    left: list[LakejobsError] = []
    compacted = []
    deleted: dict[str, int] = {}
    # Done first, so that the tables it writes are maintained with the rest.
    try:
        context.counts.detail("run_records", fill_ops(context.lake))
    except (WriteConflictError, TransientError) as error:
        context.log.warning("ops.runs is not filled: %s", error.message)
        left.append(error)
    declared = declared_tables() if params.retention else {}
    for name, path in chosen_tables(context.objects, params.tables).items():
        found = files_of(context.objects, name, path, params)
        before.append(found)
        try:
            if params.retention:
                table = stored_table(name, path)
                deleted[name] = delete_old_days(context, table, declared.get(name), params.retention_layers)
            compacted.append((name, *_maintain(context.lake, found, params)))
        except (WriteConflictError, TransientError) as error:
            context.log.warning("skipped %s: %s", name, error.message)
            left.append(error)
    _report(context, before, compacted, deleted, delete_old_staging(context, params))
    if left:
        raise left[0]


def _maintain(lake: Lake, found: TableFiles, params: MaintainParams) -> tuple[int, int]:
    """Files replaced and files written by compaction."""
    table = stored_table(found.name, found.path)
    removed, added = 0, 0
    with lake.lease(table):
        if params.compact:
            done = compact(
                lake,
                table,
                found.to_compact,
                small_bytes=params.small_file_bytes,
                target_bytes=params.target_file_bytes,
            )
            removed, added = done.files_removed, done.files_added
        if params.vacuum:
            vacuum(lake, table, folders=len(found.partitions))
        if params.checkpoint:
            checkpoint(lake, table)
    return removed, added


def delete_old_staging(context: RunContext, params: MaintainParams) -> int:
    """Delete staged files older than ``staged_days`` and return their number."""
    oldest = context.started_at - timedelta(days=params.staged_days)
    stale = [entry.path for entry in context.objects.list("_staging/") if entry.modified < oldest]
    for path in stale:
        context.objects.delete(path)
    return len(stale)


def _report(
    context: RunContext,
    before: list[TableFiles],
    compacted: list[tuple[str, int, int]],
    deleted: dict[str, int],
    staged: int,
) -> None:
    removed, added = sum(one[1] for one in compacted), sum(one[2] for one in compacted)
    context.counts.detail("tables", len(before))
    context.counts.detail("files_removed", removed)
    context.counts.detail("files_added", added)
    context.counts.detail("rows_out_of_retention", sum(deleted.values()))
    context.counts.detail("staged_files_deleted", staged)
    context.report.headline("Tables", str(len(before)))
    context.report.headline("Small files compacted", f"{removed:,}", f"into {added:,}")
    context.report.headline("Rows past retention", f"{sum(deleted.values()):,}", "deleted")
    context.report.table("Files before", COLUMNS, [one.row() for one in before], "Sizes in bytes.")
    gone = [(name, rows) for name, rows in deleted.items() if rows]
    if gone:
        context.report.table("Days past retention", ("table", "rows deleted"), gone)
    context.report.table("Compaction", ("table", "files replaced", "files written"), compacted)
