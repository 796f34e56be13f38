"""The ingests of fraud and forecast broken off again and again, each time further on, then let through."""

from __future__ import annotations

from pathlib import Path

import pytest
from card_bank import Bank, csv
from gift_shop import Shop, line
from pyspark.sql import SparkSession

from common.lake.set_aside import quarantine_table
from jobs.forecast.sales.tables import SALES
from jobs.fraud.ingest import JOB as INGEST
from jobs.fraud.transactions.tables import TRANSACTION_RECORDS, TRANSACTIONS

pytestmark = [pytest.mark.fault, pytest.mark.usefixtures("no_ops_rows", "unaudited")]


def test_an_ingest_of_transactions_is_finished_by_the_next_wherever_it_broke_off(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank = Bank(spark, tmp_path / "lake")
    lines = ("1,2026-03-02 12:00:00,C1,T1,10.50", "2,2026-03-02 12:00:00,C1,T1,-1")
    for point in ("ingest.begun", "ingest.bronze_written", "ingest.quarantined", "ingest.published"):
        monkeypatch.setenv("LAKEJOBS_FAULT", f"{point}:raise")
        assert bank.take_in_csv(*lines) == 1, point
    monkeypatch.delenv("LAKEJOBS_FAULT")
    assert bank.take_in_csv(*lines) == 0
    assert [row["transaction_id"] for row in bank.lake.read(TRANSACTIONS).collect()] == ["1"]
    assert [row["row_key"] for row in bank.quarantined("ingest").collect()] == ["2"]
    assert bank.lake.read(TRANSACTION_RECORDS).count() == 2


def test_a_row_that_gave_way_is_told_once_and_comes_back_wherever_the_runs_break_off(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank = Bank(spark, tmp_path / "lake")

    def sends(name: str, amount: int, *, breaks_at: str = "", where: str = "id > ''") -> int:
        columns = "transaction_id: id, tx_datetime: at, customer_id: who, terminal_id: shop, tx_amount: amount"
        (tmp_path / "cards.yaml").write_text(f"format: csv\nwhere: {where}\ncolumns: {{{columns}}}\n")
        lines = (f"1,2026-03-02 12:00:00,C1,T1,{amount}", f"{name},2026-03-02 12:00:00,C1,T1,5")
        file = csv(tmp_path / name, "a.csv", "id,at,who,shop,amount", *lines)
        monkeypatch.setenv("LAKEJOBS_FAULT", f"{breaks_at}:raise" if breaks_at else "")
        return bank.run(INGEST, "--source", str(tmp_path / "cards.yaml"), "--input", file)

    def found() -> tuple[list[tuple[str, int]], int]:
        rows = [(row["transaction_id"], int(row["tx_amount"])) for row in bank.lake.read(TRANSACTIONS).collect()]
        return sorted(rows), bank.quarantined("ingest").count()

    assert sends("a", 10) == 0
    # Of two amounts at one time the smaller stays.
    assert sends("b", 9, breaks_at="ingest.quarantined") == 1
    assert sends("b", 9) == 0
    assert found() == ([("1", 9), ("a", 5), ("b", 5)], 1)
    for point in ("ingest.before_silver", "ingest.published"):
        assert sends("b", 9, breaks_at=point, where="id <> '1'") == 1
    assert sends("b", 9, where="id <> '1'") == 0
    assert found() == ([("1", 10), ("a", 5), ("b", 5)], 0)


def test_an_ingest_of_sales_is_finished_by_the_next_with_what_came_since(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(spark, tmp_path)
    shop.sends("a.csv", [line("1", "MUG", 2, 1), line("1", "MUG", 2, 1), line("2", "MUG", "many", 1)])
    for point in ("ingest.bronze_written", "ingest.published"):
        monkeypatch.setenv("LAKEJOBS_FAULT", f"{point}:raise")
        assert shop.ingests() == 1, point
    monkeypatch.delenv("LAKEJOBS_FAULT")
    shop.sends("b.csv", [line("1", "MUG", 2, 1), line("3", "MUG", 5, 2)])
    assert shop.ingests() == 0
    sold = sorted((row["invoice_id"], row["quantity"]) for row in shop.lake.read(SALES).collect())
    assert sold == [("1", 2), ("3", 5)]
    counts = shop.records()[-1]["counts"]
    named = ("rows_read", "rows_written", "rows_quarantined", "rows_deduplicated")
    assert [counts[name] for name in named] == [5, 2, 1, 2]
    assert shop.lake.read(quarantine_table("forecast", "forecast.ingest")).count() == 1
