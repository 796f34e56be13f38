"""The body of clickstream.sessionise: label the events of some days, sum up their sessions, audit, publish."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from common.run.gate import pass_gate
from jobs.clickstream.events.tables import EVENTS
from jobs.clickstream.sessions import scope
from jobs.clickstream.sessions.facts import summarise_sessions
from jobs.clickstream.sessions.neighbours import Neighbours
from jobs.clickstream.sessions.params import SessioniseParams
from jobs.clickstream.sessions.report import write_report
from jobs.clickstream.sessions.steps import label_sessions, left_out_for, visitor_events
from jobs.clickstream.sessions.tables import SESSION_EVENTS, SESSIONS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from common.lake.audited import AuditedRows
    from common.run.context import RunContext


def run(context: RunContext) -> None:
    """One run of clickstream.sessionise.

    Raises InputMissingError LAK-004 (no events yet), UsageError CLK-001 (neighbouring days have other rules) and
    ContractError QLT-001 (an audit failed; nothing was published).
    """
    params, days, lake = context.params_as(SessioniseParams), context.days, context.lake
    rules = params.rules()
    events = lake.read(EVENTS, days=days)
    with ExitStack() as held:
        neighbours = Neighbours.found(lake, days, rules, held)
        rows = visitor_events(events, rules)
        if neighbours.tail is not None:
            rows = rows.unionByName(scope.as_events(neighbours.tail))
        labelled = held.enter_context(lake.stage(SESSION_EVENTS, label_sessions(rows, rules, neighbours.carried)))
        events_audited = pass_gate(context, labelled)
        before = scope.sessions_before(labelled.rows, neighbours.sessions, days.first)
        complete = labelled.rows
        if neighbours.session_events is not None:
            before = before.persist()
            held.callback(before.unpersist)
            complete = complete.unionByName(scope.events_before(neighbours.session_events, days.first, before))
        summed = summarise_sessions(
            complete,
            page_view_events=params.page_view_events,
            conversion_events=params.conversion_events,
            site_time_zone=params.site_time_zone,
        )
        sessions = held.enter_context(lake.stage(SESSIONS, summed))
        published = None
        if neighbours.sessions is not None:
            tail = labelled.rows.where(F.col("event_date") > F.lit(days.last))
            untouched = scope.untouched_sessions(neighbours.sessions, days, before, tail)
            published = sessions.rows.unionByName(untouched)
        sessions_audited = pass_gate(context, sessions, published)
        _publish(context, neighbours, events_audited, sessions_audited)
        _count_events(context, events, params)
        write_report(context, params, labelled.rows, sessions.rows)


def _publish(context: RunContext, neighbours: Neighbours, labelled: AuditedRows, sessions: AuditedRows) -> None:
    """Publish in two or three commits; a run that dies between them is completed by running it again."""
    lake, days = context.lake, context.days
    context.fault("sessionise.audited")
    written = lake.replace_days(labelled.where(days.predicate("event_date")), days=days)
    context.counts.add(rows_written=written.rows_written)
    context.fault("sessionise.days_replaced")
    span = days
    if neighbours.tail is not None:
        after = neighbours.tail_days
        relabelled = lake.upsert(labelled.where(f"event_date > DATE'{days.last}'"), days=after)
        context.counts.detail("rows_relabelled_after", relabelled.rows_written + relabelled.rows_updated)
        span = span.extended(after_days=len(after))
        context.fault("sessionise.tail_merged")
    if neighbours.session_events is not None:
        span = span.extended(before_days=neighbours.lookback_days)
    lake.replace_days(sessions, days=span)


def _count_events(context: RunContext, events: DataFrame, params: SessioniseParams) -> None:
    """The other side of the identity, counted from the input rather than from the output."""
    counted = events.groupBy(left_out_for(params.rules()).alias("reason")).count().collect()
    for row in sorted(counted, key=lambda row: str(row["reason"])):
        context.counts.add(rows_read=row["count"])
        if row["reason"] is not None:
            context.counts.add(rows_filtered=row["count"])
            context.counts.detail(f"rows_filtered_{row['reason'].replace(' ', '_')}", row["count"])
