"""The verdicts of a check speak as the jobs do, and are those of the jobs' own rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from deploy.feeds.targets import JOBS, target_of
from deploy.feeds.verdicts import Verdicts
from deploy.tables.reasons import ABOUT
from jobs.clickstream.events.clock_skew import TimeLimits
from jobs.clickstream.events.params import IngestParams
from jobs.clickstream.events.steps import rules
from jobs.forecast.items.steps import item_rules
from jobs.forecast.overrides.feed import override_rules
from jobs.forecast.regressors.steps import calendar_rules
from jobs.forecast.sales.steps import sales_rules
from jobs.forecast.stock.steps import stock_rules
from jobs.fraud.transactions.feeds import label_rules, transaction_rules

pytestmark = pytest.mark.unit

NOW = datetime(2026, 3, 1, tzinfo=UTC)
EARLIEST = IngestParams.model_fields["earliest_day"].default
RULES = {
    rule.reason
    for some in (
        rules(TimeLimits(EARLIEST, NOW)),
        transaction_rules(NOW, 1e9),
        label_rules(NOW),
        sales_rules(NOW, 1e9),
        stock_rules(NOW, EARLIEST, negative_stock=False),
        calendar_rules(NOW, EARLIEST),
        item_rules(NOW, EARLIEST),
        override_rules(NOW, EARLIEST),
    )
    for rule in some
}
TIMES = {
    "clickstream.ingest": (
        "collector_tstamp",
        "EVT-003 the time is in the future",
        f"EVT-002 the time is before {EARLIEST}",
    ),
    "fraud.ingest": ("tx_datetime", "FRD-108 the time is in the future", "FRD-110 the time is before earliest_day"),
    "fraud.ingest_labels": (
        "reported_at",
        "FRD-116 the report is in the future",
        "FRD-119 the time of the report is before earliest_day",
    ),
    "forecast.ingest": ("sold_at", "FCT-105 the time is in the future", "FCT-108 the time is before earliest_day"),
    "forecast.ingest_stock": (
        "counted_at",
        "FCT-125 the stock is of the future",
        "FCT-127 the stock is from before earliest_day",
    ),
    "forecast.ingest_calendar": (
        "known_at",
        "FCT-165 it becomes known only in the future",
        "FCT-167 it is known since before earliest_day",
    ),
    "forecast.ingest_items": (
        "known_at",
        "FCT-185 a day is too far in the future",
        "FCT-186 a day is before earliest_day",
    ),
    "forecast.ingest_overrides": (
        "made_at",
        "FCT-197 it is made only in the future",
        "FCT-198 it was made before earliest_day",
    ),
}


def _reasons(job: str, before: str = "", **values: object) -> list[str]:
    return Verdicts(target_of(job), frozenset(values), NOW).reasons(values, before)


@pytest.mark.parametrize("job", JOBS)
def test_what_is_missing_is_said_in_the_words_of_the_jobs_rules(job):
    reasons = {one.reason for one in target_of(job).missing}
    assert reasons <= RULES
    assert set(_reasons(job)) == reasons


@pytest.mark.parametrize("job", JOBS)
def test_times_that_cannot_be_are_said_in_the_words_of_the_jobs_rules(job):
    name, future, early = TIMES[job]
    assert {future, early} <= RULES
    assert future in _reasons(job, **{name: NOW + timedelta(days=2_000)})
    assert early in _reasons(job, **{name: datetime(1899, 12, 30, tzinfo=UTC)})
    assert not {future, early} & set(_reasons(job, **{name: datetime(2024, 1, 1, tzinfo=UTC)}))


def test_values_of_ready_series_may_be_older_than_tills():
    old, older = datetime(1955, 12, 31, tzinfo=UTC), datetime(1899, 12, 30, tzinfo=UTC)
    assert _reasons("forecast.ingest", unique_id="Y1", ds=old, y=7.0) == []
    assert _reasons("forecast.ingest", unique_id="Y1", ds=older, y=7.0) == ["FCT-108 the time is before earliest_day"]
    sale = _reasons("forecast.ingest", item_id="A", sold_at=old, quantity=7.0)
    assert sale == ["FCT-108 the time is before earliest_day"]


def test_numbers_that_cannot_be_are_said_in_the_words_of_the_jobs_rules():
    found = [
        *_reasons("fraud.ingest", tx_amount=Decimal(-1)),
        *_reasons("forecast.ingest", quantity=float("inf")),
        *_reasons("forecast.ingest", quantity=-2e9),
        *_reasons("forecast.ingest", unit_price=Decimal("-0.5")),
        *_reasons("forecast.ingest_stock", on_hand=float("inf")),
        *_reasons("forecast.ingest_stock", on_hand=-1.0),
        *_reasons("forecast.ingest_stock", on_order=-1.0),
        *_reasons("forecast.ingest_stock", supplier="S"),
        *_reasons("forecast.ingest_stock", supplier="S", lead_time_days=7.0, budget=0.0),
        *_reasons("forecast.ingest_calendar", value=float("nan")),
        *_reasons("forecast.ingest_calendar", starts_on=NOW, ends_on=NOW - timedelta(days=1)),
        *_reasons("forecast.ingest_items", factor=-1.0),
        *_reasons("forecast.ingest_items", unique_id="A", replaces="A"),
        *_reasons("forecast.ingest_overrides", y_hat=-1.0),
        *_reasons("forecast.ingest_overrides", y_hat=1.0, factor=1.0),
        *_reasons("forecast.ingest_overrides", factor=2.0, first_ds=NOW, last_ds=NOW - timedelta(days=1)),
        *_reasons("clickstream.ingest", http_status="ok", bytes="many", quantity="two", price="dear"),
        *_reasons("clickstream.ingest", price="-3"),
        *_reasons("clickstream.ingest", tax="0.00001234"),
    ]
    assert _reasons("forecast.ingest", unit_price=Decimal(-5), is_product=False) == _reasons("forecast.ingest")
    wanted = {
        "FRD-106",
        "FCT-104",
        "FCT-106",
        "FCT-109",
        "FCT-124",
        "FCT-126",
        "FCT-129",
        "FCT-141",
        "FCT-142",
        "FCT-164",
        "FCT-166",
        "FCT-183",
        "FCT-184",
        "FCT-193",
        "FCT-194",
        "FCT-199",
        "EVT-005",
        "EVT-006",
        "EVT-007",
        "EVT-008",
        "EVT-009",
        "EVT-012",
    }
    assert wanted <= {reason.partition(" ")[0] for reason in found}
    assert set(found) <= RULES
    assert not {"EVT-007", "EVT-008"} & {
        reason.partition(" ")[0] for reason in _reasons("clickstream.ingest", price="0.12340", quantity="1e3")
    }


@pytest.mark.parametrize(
    ("sent", "reasons"),
    [
        ("2026-02-01T10:00:00.123456789+02", []),
        ("2026-02-01 10:00 UTC", []),
        ("1769940000123", []),
        ("01.02.2026", ["EVT-001 no time could be read"]),
        ("2026-W05-7", ["EVT-001 no time could be read"]),
        ("10:00", ["EVT-001 no time could be read"]),
        ("4102444800", ["EVT-001 no time could be read"]),
        ("2025-02-30 10:00:00", ["EVT-001 no time could be read"]),
    ],
)
def test_the_time_of_an_event_is_read_as_the_job_reads_it(sent, reasons):
    verdicts = Verdicts(target_of("clickstream.ingest"), frozenset({"collector_tstamp", "user_id"}), NOW)
    assert verdicts.reasons({"collector_tstamp": sent, "user_id": "ann"}, "") == reasons


def test_each_job_has_its_own_words_for_nothing():
    columns = frozenset({"transaction_id"})
    words = {"-": [], "NULL": ["FRD-101 the transaction has no id"], "": ["FRD-101 the transaction has no id"]}
    for word, reasons in words.items():
        verdicts = Verdicts(target_of("fraud.ingest"), columns, NOW)
        assert [one for one in verdicts.reasons({"transaction_id": word}, "") if one.startswith("FRD-101")] == reasons


def test_a_value_that_could_not_be_read_is_not_missing_too():
    found = _reasons(
        "fraud.ingest", "SRC-301 cannot be read: tx_amount", tx_amount=None, transaction_id="t", customer_id="c"
    )
    assert [reason.partition(" ")[0] for reason in found] == ["SRC-301", "FRD-102", "FRD-104"]
    assert _reasons("fraud.ingest", "SRC-212 not a csv line of 3 columns") == ["SRC-212 not a csv line of 3 columns"]


def test_a_report_without_an_answer_and_a_period_without_a_value_are_left_out():
    labels = Verdicts(target_of("fraud.ingest_labels"), frozenset({"transaction_id", "reported_at", "is_fraud"}), NOW)
    assert labels.is_left_out({"transaction_id": "1", "is_fraud": None}, "")
    assert not labels.is_left_out({"transaction_id": "1", "is_fraud": None}, "SRC-301 cannot be read: is_fraud")
    assert not labels.is_left_out({"transaction_id": "1", "is_fraud": False}, "")
    series = Verdicts(target_of("forecast.ingest"), frozenset({"unique_id", "ds", "y", "item_id", "quantity"}), NOW)
    assert series.is_left_out({"unique_id": "A", "y": None, "item_id": None, "quantity": None}, "")
    assert not series.is_left_out({"unique_id": None, "y": None, "item_id": "MUG", "quantity": None}, "")
    assert not series.is_left_out({"unique_id": "A", "y": 0.0, "item_id": None, "quantity": None}, "")


def test_the_columns_of_every_rule_that_looks_at_columns_are_known():
    lengths = {"EVT-010", "EVT-011"}
    assert {reason.partition(" ")[0] for reason in RULES} - set(ABOUT) <= lengths


def test_sales_without_a_receipt_are_never_repetitions():
    target = target_of("forecast.ingest")
    line = {"item_id": "A", "sold_at": datetime(2024, 1, 1, tzinfo=UTC), "quantity": 1.0}
    bare = Verdicts(target, frozenset(line), NOW)
    assert [bare.is_repeated(line), bare.is_repeated(line)] == [False, False]
    with_receipt = {**line, "invoice_id": "7"}
    named = Verdicts(target, frozenset(with_receipt), NOW)
    assert [named.is_repeated(with_receipt), named.is_repeated(with_receipt)] == [False, True]
