"""clickstream.sessionise from silver events to published sessions: days in any order equal one full recompute."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from audited import passed
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from session_oracle import Hit
from visited_site import DAYS, MIDNIGHT, VISITS, Site, at, silver

from common.days import DayRange
from common.lake.table import Table
from common.quality.audit import AuditResult
from jobs.clickstream.events.tables import EVENTS
from jobs.clickstream.sessions.params import SessionRules
from jobs.clickstream.sessions.tables import SESSION_EVENTS, SESSIONS

pytestmark = [pytest.mark.flow, pytest.mark.usefixtures("no_ops_rows")]


@pytest.fixture
def site(spark: SparkSession, tmp_path: Path) -> Site:
    return Site(spark, tmp_path / "lake")


@pytest.fixture
def new_site(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Site]:
    return lambda: Site(spark, tmp_path_factory.mktemp("site") / "lake")


def test_a_visit_over_midnight_is_one_session_of_the_day_on_which_it_began(site: Site) -> None:
    site.has(VISITS)
    assert site.sessionise(DAYS[0], DAYS[0]) == 0
    assert site.sessionise(DAYS[1], DAYS[1]) == 0
    rows = site.lake.read(SESSIONS).where("domain_userid = 'ada'").orderBy("session_start_tstamp").collect()
    assert [(row.session_date, row.events, row.landing_page, row.exit_page) for row in rows] == [
        (DAYS[0], 1, "/e", "/e"),
        (DAYS[0], 3, "/a", "/a"),
    ]
    assert (rows[1].duration_s, rows[1].conversions, rows[1].revenue) == (1500.0, 1, Decimal("2.5"))
    assert rows[1].is_bounce is False


def test_a_second_run_changes_no_row_and_every_row_is_accounted_for(site: Site, unaudited: None) -> None:
    site.has(VISITS)
    bot, nobody = silver(at(7, "bot")) | {"is_bot": True}, silver(at(8, "nobody")) | {"domain_userid": None}
    extra = site.spark.createDataFrame([bot, nobody], EVENTS.schema)
    site.lake.upsert(passed(EVENTS, extra))
    assert site.sessionise(DAYS[0], DAYS[3]) == 0
    first = site.tables()
    assert site.sessionise(DAYS[0], DAYS[3]) == 0
    assert site.tables() == first
    assert len(first[0]) == len(VISITS)
    counts = site.record()["counts"]
    assert (counts["rows_read"], counts["rows_written"], counts["rows_filtered"]) == (len(VISITS) + 2, len(VISITS), 2)


def test_days_run_one_by_one_in_any_order_and_one_twice_equal_one_recompute_of_all(site: Site, unaudited: None) -> None:
    site.has(VISITS)
    for number in (3, 2, 0, 1, 2):
        assert site.sessionise(DAYS[number], DAYS[number]) == 0
    assert site.holds_exactly(VISITS)


def test_a_late_event_that_joins_two_days_changes_the_next_day_too(site: Site, unaudited: None) -> None:
    late = at(-20, "late", "bob")  # between bob's -40 and +10: one session now
    site.has(VISITS)
    assert site.sessionise(DAYS[0], DAYS[3]) == 0
    site.has([*VISITS, late], days=DayRange.single(DAYS[0]))
    assert site.sessionise(DAYS[0], DAYS[0]) == 0
    assert site.holds_exactly([*VISITS, late])
    # And away again: what the first day loses, the next one must feel.
    site.has(VISITS, days=DayRange.single(DAYS[0]))
    assert site.sessionise(DAYS[0], DAYS[0]) == 0
    assert site.holds_exactly(VISITS)


def test_an_audit_that_fails_leaves_the_tables_as_they_were_and_keeps_the_staged_rows(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.has(VISITS)
    monkeypatch.setattr("common.run.gate.audit", _failing)
    assert site.sessionise(DAYS[0], DAYS[0]) == 3
    assert not site.lake.exists(SESSION_EVENTS)
    assert not site.lake.exists(SESSIONS)
    (kept,) = (site.root / "_staging").glob("*/*")
    remedy = site.record()["error"]["remedy"]
    assert str(kept) in remedy
    assert site.spark.read.parquet(str(kept)).count() == site.lake.read(EVENTS, days=DayRange.single(DAYS[0])).count()


def test_sessions_that_stay_are_audited_together_with_the_new_ones(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    audited: dict[str, list[str]] = {}

    def audit(rows: DataFrame, table: Table, **_: Any) -> AuditResult:
        audited[table.name] = sorted(row[0] for row in rows.select(*table.keys).collect())
        return AuditResult(table.name, [])

    site.has([at(-30, "stays", "ann"), at(10, "new", "bob")])
    monkeypatch.setattr("common.run.gate.audit", audit)
    assert site.sessionise(DAYS[0], DAYS[3]) == 0
    ids = sorted(row.session_id for row in site.lake.read(SESSIONS).collect())
    assert site.sessionise(DAYS[1], DAYS[1]) == 0
    assert len(ids) == 2
    assert audited["clickstream.sessions"] == ids


def _failing(rows: DataFrame, table: Table, **_: Any) -> AuditResult:
    broken = {"expectation": "e", "column": "c", "severity": "error", "success": False, "observed": "1", "detail": ""}
    return AuditResult(table.name, [{**broken, "kwargs": {}, "why": ""}])


def test_other_rules_than_those_of_the_day_before_are_refused(site: Site, unaudited: None) -> None:
    site.has(VISITS)
    assert site.sessionise(DAYS[0], DAYS[0]) == 0
    assert site.sessionise(DAYS[1], DAYS[1], "--set", "gap_minutes=45") == 2
    assert site.sessionise(DAYS[0], DAYS[1], "--set", "gap_minutes=45") == 0


def test_no_session_and_no_conversion_out_of_events_is_said_at_the_end(site: Site, unaudited: None) -> None:
    machines = [silver(at(minute, f"bot {minute}")) | {"is_bot": True} for minute in (7, 8)]
    site.lake.upsert(passed(EVENTS, site.spark.createDataFrame(machines, EVENTS.schema)))
    assert site.sessionise(DAYS[1], DAYS[1]) == 0
    assert site.record()["warnings"] == ["no session out of 2 events (left out: 2 bot)"]
    site.lake.upsert(passed(EVENTS, site.spark.createDataFrame([silver(at(9, "ada"))], EVENTS.schema)))
    assert site.sessionise(DAYS[1], DAYS[1]) == 0
    assert site.record()["warnings"] == [f"no conversion on {DAYS[1]}: purchase does not occur"]


def test_without_events_the_job_says_so(site: Site) -> None:
    assert site.sessionise(DAYS[0], DAYS[0]) == 4


@given(
    steps=st.lists(st.sampled_from([5, 25, 30, 31, 200, 900]), min_size=1, max_size=25),
    runs=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1)), min_size=1, max_size=2),
    campaigns=st.booleans(),
)
@examples(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_history_run_in_any_pieces_has_the_sessions_of_plain_python(
    new_site: Callable[[], Site],
    unaudited: None,
    steps: list[int],
    runs: list[tuple[int, int]],
    campaigns: bool,
) -> None:
    minutes = [-1400 + sum(steps[: n + 1]) for n in range(len(steps))]
    hits = [
        Hit(f"{v}{n}", v, MIDNIGHT + timedelta(minutes=m), campaign=[None, "x", "y"][(n + i) % 3])
        for n, m in enumerate(minutes)
        for i, v in enumerate(("ada", "bob"))
        if m < 2 * 1440
    ]
    site, rules = new_site(), SessionRules(cut_on_campaign_change=campaigns, cut_at_midnight=not campaigns)
    site.has(hits)
    flags = ["--set", f"cut_on_campaign_change={campaigns}", "--set", f"cut_at_midnight={not campaigns}"]
    pieces = [(DAYS[first], DAYS[min(first + length, 2)]) for first, length in runs]
    owned = {day for first, last in pieces for day in DayRange(first, last)}
    for first, last in [*pieces, *((day, day) for day in DAYS[:3] if day not in owned)]:
        assert site.sessionise(first, last, *flags) == 0
    assert site.holds_exactly(hits, rules)


def test_changed_days_equal_one_recompute_of_all(site: Site, unaudited: None) -> None:
    site.has(VISITS)
    assert site.changed() == 0
    # The last day loses all its events, the first one of them.
    hits = [hit for hit in VISITS if hit.day < DAYS[3] and hit.event_id != "early"]
    site.has(hits, days=DayRange.single(DAYS[0]))
    site.has(hits, days=DayRange.single(DAYS[3]))
    assert site.changed() == 0
    assert site.record()["days"] == {"first": str(DAYS[3]), "last": str(DAYS[3])}
    assert site.holds_exactly(hits)
