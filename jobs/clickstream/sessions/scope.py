"""What a run over some days has to look at besides those days, so that it leaves the tables as a full recompute would.

Sessions do not stop at midnight. A run that owns the days F..T therefore

- opens with the last events before F (``carried_in``), whose labels it takes as they are;
- goes on, when T+1 has been sessionised already, through the chain that each visitor begins T+1 with
  (``leading_chains``): whether it continues a chain of T is only known now. If such a chain fills its day to within a
  gap of the next midnight, the day after is looked at for these visitors too (``open_visitors``);
- sums up every session that has an event among these, or had one before (``sessions_before``), and leaves the others
  alone (``untouched_sessions``).

All of this depends on event times and on the state of the table about to be replaced, never on a comparison of old
and new labels. So a run that died between its commits is repaired by running it again.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from common.days import DayRange
from jobs.clickstream.sessions.params import SessionRules
from jobs.clickstream.sessions.tables import EVENT_COLUMNS

_DAY = timedelta(days=1)


def midnight(day: date, *, plus_minutes: int = 0) -> Column:
    """The instant at which a UTC day begins, moved by some minutes; independent of the session's time zone."""
    begins = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=plus_minutes)
    return F.timestamp_micros(F.lit(int(begins.timestamp()) * 1_000_000))


def carried_in(session_events: DataFrame, first_day: date, rules: SessionRules) -> DataFrame:
    """The SESSION_EVENTS rows of the day before ``first_day`` that are no more than a gap before its midnight.

    An event on ``first_day`` can only continue a chain through one of these.
    """
    near = F.col("derived_tstamp") >= midnight(first_day, plus_minutes=-rules.gap_minutes)
    return session_events.where((F.col("event_date") == F.lit(first_day - _DAY)) & near)


def leading_chains(session_events: DataFrame, day: date, rules: SessionRules) -> DataFrame:
    """Each visitor's SESSION_EVENTS on ``day`` up to the first gap, where they may continue the day before.

    Two chains of one visitor begin more than a gap apart, so that at most one of those with events on ``day`` begins
    before or within a gap of its midnight. Which events it has depends on gaps alone, not on how the days before are
    labelled.
    """
    leads = F.col("chain_start_tstamp") <= midnight(day, plus_minutes=rules.gap_minutes)
    return session_events.where((F.col("event_date") == F.lit(day)) & leads)


def open_visitors(chains: DataFrame, day: date, rules: SessionRules) -> DataFrame:
    """The visitors (domain_userid) whose leading chain of ``day`` lasts to within a gap of the next midnight."""
    near = F.col("derived_tstamp") >= midnight(day + _DAY, plus_minutes=-rules.gap_minutes)
    return chains.where(near).select("domain_userid").distinct()


def continued(chains: DataFrame, visitors: DataFrame) -> DataFrame:
    """The leading chains of a further day that belong to ``visitors`` still open."""
    return chains.join(visitors, "domain_userid", "left_semi")


def as_events(session_events: DataFrame) -> DataFrame:
    """SESSION_EVENTS rows without their labels, to be labelled again."""
    return session_events.select(*EVENT_COLUMNS)


def sessions_before(labelled: DataFrame, sessions: DataFrame | None, first_day: date) -> DataFrame:
    """Ids (session_id) of the sessions begun before ``first_day`` that have an event on or after it, or had one.

    ``labelled`` are the new rows of the run, ``sessions`` the published ones around it, None when there are none.
    """
    begins = midnight(first_day)
    now = labelled.where(F.col("session_start_tstamp") < begins).select("session_id")
    if sessions is None:
        return now.distinct()
    reached = (F.col("session_date") < F.lit(first_day)) & (F.col("session_end_tstamp") >= begins)
    return now.unionByName(sessions.where(reached).select("session_id")).distinct()


def events_before(session_events: DataFrame, first_day: date, before: DataFrame) -> DataFrame:
    """The SESSION_EVENTS rows from before ``first_day`` of the sessions ``before`` (session_id)."""
    return session_events.where(F.col("event_date") < F.lit(first_day)).join(before, "session_id", "left_semi")


def untouched_sessions(sessions: DataFrame, days: DayRange, before: DataFrame, tail: DataFrame) -> DataFrame:
    """The published sessions around ``days`` that a run leaves as they are.

    Gone are those that began in ``days``, those ``before`` (session_id), and those after that began within the part of
    a day that was labelled again: ``tail`` are the new SESSION_EVENTS rows after ``days``.
    """
    parts = tail.groupBy("domain_userid", F.col("event_date").alias("session_date")).agg(
        F.max("derived_tstamp").alias("_part_end_tstamp")
    )
    earlier = sessions.where(F.col("session_date") < F.lit(days.first)).join(before, "session_id", "left_anti")
    later = sessions.where(F.col("session_date") > F.lit(days.last)).alias("s")
    same = (F.col("s.domain_userid") == F.col("p.domain_userid")) & (F.col("s.session_date") == F.col("p.session_date"))
    inside = same & (F.col("s.session_start_tstamp") <= F.col("p._part_end_tstamp"))
    return earlier.unionByName(later.join(parts.alias("p"), inside, "left_anti"))
