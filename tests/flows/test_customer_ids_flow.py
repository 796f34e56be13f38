"""Customer ids on their way through both ingests that take them: in clear in bronze, pseudonyms beyond it."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from common.config.lake_settings import LakeSettings
from common.job.declaration import Job
from common.lake.lake import Lake
from common.lake.set_aside import quarantine_table
from common.lake.table import Table
from common.run.context import Services
from common.run.launch import run_job
from jobs.forecast import ingest as sales_ingest
from jobs.forecast import tables as forecast
from jobs.fraud import ingest as fraud_ingest
from jobs.fraud import ingest_labels
from jobs.fraud.transactions import tables as fraud

pytestmark = [pytest.mark.flow, pytest.mark.usefixtures("no_ops_rows", "unaudited")]

KEY = "a key of this test, long enough"
CARDS = """
format: csv
columns: {transaction_id: id, tx_datetime: at, customer_id: who, terminal_id: what, tx_amount: amount}
"""
LABELS = """
format: csv
columns: {transaction_id: id, reported_at: at, is_fraud: fraud}
"""
SALES = """
format: csv
columns: {invoice_id: id, sold_at: at, customer_id: who, item_id: what, quantity: amount}
"""
# The third row is of no use to either feed: nobody sells, or pays, "many".
ROWS = (
    "id,at,who,what,amount",
    "1,2026-03-02 12:00:00,ann,X,10",
    "2,2026-03-02 13:00:00,bea,X,10",
    "3,2026-03-02 14:00:00,cem,X,many",
)


@dataclass(frozen=True)
class Feed:
    """A job, its source and its tables; ``id_column`` tells the rows of silver apart."""

    job: Job
    source: str
    bronze: Table
    silver: Table
    id_column: str


FEEDS = (
    Feed(fraud_ingest.JOB, CARDS, fraud.TRANSACTION_RECORDS, fraud.TRANSACTIONS, "transaction_id"),
    Feed(sales_ingest.JOB, SALES, forecast.SALE_RECORDS, forecast.SALES, "invoice_id"),
)


class Company:
    """A lake, and the ingests run on it."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        self.spark, self.folder, self.root = spark, folder, folder / "lake"
        started = datetime(2026, 11, 21, 6, tzinfo=UTC)
        settings = LakeSettings(root=str(self.root))
        self.lake = Lake(spark, settings, run_id="seen", job="tests", code_version="t", started_at=started)
        (folder / "keys.yaml").write_text("lake: {pseudonym_key: secret://env/TEST_KEY, pseudonym_key_id: k7}\n")
        self.keyed = ("--env", "prod", "--conf-file", str(folder / "keys.yaml"))

    def takes_in(self, job: Job, source: str, lines: tuple[str, ...], *flags: str) -> int:
        """The exit code of a run of the job on a file of these lines."""
        inbox = self.folder / job.name
        inbox.mkdir(exist_ok=True)
        (inbox / "rows.csv").write_text("\n".join(lines) + "\n")
        (self.folder / f"{job.name}.yaml").write_text(source)
        services = Services(session=lambda settings, name: self.spark)
        given = ["--lake", str(self.root), "--source", str(self.folder / f"{job.name}.yaml"), "--input", str(inbox)]
        return run_job(job, [*given, *flags], services=services)

    def error(self) -> str:
        """The code with which the only run failed."""
        (path,) = (self.root / "runs").rglob("*.json")
        return str(json.loads(path.read_text())["error"]["code"])

    def as_sent(self, table: Table) -> dict[str, Any]:
        """Id -> customer of each record of bronze."""
        records = [json.loads(row["record"]) for row in self.lake.read(table).collect()]
        return {record["id"]: record["who"] for record in records}

    def customers(self, table: Table, id_column: str) -> dict[str, Any]:
        """Id -> customer of each row."""
        rows = self.lake.read(table).select(id_column, "customer_id").collect()
        return {row[id_column]: row["customer_id"] for row in rows}


@pytest.fixture
def company(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Company:
    monkeypatch.setenv("TEST_KEY", KEY)
    return Company(spark, tmp_path)


def pseudonym(name: str) -> str:
    return hmac.new(KEY.encode(), name.encode(), hashlib.sha256).hexdigest()[:32]


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.job.name)
def test_customers_are_in_clear_in_bronze_only(company: Company, feed: Feed) -> None:
    assert company.takes_in(feed.job, feed.source, ROWS, *company.keyed) == 0
    assert company.as_sent(feed.bronze) == {"1": "ann", "2": "bea", "3": "cem"}
    # Whoever has the raw rows and the key can tell which row of silver is whose.
    assert company.customers(feed.silver, feed.id_column) == {"1": pseudonym("ann"), "2": pseudonym("bea")}
    assert {row["pseudonym_key_id"] for row in company.lake.read(feed.silver).collect()} == {"k7"}
    (rejected,) = company.lake.read(quarantine_table(feed.silver.family, feed.job.name)).collect()
    assert "cem" not in str(rejected.asDict())
    pages = [path.read_text(errors="replace") for path in company.root.rglob("*") if path.suffix in (".json", ".html")]
    assert not [text for text in pages if KEY in text or '"ann"' in text]


@pytest.mark.parametrize("feed", FEEDS, ids=lambda feed: feed.job.name)
def test_only_a_local_lake_takes_in_customers_without_a_key(company: Company, feed: Feed) -> None:
    assert company.takes_in(feed.job, feed.source, ROWS, "--env", "prod") == 2
    assert company.error() == "PRV-001"
    assert not (company.root / "bronze").exists()


def test_a_report_has_the_customer_of_its_transaction_and_needs_no_key(company: Company) -> None:
    assert company.takes_in(fraud_ingest.JOB, CARDS, ROWS, *company.keyed) == 0
    reports = ("id,at,fraud", "2,2026-03-04 00:00:00,true")
    assert company.takes_in(ingest_labels.JOB, LABELS, reports, "--env", "prod") == 0
    assert company.customers(fraud.LABELS, "transaction_id") == {"2": pseudonym("bea")}
