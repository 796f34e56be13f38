"""The body of clickstream.ingest: write-ahead from files to bronze to silver, so a run can crash at any point.

The order of writes is ledger (pending), bronze, quarantine and late events, silver, ledger (done). A write that
was already done is skipped or changes nothing, so a rerun picks up where the last run died: see
docs/clickstream-ingest.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from common.errors import UsageError
from common.intake.batches import digest_of
from common.intake.cards import without_card_numbers
from common.privacy.pseudonyms import PseudonymKey
from common.quality.quarantine import to_quarantine
from common.run.pseudonym_key import pseudonym_key
from common.sources.files.inspection import bad_file_rows, inspect
from common.sources.mapping.canonical import canonical
from common.sources.rows.reading import read_raw
from jobs.clickstream.events import bronze
from jobs.clickstream.events import candidates as promotion
from jobs.clickstream.events.clock_skew import TimeLimits
from jobs.clickstream.events.ledger import WAITING, Batch, Ledger, LedgerFile, pending_batches
from jobs.clickstream.events.params import IngestParams
from jobs.clickstream.events.promoter import Promoter
from jobs.clickstream.events.report import write_report
from jobs.clickstream.events.reprocess import reprocess
from jobs.clickstream.events.tables import EVENTS_RAW, IDENTIFIERS
from jobs.clickstream.web.referrers import load_referrers

if TYPE_CHECKING:
    from datetime import date

    from common.days import DayRange
    from common.run.context import RunContext
    from common.sources.files.inventory import FileInventory
    from common.sources.mapping.model import Source


def run(context: RunContext) -> None:
    """One run of clickstream.ingest. Raises LakejobsError."""
    params = context.params_as(IngestParams)
    # Fetched before anything is read or written, so that a run without its key leaves nothing behind.
    key = pseudonym_key(context)
    promoter = Promoter(context, params, rules_for=lambda days: _rules(context, params, key, days))
    if params.reprocess:
        reprocess(context, params, promoter)
    else:
        _ingest(context, params, promoter)
    write_report(context, params, promoter)


def _ingest(context: RunContext, params: IngestParams, promoter: Promoter) -> None:
    ledger = Ledger(context.lake, run_id=context.run_id, started_at=context.started_at)
    for batch in _resumed(context, ledger):
        context.log.info("finishing batch %s of an earlier run (%s)", batch.batch_id, batch.days)
        _promote(context, params, promoter, ledger, batch)
    waiting = ledger.open_files()
    due = [file for file in waiting if file.status == WAITING and _is_due(file, context.days)]
    if due:
        context.log.info("%d waiting files are due now", len(due))
        _promote(context, params, promoter, ledger, ledger.resume(due, context.days))
    new = _new_files(context, ledger)
    if new.good:
        batch = ledger.begin(new.good, _source(context).name, context.days)
        context.fault("ingest.ledger_pending")
        _to_bronze(context, params, new, batch)
        context.fault("ingest.bronze_written")
        _promote(context, params, promoter, ledger, batch)
    still = [file for file in ledger.open_files() if file.status == WAITING]
    context.counts.detail("files_new", len(new.good))
    context.counts.detail("files_waiting", len(still))
    for file in still:
        context.log.warning("%s waits for the run of %s", file.path, file.due_day)
    if not (new.good or due or promoter.batches):
        context.log.info("nothing to do: every file was ingested before")


def _resumed(context: RunContext, ledger: Ledger) -> list[Batch]:
    """Batches that an earlier run began but did not finish; those that never reached bronze are dropped."""
    batches = pending_batches(ledger.open_files())
    if not batches:
        return []
    reached: set[str] = set()
    if context.lake.exists(EVENTS_RAW):
        wanted = sorted({name for batch in batches for name in batch.bronze_batch_ids})
        rows = context.lake.read(EVENTS_RAW).where(F.col("_batch_id").isin(wanted)).select("_batch_id").distinct()
        reached = {row["_batch_id"] for row in rows.collect()}
    lost = [batch for batch in batches if not reached.issuperset(batch.bronze_batch_ids)]
    ledger.forget([file for batch in lost for file in batch.files])
    return [batch for batch in batches if batch not in lost]


def _is_due(file: LedgerFile, days: DayRange) -> bool:
    return file.due_day is None or file.due_day <= days.last


def _source(context: RunContext) -> Source:
    if context.source is None:
        raise UsageError(
            "CLK-101",
            "No source was given.",
            remedy="Add --source NAME (for example apache_combined), or a .yaml file that describes the layout.",
        )
    return context.source


def _new_files(context: RunContext, ledger: Ledger) -> FileInventory:
    """Input files whose content has not been ingested yet; bad files stop the run or go to quarantine."""
    if context.input_path is None:
        raise UsageError("CLK-102", "No input was given.", remedy="Add --input PATH, the location of the raw files.")
    source = _source(context)
    inventory = inspect(context.spark, context.input_path, source, context.settings)
    inventory.enforce(source)
    if inventory.bad:
        _quarantine_files(context, inventory)
    known = ledger.known([file.sha256 for file in inventory.good])
    context.counts.detail("files_found", len(inventory.files))
    context.counts.detail("files_bad", len(inventory.bad))
    context.counts.detail("files_known", sum(1 for file in inventory.good if file.sha256 in known))
    return _distinct(inventory.without(known))


def _distinct(inventory: FileInventory) -> FileInventory:
    """One file per distinct content, the first by path, so that copies under other names are not read."""
    seen: set[str] = set()
    kept = []
    for file in sorted(inventory.good, key=lambda file: file.path):
        if file.sha256 not in seen:
            seen.add(file.sha256)
            kept.append(file)
    return type(inventory)(tuple(kept))


def _quarantine_files(context: RunContext, inventory: FileInventory) -> None:
    rows = to_quarantine(
        bad_file_rows(context.spark, inventory),
        run_id=context.run_id,
        job=context.job.name,
        quarantined_at=context.started_at,
        keys=("_file_sha256",),
    )
    batch_id = digest_of([f"{file.path} {file.sha256} {file.reason}" for file in inventory.bad])
    context.lake.quarantine(rows, family="clickstream", job=context.job.name, batch_id=batch_id)


def _to_bronze(context: RunContext, params: IngestParams, files: FileInventory, batch: Batch) -> None:
    source = _source(context)
    raw = bronze.with_payload(read_raw(context.spark, files, source, context.settings), keep=params.keep_payload)
    rows = bronze.bronze_rows(
        canonical(raw, source, bronze.TARGET),
        batch_id=batch.batch_id,
        ingest_date=context.started_at.date(),
        ingested_at=batch.ingested_at,
        time_zone=source.time_zone,
    )
    with without_card_numbers(context, rows, IDENTIFIERS) as clean:
        written = context.lake.append_once(EVENTS_RAW, clean, batch_id=batch.batch_id)
    context.counts.detail("rows_to_bronze", written.rows_written)


def _promote(context: RunContext, params: IngestParams, promoter: Promoter, ledger: Ledger, batch: Batch) -> None:
    rows = promoter.bronze_of(batch)
    later: dict[str, date] = {}
    if params.later_file_share < 1:
        days = promotion.due_days(
            rows, promoter.rules(batch.days).limits, later_share=params.later_file_share, now=context.started_at
        )
        later = {
            row["_file_sha256"]: row["due_day"] for row in days.where(F.col("due_day") > batch.days.last).collect()
        }
    due = ledger.defer(batch, later)
    context.fault("ingest.files_deferred")
    if due.files:
        promoter.promote(due)
        context.fault("ingest.silver_written")
    ledger.finish(due)


def _rules(context: RunContext, params: IngestParams, key: PseudonymKey, days: DayRange) -> promotion.Rules:
    limits = TimeLimits(
        days=days,
        earliest=params.earliest_day,
        days_late_allowed=context.settings.days_late_allowed,
        max_future_minutes=params.max_future_minutes,
    )
    return promotion.Rules(limits, load_referrers(), params.site_hosts, key)
