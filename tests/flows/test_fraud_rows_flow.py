"""Rows of the fraud family on their way through small lakes: none is mixed up with another, none is lost unseen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from card_bank import Bank, csv, less_one_row
from pyspark.sql import DataFrame, SparkSession

from common.config.lake_settings import LakeSettings
from common.lake.landing import write_landing
from jobs.fraud import features, ingest_labels, simulate
from jobs.fraud.simulation import body as simulate_body
from jobs.fraud.transactions.tables import LABELS
from jobs.fraud.velocity.tables import FEATURE_ROWS

pytestmark = [pytest.mark.flow, pytest.mark.usefixtures("no_ops_rows")]

FIRST_OF_TWO, SECOND_OF_TWO = "1,2026-03-02 12:00:00,C1,T1,10.50", "1,2026-03-20 12:00:00,C1,T1,10.50"
LABEL_SOURCE = """
format: csv
columns: {transaction_id: id, reported_at: at, is_fraud: fraud}
"""


@pytest.fixture
def small(spark: SparkSession, tmp_path: Path) -> Bank:
    return Bank(spark, tmp_path / "lake")


def test_an_id_of_two_days_is_two_transactions_and_the_proof_counts_the_rows_that_it_computed_again(
    small: Bank, tmp_path: Path
) -> None:
    assert small.take_in_csv(FIRST_OF_TWO, SECOND_OF_TWO) == 0
    (tmp_path / "labels.yaml").write_text(LABEL_SOURCE)
    folder = csv(tmp_path / "labels", "l.csv", "id,at,fraud", "1,2026-03-04 00:00:00,true")
    assert small.run(ingest_labels.JOB, "--source", str(tmp_path / "labels.yaml"), "--input", folder) == 0
    assert [str(row["tx_day"]) for row in small.lake.read(LABELS).collect()] == ["2026-03-02"]
    assert small.run(features.JOB, "--from", "2026-03-02", "--to", "2026-03-20") == 0
    rows = small.lake.read(FEATURE_ROWS).orderBy("tx_day").collect()
    assert [(row["transaction_id"], row["terminal_id_risk_30day_window"]) for row in rows] == [("1", 0.0), ("1", 1.0)]
    assert small.record(features.JOB)["counts"]["rows_proved"] == 2


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
