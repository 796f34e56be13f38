"""A lake of sales, and the jobs of the forecast family run on it in this process."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from common.config.lake_settings import LakeSettings
from common.job.declaration import Job
from common.lake.lake import Lake
from common.run.context import Services
from common.run.launch import run_job
from jobs.forecast.history import JOB as HISTORY
from jobs.forecast.ingest import JOB as INGEST

MONDAY = date(2026, 1, 5)
WEEKS = 24
LAST = MONDAY + timedelta(days=7 * WEEKS - 1)
_SOURCE = """
format: csv
columns:
  invoice_id: invoice
  item_id: item
  is_product: item <> 'POST'
  quantity: quantity
  sold_at: sold_at
  unit_price: price
  customer_id: customer
"""


class Shop:
    """A lake, and the jobs of the family run on it."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        self.spark, self.folder, self.root = spark, folder, folder / "lake"
        started = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
        settings = LakeSettings(root=str(self.root))
        self.lake = Lake(spark, settings, run_id="seen", job="tests", code_version="test", started_at=started)
        (folder / "source.yaml").write_text(_SOURCE)
        (folder / "in").mkdir()

    def run(self, job: Job, *flags: str) -> int:
        services = Services(session=lambda settings, name: self.spark)
        return run_job(job, ["--lake", str(self.root), *flags], services=services)

    def sends(self, name: str, lines: list[str]) -> None:
        text = "\n".join(["invoice,item,quantity,sold_at,price,customer", *lines])
        (self.folder / "in" / name).write_text(text + "\n")

    def ingests(self) -> int:
        return self.run(INGEST, "--source", str(self.folder / "source.yaml"), "--input", str(self.folder / "in"))

    def counts_demand(self, *flags: str) -> int:
        return self.run(HISTORY, "--from", str(MONDAY), "--to", str(LAST), *flags)

    def records(self) -> list[dict[str, Any]]:
        paths = sorted((self.root / "runs").rglob("*.json"), key=lambda path: path.stat().st_mtime)
        return [json.loads(path.read_text()) for path in paths]


def line(invoice: str, item: str, quantity: float | str, day: int, price: float = 2.0, customer: str = "c") -> str:
    return f"{invoice},{item},{quantity},{MONDAY + timedelta(days=day)} 10:00:00,{price},{customer}"
