"""A lake of card transactions, and the jobs of the fraud family run on it in this process."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from common.config.lake_settings import LakeSettings
from common.job.declaration import Job
from common.lake.lake import Lake
from common.lake.table import Table
from common.run.context import Services
from common.run.launch import run_job
from jobs.fraud import ingest, ingest_labels

_SOURCE = """
format: csv
columns:
  transaction_id: id
  tx_datetime: at
  customer_id: card
  terminal_id: shop
  tx_amount: amount
"""


class Bank:
    """A lake, and the fraud jobs run on it in this process."""

    def __init__(self, spark: SparkSession, root: Path) -> None:
        self.spark = spark
        self.root = root
        started = datetime(2026, 11, 21, 6, tzinfo=UTC)
        self.lake = Lake(
            spark, LakeSettings(root=str(root)), run_id="looker", job="tests", code_version="t", started_at=started
        )

    def run(self, job: Job, *arguments: str) -> int:
        """The exit code of a run."""
        services = Services(session=lambda settings, name: self.spark)
        return run_job(job, ["--lake", str(self.root), *arguments], services=services)

    def take_in(self) -> list[int]:
        """The exit codes of both ingests of the simulated feeds."""
        landing = self.root / "landing" / "fraud"
        return [
            self.run(ingest.JOB, "--source", "fraud_simulated", "--input", str(landing / "transactions")),
            self.run(ingest_labels.JOB, "--source", "fraud_simulated_labels", "--input", str(landing / "labels")),
        ]

    def take_in_csv(self, *lines: str, more: str = "", name: str = "cards", extra: str = "{}") -> int:
        """The exit code of the ingest of a file of these transactions, with ``more`` columns and free ones of these."""
        folder = self.root.parent
        (folder / f"{name}.yaml").write_text(f"{_SOURCE}extra: {extra}\n")
        landing = csv(folder / name, "a.csv", f"id,at,card,shop,amount{more}", *lines)
        return self.run(ingest.JOB, "--source", str(folder / f"{name}.yaml"), "--input", landing)

    def quarantined(self, name: str) -> DataFrame:
        """The rejected rows of a job."""
        return self.spark.read.format("delta").load(str(self.root / "quarantine" / "fraud" / f"quarantine_{name}"))

    def record(self, job: Job) -> dict[str, Any]:
        """The record of the last run of a job."""
        found = [json.loads(file.read_text()) for file in (self.root / "runs/fraud" / job.short_name).glob("*.json")]
        return max(found, key=lambda record: record["started_at"])

    def rows(self, table: Table) -> Counter[str]:
        """The multiset of a table's rows."""
        return Counter(json.dumps(row.asDict(True), default=str) for row in self.lake.read(table).collect())


def csv(folder: Path, name: str, *lines: str) -> str:
    """The folder, with a file of these lines in it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("\n".join(lines) + "\n")
    return str(folder)


def less_one_row(rows: DataFrame) -> DataFrame:
    """``rows`` without those of the smallest transaction id: a loss to be planted into a job."""
    first = rows.agg(F.min("transaction_id")).collect()[0][0]
    return rows.where(F.col("transaction_id") != first)
