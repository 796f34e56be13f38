"""Which published reports are no longer about the transaction that they name."""

from __future__ import annotations

import pytest
from pyspark.sql import SparkSession

from jobs.fraud.transactions.following import outdated

pytestmark = pytest.mark.unit

TRANSACTION = "transaction_id string, tx_day date, tx_datetime timestamp, customer_id string, terminal_id string"


def test_reports_whose_transaction_has_gone_moved_or_got_a_namesake_are_outdated(spark: SparkSession) -> None:
    def row(name: str, at: str, terminal: str = "T") -> str:
        return f"('{name}', DATE'{at[:10]}', TIMESTAMP'{at}', 'C', '{terminal}'"

    noon, next_noon = "2026-03-02 12:00:00", "2026-03-03 12:00:00"
    sent = dict.fromkeys(("same", "gone", "later", "other shop", "twice", "twice soon"), "2026-03-05 00:00:00")
    sent |= {"twice soon": "2026-03-02 13:00:00", "other day": "2026-03-05 00:00:00"}
    labels = ", ".join(
        f"{row(name, '2026-02-01 12:00:00' if name == 'other day' else noon)}, TIMESTAMP'{at}', '{name}')"
        for name, at in sent.items()
    )
    there = [row("same", noon), row("later", "2026-03-02 13:00:00"), row("other shop", noon, "T2")]
    there += [row("twice", noon), row("twice", next_noon), row("twice soon", noon)]
    there += [row("twice soon", "2026-03-09 12:00:00")]
    reports = spark.sql(f"SELECT * FROM VALUES {labels} AS t").toDF(
        *(part.split()[0] for part in TRANSACTION.split(", ")), "reported_at", "_file_sha256"
    )
    transactions = spark.sql(f"SELECT * FROM VALUES {', '.join(f'{one})' for one in there)} AS t").toDF(
        *(part.split()[0] for part in TRANSACTION.split(", "))
    )
    found = outdated(reports, transactions, ["2026-03-02", "2026-03-03", "2026-03-09"]).collect()
    assert sorted({row["_file_sha256"] for row in found}) == ["gone", "later", "other shop", "twice"]
