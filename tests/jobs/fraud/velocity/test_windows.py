from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from common.days import DayRange
from jobs.fraud.velocity import tables
from jobs.fraud.velocity.params import FeaturesParams
from jobs.fraud.velocity.proof import compared_rows, leaking_rows, sample_of
from jobs.fraud.velocity.windows import build_features

pytestmark = pytest.mark.unit

NOON = datetime(2026, 3, 2, 12, 0, 0)
ALL_DAYS = DayRange(date(2026, 1, 1), date(2026, 12, 31))
Build = Callable[..., DataFrame]


def at(days: float) -> datetime:
    return NOON + timedelta(days=days)


def by_id(features: DataFrame) -> dict[str, Any]:
    return {row["transaction_id"]: row for row in features.collect()}


def test_a_customer_window_holds_the_transaction_itself_but_not_the_one_exactly_n_days_before(
    transactions: Build, labels: Build
) -> None:
    rows = transactions(
        {"tx_amount": Decimal("10")},
        {"tx_amount": Decimal("40"), "tx_datetime": at(1)},
        {"tx_amount": Decimal("1"), "tx_datetime": at(1) + timedelta(microseconds=1)},
    )
    found = by_id(build_features(rows, labels(), days=ALL_DAYS, label_delay_days=7))
    counts = [found[i]["customer_id_nb_tx_1day_window"] for i in "123"]
    assert counts == [1, 1, 2]
    assert [found[i]["customer_id_nb_tx_7day_window"] for i in "123"] == [1, 2, 3]
    assert [found[i]["customer_id_avg_amount_7day_window"] for i in "123"] == [10.0, 25.0, 17.0]
    assert found["3"]["customer_id_avg_amount_1day_window"] == 20.5


def test_of_two_transactions_in_one_instant_only_the_later_id_sees_the_other(
    transactions: Build, labels: Build
) -> None:
    rows = transactions({"transaction_id": "10"}, {"transaction_id": "9"})
    found = by_id(build_features(rows, labels(), days=ALL_DAYS, label_delay_days=7))
    assert {i: row["customer_id_nb_tx_1day_window"] for i, row in found.items()} == {"9": 1, "10": 2}


def test_risk_counts_a_fraud_from_the_end_of_the_delay_to_the_end_of_the_window(
    transactions: Build, labels: Build
) -> None:
    moments = [0, 6.99, 7, 7.99, 8, 13.99, 14, 36.99, 37]
    rows = transactions(*({"tx_datetime": at(d), "customer_id": f"C{d}"} for d in moments))
    found = by_id(build_features(rows, labels({}), days=ALL_DAYS, label_delay_days=7))
    ordered = [found[str(i)] for i in range(1, len(moments) + 1)]
    assert [row["terminal_id_risk_1day_window"] for row in ordered] == [0, 0, 1, 1, 0, 0, 0, 0, 0]
    assert [row["terminal_id_nb_tx_1day_window"] for row in ordered] == [0, 0, 1, 1, 0, 1, 2, 0, 0]
    assert [row["terminal_id_risk_7day_window"] for row in ordered] == pytest.approx([0, 0, 1, 1, 1, 1 / 2, 0, 0, 0])
    assert [row["terminal_id_nb_tx_7day_window"] for row in ordered] == [0, 0, 1, 1, 1, 2, 2, 0, 0]
    assert [row["terminal_id_nb_tx_30day_window"] for row in ordered] == [0, 0, 1, 1, 1, 2, 3, 7, 6]
    assert [row["terminal_id_risk_30day_window"] for row in ordered] == pytest.approx(
        [0, 0, 1, 1, 1, 1 / 2, 1 / 3, 1 / 7, 0]
    )


def test_a_report_that_comes_after_the_delay_counts_only_from_its_arrival(transactions: Build, labels: Build) -> None:
    rows = transactions(*({"tx_datetime": at(d), "customer_id": f"C{d}"} for d in (0, 9, 10, 36)))
    late = labels({"reported_at": at(10)})
    found = by_id(build_features(rows, late, days=ALL_DAYS, label_delay_days=7))
    assert [found[i]["terminal_id_risk_7day_window"] for i in "1234"] == [0, 0, 1, 0]
    assert [found[i]["terminal_id_risk_30day_window"] for i in "1234"] == pytest.approx([0, 0, 1, 1 / 3])


def test_a_report_after_the_window_has_passed_never_makes_a_negative_risk(transactions: Build, labels: Build) -> None:
    rows = transactions(*({"tx_datetime": at(d), "customer_id": f"C{d}"} for d in (0, 12, 20, 60)))
    found = by_id(build_features(rows, labels({"reported_at": at(19)}), days=ALL_DAYS, label_delay_days=7))
    assert [found[i]["terminal_id_risk_7day_window"] for i in "1234"] == [0, 0, 0, 0]
    assert [found[i]["terminal_id_risk_30day_window"] for i in "1234"] == pytest.approx([0, 0, 1 / 2, 0])


def test_a_withdrawn_report_stops_counting_when_it_is_withdrawn(transactions: Build, labels: Build) -> None:
    rows = transactions(*({"tx_datetime": at(d), "customer_id": f"C{d}"} for d in (0, 8, 11, 40)))
    reports = labels({"reported_at": at(1)}, {"reported_at": at(10), "is_fraud": False})
    found = by_id(build_features(rows, reports, days=ALL_DAYS, label_delay_days=7))
    assert [found[i]["terminal_id_risk_30day_window"] for i in "1234"] == [0, 1, 0, 0]


@pytest.mark.parametrize(("second_is_fraud", "risk"), [(True, 1.0), (False, 0.5)])
def test_reports_on_one_id_of_two_days_are_about_two_transactions(
    transactions: Build, labels: Build, second_is_fraud: bool, risk: float
) -> None:
    first, second = ({"transaction_id": "1", "tx_datetime": at(d), "customer_id": f"C{d}"} for d in (0, 1))
    rows = transactions(first, second, {"transaction_id": "2", "tx_datetime": at(9), "customer_id": "C9"})
    reports = labels(first, second | {"is_fraud": second_is_fraud})
    features = build_features(rows, reports, days=ALL_DAYS, label_delay_days=7)
    found = features.where("transaction_id = '2'").collect()
    assert [row["terminal_id_risk_7day_window"] for row in found] == [risk]
    compared = compared_rows(sample_of(features, rows=10), rows, reports, label_delay_days=7).collect()
    assert sorted((row["transaction_id"], row["tx_day"].day, row["leaks"]) for row in compared) == [
        ("1", 2, []),
        ("1", 3, []),
        ("2", 11, []),
    ]


def test_night_ends_after_hour_six_and_the_weekend_is_saturday_and_sunday(transactions: Build, labels: Build) -> None:
    moments = {
        "friday 06:59": datetime(2026, 3, 6, 6, 59, 59),
        "friday 07:00": datetime(2026, 3, 6, 7),
        "saturday 00:00": datetime(2026, 3, 7),
        "sunday 23:59": datetime(2026, 3, 8, 23, 59),
        "monday 00:00": datetime(2026, 3, 9),
    }
    rows = transactions(*({"transaction_id": k, "tx_datetime": v} for k, v in moments.items()))
    found = by_id(build_features(rows, labels(), days=ALL_DAYS, label_delay_days=7))
    assert {k: (r["tx_during_night"], r["tx_during_weekend"]) for k, r in found.items()} == {
        "friday 06:59": (1, 0),
        "friday 07:00": (0, 0),
        "saturday 00:00": (1, 1),
        "sunday 23:59": (0, 1),
        "monday 00:00": (1, 0),
    }


def test_a_history_without_labels_has_risk_zero_and_every_column_of_the_contract(
    transactions: Build, labels: Build
) -> None:
    features = build_features(transactions({}), labels(), days=ALL_DAYS, label_delay_days=7)
    assert [(f.name, f.dataType) for f in features.schema] == [(f.name, f.dataType) for f in tables.FEATURE_ROWS.schema]
    assert features.collect()[0]["terminal_id_risk_30day_window"] == 0.0


@pytest.fixture
def shop_days(transactions: Build, labels: Build) -> tuple[DataFrame, DataFrame]:
    """300 transactions of 4 customers at 3 terminals over 60 days, with ties, and labels of a quarter of them."""
    dice = random.Random(20260302)
    moments = [at(round(dice.uniform(0, 60), 1)) for _ in range(300)]
    records = [
        {
            "transaction_id": str(number),
            "tx_datetime": moment,
            "customer_id": f"C{dice.randrange(4)}",
            "terminal_id": f"T{dice.randrange(3)}",
            "tx_amount": Decimal(dice.randrange(1, 30_000)) / 100,
        }
        for number, moment in enumerate(moments)
    ]
    frauds = [
        {k: r[k] for k in ("transaction_id", "tx_datetime", "customer_id", "terminal_id")}
        for r in records
        if dice.random() < 0.25
    ]
    return transactions(*records), labels(*frauds)


def _with_pandas(transactions: pd.DataFrame, fraud_ids: set[str], delay: int) -> pd.DataFrame:
    rows = transactions.assign(
        number=transactions["transaction_id"].astype(int),
        amount=transactions["tx_amount"].astype(float),
        fraud=transactions["transaction_id"].isin(fraud_ids).astype(float),
    ).sort_values(["tx_datetime", "number"])
    parts = []
    for _, group in rows.groupby("customer_id"):
        amounts = group.set_index("tx_datetime")["amount"]
        for n in (1, 7, 30):
            rolling = amounts.rolling(f"{n}D")
            group[f"customer_id_nb_tx_{n}day_window"] = rolling.count().to_numpy()
            group[f"customer_id_avg_amount_{n}day_window"] = rolling.mean().to_numpy()
        parts.append(group)
    rows = pd.concat(parts).sort_values(["tx_datetime", "number"])
    parts = []
    for _, group in rows.groupby("terminal_id"):
        frauds = group.set_index("tx_datetime")["fraud"]
        recent = frauds.rolling(f"{delay}D")
        for n in (1, 7, 30):
            whole = frauds.rolling(f"{delay + n}D")
            count = (whole.count() - recent.count()).to_numpy()
            known = (whole.sum() - recent.sum()).to_numpy()
            group[f"terminal_id_nb_tx_{n}day_window"] = count
            group[f"terminal_id_risk_{n}day_window"] = pd.Series(known / count).fillna(0).to_numpy()
        parts.append(group)
    return pd.concat(parts).set_index("transaction_id").sort_index()


@pytest.mark.parametrize("delay", [7, 3])
@pytest.mark.filterwarnings("ignore:invalid value encountered in divide:RuntimeWarning")
def test_every_window_equals_pandas_rolling_on_three_hundred_rows(
    shop_days: tuple[DataFrame, DataFrame], delay: int
) -> None:
    rows, reports = shop_days
    fraud_ids = {row["transaction_id"] for row in reports.collect()}
    expected = _with_pandas(rows.toPandas(), fraud_ids, delay)
    found = build_features(rows, reports, days=ALL_DAYS, label_delay_days=delay).toPandas()
    found = found.set_index("transaction_id").sort_index()
    names = [name for name in tables.FEATURES if "_window" in name]
    pd.testing.assert_frame_equal(found[names].astype(float), expected[names].astype(float), atol=1e-9, rtol=0)


def test_a_single_day_with_only_its_history_gives_the_rows_of_the_full_run(
    shop_days: tuple[DataFrame, DataFrame],
) -> None:
    rows, reports = shop_days
    day = DayRange.single(at(50).date())
    needed = day.extended(before_days=FeaturesParams(label_delay_days=7).history_days).predicate("tx_day")
    alone = build_features(rows.where(needed), reports.where(needed), days=day, label_delay_days=7)
    full = build_features(rows, reports, days=ALL_DAYS, label_delay_days=7).where(day.predicate("tx_day"))
    assert sorted(alone.collect()) == sorted(full.collect())
    assert alone.count() > 0


def test_what_happens_later_changes_no_earlier_row(shop_days: tuple[DataFrame, DataFrame]) -> None:
    rows, reports = shop_days
    noon = at(40)
    cut = DayRange(date(2026, 1, 1), at(39).date())
    known = build_features(
        rows.where(F.col("tx_datetime") <= noon),
        reports.where(F.col("reported_at") <= noon),
        days=cut,
        label_delay_days=7,
    )
    later = build_features(rows, reports, days=cut, label_delay_days=7)
    assert sorted(known.collect()) == sorted(later.collect())


def test_the_proof_finds_nothing_in_honest_features(shop_days: tuple[DataFrame, DataFrame]) -> None:
    rows, reports = shop_days
    features = build_features(rows, reports, days=ALL_DAYS, label_delay_days=7)
    assert leaking_rows(sample_of(features, rows=300), rows, reports, label_delay_days=7).collect() == []


def test_the_proof_catches_a_label_used_before_it_was_reported(shop_days: tuple[DataFrame, DataFrame]) -> None:
    rows, reports = shop_days
    honest = reports.withColumn("reported_at", F.col("tx_datetime") + F.expr("INTERVAL 15 DAYS"))
    leaking = build_features(rows, reports, days=ALL_DAYS, label_delay_days=7)
    caught = leaking_rows(sample_of(leaking, rows=300), rows, honest, label_delay_days=7)
    columns = {row["column"] for row in caught.collect()}
    assert "terminal_id_risk_7day_window" in columns
    assert not {name for name in columns if "_risk_" not in name}


def test_the_proof_catches_one_planted_transaction_of_the_future(shop_days: tuple[DataFrame, DataFrame]) -> None:
    rows, reports = shop_days
    planted = build_features(rows, reports, days=ALL_DAYS, label_delay_days=7).withColumn(
        "customer_id_nb_tx_1day_window",
        F.col("customer_id_nb_tx_1day_window") + F.when(F.col("transaction_id") == "17", 1).otherwise(0),
    )
    caught = leaking_rows(sample_of(planted, rows=300), rows, reports, label_delay_days=7).collect()
    assert [(row["transaction_id"], row["column"]) for row in caught] == [("17", "customer_id_nb_tx_1day_window")]
    assert caught[0]["stored"] == caught[0]["recomputed"] + 1
