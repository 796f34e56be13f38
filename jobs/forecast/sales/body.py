"""The body of forecast.ingest: raw sales to bronze and silver."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from common.days import DayRange
from common.intake.batches import Batch, BatchLog
from common.intake.fates import NEW, REJECTED, REPEATED
from common.intake.feed import Feed, Taken, take_in
from common.report.wording import plural
from common.run.pseudonym_key import pseudonym_key
from jobs.forecast.sales.params import IngestParams
from jobs.forecast.sales.steps import judged_sales, sales_lines, sales_rules
from jobs.forecast.sales.tables import SALES, SALES_FEED, SALES_RAW

if TYPE_CHECKING:
    from common.lake.audited import AuditedRows
    from common.lake.lake import Lake
    from common.run.context import RunContext

_REQUIRED = (("item_id", "sold_at", "quantity"), ("unique_id", "ds", "y"))


def run(context: RunContext) -> None:
    """One run of forecast.ingest. Raises LakejobsError."""
    params = context.params_as(IngestParams)
    rules = sales_rules(context.started_at + timedelta(days=params.future_days), params.largest_quantity)
    key = pseudonym_key(context)
    may_hold_series = _may_hold_series(context)

    def judge(bronze: DataFrame) -> DataFrame:
        lines = sales_lines(bronze, params.time_zone, key)
        return judged_sales(
            lines,
            _stored(context, lines),
            rules,
            keep_duplicates=params.duplicates == "keep",
            has_series=may_hold_series and not lines.where("is_series").isEmpty(),
        )

    def publish(rows: AuditedRows, batch: Batch) -> None:
        context.lake.append_once(rows, batch_id=f"sales-{batch.batch_id}")

    feed = Feed(
        SALES_FEED,
        _REQUIRED,
        SALES_RAW,
        SALES,
        judge,
        publish,
        key="item_id",
        day_column="sold_day",
        identifiers=("invoice_id", "transaction_id", "item_id", "customer_id", "unique_id"),
    )
    _write_report(context, take_in(context, feed))


def _may_hold_series(context: RunContext) -> bool:
    """False when no bronze row that this run judges can be a value of a ready series, so the search is skipped.

    A batch of an earlier run may have come from another source.
    """
    mapped = context.source is None or bool({"unique_id", "y"} & set(context.source.columns))
    return mapped or not all(batch.is_done for batch in BatchLog(context.objects, SALES.name).all())


def _stored(context: RunContext, lines: DataFrame) -> DataFrame | None:
    """The silver rows of the days that the batch touches."""
    if not context.lake.exists(SALES):
        return None
    believed = lines.where(F.col("sold_at") <= F.lit(context.started_at))
    span = believed.agg(F.min("sold_day").alias("first"), F.max("sold_day").alias("last")).first()
    if span is None or span["first"] is None:
        return None
    return context.lake.read(SALES).where(DayRange(span["first"], span["last"]).predicate("sold_day"))


def _write_report(context: RunContext, taken: Taken) -> None:
    report = context.report
    report.title = "Sales ingested"
    report.headline("New lines", f"{taken.fates.get(NEW, 0):,}", f"from {plural(taken.files, 'new file')}")
    report.headline("Sent twice", f"{taken.fates.get(REPEATED, 0):,}", "identical lines, dropped")
    report.headline("Rejected", f"{taken.fates.get(REJECTED, 0):,}", "kept in the quarantine")
    if taken.reasons:
        ranked = sorted(taken.reasons.items(), key=lambda pair: (-pair[1], pair[0]))
        report.quarantine(ranked, table="forecast.quarantine_ingest")
    if context.lake.exists(SALES) and taken.fates.get(NEW):
        _months(context.lake, context)


def _months(lake: Lake, context: RunContext) -> None:
    lines = lake.read(SALES)
    sold, back = F.col("quantity") > 0, F.col("quantity") < 0
    rows = (
        lines.groupBy(F.date_format("sold_day", "yyyy-MM").alias("month"))
        .agg(
            F.count(F.lit(1)).alias("lines"),
            F.sum(F.when(sold, F.col("quantity"))).alias("sold"),
            F.sum(F.when(back, -F.col("quantity"))).alias("back"),
            F.approx_count_distinct("item_id").alias("items"),
        )
        .orderBy("month")
        .limit(240)
        .collect()
    )
    context.report.table(
        "Sales in silver, by month",
        ("month", "lines", "items (about)", "units sold", "units returned or cancelled"),
        [(row["month"], row["lines"], row["items"], row["sold"] or 0.0, row["back"] or 0.0) for row in rows],
    )
