"""Where sessions begin: sentences on three or four events, and random histories against plain Python."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from session_frames import events_frame, labels_found
from session_oracle import Hit, labels_of

from jobs.clickstream.sessions.params import SessionRules
from jobs.clickstream.sessions.steps import label_sessions, left_out_for, visitor_events

pytestmark = pytest.mark.unit

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def at(minutes: float, event_id: str, campaign: str | None = None, visitor: str = "ada") -> Hit:
    return Hit(event_id, visitor, NOON + timedelta(minutes=minutes), campaign)


def sessions(spark: SparkSession, hits: list[Hit], rules: SessionRules) -> list[list[str]]:
    """The events of each session, sessions and events in order."""
    found = labels_found(label_sessions(events_frame(spark, hits), rules))
    groups: dict[str, list[Hit]] = {}
    for hit in sorted(hits, key=lambda hit: (hit.visitor, hit.at, hit.event_id)):
        groups.setdefault(found[hit.event_id].session_id, []).append(hit)
    return [[hit.event_id for hit in group] for group in groups.values()]


def test_a_session_ends_when_nothing_happens_for_longer_than_the_gap(spark: SparkSession) -> None:
    hits = [at(0, "a"), at(30, "b"), at(60.001, "c")]
    assert sessions(spark, hits, SessionRules(gap_minutes=30)) == [["a", "b"], ["c"]]


def test_visitors_do_not_share_sessions(spark: SparkSession) -> None:
    hits = [at(0, "a", visitor="ada"), at(1, "b", visitor="bob"), at(2, "c", visitor="ada")]
    assert sessions(spark, hits, SessionRules()) == [["a", "c"], ["b"]]


def test_a_chain_is_cut_at_every_multiple_of_the_longest_session(spark: SparkSession) -> None:
    hits = [at(0, "a"), at(50, "b"), at(60, "c"), at(119, "d"), at(175, "e")]
    assert sessions(spark, hits, SessionRules(gap_minutes=60, max_session_hours=1)) == [["a", "b"], ["c", "d"], ["e"]]


def test_midnight_of_the_site_cuts_only_when_asked_for(spark: SparkSession) -> None:
    # Midnight in Kolkata is 18:30 UTC.
    hits = [at(389, "a"), at(391, "b")]
    assert sessions(spark, hits, SessionRules(site_time_zone="Asia/Kolkata")) == [["a", "b"]]
    cut = SessionRules(cut_at_midnight=True, site_time_zone="Asia/Kolkata")
    assert sessions(spark, hits, cut) == [["a"], ["b"]]


def test_another_campaign_begins_a_session_and_no_campaign_does_not(spark: SparkSession) -> None:
    hits = [at(0, "a", "spring"), at(1, "b"), at(2, "c", "spring"), at(3, "d", "autumn"), at(4, "e", "spring")]
    assert sessions(spark, hits, SessionRules(cut_on_campaign_change=True)) == [["a", "b", "c"], ["d"], ["e"]]
    assert sessions(spark, hits, SessionRules()) == [["a", "b", "c", "d", "e"]]


def test_a_campaign_is_forgotten_after_a_gap(spark: SparkSession) -> None:
    hits = [at(0, "a", "spring"), at(60, "b"), at(61, "c", "spring")]
    assert sessions(spark, hits, SessionRules(cut_on_campaign_change=True)) == [["a"], ["b"], ["c"]]


def test_two_campaigns_at_one_instant_give_two_sessions_with_two_ids(spark: SparkSession) -> None:
    hits = [at(0, "a", "spring"), at(0, "b", "autumn")]
    assert sessions(spark, hits, SessionRules(cut_on_campaign_change=True)) == [["a"], ["b"]]


def test_the_id_of_a_session_is_half_a_sha256_of_its_start_visitor_and_first_event(spark: SparkSession) -> None:
    # printf '1795176000000000:3:ada:a' | sha256sum | cut -c1-32
    (label,) = labels_found(label_sessions(events_frame(spark, [at(0, "a")]), SessionRules())).values()
    assert label.session_id == "546fd35eb7676189dc0386b5a44937ff"


def test_bots_assets_and_events_without_visitor_are_left_out_with_a_reason(spark: SparkSession) -> None:
    hits = [at(0, "a"), at(1, "b"), at(2, "c"), at(3, "d")]
    flags = {"a": (False, False), "b": (True, True), "c": (False, True), "d": (True, False)}
    frame = events_frame(spark, hits).join(
        spark.createDataFrame([(k, *v) for k, v in flags.items()], "event_id string, is_bot boolean, is_asset boolean"),
        "event_id",
        "inner",
    )
    frame = frame.withColumn("domain_userid", F.expr("if(event_id = 'd', null, domain_userid)"))
    assert [row.event_id for row in visitor_events(frame, SessionRules()).collect()] == ["a"]
    reasons = frame.select("event_id", left_out_for(SessionRules())).collect()
    assert dict(map(tuple, reasons)) == {"a": None, "b": "bot", "c": "asset", "d": "no visitor"}
    kept = SessionRules(exclude_bots=False, exclude_assets=False)
    assert {row.event_id for row in visitor_events(frame, kept).collect()} == {"a", "b", "c"}
    reasons = frame.select("event_id", left_out_for(kept)).collect()
    assert dict(map(tuple, reasons)) == {"a": None, "b": None, "c": None, "d": "no visitor"}


# Steps around a gap of 30 minutes, exactly on it and one microsecond beyond, ties, and long strides over midnights.
STEPS = st.sampled_from(
    [
        timedelta(0),
        timedelta(microseconds=1),
        timedelta(minutes=7),
        timedelta(minutes=29, seconds=59),
        timedelta(minutes=30),
        timedelta(minutes=30, microseconds=1),
        timedelta(hours=5),
        timedelta(days=1),
    ]
)
RULES = st.builds(
    SessionRules,
    gap_minutes=st.sampled_from([1, 30, 360]),
    max_session_hours=st.sampled_from([1, 24]),
    cut_at_midnight=st.booleans(),
    site_time_zone=st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns"]),
    cut_on_campaign_change=st.booleans(),
)


@st.composite
def histories(draw: st.DrawFn) -> list[Hit]:
    """The hits of many visitors: one Spark job judges them all, so that an example is cheap."""
    hits = []
    for visitor in range(draw(st.integers(1, 40))):
        moment = datetime(2026, 3, 28, 22, 45, tzinfo=UTC)
        for number, step in enumerate(draw(st.lists(STEPS, min_size=1, max_size=12))):
            moment += step
            campaign = draw(st.sampled_from([None, None, "spring", "autumn"]))
            hits.append(Hit(f"{draw(st.integers(0, 999)):03d}-{visitor}-{number}", f"v{visitor}", moment, campaign))
    return draw(st.permutations(hits))


@given(hits=histories(), rules=RULES)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_events_in_any_order_get_the_sessions_that_a_sort_and_a_loop_give(
    spark: SparkSession, hits: list[Hit], rules: SessionRules
) -> None:
    assert labels_found(label_sessions(events_frame(spark, hits), rules)) == labels_of(hits, rules)


@given(hits=histories(), rules=RULES, cut_hours=st.integers(0, 96))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_events_labelled_in_two_parts_get_the_sessions_of_one_whole(
    spark: SparkSession, hits: list[Hit], rules: SessionRules, cut_hours: int
) -> None:
    cut = datetime(2026, 3, 28, 22, 0, tzinfo=UTC) + timedelta(hours=cut_hours)
    first = label_sessions(events_frame(spark, [hit for hit in hits if hit.at < cut]), rules).localCheckpoint()
    near = (cut - timedelta(minutes=rules.gap_minutes)).timestamp() * 1_000_000
    carried = first.where(f"unix_micros(derived_tstamp) >= {near:.0f}")
    second = label_sessions(events_frame(spark, [hit for hit in hits if hit.at >= cut]), rules, carried)
    assert labels_found(first) | labels_found(second) == labels_of(hits, rules)
