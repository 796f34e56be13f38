from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

import pytest
from pyspark.sql import DataFrame, Row, SparkSession

from common.days import DayRange
from jobs.fraud.simulation.world import World, simulate_transactions

pytestmark = pytest.mark.unit

FIRST = date(2026, 1, 1)
WORLD = World(seed=7, customers=60, terminals=200, first_day=FIRST, radius=20.0)
SIXTY_DAYS = DayRange(FIRST, FIRST + timedelta(days=59))


def simulated(spark: SparkSession, world: World, days: DayRange, partitions: int = 2) -> DataFrame:
    return simulate_transactions(
        spark.range(0, world.customers, 1, partitions), spark.range(0, world.terminals, 1, partitions), world, days
    )


@pytest.fixture(scope="module")
def rows(spark: SparkSession) -> list[Row]:
    return simulated(spark, WORLD, SIXTY_DAYS).collect()


def test_the_rows_do_not_depend_on_the_partitioning(spark: SparkSession, rows: list[Row]) -> None:
    assert sorted(simulated(spark, WORLD, SIXTY_DAYS, partitions=5).collect()) == sorted(rows)


def test_some_days_alone_are_the_same_days_of_the_whole(spark: SparkSession, rows: list[Row]) -> None:
    days = DayRange(FIRST + timedelta(days=40), FIRST + timedelta(days=44))
    expected = [row for row in rows if row["tx_day"] in days]
    assert sorted(simulated(spark, WORLD, days).collect()) == sorted(expected)
    assert expected


def test_another_seed_gives_other_rows(spark: SparkSession, rows: list[Row]) -> None:
    day = DayRange.single(FIRST)
    other = World(seed=8, customers=60, terminals=200, first_day=FIRST, radius=20.0)
    assert simulated(spark, other, day).collect() != [row for row in rows if row["tx_day"] == FIRST]


def test_ids_are_unique_and_amounts_have_two_decimals(rows: list[Row]) -> None:
    assert len({row["transaction_id"] for row in rows}) == len(rows)
    assert all(row["tx_amount"] == round(row["tx_amount"], 2) and row["tx_amount"] >= 0 for row in rows)
    assert {row["tx_datetime"].date() == row["tx_day"] for row in rows} == {True}


def test_volume_times_and_amounts_follow_the_published_distributions(spark: SparkSession) -> None:
    world = World(seed=1, customers=2_000, terminals=400, first_day=FIRST, radius=150.0, customers_a_day=0)
    found = simulated(spark, world, DayRange(FIRST, FIRST + timedelta(days=4))).toPandas()
    # 2 a day on average (uniform on 0..4), of which the clock keeps P(|z| < 2.16) = 0.9692; sd of the mean about .014.
    assert len(found) / (2_000 * 5) == pytest.approx(2 * 0.9692, abs=0.06)
    seconds = (found["tx_datetime"] - found["tx_datetime"].dt.normalize()).dt.total_seconds()
    assert seconds.mean() == pytest.approx(43_200, abs=500)
    # A normal of 20,000 cut at 2.16 deviations has deviation 20,000 * sqrt(1 - 2 * 2.16 * phi(2.16) / 0.9692) = 18,220.
    assert seconds.std() == pytest.approx(18_220, rel=0.03)
    # The mean of a customer is uniform on 5..100; negative draws (2.3 %) come back as uniform ones: 52.5 * 1.0085.
    assert found["tx_amount"].astype(float).mean() == pytest.approx(52.5, rel=0.05)
    assert found["terminal_id"].nunique() == 400


def test_customers_use_only_terminals_within_their_reach(spark: SparkSession) -> None:
    near = World(seed=3, customers=50, terminals=2_000, first_day=FIRST, radius=4.0)
    far = World(seed=3, customers=50, terminals=2_000, first_day=FIRST, radius=8.0)
    days = DayRange(FIRST, FIRST + timedelta(days=59))
    used = []
    for world in (near, far):
        terminals = defaultdict(set)
        for row in simulated(spark, world, days).select("customer_id", "terminal_id").collect():
            terminals[row["customer_id"]].add(row["terminal_id"])
        used.append(sum(map(len, terminals.values())) / len(terminals))
    # About density times area: 2,000 / 100^2 * pi * 16 = 10 terminals, and 40 for twice the radius; edges cost some.
    assert 6 < used[0] < 11
    assert 20 < used[1] < 41


def test_every_amount_above_220_is_fraud_and_a_leaked_card_pays_five_times(rows: list[Row]) -> None:
    assert all(row["is_fraud"] for row in rows if row["tx_amount"] > 220)
    leaked = [row["tx_amount"] for row in rows if row["fraud_scenario"] == 3]
    honest = [row["tx_amount"] for row in rows if row["fraud_scenario"] == 0]
    assert sum(leaked) / len(leaked) > 3 * sum(honest) / len(honest)
    assert {amount % Decimal("0.05") for amount in leaked} == {Decimal(0)}


def test_a_compromised_terminal_has_nothing_but_fraud_for_28_days(spark: SparkSession) -> None:
    world = World(
        seed=5, customers=300, terminals=30, first_day=FIRST, radius=150.0, terminals_a_day=1, customers_a_day=0
    )
    days = DayRange(FIRST, FIRST + timedelta(days=59))
    by_terminal: dict[str, dict[date, set[int]]] = defaultdict(lambda: defaultdict(set))
    for row in simulated(spark, world, days).collect():
        if row["fraud_scenario"] != 1:
            by_terminal[row["terminal_id"]][row["tx_day"]].add(row["fraud_scenario"])
    runs = []
    for scenarios in by_terminal.values():
        assert all(len(found) == 1 for found in scenarios.values())
        fraud_days = sorted(day for day, found in scenarios.items() if found == {2})
        starts = [day for day in fraud_days if day - timedelta(days=1) not in fraud_days]
        runs += [
            (start, next(n for n in range(1, 90) if start + timedelta(days=n) not in fraud_days)) for start in starts
        ]
    assert runs
    # Longer when drawn again meanwhile, shorter only when the simulation ends.
    assert all(length >= 28 or start + timedelta(days=length - 1) == days.last for start, length in runs)


def test_a_third_of_a_leaked_customers_transactions_are_misused_for_14_days(spark: SparkSession) -> None:
    world = World(
        seed=5, customers=20, terminals=50, first_day=FIRST, radius=150.0, terminals_a_day=0, customers_a_day=20
    )
    found = simulated(spark, world, DayRange(FIRST, FIRST + timedelta(days=59))).toPandas()
    # All 20 customers are drawn every day, so all are always leaked: the share is the misuse itself.
    assert (found["fraud_scenario"] == 3).mean() == pytest.approx(1 / 3, abs=0.03)


def test_reports_come_after_the_transaction_and_within_the_promised_days(rows: list[Row]) -> None:
    lags = [(row["reported_at"] - row["tx_datetime"]).total_seconds() / 86_400 for row in rows]
    assert 0 <= min(lags) < 0.5
    assert 6.5 < max(lags) <= 7


def test_a_tenth_of_a_leak_a_day_is_a_leak_on_every_tenth_day(spark: SparkSession) -> None:
    world = World(
        seed=9, customers=40, terminals=50, first_day=FIRST, radius=150.0, terminals_a_day=0, customers_a_day=0.1
    )
    found = simulated(spark, world, DayRange(FIRST, FIRST + timedelta(days=364))).where("fraud_scenario = 3")
    # 36 leaks in a year, over 40 customers: about 1 - exp(-36.5 / 40) = 60 % of them.
    assert 15 <= found.select("customer_id").distinct().count() <= 33
