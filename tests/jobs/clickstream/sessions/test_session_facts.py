"""What is said about a session: sentences on a few events, and DuckDB on many."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from session_frames import EVENT_SCHEMA, events_frame
from session_oracle import Hit, event_row

from jobs.clickstream.sessions.facts import summarise_sessions
from jobs.clickstream.sessions.gap_sensitivity import CutAtGap, cut_at_gaps, sample_of_visitors
from jobs.clickstream.sessions.params import SessioniseParams, SessionRules
from jobs.clickstream.sessions.steps import label_sessions
from jobs.clickstream.sessions.tables import SESSION_EVENTS

pytestmark = pytest.mark.unit

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def hit(
    minutes: float, event_id: str, name: str = "page_view", page: str | None = "/", **columns: Any
) -> dict[str, Any]:
    return event_row(Hit(event_id, "ada", NOON + timedelta(minutes=minutes), name=name, page=page), **columns)


def sold(minutes: float, event_id: str, price: str, order: str | None, **columns: Any) -> dict[str, Any]:
    worth = {"price": Decimal(price), "currency": "GBP", "transaction_id": order}
    return hit(minutes, event_id, "purchase", None, **(worth | columns))


def summed(spark: SparkSession, rows: list[dict[str, Any]], zone: str = "UTC") -> list[Row]:
    labelled = label_sessions(spark.createDataFrame(rows, EVENT_SCHEMA), SessionRules())
    return summarise(labelled, zone).orderBy("session_start_tstamp").collect()


def summarise(labelled: DataFrame, zone: str = "UTC") -> DataFrame:
    return summarise_sessions(
        labelled, page_view_events=["page_view"], conversion_events=["purchase"], site_time_zone=zone
    )


def test_pages_are_counted_once_and_landing_and_exit_are_the_first_and_last_viewed(spark: SparkSession) -> None:
    rows = [hit(0, "a", "ping", None), hit(1, "b", page="/in"), hit(2, "c", page="/x"), hit(3, "d", page="/in")]
    (session,) = summed(spark, [*rows, hit(4, "e", "ping", "/not-viewed")])
    assert (session.events, session.page_views, session.distinct_pages) == (5, 3, 2)
    assert (session.landing_page, session.exit_page) == ("/in", "/in")
    assert (session.duration_s, session.is_bounce) == (240.0, False)


def test_the_same_path_on_two_hosts_is_two_pages(spark: SparkSession) -> None:
    (session,) = summed(spark, [hit(0, "a", page_urlhost="shop"), hit(1, "b", page_urlhost="blog")])
    assert session.distinct_pages == 2


def test_source_and_campaign_are_those_of_the_first_event_and_the_user_the_last_one_known(spark: SparkSession) -> None:
    first = {"refr_medium": "search", "mkt_campaign": None, "user_id": "u1"}
    later = {"refr_medium": "social", "mkt_campaign": "spring", "user_id": "u2"}
    (session,) = summed(spark, [hit(1, "b", **later), hit(0, "a", **first), hit(2, "c")])
    assert (session.refr_medium, session.mkt_campaign, session.user_id) == ("search", None, "u2")


def test_lines_of_one_order_are_one_conversion_and_all_of_its_revenue(spark: SparkSession) -> None:
    lines = [sold(0, "a", "2.50", "o1", quantity=Decimal(2)), sold(0, "b", "1.25", "o1"), sold(1, "c", "4", None)]
    (session,) = summed(spark, lines)
    assert (session.conversions, session.revenue, session.currency) == (2, Decimal("10.25"), "GBP")
    assert session.is_bounce is False


def test_an_order_counts_once_by_its_total_else_its_items_else_its_lines(spark: SparkSession) -> None:
    total, items = {"order_total": Decimal("92.00")}, {"items_total": Decimal("40.00")}
    by_total = [sold(0, "a", "10", "o1", **total), sold(1, "b", "50", "o1", **total), sold(2, "c", "1", "o1")]
    by_items = [sold(3, "d", "10", "o2", **items), sold(4, "e", "10", "o2", **items)]
    by_lines = [sold(5, "f", "3", "o3", item_id="x"), sold(6, "g", "3", "o3", item_id="y")]
    (session,) = summed(spark, [*by_total, *by_items, *by_lines])
    # 92 + 40 + 3 + 3
    assert (session.conversions, session.revenue) == (3, Decimal("138.0000"))


def test_a_thank_you_page_that_is_loaded_again_sells_nothing(spark: SparkSession) -> None:
    again = [sold(0, "a", "30", "o1", item_id="x"), sold(1, "b", "30", "o1", item_id="x")]
    unnamed = [sold(2, "c", "5", None), sold(3, "d", "5", None)]
    (session,) = summed(spark, [*again, *unnamed])
    assert (session.conversions, session.revenue) == (3, Decimal("40.0000"))


def test_an_order_of_which_no_amount_was_sent_has_no_revenue(spark: SparkSession) -> None:
    (session,) = summed(spark, [hit(n, f"e{n}", "purchase", transaction_id=f"o{n}", currency="GBP") for n in (0, 1)])
    assert (session.conversions, session.revenue, session.currency) == (2, None, "GBP")


def test_revenue_in_two_currencies_is_not_added_up(spark: SparkSession) -> None:
    (session,) = summed(spark, [sold(0, "a", "1", "o1"), sold(1, "b", "1", "o2", currency="EUR")])
    assert (session.conversions, session.revenue, session.currency) == (2, None, None)


def test_money_of_an_unknown_currency_is_not_added_to_that_of_a_known_one(spark: SparkSession) -> None:
    (mixed,) = summed(spark, [sold(0, "a", "10", "o1"), sold(1, "b", "1000", "o2", currency=None)])
    assert (mixed.conversions, mixed.revenue, mixed.currency) == (2, None, None)
    (unnamed,) = summed(spark, [sold(0, "a", "10", "o1", currency=None), sold(1, "b", "5", "o2", currency=None)])
    assert (unnamed.revenue, unnamed.currency) == (Decimal("15.0000"), None)


def test_a_view_of_an_unknown_page_is_no_page(spark: SparkSession) -> None:
    unknown = {"page_urlhost": None, "page_urlpath": None}
    (session,) = summed(spark, [hit(0, "a", **unknown), hit(1, "b", **unknown), hit(2, "c")])
    assert (session.page_views, session.distinct_pages) == (3, 1)


def test_one_page_and_nothing_bought_is_a_bounce(spark: SparkSession) -> None:
    (session,) = summed(spark, [hit(0, "a"), hit(1, "b", "scroll")])
    assert (session.is_bounce, session.revenue, session.currency) == (True, None, None)


def test_the_day_is_utc_and_the_hour_that_of_the_site(spark: SparkSession) -> None:
    row = event_row(Hit("a", "ada", datetime(2026, 11, 20, 23, 59, tzinfo=UTC)))
    (session,) = summed(spark, [row], zone="Asia/Kolkata")
    assert (session.session_date, session.start_hour) == (date(2026, 11, 20), 5)


IN_DUCKDB = """
SELECT session_id, count(*), count(*) FILTER (event_name = 'page_view'),
  count(DISTINCT coalesce(page_urlhost, '') || ' ' || page_urlpath) FILTER (event_name = 'page_view'),
  first(page_urlpath ORDER BY derived_tstamp, event_id) FILTER (event_name = 'page_view'),
  last(page_urlpath ORDER BY derived_tstamp, event_id) FILTER (event_name = 'page_view'),
  epoch_us(max(derived_tstamp)) - epoch_us(min(derived_tstamp)),
  first(refr_medium ORDER BY derived_tstamp, event_id),
  count(DISTINCT coalesce(transaction_id, event_id)) FILTER (event_name = 'purchase'),
  sum(price * coalesce(quantity, 1)) FILTER (event_name = 'purchase')
FROM labelled GROUP BY session_id ORDER BY session_id
"""


def test_duckdb_says_the_same_of_two_thousand_random_events(spark: SparkSession) -> None:
    rng = random.Random(20261120)
    rows = []
    for number in range(2000):
        name = rng.choices(["page_view", "ping", "purchase"], [6, 2, 1])[0]
        moment = NOON + timedelta(seconds=rng.randrange(0, 200_000))
        person = Hit(f"{number:04d}", f"v{rng.randrange(25)}", moment, name=name, page=f"/{rng.randrange(9)}")
        refr = {"refr_medium": rng.choice(["search", "social"])}
        bought = {"price": Decimal(rng.randrange(1, 999)) / 4, "quantity": rng.choice([None, Decimal(3)])}
        order = {"transaction_id": rng.choice([None, f"o{number // 9}"]), "currency": "GBP"}
        rows.append(event_row(person, **refr, **(bought | order if name == "purchase" else {})))
    labelled = label_sessions(spark.createDataFrame(rows, EVENT_SCHEMA), SessionRules()).localCheckpoint()
    ours = summarise(labelled).orderBy("session_id").collect()
    with duckdb.connect() as connection:
        connection.register("labelled", labelled.toArrow() if hasattr(labelled, "toArrow") else labelled.toPandas())
        theirs = connection.execute(IN_DUCKDB).fetchall()
    assert len(theirs) > 200
    for session, (key, *facts) in zip(ours, theirs, strict=True):
        found = [session.events, session.page_views, session.distinct_pages, session.landing_page, session.exit_page]
        found += [round(session.duration_s * 1e6), session.refr_medium, session.conversions, session.revenue]
        assert (session.session_id, found) == (key, facts)


def test_a_longer_gap_joins_sessions_and_lone_events(spark: SparkSession) -> None:
    hits = [Hit(name, "ada", NOON + timedelta(minutes=m)) for name, m in (("a", 0), ("b", 10), ("c", 30), ("d", 75))]
    hits.append(Hit("e", "bob", NOON))
    rows = label_sessions(events_frame(spark, hits), SessionRules())
    assert cut_at_gaps(rows, [15, 30, 60]) == [CutAtGap(15, 4, 3), CutAtGap(30, 3, 2), CutAtGap(60, 2, 1)]


def test_a_sample_holds_all_events_of_a_visitor_or_none(spark: SparkSession) -> None:
    hits = [Hit(f"{v}-{n}", f"v{v}", NOON + timedelta(minutes=n)) for v in range(400) for n in range(2)]
    sampled = sample_of_visitors(events_frame(spark, hits), 0.25)
    counts = [row["count"] for row in sampled.groupBy("domain_userid").count().collect()]
    assert set(counts) == {2}
    assert 60 <= len(counts) <= 140


def test_every_rule_is_named_in_the_text_that_rows_are_stored_with() -> None:
    plain = SessionRules()
    others = [
        SessionRules(gap_minutes=31),
        SessionRules(max_session_hours=23),
        SessionRules(cut_at_midnight=True),
        SessionRules(cut_at_midnight=True, site_time_zone="Asia/Kolkata"),
        SessionRules(cut_on_campaign_change=True),
        SessionRules(exclude_bots=False),
        SessionRules(exclude_assets=False),
    ]
    assert len({rules.text for rules in [plain, *others]}) == len(others) + 1
    assert SESSION_EVENTS.schema["session_rules"].nullable is False


def test_parameters_refuse_a_zone_that_is_none() -> None:
    with pytest.raises(ValueError, match="Europe/Atlantis"):
        SessioniseParams(site_time_zone="Europe/Atlantis")
