"""Where sessions begin, and their ids.

A *chain* is a maximal run of one visitor's events in which no two neighbours are more than ``gap_minutes`` apart.
Whatever happens inside a chain depends on the chain alone, which is what makes days recomputable one by one.

A session begins with

- the first event of a chain;
- the first event in each further span of ``max_session_hours`` counted from the start of the chain. Spans are fixed
  phases ``floor((t - chain start) / max_session_hours)``: no session is longer, and which span an event is in depends
  on no event but the chain's first;
- with ``cut_at_midnight``, the first event on another calendar day of the site's time zone than the event before it;
- with ``cut_on_campaign_change``, an event with a campaign (source, medium or name) other than the last one met in the
  chain; an event without a campaign changes nothing, and the first campaign of a chain that began without one is a
  change.

Events are ordered by ``derived_tstamp``, then ``event_id``. Gaps are differences of instants, so time zones and
clock changes cannot affect them; only ``cut_at_midnight`` uses a time zone.
"""

from __future__ import annotations

from functools import reduce

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F
from pyspark.sql.types import StructField, StructType

from jobs.clickstream.sessions.params import SessionRules
from jobs.clickstream.sessions.tables import EVENT_COLUMNS, SESSION_EVENTS

_MICROS_A_MINUTE = 60_000_000
_MICROS_A_DAY = 86_400_000_000
# What orders a visitor's events. The other columns travel through the windows as one, which is copied whole: a window
# writes each column of each row again, and there are three.
_PLACE = ("domain_userid", "derived_tstamp", "event_id")
# Labels that rows of the day before bring along: they open the window and are not part of its result.
_LABELS = ("session_id", "session_start_tstamp", "chain_start_tstamp", "chain_campaign")
_KNOWN = StructType([StructField(name, SESSION_EVENTS.schema[name].dataType) for name in _LABELS])


def visitor_events(events: DataFrame, rules: SessionRules) -> DataFrame:
    """The events that sessions are made of: columns EVENT_COLUMNS, without bots and assets where ``rules`` say so.

    Events without a visitor id belong to nobody's session and are left out.
    """
    return events.where(_wanted(rules)).select(*EVENT_COLUMNS)


def left_out_for(rules: SessionRules) -> Column:
    """Why an event is left out: ``no visitor``, ``bot`` or ``asset``; null for the events of ``visitor_events``."""
    return (
        F.when(_wanted(rules), F.lit(None).cast("string"))
        .when(F.col("domain_userid").isNull(), "no visitor")
        .when(F.col("is_bot") & F.lit(rules.exclude_bots), "bot")
        .otherwise("asset")
    )


def _wanted(rules: SessionRules) -> Column:
    conditions = [F.col("domain_userid").isNotNull()]
    if rules.exclude_bots:
        conditions.append(~F.col("is_bot"))
    if rules.exclude_assets:
        conditions.append(~F.col("is_asset"))
    return reduce(lambda left, right: left & right, conditions)


def label_sessions(events: DataFrame, rules: SessionRules, carried: DataFrame | None = None) -> DataFrame:
    """Events (EVENT_COLUMNS, one row per event_id) with the session each belongs to: the columns of SESSION_EVENTS.

    ``carried`` holds rows of SESSION_EVENTS from before the first of the events, those no more than a gap away from it.
    They open the window with the labels that they have, and are not returned. One shuffle and one sort, by visitor and
    time.
    """
    rows = events.select(*_packed(), F.lit(None).cast(_KNOWN).alias("_known"))
    if carried is not None:
        rows = rows.unionByName(carried.select(*_packed(), F.struct(*_LABELS).alias("_known")))
    by_time = Window.partitionBy("domain_userid").orderBy("derived_tstamp", "event_id")
    up_to_here = by_time.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    rows = _with_neighbours(rows, rules, by_time)
    rows = rows.withColumn("_chain_us", F.max(_chain_begun_us(rules)).over(up_to_here))
    session = F.last(
        F.when(_is_carried(), _session_known()).when(_begins_session(rules), _session_begun()), ignorenulls=True
    )
    rows = rows.withColumn("_session", session.over(up_to_here))
    labelled = rows.where(~_is_carried()).select(
        *_PLACE,
        "_payload.*",
        F.col("_session.id").alias("session_id"),
        F.col("_session.start").alias("session_start_tstamp"),
        F.timestamp_micros("_chain_us").alias("chain_start_tstamp"),
        _chain_campaign(rules).alias("chain_campaign"),
        F.lit(rules.text).alias("session_rules"),
    )
    return labelled.select(*SESSION_EVENTS.schema.names)


def _packed() -> list[Column]:
    """The columns of _PLACE, and ``_payload`` with the rest of EVENT_COLUMNS."""
    rest = [name for name in EVENT_COLUMNS if name not in _PLACE]
    return [*(F.col(name) for name in _PLACE), F.struct(*rest).alias("_payload")]


def _is_carried() -> Column:
    return F.col("_known").isNotNull()


def _with_neighbours(rows: DataFrame, rules: SessionRules, by_time: WindowSpec) -> DataFrame:
    """``_previous_us``; with campaigns also ``_campaign`` of the row and ``_last_campaign`` {us, text} before it."""
    neighbours = {"_previous_us": F.lag(_us("derived_tstamp")).over(by_time)}
    if rules.cut_on_campaign_change:
        parts = [
            F.coalesce(F.col(f"_payload.{part}"), F.lit("")) for part in ("mkt_source", "mkt_medium", "mkt_campaign")
        ]
        text = F.concat_ws("\x1f", *parts)
        own = F.when(_is_carried(), F.col("_known.chain_campaign")).when(text != "\x1f\x1f", text)
        rows = rows.withColumn("_campaign", own)
        met = F.when(
            F.col("_campaign").isNotNull(),
            F.struct(_us("derived_tstamp").alias("us"), F.col("_campaign").alias("text")),
        )
        before = by_time.rowsBetween(Window.unboundedPreceding, -1)
        neighbours["_last_campaign"] = F.last(met, ignorenulls=True).over(before)
    return rows.withColumns(neighbours)


def _us(column: str) -> Column:
    return F.unix_micros(F.col(column))


def _begins_chain(rules: SessionRules) -> Column:
    since = _us("derived_tstamp") - F.col("_previous_us")
    return F.col("_previous_us").isNull() | (since > rules.gap_minutes * _MICROS_A_MINUTE)


def _chain_begun_us(rules: SessionRules) -> Column:
    known = F.when(_is_carried(), _us("_known.chain_start_tstamp"))
    return known.when(_begins_chain(rules), _us("derived_tstamp"))


def _begins_session(rules: SessionRules) -> Column:
    begins = _begins_chain(rules)
    here, before = _us("derived_tstamp"), F.col("_previous_us")
    begins = begins | (_span_us(here, rules) != _span_us(before, rules))
    if rules.cut_at_midnight:
        begins = begins | (local_midnight_us(here, rules) != local_midnight_us(before, rules))
    if rules.cut_on_campaign_change:
        begins = begins | (F.col("_campaign").isNotNull() & ~F.col("_campaign").eqNullSafe(_campaign_before()))
    return begins


def _span_us(us: Column, rules: SessionRules) -> Column:
    # Only compared within one chain; the event before a chain precedes its start and is not needed.
    elapsed_us = us - F.col("_chain_us")
    return elapsed_us - elapsed_us % (rules.max_session_hours * 60 * _MICROS_A_MINUTE)


def local_midnight_us(us: Column, rules: SessionRules) -> Column:
    """The midnight before an instant, both in microseconds, on the site's clock as if it were UTC.

    Whole-number arithmetic, and independent of the session's time zone.
    """
    local_us = F.unix_micros(F.from_utc_timestamp(F.timestamp_micros(us), rules.site_time_zone))
    return local_us - F.pmod(local_us, F.lit(_MICROS_A_DAY))


def _campaign_before() -> Column:
    in_this_chain = F.col("_last_campaign.us") >= F.col("_chain_us")
    return F.when(in_this_chain, F.col("_last_campaign.text"))


def _chain_campaign(rules: SessionRules) -> Column:
    if not rules.cut_on_campaign_change:
        return F.lit(None).cast("string")
    return F.coalesce(F.col("_campaign"), _campaign_before())


def _session_known() -> Column:
    return F.struct(F.col("_known.session_id").alias("id"), F.col("_known.session_start_tstamp").alias("start"))


def _session_begun() -> Column:
    return F.struct(session_id().alias("id"), F.col("derived_tstamp").alias("start"))


def session_id() -> Column:
    """Half of the SHA-256 of visitor, start in microseconds and first event of a session, as 32 hexadecimal digits.

    The length of the visitor id is part of the text, so that no two different triples give the same one.
    """
    visitor = F.col("domain_userid")
    text = F.concat_ws(
        ":", _us("derived_tstamp").cast("string"), F.length(visitor).cast("string"), visitor, F.col("event_id")
    )
    return F.substring(F.sha2(text, 256), 1, 32)
