"""--changed on real tables: what is touched is computed again, nothing else, and the rows are those of a full run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from audited import passed
from card_bank import Bank
from pyspark.sql import SparkSession

from common.lake.storage.folder import FolderStore
from common.lake.touched import touches
from common.spark.few_rows import few_rows
from jobs.fraud import features
from jobs.fraud.transactions.tables import LABELS, TRANSACTIONS
from jobs.fraud.velocity.tables import FEATURE_ROWS

pytestmark = [pytest.mark.flow, pytest.mark.usefixtures("no_ops_rows", "unaudited")]

FIRST = datetime(2026, 3, 2, 12, tzinfo=UTC)
# The longest window of 30 days behind a label delay of one: a day is seen by the 31 days after it.
DELAY = ("--set", "label_delay_days=1", "--set", "proof_rows=0")


def day(number: int) -> date:
    return (FIRST + timedelta(days=number)).date()


def pay(bank: Bank, *payments: tuple[str, int]) -> None:
    """A transaction of ten units by one card at one terminal for each (id, day)."""
    rows = [
        {
            "transaction_id": name,
            "tx_datetime": FIRST + timedelta(days=number),
            "tx_day": day(number),
            "customer_id": "C1",
            "terminal_id": "T1",
            "tx_amount": Decimal(10),
            "pseudonym_key_id": "k1",
        }
        for name, number in payments
    ]
    bank.lake.upsert(passed(TRANSACTIONS, few_rows(bank.spark, rows, TRANSACTIONS.schema)))


def report_fraud(bank: Bank, name: str, number: int) -> None:
    row = {
        "transaction_id": name,
        "tx_datetime": FIRST + timedelta(days=number),
        "tx_day": day(number),
        "customer_id": "C1",
        "terminal_id": "T1",
        "reported_at": FIRST + timedelta(days=number, hours=1),
        "is_fraud": True,
        "fraud_scenario": None,
    }
    bank.lake.upsert(passed(LABELS, few_rows(bank.spark, [row], LABELS.schema)))


def published(bank: Bank, since: int) -> list[date]:
    """The days of fraud.features that the commits behind a version have touched."""
    store, path = FolderStore(bank.root), FEATURE_ROWS.relative_path
    found = touches(store, path, after=since, until=version(bank), day_column="tx_day")
    return sorted({one for touch in found for one in touch.days or ()})


def version(bank: Bank) -> int:
    return bank.lake.version(FEATURE_ROWS) or 0


def days(*numbers: int) -> Sequence[date]:
    return [day(number) for number in numbers]


def assert_as_computed_at_once(bank: Bank) -> None:
    found = bank.rows(FEATURE_ROWS)
    assert bank.run(features.JOB, "--from", str(day(0)), "--to", str(day(99)), *DELAY) == 0
    assert bank.rows(FEATURE_ROWS) == found


def test_touched_days_and_those_that_look_back_to_them_are_computed_again(spark: SparkSession, tmp_path: Path) -> None:
    bank = Bank(spark, tmp_path / "lake")
    pay(bank, ("a", 0), ("b", 31), ("c", 32), ("d", 64), ("e", 65), ("f", 99))
    assert bank.run(features.JOB, "--changed", *DELAY) == 0
    assert bank.record(features.JOB)["days"] == {"first": str(day(0)), "last": str(day(99))}

    # Two scattered days, the second of them with no rows before; the 32nd, 64th and 99th see neither.
    before = version(bank)
    pay(bank, ("g", 0))
    pay(bank, ("h", 66))
    assert bank.run(features.JOB, "--changed", *DELAY) == 0
    assert published(bank, before) == days(0, 31, 66)
    assert version(bank) == before + 2
    assert_as_computed_at_once(bank)

    # A report about the 64th, and a day that loses all its rows.
    assert bank.run(features.JOB, "--changed", *DELAY) == 0
    before = version(bank)
    report_fraud(bank, "d", 64)
    spark.sql(f"DELETE FROM delta.`{bank.lake.path(TRANSACTIONS)}` WHERE transaction_id = 'f'")
    assert bank.run(features.JOB, "--changed", *DELAY) == 0
    assert published(bank, before) == days(64, 65, 66, 99)
    assert bank.lake.read(FEATURE_ROWS).where(f"tx_day = DATE'{day(99)}'").isEmpty()
    assert_as_computed_at_once(bank)


def test_a_second_run_has_nothing_to_do(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bank = Bank(spark, tmp_path / "lake")
    pay(bank, ("a", 0))
    assert bank.run(features.JOB, "--changed", *DELAY) == 0
    spark.sql(f"OPTIMIZE delta.`{bank.lake.path(TRANSACTIONS)}`").collect()
    capsys.readouterr()
    before = version(bank)
    assert bank.run(features.JOB, "--changed", *DELAY) == 0
    said = capsys.readouterr().out
    assert said == f"fraud.features: nothing to do: no day was touched since {bank.record(features.JOB)['run_id']}\n"
    assert version(bank) == before


def test_what_an_ingest_brings_makes_only_its_days_due(spark: SparkSession, tmp_path: Path) -> None:
    bank = Bank(spark, tmp_path / "lake")
    lines = [f"{name},{day(number)}T12:00:00Z,C1,T1,10.00" for name, number in (("a", 0), ("b", 40), ("c", 80))]
    assert bank.take_in_csv(*lines) == 0
    assert bank.run(features.JOB, "--changed", *DELAY) == 0
    before = version(bank)
    # One new payment, and one that was there already.
    assert bank.take_in_csv(f"d,{day(80)}T13:00:00Z,C1,T1,10.00", lines[0]) == 0
    assert bank.run(features.JOB, "--changed", *DELAY) == 0
    assert published(bank, before) == days(80)
    assert_as_computed_at_once(bank)


def test_a_day_that_loses_its_last_transaction_loses_its_features(spark: SparkSession, tmp_path: Path) -> None:
    bank = Bank(spark, tmp_path / "lake")
    pay(bank, ("a", 0), ("f", 99))
    assert bank.run(features.JOB, "--changed", *DELAY) == 0
    # Nothing else is near it: these days are computed by themselves.
    spark.sql(f"DELETE FROM delta.`{bank.lake.path(TRANSACTIONS)}` WHERE transaction_id = 'f'")
    assert bank.run(features.JOB, "--changed", *DELAY) == 0
    assert {row["tx_day"] for row in bank.lake.read(FEATURE_ROWS).collect()} == {day(0)}
    # Asked for by name, such a day is a mistake.
    assert bank.run(features.JOB, "--day", str(day(99)), *DELAY) == 4
