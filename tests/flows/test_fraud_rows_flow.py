"""Rows of the fraud family on their way through small lakes: none is mixed up with another, none is lost unseen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from card_bank import Bank, csv, less_one_row
from pyspark.sql import DataFrame, SparkSession

from common.config.lake_settings import LakeSettings
from common.lake.landing import write_landing
from jobs.fraud import features, ingest, ingest_labels, simulate
from jobs.fraud.simulation import body as simulate_body
from jobs.fraud.transactions.tables import LABELS, TRANSACTION_RECORDS, TRANSACTIONS
from jobs.fraud.velocity.tables import FEATURE_ROWS

pytestmark = [pytest.mark.flow, pytest.mark.usefixtures("no_ops_rows", "unaudited")]

FIRST_OF_TWO, SECOND_OF_TWO = "1,2026-03-02 12:00:00,C1,T1,10.50", "1,2026-03-20 12:00:00,C1,T1,10.50"
SCORED, UNSCORED = f"{FIRST_OF_TWO},7.5,paid with 4111 1111 1111 1111", f"{SECOND_OF_TWO},,vip"
UNREADABLE = "2,2026-03-02 12:00:00,C1,T1,10.50,high,vip"
MORE = ",points,note"
EXTRA = "{score: {expr: points, type: number}, note: note}"
LABEL_SOURCE = """
format: csv
columns: {transaction_id: id, reported_at: at, is_fraud: fraud}
"""


@pytest.fixture
def small(spark: SparkSession, tmp_path: Path) -> Bank:
    return Bank(spark, tmp_path / "lake")


@pytest.fixture(scope="module")
def scored(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory, no_ops_rows: None) -> Bank:
    """A lake of transactions with free columns."""
    bank = Bank(spark, tmp_path_factory.mktemp("scored") / "lake")
    assert bank.take_in_csv(SCORED, UNSCORED, UNREADABLE, more=MORE, extra=EXTRA) == 0
    return bank


def test_an_id_of_two_days_is_two_transactions_and_the_proof_counts_the_rows_that_it_computed_again(
    scored: Bank, tmp_path: Path
) -> None:
    (tmp_path / "labels.yaml").write_text(LABEL_SOURCE)
    folder = csv(tmp_path / "labels", "l.csv", "id,at,fraud", "1,2026-03-04 00:00:00,true")
    assert scored.run(ingest_labels.JOB, "--source", str(tmp_path / "labels.yaml"), "--input", folder) == 0
    assert [str(row["tx_day"]) for row in scored.lake.read(LABELS).collect()] == ["2026-03-02"]
    both = ("--from", "2026-03-02", "--to", "2026-03-20")
    assert scored.run(features.JOB, *both, "--set", "extra_features=[scor]", "--plan") == 2
    assert scored.run(features.JOB, *both, "--set", "extra_features=[scor]") == 2
    assert scored.record(features.JOB)["error"]["code"] == "FRD-029"
    assert scored.run(features.JOB, *both, "--set", "extra_features=[score]") == 0
    rows = scored.lake.read(FEATURE_ROWS).orderBy("tx_day").collect()
    assert [(row["transaction_id"], row["terminal_id_risk_30day_window"]) for row in rows] == [("1", 0.0), ("1", 1.0)]
    assert [(row["extra_numbers"], row["extra_categories"]) for row in rows] == [
        ({"score": 7.5}, None),
        ({"score": None}, None),
    ]
    assert scored.record(features.JOB)["counts"]["rows_proved"] == 2


def test_free_columns_are_typed_and_masked_and_a_source_of_another_type_is_refused_before_it_is_read(
    scored: Bank,
) -> None:
    rows = scored.lake.read(TRANSACTIONS).orderBy("tx_day").collect()
    assert [(row["extra_numbers"], row["extra_categories"]) for row in rows] == [
        ({"score": 7.5}, {"note": "paid with 411111******1111"}),
        ({"score": None}, {"note": "vip"}),
    ]
    rejected = scored.quarantined("ingest").collect()
    assert [row["reasons"] for row in rejected] == [["SRC-301 cannot be read: score"]]
    assert scored.take_in_csv(SCORED, more=MORE, name="others", extra="{score: points}") == 2
    assert scored.record(ingest.JOB)["error"]["code"] == "SRC-010"
    assert scored.lake.read(TRANSACTION_RECORDS).count() == 3


def test_reports_follow_their_transactions_to_another_day_into_waiting_and_back(small: Bank, tmp_path: Path) -> None:
    cards = csv(tmp_path / "cards", "a.csv", "id,at,card,shop,amount", FIRST_OF_TWO, "2,2026-03-02 13:00:00,C2,T1,5")
    (tmp_path / "labels.yaml").write_text(LABEL_SOURCE)
    sent = csv(tmp_path / "labels", "l.csv", "id,at,fraud", "1,2026-03-10 00:00:00,true", "2,2026-03-10 00:00:00,false")

    def days(at: str, where: str = "id > ''") -> dict[str, str]:
        """The day of each report, once transactions are mapped so and reports are looked at."""
        columns = f"transaction_id: id, tx_datetime: {at}, customer_id: card, terminal_id: shop, tx_amount: amount"
        (tmp_path / "cards.yaml").write_text(f"format: csv\nwhere: {where}\ncolumns: {{{columns}}}\n")
        assert small.run(ingest.JOB, "--source", str(tmp_path / "cards.yaml"), "--input", cards) == 0
        assert small.run(ingest_labels.JOB, "--source", str(tmp_path / "labels.yaml"), "--input", sent) == 0
        return {row["transaction_id"]: str(row["tx_day"]) for row in small.lake.read(LABELS).collect()}

    assert days("at") == {"1": "2026-03-02", "2": "2026-03-02"}
    assert days("timestamp(at) - interval 1 day") == {"1": "2026-03-01", "2": "2026-03-01"}
    assert days("at", "id = '2'") == {"2": "2026-03-02"}
    waiting = small.quarantined("ingest_labels").collect()
    assert [(row["row_key"], [reason[:7] for reason in row["reasons"]]) for row in waiting] == [("1", ["FRD-115"])]
    assert days("at") == {"1": "2026-03-02", "2": "2026-03-02"}
    assert small.quarantined("ingest_labels").count() == 0
    assert days("at") == {"1": "2026-03-02", "2": "2026-03-02"}
    assert small.record(ingest_labels.JOB)["outcome"].startswith("nothing to do")


@pytest.mark.parametrize("folder", ["transactions", "labels"])
def test_a_simulated_row_that_reaches_no_file_fails_the_run(
    small: Bank, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    def write(rows: DataFrame, settings: LakeSettings, path: str, **more: Any) -> int:
        return write_landing(less_one_row(rows) if path.endswith(folder) else rows, settings, path, **more)

    arguments = ["--from", "2026-01-01", "--to", "2026-01-10", "--set", "first_day=2026-01-01"]
    for assignment in ("customers=50", "terminals=50", "radius=25", "terminals_a_day=1"):
        arguments += ["--set", assignment]
    monkeypatch.setattr(simulate_body, "write_landing", write)
    assert small.run(simulate.JOB, *arguments) == 1
    assert small.record(simulate.JOB)["error"]["code"] == "RUN-001"
