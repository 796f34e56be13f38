"""What a run costs before it has many rows, in Spark jobs: every demo, test and small daily run pays for them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from card_bank import Bank
from counted_jobs import AS_OPENED, spark_jobs
from gift_shop import Shop, line
from pyspark.sql import SparkSession

from common.lake.delta.spark_writes import session_conf
from common.spark.internals import PUBLIC_ONLY
from jobs.forecast.sales.tables import SALES
from jobs.fraud.features import JOB as FEATURES
from jobs.fraud.velocity.tables import FEATURE_ROWS

pytestmark = pytest.mark.flow


@pytest.fixture
def opened(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> Iterator[SparkSession]:
    """The session as a job opens it, on a Spark whose private parts are known: the public ways cost more jobs."""
    monkeypatch.delenv(PUBLIC_ONLY, raising=False)
    with session_conf(spark, AS_OPENED):
        yield spark


def test_an_ingest_of_four_rows_takes_at_most_20_jobs_and_one_that_finds_nothing_new_1(
    opened: SparkSession, tmp_path: Path
) -> None:
    shop = Shop(opened, tmp_path)
    shop.sends("a.csv", [line(f"M{n}", "MUG", 20, 7 * n + 1) for n in range(4)])
    codes: list[int] = []
    first = spark_jobs(opened, lambda: codes.append(shop.ingests()))
    again = spark_jobs(opened, lambda: codes.append(shop.ingests()))
    assert codes == [0, 0]
    assert shop.lake.read(SALES).count() == 4
    assert 0 < first <= 20
    # The files are read through by tasks: only their content says that it was taken in before.
    assert again == 1


@pytest.mark.parametrize(("proof", "most"), [("0", 9), ("1000", 12)])
def test_a_gold_job_on_two_rows_takes_at_most_9_jobs_and_12_with_its_proof(
    opened: SparkSession, tmp_path: Path, proof: str, most: int
) -> None:
    bank = Bank(opened, tmp_path / "lake")
    assert bank.take_in_csv("1,2026-03-02 10:00:00,c1,s1,5.0", "2,2026-03-03 10:00:00,c1,s1,6.0") == 0
    codes: list[int] = []
    flags = ("--day", "2026-03-03", "--set", f"proof_rows={proof}")
    jobs = spark_jobs(opened, lambda: codes.append(bank.run(FEATURES, *flags)))
    assert codes == [0]
    assert bank.lake.read(FEATURE_ROWS).count() == 1
    assert 0 < jobs <= most
