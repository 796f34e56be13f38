"""Publishes a batch that is in bronze: quarantine, late events, then one merge into silver."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from common.days import DayRange
from common.errors import JobFailedError
from common.quality.rules import REASONS, rejected
from common.run.gate import pass_gate
from common.spark.few_rows import few_rows
from jobs.clickstream.events import candidates as promotion
from jobs.clickstream.events import deduplication, publication
from jobs.clickstream.events.candidates import IS_LATE, Rules
from jobs.clickstream.events.tables import EVENTS, EVENTS_RAW

if TYPE_CHECKING:
    from common.lake.staging import StagedRows
    from common.run.context import RunContext
    from jobs.clickstream.events.ledger import Batch
    from jobs.clickstream.events.params import IngestParams


@dataclass
class Promoter:
    """Promotes batches within one run, and adds what it did to the run's counts.

    ``rules_for`` gives the rules of a range of days. ``batches`` counts what was promoted, ``reasons`` why rows
    were quarantined, ``examples`` in which file such a row can be found.
    """

    context: RunContext
    params: IngestParams
    rules_for: Callable[[DayRange], Rules]
    batches: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)

    def rules(self, days: DayRange) -> Rules:
        """The rules for batches of these days."""
        return self.rules_for(days)

    def bronze_of(self, batch: Batch) -> DataFrame:
        """The bronze rows of a batch's files."""
        rows = self.context.lake.read(EVENTS_RAW)
        own = F.col("_batch_id").isin(batch.bronze_batch_ids)
        files = few_rows(self.context.spark, [(sha256,) for sha256 in batch.sha256s], "_file_sha256 string")
        return rows.where(own).join(F.broadcast(files), "_file_sha256", "left_semi")

    def promote(self, batch: Batch) -> None:
        """Publish one batch; publishing it again changes nothing."""
        bronze = self.bronze_of(batch)
        rules = self.rules(batch.days)
        rows = promotion.candidates(bronze, rules, batch_id=batch.batch_id, ingested_at=batch.ingested_at)
        with self.context.lake.stage(EVENTS, rows) as staged:
            facts = self._facts(staged.rows)
            self._set_aside(staged.rows, batch, facts)
            self.context.fault("ingest.aside_written")
            self._merge(promotion.valid(staged.rows), rules, facts)
        self.context.counts.add(rows_read=bronze.count(), rows_quarantined=facts.quarantined, rows_filtered=facts.late)
        self._detail("late", facts.late)
        self.batches += 1

    def _facts(self, rows: DataFrame) -> _Facts:
        is_bad = F.size(REASONS) > 0
        counted = rows.agg(
            F.count_if(is_bad).alias("bad"),
            F.count_if(IS_LATE).alias("late"),
            F.collect_set(F.when(~is_bad & ~F.col(IS_LATE), F.col("event_date"))).alias("days"),
        ).first()
        if counted is None:
            raise JobFailedError("CLK-190", "Spark returned no counts for a batch.")
        if counted["bad"]:
            self.count_reasons(rows)
        return _Facts(counted["bad"], counted["late"], tuple(sorted(counted["days"])))

    def count_reasons(self, rows: DataFrame) -> None:
        """Add up why candidates were rejected."""
        exploded = rejected(rows).select(F.explode(REASONS).alias("reason"), "_file")
        counted = exploded.groupBy("reason").agg(F.count(F.lit(1)).alias("rows"), F.min("_file").alias("file"))
        for row in counted.collect():
            self.reasons[row["reason"]] = self.reasons.get(row["reason"], 0) + row["rows"]
            self.examples.setdefault(row["reason"], row["file"].rpartition("/")[2])

    def _set_aside(self, rows: DataFrame, batch: Batch, facts: _Facts) -> None:
        lake, job = self.context.lake, self.context.job.name
        if facts.quarantined:
            bad = promotion.quarantined(rows, run_id=self.context.run_id, job=job, at=self.context.started_at)
            written = lake.quarantine(bad, family="clickstream", job=job, batch_id=f"{batch.batch_id}-quarantine")
            _agree("quarantined", facts.quarantined, written.rows_written, written.skipped)
        if facts.late:
            written = lake.append_late(EVENTS, promotion.late(rows), batch_id=f"{batch.batch_id}-late")
            _agree("late", facts.late, written.rows_written, written.skipped)

    def _merge(self, batch: DataFrame, rules: Rules, facts: _Facts) -> None:
        lake = self.context.lake
        if not facts.days:
            return
        published, days = self._published(batch, rules, facts.days)
        with lake.stage(EVENTS, deduplication.judged(batch, published)) as judged:
            self._count_roles(judged.rows)
            with lake.stage(EVENTS, publication.changes(judged.rows, published, self.params.bots)) as changed:
                numbers = changed.rows.agg(
                    F.count(F.lit(1)).alias("all"),
                    F.count_if(~F.col(publication.DELETED) & ~F.col(publication.IS_OF_BATCH)).alias("reflagged"),
                ).first()
                self._detail("rows_with_new_verdict", numbers["reflagged"] if numbers else 0)
                if numbers and numbers["all"]:
                    self._publish(changed, days)

    def _publish(self, changed: StagedRows, days: DayRange) -> None:
        audited = pass_gate(self.context, changed, deleted=publication.DELETED)
        self.context.fault("ingest.before_silver")
        self.context.lake.upsert(audited, days=days)

    def publish_days(self, rows: DataFrame, days: DayRange) -> None:
        """Replace whole days of silver."""
        with self.context.lake.stage(EVENTS, rows) as staged:
            self.context.lake.replace_days(pass_gate(self.context, staged), days=days)

    def _published(self, batch: DataFrame, rules: Rules, days: tuple[date, ...]) -> tuple[DataFrame, DayRange]:
        """Silver rows of the days that the batch touches, through its own events or through ids that it repeats."""
        lake = self.context.lake
        if not lake.exists(EVENTS):
            return few_rows(self.context.spark, [], EVENTS.schema), DayRange(days[0], days[-1])
        window = DayRange(min(rules.limits.first_day, days[0]), max(rules.limits.last_day, days[-1]))
        rows = lake.read(EVENTS, days=window)
        ids = batch.select("event_id").distinct()
        met = rows.select("event_id", "event_date").join(ids, "event_id", "left_semi").select("event_date").distinct()
        touched = sorted({*days, *(row["event_date"] for row in met.collect())})
        return rows.where(F.col("event_date").isin(touched)), DayRange(touched[0], touched[-1])

    def _count_roles(self, judged: DataFrame) -> None:
        counted = judged.groupBy(deduplication.ROLE).agg(
            F.count(F.lit(1)).alias("rows"), F.count_if(deduplication.CONFLICTING).alias("conflicting")
        )
        roles = {row[deduplication.ROLE]: row for row in counted.collect()}
        number = {
            role: (roles[role]["rows"] if role in roles else 0)
            for role in (deduplication.NEW, deduplication.REPEATED, deduplication.BEATEN)
        }
        self.context.counts.add(
            rows_written=number[deduplication.NEW],
            rows_deduplicated=number[deduplication.REPEATED] + number[deduplication.BEATEN],
        )
        self._detail("duplicates_conflicting", sum(row["conflicting"] for row in roles.values()))
        self._detail("duplicates_of_earlier_batches", number[deduplication.BEATEN])

    def _detail(self, name: str, number: int) -> None:
        counts = self.context.counts
        counts.detail(name, counts.details.get(name, 0) + number)


@dataclass(frozen=True)
class _Facts:
    """Counts for one batch: rows with reasons, rows that arrived too late, and the days of the rest."""

    quarantined: int
    late: int
    days: tuple[date, ...]


def _agree(what: str, counted: int, written: int, skipped: bool) -> None:
    """Two counts of one thing: the rows marked, and the rows that the commit says it wrote."""
    if not skipped and counted != written:
        raise JobFailedError(
            "CLK-191",
            f"{counted} rows were marked as {what}, but {written} were written.",
            remedy="Run again. If it happens again, it is a defect of the job: report it with the run record.",
        )
