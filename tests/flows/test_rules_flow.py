"""Rules that decide what is published of a feed, from a file to silver and quarantine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from card_bank import Bank, csv
from gift_shop import Shop
from pyspark.sql import SparkSession

from common.lake.set_aside import quarantine_table
from jobs.forecast.ingest import JOB as INGEST_SALES
from jobs.forecast.sales.tables import SALES
from jobs.fraud.ingest import JOB as INGEST
from jobs.fraud.ingest_labels import JOB as INGEST_LABELS
from jobs.fraud.transactions.tables import LABELS, TRANSACTIONS

pytestmark = [pytest.mark.flow, pytest.mark.timeout(900), pytest.mark.usefixtures("no_ops_rows", "unaudited")]

CARDS = """
format: csv
time_zone: Europe/Berlin
columns: {transaction_id: id, tx_datetime: at, customer_id: card, terminal_id: shop, tx_amount: amount}
"""
REPORTS = """
format: csv
time_zone: Europe/Berlin
columns: {transaction_id: id, reported_at: reported, is_fraud: fraud}
"""


def reasons(rows: Any) -> list[tuple[str, list[str]]]:
    # Python has no date for the day that a broken row may claim.
    found = rows.select("row_key", "reasons").collect()
    return sorted((row["row_key"], sorted(reason[:7] for reason in row["reasons"])) for row in found)


def test_a_time_that_stands_for_nothing_is_a_row_with_a_reason_and_blocks_no_later_file(
    spark: SparkSession, tmp_path: Path
) -> None:
    bank = Bank(spark, tmp_path / "lake")
    (tmp_path / "cards.yaml").write_text(CARDS)

    def sends(name: str, *lines: str) -> int:
        folder = csv(tmp_path / name, "a.csv", "id,at,card,shop,amount", *lines)
        return bank.run(INGEST, "--source", str(tmp_path / "cards.yaml"), "--input", folder)

    first = ["g1,2024-07-01 12:00:00,c1,t1,10.00", "g2,2024-07-01 13:00:00,c1,t1,9.00", "g3,2024-07-01,c1,t1,2.50"]
    first += ["s1,2024-07-01 14:00:00,c1,t1,0.00001234"]
    assert sends("first", *first, "y1,0001-01-01 00:00:00,c1,t1,1.00", "y2,1899-12-30 00:00:00,c1,t1,1.00") == 0
    # The second file says something else of g2: an earlier time, which goes before what is published.
    assert sends("second", "g4,2024-07-02 12:00:00,c1,t1,10.00", "g2,2024-07-01 11:00:00,c1,t1,99.00") == 0
    found = {row["transaction_id"]: (str(row["tx_datetime"]), str(row["tx_amount"]))
             for row in bank.lake.read(TRANSACTIONS).collect()}  # fmt: skip
    assert found == {
        "g1": ("2024-07-01 10:00:00", "10.0000"),
        "g2": ("2024-07-01 09:00:00", "99.0000"),
        "g3": (found["g3"][0], "2.5000"),
        "g4": ("2024-07-02 10:00:00", "10.0000"),
    }
    assert reasons(bank.quarantined("ingest")) == [
        ("g2", ["FRD-109"]),
        ("s1", ["FRD-105", "SRC-301"]),
        ("y1", ["FRD-110"]),
        ("y2", ["FRD-110"]),
    ]
    assert bank.record(INGEST)["counts"]["rows_displaced"] == 1

    (tmp_path / "reports.yaml").write_text(REPORTS)
    sent = ["g1,2024-07-01,1.0", "g4,2024-07-01,1.0", "g2,2024-07-05 00:00:00,maybe", "g2,2024-07-06,",
            "g1,0001-01-01 00:00:00,1.0", "g2,2024-07-07,1.0", "g1,2024-07-08,0.0", "g3,2024-07-08,1.0",
            "g4,2024-07-08,1.0"]  # fmt: skip
    # Most transactions have no label yet, which is no fault of theirs.
    sent += ["g1,,", "g3,2024-07-09,", "g4,2024-07-09,unknown", "g4,2024-07-09,Unlabelled"] * 4
    reports = csv(tmp_path / "reports", "a.csv", "id,reported,fraud", *sent)
    assert bank.run(INGEST_LABELS, "--source", str(tmp_path / "reports.yaml"), "--input", reports) == 0
    labels = bank.lake.read(LABELS).where("transaction_id = 'g1'").orderBy("reported_at").collect()
    # Reported with a date alone: known at the end of that day in Berlin.
    assert labels[0]["reported_at"] == datetime(2024, 7, 1, 21, 59, 59, 999_999)
    assert [row["is_fraud"] for row in labels] == [True, False]
    assert [code for _, code in reasons(bank.quarantined("ingest_labels"))] == [
        ["FRD-119"],
        ["FRD-113", "SRC-301"],
        ["FRD-114"],
    ]
    counts = bank.record(INGEST_LABELS)["counts"]
    assert [counts[f"rows_{name}"] for name in ("read", "written", "quarantined", "filtered")] == [25, 5, 3, 17]
    assert counts["rows_left_out"] == 17


def test_till_lines_count_each_dates_stay_dates_and_of_two_values_the_smaller_is_left_in_any_order(
    spark: SparkSession, tmp_path: Path
) -> None:
    shop = Shop(spark, tmp_path)

    def sends(source: str, landing: str) -> dict[str, Any]:
        (tmp_path / "source.yaml").write_text(source)
        shop.run(INGEST_SALES, "--source", str(tmp_path / "source.yaml"), "--input", landing)
        return shop.records()[-1]

    till = (
        "format: csv\ntime_zone: Europe/Berlin\ncolumns: {item_id: item, sold_at: day, quantity: units, store: shop}\n"
    )
    lines = ["2024-05-06,S1,MILK,1"] * 5 + ["2024-12-01,S1,BREAD,1", "1899-12-30,S1,BREAD,1"]
    record = sends(till, csv(tmp_path / "till", "a.csv", "day,shop,item,units", *lines))
    assert [record["counts"][f"rows_{name}"] for name in ("written", "quarantined", "deduplicated")] == [6, 1, 0]
    assert any("invoice_id" in words for words in record["warnings"])
    sold = shop.lake.read(SALES).groupBy("item_id", "sold_day", "store").sum("quantity").collect()
    assert sorted(tuple(map(str, row)) for row in sold) == [
        ("BREAD", "2024-12-01", "S1", "1.0"),
        ("MILK", "2024-05-06", "S1", "5.0"),
    ]

    ready = "format: csv\ncolumns: {unique_id: series, ds: day, y: units}\n"
    for name, units in (("one", 6), ("two", 5), ("three", 7)):
        landing = csv(tmp_path / name, f"{name}.csv", "series,day,units", *(f"{s},2024-05-06,{units}" for s in "VW"))
        sends(ready, landing)
    # Of a week that is to be forecast there is no value yet.
    coming = csv(tmp_path / "coming", "a.csv", "series,day,units", "V,2024-05-20,", "W,2024-05-20,", "W,2024-05-13,9")
    counts = sends(ready, coming)["counts"]
    assert [counts[f"rows_{name}"] for name in ("read", "written", "filtered")] == [3, 1, 2]
    values = shop.lake.read(SALES).where("is_series AND sold_day = '2024-05-06'").collect()
    assert sorted((row["item_id"], row["quantity"]) for row in values) == [("V", 5.0), ("W", 5.0)]
    # The six that was published first, and the seven that came last.
    quarantine = shop.lake.read(quarantine_table("forecast", "forecast.ingest"))
    assert reasons(quarantine.where("row_key != 'BREAD'")) == [
        ("V", ["FCT-107"]),
        ("V", ["FCT-107"]),
        ("W", ["FCT-107"]),
        ("W", ["FCT-107"]),
    ]


def test_the_zero_of_spreadsheets_in_a_parquet_file_is_a_row_with_a_reason(spark: SparkSession, tmp_path: Path) -> None:
    shop = Shop(spark, tmp_path)
    times = [datetime(1899, 12, 30), datetime(2024, 5, 6), datetime(2024, 5, 6) + timedelta(hours=7)]
    table = pa.table({"item": ["A", "B", "C"], "sold": pa.array(times, pa.timestamp("us")), "qty": [1, 2, 3]})
    (tmp_path / "int96").mkdir()
    pq.write_table(table, tmp_path / "int96" / "a.parquet", use_deprecated_int96_timestamps=True)
    (tmp_path / "source.yaml").write_text("format: parquet\ncolumns: {item_id: item, sold_at: sold, quantity: qty}\n")
    flags = ("--source", str(tmp_path / "source.yaml"), "--input", str(tmp_path / "int96"))
    assert shop.run(INGEST_SALES, *flags) == 0
    sold = {row["item_id"]: row["sold_at"].replace(tzinfo=UTC) for row in shop.lake.read(SALES).collect()}
    assert sold == {"B": datetime(2024, 5, 6, tzinfo=UTC), "C": datetime(2024, 5, 6, 7, tzinfo=UTC)}
    assert reasons(shop.lake.read(quarantine_table("forecast", "forecast.ingest"))) == [("A", ["FCT-108"])]
