"""The report of clickstream.ingest: what came in, who sent it, and the figures with and without machines."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from pyspark.sql import Column, DataFrame, Row, Window
from pyspark.sql import functions as F

from common.days import DayRange
from common.report.wording import plural
from jobs.clickstream.events.tables import EVENTS

# Headings of the tables, by the column that is counted.
_TOP = {
    "page_urlpath": "Most viewed pages, by people",
    "refr_medium": "Who sent people",
    "refr_urlhost": "Referrers of people",
    "http_status": "Answers of the server",
    "device_category": "Devices of people",
}
_MOST = 100

if TYPE_CHECKING:
    from common.intake.feed import Taken
    from common.report.builder import ReportBuilder
    from common.run.context import RunContext
    from jobs.clickstream.events.params import IngestParams


def write_report(context: RunContext, params: IngestParams, taken: Taken) -> None:
    """Fill the run's report from silver, over the days of the new events: aggregates only, no personal data."""
    report, top = context.report, params.report_top
    report.headline("New in this run", f"{context.counts.rows_written:,}")
    report.headline("Set aside", f"{context.counts.rows_quarantined:,}", "rejected, with their reasons")
    if not taken.first_day:
        report.title = "Events: nothing new"
        report.text("No new events", [context.outcome or "No event of the files was new."])
        _rejected_rows(report, context, taken)
        return
    days = DayRange(date.fromisoformat(taken.first_day), date.fromisoformat(taken.last_day))
    report.title = f"Events {days}"
    events = context.lake.read(EVENTS, days=days)
    hours = events.groupBy(F.date_trunc("hour", "derived_tstamp").alias("hour")).agg(
        F.count(F.lit(1)).alias("events"), F.count_if("is_bot").alias("bots")
    )
    by_hour = hours.orderBy("hour").limit(24 * 400).collect()
    total, bots = sum(row["events"] for row in by_hour), sum(row["bots"] for row in by_hour)
    report.headline("Events", f"{total:,}", f"in silver, {days}, UTC days")
    report.headline("From bots", _percent(bots, total), plural(bots, "event"))
    report.headline("Late", f"{context.counts.details.get('late', 0):,}", "new events of days thought finished")
    if total and bots == total:
        context.warn("every event is from a bot: check the feed's user agents and addresses")
    if not total:
        _rejected_rows(report, context, taken)
        return
    _days_and_hours(report, by_hour, total)
    _with_and_without(report, events)
    counted = _counted(events)
    _evidence(report, counted.pop("evidence", []), bots, total)
    for column, heading in _TOP.items():
        if counted.get(column):
            report.table(heading, (column, "events"), counted[column][:top])
    _rejected_rows(report, context, taken)


def _days_and_hours(report: ReportBuilder, by_hour: list[Row], total: int) -> None:
    days: dict[str, list[int]] = {}
    for row in by_hour:
        counts = days.setdefault(row["hour"].date().isoformat(), [0, 0])
        counts[0] += row["events"] - row["bots"]
        counts[1] += row["bots"]
    busiest = max(days, key=lambda day: sum(days[day]))
    report.bars(
        "Events per day",
        list(days),
        {"people": [counts[0] for counts in days.values()], "bots": [counts[1] for counts in days.values()]},
        unit="events",
        label_name="UTC day",
        text_alternative=(
            f"{plural(total, 'event')} on {plural(len(days), 'day')}, most on {busiest}: {sum(days[busiest]):,}."
        ),
    )
    peak = max(by_hour, key=lambda row: row["events"])
    report.line(
        "Events per hour",
        [row["hour"] for row in by_hour],
        {"people": [row["events"] - row["bots"] for row in by_hour], "bots": [row["bots"] for row in by_hour]},
        unit="events",
        x_name="hour, UTC",
        text_alternative=(
            f"The busiest hour begins at {peak['hour']:%Y-%m-%d %H:%M}: {plural(peak['events'], 'event')}."
        ),
    )


def _with_and_without(report: ReportBuilder, events: DataFrame) -> None:
    by_agent = F.exists("bot_evidence", lambda text: F.startswith(text, F.lit("agent:")))
    verdicts: dict[str, Column] = {
        "all traffic": F.lit(True),
        "without bots by user agent": ~by_agent,
        "without bots by user agent or behaviour": ~F.col("is_bot"),
    }
    found = events.agg(*(F.struct(*_figures(kept)).alias(name) for name, kept in verdicts.items())).first()
    rows = [(name, *_row_of(found[name])) for name in verdicts] if found is not None else []
    report.table(
        "Figures with and without bots",
        ("verdict", "events", "page views", "visitors (about)", "pages per visitor", "errors", "purchases"),
        rows,
        note="Errors: share of requests with status 400 or higher. Visitors are counted to within about 2 %.",
    )


def _figures(kept: Column) -> list[Column]:
    return [
        F.count_if(kept).alias("events"),
        F.count_if(kept & (F.col("event_name") == "page_view")).alias("views"),
        F.approx_count_distinct(F.when(kept, F.col("domain_userid")), 0.02).alias("visitors"),
        F.count_if(kept & F.col("http_status").isNotNull()).alias("requests"),
        F.count_if(kept & (F.col("http_status") >= 400)).alias("errors"),
        F.count_if(kept & (F.col("event_name") == "purchase")).alias("purchases"),
    ]


def _row_of(found: Row) -> tuple[object, ...]:
    a_visitor = f"{found['views'] / found['visitors']:.2f}" if found["visitors"] else ""
    errors = _percent(found["errors"], found["requests"])
    return found["events"], found["views"], found["visitors"], a_visitor, errors, found["purchases"]


def _counted(events: DataFrame) -> dict[str, list[tuple[str, int]]]:
    """Events per value of the tables below, most frequent first, counted in one pass for all tables."""
    person = ~F.col("is_bot")
    sent_here = person & (F.col("refr_medium") != "internal")
    asked: dict[str, Column] = {
        "page_urlpath": person & (F.col("event_name") == "page_view"),
        "refr_medium": sent_here,
        "refr_urlhost": sent_here,
        "http_status": F.lit(True),
        "device_category": person,
    }
    values = [
        F.when(
            kept, F.struct(F.lit(name).alias("kind"), F.substring(F.col(name).cast("string"), 1, 120).alias("value"))
        )
        for name, kept in asked.items()
    ]
    evidence = F.transform("bot_evidence", lambda sign: F.struct(F.lit("evidence").alias("kind"), sign.alias("value")))
    pairs = events.select(F.explode(F.concat(F.array(*values), evidence)).alias("pair")).select("pair.*")
    numbers = pairs.where(F.col("value").isNotNull()).groupBy("kind", "value").count()
    first = Window.partitionBy("kind").orderBy(F.desc("count"), "value")
    rows = numbers.withColumn("place", F.row_number().over(first)).where(F.col("place") <= _MOST).collect()
    ranked: dict[str, list[tuple[str, int]]] = {}
    for row in sorted(rows, key=lambda row: row["place"]):
        ranked.setdefault(row["kind"], []).append((row["value"], row["count"]))
    return ranked


def _evidence(report: ReportBuilder, rows: list[tuple[str, int]], bots: int, total: int) -> None:
    if rows:
        report.bars(
            "Evidence of bots",
            [name for name, _ in rows],
            [number for _, number in rows],
            unit="events",
            label_name="evidence",
            text_alternative=f"{bots:,} of {total:,} events are from bots; the most common evidence is {rows[0][0]}.",
            note="An event may have several kinds of evidence; one is enough.",
        )


def _rejected_rows(report: ReportBuilder, context: RunContext, taken: Taken) -> None:
    reasons = sorted(taken.reasons.items(), key=lambda pair: (-pair[1], pair[0]))
    report.quarantine(reasons, table="clickstream.quarantine_ingest")
    if reasons:
        rows = [(reason, number, taken.examples.get(reason, "")) for reason, number in reasons]
        report.table("Where to find rejected rows", ("reason", "rows", "example: file and line"), rows)
    counts = context.counts
    went = [
        f"{counts.rows_read:,} rows read = {counts.rows_written:,} events + {counts.rows_quarantined:,} quarantined + "
        f"{counts.rows_deduplicated:,} duplicates."
    ]
    if taken.waiting:
        went.append(f"{plural(taken.waiting, 'quarantined row')} are of the future: a later run takes them.")
    report.text("Where the rows went", [*went, *taken.aside])


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "none"
