"""Publishes a batch that lies in bronze: mapped, judged, quarantined, merged. Doing it again changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from common.days import DayRange
from common.errors import ContractError, JobFailedError
from common.intake.batches import WAITING
from common.intake.displaced import with_own
from common.intake.fates import CHANGED, DISPLACED, FATE, NEW, REJECTED, REPEATED, UNCHANGED
from common.intake.feed import DUE, WAITS, Feed, Published
from common.intake.figures import Facts, Fates, facts_of, fates_of, reasons_of, span_of, without_left_out
from common.intake.mapped import mapped_rows, rows_read, schema_of, wanted_rows
from common.intake.moments import on_days, within
from common.lake.free_columns import FreeColumns
from common.lake.set_aside import quarantine_table
from common.quality.quarantine import to_quarantine
from common.quality.rules import REASONS
from common.report.wording import plural
from common.run.gate import pass_gate
from common.sources.mapping.model import Source
from common.spark.few_rows import few_rows

if TYPE_CHECKING:
    from common.intake.batches import Batch
    from common.intake.feed import Taken
    from common.intake.returns import Returns
    from common.lake.result import WriteResult
    from common.lake.staging import StagedRows
    from common.run.context import RunContext

_DELETED = "_deleted"
_SHOWN_REASONS = 3
_PLACE = ("_file", "_line", "_file_sha256", REASONS)
_SCAFFOLD = (FATE, DUE, WAITS, "_batch_id", "ingested_at", "read_error")


class Promotion:
    """Publishes the batches of one feed within one run, and adds to the run's counts and to ``taken``."""

    def __init__(
        self, context: RunContext, feed: Feed, taken: Taken, returns: Returns, max_rejected_share: float
    ) -> None:
        self._context = context
        self._returns = returns
        self._feed = feed
        self._taken = taken
        self._max_rejected_share = max_rejected_share

    def bronze_of(self, batch: Batch) -> DataFrame:
        """The bronze rows of the files of a batch."""
        days = batch.ingest_dates
        rows = self._context.lake.read(self._feed.bronze, days=DayRange(days[0], days[-1]))
        own = rows.where(F.col("_batch_id").isin(batch.bronze_batch_ids))
        if batch.bronze_batch_ids == [batch.batch_id]:
            # It has read all of its files itself, and nothing else.
            return own
        # By both: a batch may hold a content that another one has read, too, by another reading.
        pairs = [(file.sha256, file.bronze_batch_id) for file in batch.files]
        files = few_rows(self._context.spark, pairs, "_file_sha256 string, _batch_id string")
        return own.join(F.broadcast(files), ["_file_sha256", "_batch_id"], "left_semi").select(*own.columns)

    def publish(self, batch: Batch, *, is_fresh: bool, is_resumed: bool = False) -> Batch:
        """Publish a batch; it comes back with what is to be remembered of it.

        ``is_fresh``: no run has published any row of these files before. ``is_resumed``: a run that did has died, so
        that these rows count as written now. Raises ContractError ING-010 when too many of the rows are rejected and
        this mapping has not published them before, QLT-001 when the audit of the others fails; nothing is published.
        """
        context, feed = self._context, self._feed
        # What they wait for may come while the batch is looked at.
        token = feed.token()
        bronze = self.bronze_of(batch)
        source = Source.model_validate(batch.source)
        mapped = mapped_rows(bronze, source, schema_of(batch), feed.target)
        mapped, filtered = wanted_rows(mapped, source)
        stamps = {"_batch_id": F.lit(batch.batch_id), "ingested_at": F.lit(batch.ingested_at)}
        with ExitStack() as held:
            prepared = held.enter_context(
                context.lake.stage(feed.silver, feed.prepare(mapped.withColumns(stamps).drop("_raw"), source))
            )
            facts, rows = facts_of(prepared.rows, feed.day_column), without_left_out(prepared.rows)
            reasons, examples = reasons_of(rows) if facts.rejected else ({}, {})
            if not (batch.is_accepted or batch.state == WAITING):
                self._refuse(batch, facts, reasons, examples)
            if source.extra:
                FreeColumns(context.objects, feed.silver.name).declare(source.name, source.model_dump()["extra"])
            published = self._published(batch, facts, held, is_fresh=is_fresh)
            settled = feed.settle(rows, published)
            if published.own is not None and not feed.settles_own:
                settled = with_own(settled, published.own, feed.silver, feed.stamps)
            staged = held.enter_context(context.lake.stage(feed.silver, settled))
            found = fates_of(staged.rows, feed.day_column, batch.sha256s, feed.clashes)
            fates, days = found.rows, found.days
            self._set_aside(staged.rows, found, batch, is_fresh=is_fresh)
            self._returns.note_lost(found)
            self._returns.withdraw(batch, published.own, fates.get(UNCHANGED, 0))
            context.fault("ingest.quarantined")
            self._write(staged, fates, batch, appends=feed.appends and published.own is None)
            context.fault("ingest.published")
        if is_resumed:
            fates[NEW] = fates.get(NEW, 0) + fates.pop(UNCHANGED, 0)
        read = rows_read(bronze, source, schema_of(batch))
        context.counts.add(rows_read=read, rows_filtered=filtered + facts.left_out)
        self._count(facts, fates, days, reasons, examples)
        days = span_of([*batch.days, *days])
        return replace(batch, due_at=facts.due_at, token=token if facts.untimed else "", days=days, reason="")

    def _refuse(self, batch: Batch, facts: Facts, reasons: dict[str, int], examples: dict[str, str]) -> None:
        rejected, judged = facts.rejected - facts.waiting, facts.rows - facts.waiting
        if not rejected or (rejected < judged and rejected <= self._max_rejected_share * judged):
            return
        ranked = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))[:_SHOWN_REASONS]
        listed = "; ".join(f"{reason} ({plural(count, 'row')}, e.g. {examples[reason]})" for reason, count in ranked)
        raise ContractError(
            "ING-010",
            f"{rejected:,} of {plural(judged, 'row')} of {plural(len(batch.files), 'file')} were rejected; "
            "nothing was published.",
            cause=f"{listed}.",
            remedy=(
                "Correct the source or the files and run again: the same files are taken. If that many rows are meant "
                "to be rejected, raise max_rejected_share."
            ),
        )

    def _published(self, batch: Batch, facts: Facts, held: ExitStack, *, is_fresh: bool) -> Published:
        lake, silver = self._context.lake, self._feed.silver

        def hold(rows: DataFrame) -> DataFrame:
            return held.enter_context(lake.stage(silver, rows)).rows

        if not lake.exists(silver):
            return Published(None, None, hold)
        rows = lake.read(silver)
        around = self._feed.days_around
        others = rows.where(on_days(self._feed.day_column, facts.days, around))
        if is_fresh:
            return Published(others, None, hold)
        # Without days nothing is known of what an earlier release published: it may be anywhere.
        own = rows.where(within(self._feed.day_column, [*facts.days, *batch.days])) if batch.days else rows
        # A day that loses rows is touched, too, whether or not the batch has others on it.
        others = rows.where(within(self._feed.day_column, [*facts.days, *batch.days], around)) if batch.days else rows
        by_file = F.broadcast(few_rows(self._context.spark, [(one,) for one in batch.sha256s], "_file_sha256 string"))
        return Published(
            others.join(by_file, "_file_sha256", "left_anti"), own.join(by_file, "_file_sha256", "left_semi"), hold
        )

    def _set_aside(self, judged: DataFrame, fates: Fates, batch: Batch, *, is_fresh: bool) -> None:
        """The rejected rows, and published ones that contradict a row of the batch, to the quarantine."""
        context, feed = self._context, self._feed
        family, job = feed.silver.family, context.job.name
        replaces = () if is_fresh or not context.lake.exists(quarantine_table(family, job)) else batch.sha256s
        is_replaced = bool(replaces) and (bool(fates.rows.get(REJECTED)) or self._lies_there(batch))
        if not (fates.rows.get(REJECTED) or fates.contradicted or is_replaced):
            return
        contradicted = (F.col(FATE) == DISPLACED) & (F.size(REASONS) > 0)
        rejected = judged.where((F.col(FATE) == REJECTED) | contradicted)
        shown = [*feed.shown, *_PLACE] if feed.shown else [name for name in judged.columns if name not in _SCAFFOLD]
        rows = to_quarantine(
            rejected.select(*shown),
            run_id=context.run_id,
            job=job,
            quarantined_at=context.started_at,
            keys=(feed.key,),
            day_column=feed.day_column,
            batch_id=batch.batch_id,
            personal=(*feed.silver.personal_columns, *feed.bronze.personal_columns),
        )
        if fates.contradicted:
            # Rows of other files come to what lies there of these; they must be there before silver loses them. By
            # themselves: a run that goes on after a crash replaces those of the batch, and must not add these again.
            is_own = F.coalesce(F.col("source_sha256").isin(*batch.sha256s), F.lit(False))
            part = f"{batch.batch_id}-displaced{batch.due_at}{batch.token}"
            context.lake.quarantine(rows.where(~is_own), family=family, job=job, batch_id=part)
            rows = rows.where(is_own)
        if fates.rows.get(REJECTED) or is_replaced:
            context.lake.quarantine(rows, family=family, job=job, batch_id=batch.batch_id, replaces=replaces)

    def _lies_there(self, batch: Batch) -> bool:
        """Whether the quarantine holds rows of the files of a batch."""
        table = quarantine_table(self._feed.silver.family, self._context.job.name)
        rows = self._context.lake.read(table).where(F.col("source_sha256").isin(*batch.sha256s))
        return not rows.isEmpty()

    def _write(self, staged: StagedRows, fates: dict[str, int], batch: Batch, *, appends: bool) -> None:
        """New rows to silver; changed and displaced ones with them, in one commit.

        ``appends`` says that no row of silver has the key of a new one: an earlier run of the batch may have published
        the same line with other values.
        """
        context, feed = self._context, self._feed
        names = feed.silver.schema.names
        others = sum(fates.get(fate, 0) for fate in (CHANGED, DISPLACED))
        if not (fates.get(NEW) or others):
            return
        rows = staged.rows.where(F.col(FATE).isin(NEW, CHANGED, DISPLACED))
        if appends and not others:
            audited = pass_gate(context, staged, rows.select(*names))
            part = f"{feed.silver.short_name}-{batch.batch_id}{batch.due_at}{batch.token}"
            _check_written(context.lake.append_once(audited, batch_id=part), fates.get(NEW, 0))
            return
        changes = rows.where(F.col(FATE) != DISPLACED).select(*names, F.lit(False).alias(_DELETED))
        if fates.get(DISPLACED):
            # A row that comes again under the key of a displaced one takes its place by itself.
            keys = list(dict.fromkeys([*feed.silver.keys, *filter(None, [feed.silver.day_column])]))
            gone = rows.where(F.col(FATE) == DISPLACED).select(*names, F.lit(True).alias(_DELETED))
            changes = changes.unionByName(gone.join(changes.select(*keys), keys, "left_anti").select(*changes.columns))
        context.fault("ingest.before_silver")
        written = context.lake.upsert(pass_gate(context, staged, changes, deleted=_DELETED))
        _check_written(written, sum(fates.get(fate, 0) for fate in (NEW, CHANGED)))

    def _count(
        self,
        facts: Facts,
        fates: dict[str, int],
        days: Sequence[str],
        reasons: dict[str, int],
        examples: dict[str, str],
    ) -> None:
        counts = self._context.counts
        counts.add(
            rows_written=fates.get(NEW, 0),
            rows_quarantined=fates.get(REJECTED, 0),
            rows_deduplicated=fates.get(REPEATED, 0) + fates.get(UNCHANGED, 0),
        )
        details = {
            "rows_waiting": facts.waiting,
            "rows_left_out": facts.left_out,
            "rows_unchanged": fates.get(UNCHANGED, 0),
            "rows_displaced": fates.get(DISPLACED, 0),
        }
        for name, number in details.items():
            if number:
                counts.detail(name, counts.details.get(name, 0) + number)
        self._taken.add(fates, days)
        self._taken.add_reasons(reasons, examples)
        self._taken.waiting += facts.waiting
        self._taken.left_out += facts.left_out


def _check_written(written: WriteResult, expected: int) -> None:
    """Raises JobFailedError RUN-001 unless the commit says that it holds as many rows as were to be published."""
    if not written.skipped and written.rows_written + written.rows_updated != expected:
        raise JobFailedError(
            "RUN-001",
            f"Of {expected} rows to be published in {written.table}, {written.rows_written} were added and "
            f"{written.rows_updated} changed.",
            cause="The commit holds another number of rows than the run has staged.",
            remedy="This is a defect of the job, not of its input: report it with the run record.",
        )
