"""The report of clickstream.sessionise: what an analyst looks at first in the morning."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from common.report.wording import format_number, plural
from jobs.clickstream.sessions.gap_sensitivity import cut_at_gaps, sample_of_visitors

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row

    from common.run.context import RunContext
    from jobs.clickstream.sessions.params import SessioniseParams

_DURATION_EDGES_S = (0.0, 1.0, 10.0, 30.0, 60.0, 180.0, 600.0, 1800.0, 3600.0, math.inf)
_EVENT_EDGES = (1, 2, 3, 4, 6, 11, 21, 51, 101, math.inf)
_MOST_BARS = 15


def write_report(context: RunContext, params: SessioniseParams, labelled: DataFrame, sessions: DataFrame) -> None:
    """Describe the sessions that began on the days of the run; ``labelled`` and ``sessions`` are the staged rows."""
    own = sessions.where(context.days.predicate("session_date"))
    per_day = own.groupBy("session_date").agg(
        F.count(F.lit(1)).alias("sessions"),
        F.countDistinct("domain_userid").alias("visitors"),
        F.sum("events").alias("events"),
        F.sum("page_views").alias("page_views"),
        F.sum(F.col("is_bounce").cast("int")).alias("bounces"),
        F.sum("conversions").alias("conversions"),
        F.sum("duration_s").alias("duration_s"),
    )
    days = per_day.orderBy("session_date").collect()
    count = sum(row["sessions"] for row in days)
    context.counts.detail("sessions", count)
    report = context.report
    if not count:
        report.text("No sessions", [f"No session began on {context.days}."])
        _warn_of_no_sessions(context)
        return
    if params.conversion_events and not sum(row["conversions"] for row in days):
        context.warn(f"no conversion on {context.days}: {' or '.join(params.conversion_events)} does not occur")
    _headlines(context, days, count)
    report.line(
        "Sessions per day",
        [row["session_date"] for row in days],
        {"sessions": [row["sessions"] for row in days], "visitors": [row["visitors"] for row in days]},
        text_alternative=_sentence_on_days(days),
        x_name="day (UTC)",
    )
    _distributions(context, own)
    _rankings(context, own, count)
    if params.sensitivity_gaps_minutes and params.sensitivity_events:
        _gaps(context, params, labelled.where(context.days.predicate("event_date")))
    report.text("How sessions are cut", [f"Rules: {params.rules().text}."])


def _warn_of_no_sessions(context: RunContext) -> None:
    """Say why no session came of the events, if there were any."""
    read, left_out = context.counts.rows_read, "rows_filtered_"
    if not read:
        return
    numbers = {name: number for name, number in context.counts.details.items() if name.startswith(left_out) and number}
    why = ", ".join(f"{number:,} {name.removeprefix(left_out).replace('_', ' ')}" for name, number in numbers.items())
    context.warn(f"no session out of {plural(read, 'event')}" + (f" (left out: {why})" if why else ""))


def _headlines(context: RunContext, days: list[Row], count: int) -> None:
    def total(name: str) -> float:
        return float(sum(row[name] for row in days))

    report = context.report
    report.headline("Sessions", format_number(count))
    report.headline(
        "Bounce rate", format_number(100 * total("bounces") / count, unit="%"), "at most one page, no conversion"
    )
    report.headline("Page views per session", format_number(total("page_views") / count, decimals=2))
    report.headline("Mean duration", format_number(total("duration_s") / count / 60, unit="min", decimals=1))
    report.headline("Conversions", format_number(int(total("conversions"))))


def _sentence_on_days(days: list[Row]) -> str:
    most = max(days, key=lambda row: row["sessions"])
    least = min(days, key=lambda row: row["sessions"])
    low, high = (f"{plural(row['sessions'], 'session')} on {row['session_date']}" for row in (least, most))
    return f"Between {low} and {high}."


def _distributions(context: RunContext, own: DataFrame) -> None:
    """Two histograms, counted in one pass."""
    bins = own.groupBy(
        _bin("duration_s", _DURATION_EDGES_S).alias("duration"), _bin("events", _EVENT_EDGES).alias("events")
    ).count()
    rows = bins.collect()
    for heading, name, edges, unit in (
        ("How long sessions last", "duration", _DURATION_EDGES_S, "s"),
        ("Events in a session", "events", _EVENT_EDGES, ""),
    ):
        counts = [sum(row["count"] for row in rows if row[name] == place) for place in range(len(edges) - 1)]
        most = counts.index(max(counts))
        share = 100 * counts[most] / sum(counts)
        span = (
            f"from {edges[most]:g} to below {edges[most + 1]:g}"
            if most < len(counts) - 1
            else f"{edges[most]:g} or more"
        )
        context.report.histogram(
            heading,
            edges,
            counts,
            unit=unit,
            value_name=name,
            count_name="sessions",
            text_alternative=f"The largest group, {share:.0f} % of the sessions, has {span} {unit}".rstrip() + ".",
        )


def _bin(column: str, edges: tuple[float, ...]) -> Any:
    """The bin number of a value: how many of the inner edges it reaches."""
    reached = [F.when(F.col(column) >= edge, 1).otherwise(0) for edge in edges[1:-1]]
    return sum(reached[1:], reached[0])


def _rankings(context: RunContext, own: DataFrame, count: int) -> None:
    source = F.coalesce(F.col("mkt_source"), F.col("refr_source"), F.col("refr_urlhost"), F.lit("(direct)"))
    for heading, name, column in (
        ("Landing pages", "page", F.coalesce(F.col("landing_page"), F.lit("(no page)"))),
        ("Where sessions come from", "source", source),
    ):
        top = own.groupBy(column.alias("name")).count().orderBy(F.desc("count"), "name").limit(_MOST_BARS).collect()
        first, share = top[0]["name"], 100 * top[0]["count"] / count
        context.report.bars(
            heading,
            [row["name"] for row in top],
            [row["count"] for row in top],
            unit="sessions",
            label_name=name,
            text_alternative=f"{first} comes first with {share:.1f} % of the sessions.",
        )


def _gaps(context: RunContext, params: SessioniseParams, labelled: DataFrame) -> None:
    """How much the figures would change with another gap."""
    events = context.counts.rows_written
    share = min(1.0, params.sensitivity_events / max(events, 1))
    sampled = labelled if share == 1.0 else sample_of_visitors(labelled, share)
    found = cut_at_gaps(sampled, params.sensitivity_gaps_minutes)
    note = "Cut by the gap alone; a lone event has no other event within the gap before or after it."
    if share < 1.0:
        note += f" From a sample of about {100 * share:.2g} % of the visitors."
    context.report.table(
        "Sessions with other gaps",
        ["gap, minutes", "sessions", "sessions of one event", "share, %"],
        [(cut.gap_minutes, cut.sessions, cut.lone_events, round(cut.lone_share * 100, 2)) for cut in found],
        note=note,
    )
