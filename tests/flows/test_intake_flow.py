"""What any ingest promises of its files: taken once, by the mapping that is right, none of them stranded."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from gift_shop import Shop
from pyspark.sql import DataFrame, SparkSession

from common.lake.set_aside import quarantine_table
from common.sources.rows.reading import read_raw
from jobs.forecast.ingest import JOB
from jobs.forecast.sales.tables import SALE_RECORDS, SALES

pytestmark = [pytest.mark.flow, pytest.mark.usefixtures("no_ops_rows", "unaudited")]

QUARANTINE = quarantine_table("forecast", "forecast.ingest")


def write_source(shop: Shop, time: str, quantity: str = "quantity") -> None:
    columns = f'{{invoice_id: invoice, item_id: item, quantity: "{quantity}", sold_at: "{time}"}}'
    (shop.folder / "source.yaml").write_text(f"format: csv\ncolumns: {columns}\n")


def ingest(shop: Shop, *flags: str) -> dict[str, Any]:
    code = shop.run(JOB, "--source", str(shop.folder / "source.yaml"), *flags)
    record = shop.records()[-1]
    assert record["exit_code"] == code
    return record


def sold(shop: Shop) -> list[tuple[str, float]]:
    return sorted((row["item_id"], row["quantity"]) for row in shop.lake.read(SALES).collect())


def counts(record: dict[str, Any]) -> list[int]:
    return [record["counts"][f"rows_{name}"] for name in ("read", "written", "quarantined", "deduplicated")]


def test_a_corrected_source_replaces_what_its_files_had_published_and_quarantined(
    spark: SparkSession, tmp_path: Path
) -> None:
    shop = Shop(spark, tmp_path)
    shop.sends(
        "a.csv",
        ["1,MUG,2,2026-03-02 10:00:00,2.0,c", "2,CUP,3,2026-03-02 11:00:00,2.0,c", "3,POT,x,2026-03-02 11:00:00,2.0,c"],
    )
    write_source(shop, "sold_at", "quantity || 0")
    files = ("--input", str(shop.folder / "in"))
    assert counts(ingest(shop, *files)) == [3, 2, 1, 0]
    assert sold(shop) == [("CUP", 30.0), ("MUG", 20.0)]
    assert ingest(shop, *files)["outcome"].startswith("nothing to do")
    write_source(shop, "sold_at", "replace(quantity, 'x', '7')")
    mended = ingest(shop, *files)
    assert (counts(mended), mended["counts"]["files_again"]) == ([3, 3, 0, 0], 1)
    assert sold(shop) == [("CUP", 3.0), ("MUG", 2.0), ("POT", 7.0)]
    assert shop.lake.read(QUARANTINE).count() == 0
    assert shop.lake.read(SALE_RECORDS).count() == 3
    # At eleven in London it is midnight in Auckland: the day of a line is no part of its id.
    ingest(shop, *files, "--set", "retake=true", "--set", "time_zone=Pacific/Auckland")
    assert sold(shop) == [("CUP", 3.0), ("MUG", 2.0), ("POT", 7.0)]
    assert shop.lake.read(SALES).where("sold_day = '2026-03-03'").count() == 2
    record = json.loads(shop.lake.read(SALE_RECORDS).where("_line = 2").collect()[0]["record"])
    assert sorted(record) == ["customer", "invoice", "item", "price", "quantity", "sold_at"]


def test_files_without_rows_are_nothing_to_do_and_known_afterwards(spark: SparkSession, tmp_path: Path) -> None:
    shop = Shop(spark, tmp_path)
    shop.sends("a.csv", [])
    write_source(shop, "sold_at")
    outcomes = [ingest(shop, "--input", str(shop.folder / "in"))["outcome"] for _ in range(2)]
    assert outcomes == [
        "nothing to do: the files hold no rows",
        "nothing to do: every file was ingested before, by this mapping",
    ]


def test_a_file_that_changes_while_it_is_read_is_taken_once_when_it_is_finished(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(spark, tmp_path)
    shop.sends("a.csv", ["1,MUG,2,2026-03-02 10:00:00,2.0,c"])
    # Without a receipt each line counts, however often it is read.
    shop.sends("b.csv", [",CUP,1,2026-03-02 11:00:00,2.0,c"])
    write_source(shop, "sold_at")
    files = ("--input", str(shop.folder / "in"))

    def grown(*given: Any) -> DataFrame:
        with (shop.folder / "in" / "b.csv").open("a") as file:
            file.write(",CUP,5,2026-03-02 12:00:00,2.0,c\n")
        return read_raw(*given)

    with monkeypatch.context() as patched:
        patched.setattr("common.intake.reading.read_raw", grown)
        first = ingest(shop, *files)
    assert (counts(first), sold(shop)) == ([1, 1, 0, 0], [("MUG", 2.0)])
    assert any("1 file changed while it was read" in words for words in first["warnings"])
    assert counts(ingest(shop, *files)) == [2, 2, 0, 0]
    assert sold(shop) == [("CUP", 1.0), ("CUP", 5.0), ("MUG", 2.0)]


def test_a_run_that_rejects_most_rows_publishes_nothing_and_takes_the_files_again(
    spark: SparkSession, tmp_path: Path
) -> None:
    shop = Shop(spark, tmp_path)
    shop.sends("a.csv", ["1,MUG,2,2026-03-02 10:00:00,2.0,c", "2,CUP,3,2026-03-02 11:00:00,2.0,c"])
    write_source(shop, "to_timestamp(price)")
    files = ("--input", str(shop.folder / "in"))
    for _ in range(2):
        refused = ingest(shop, *files)
        assert (refused["exit_code"], refused["error"]["code"]) == (3, "ING-010")
        assert "SRC-301" in refused["error"]["cause"]
        assert "a.csv" in refused["error"]["cause"]
        assert not shop.lake.exists(SALES)
    write_source(shop, "sold_at")
    assert counts(ingest(shop, *files)) == [2, 2, 0, 0]
    assert shop.lake.read(SALE_RECORDS).count() == 2


def test_a_batch_that_cannot_be_published_is_set_aside_and_taken_when_the_mapping_has_changed(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(spark, tmp_path)
    shop.sends("a.csv", ["1,MUG,2,2026-03-02 10:00:00,2.0,c"])
    write_source(shop, "sold_at")
    files = ("--input", str(shop.folder / "in"))
    monkeypatch.setenv("LAKEJOBS_FAULT", "ingest.quarantined:fail")
    assert ingest(shop, *files)["exit_code"] == 1
    monkeypatch.delenv("LAKEJOBS_FAULT")
    shop.sends("b.csv", ["2,CUP,3,2026-03-02 11:00:00,2.0,c"])
    second = ingest(shop, *files)
    assert (second["exit_code"], sold(shop)) == (0, [("CUP", 3.0)])
    assert any("1 file set aside" in warning for warning in second["warnings"])
    write_source(shop, "timestamp(sold_at)")
    assert ingest(shop, *files)["exit_code"] == 0
    assert sold(shop) == [("CUP", 3.0), ("MUG", 2.0)]


def test_rows_of_the_future_are_taken_when_their_time_has_come(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(spark, tmp_path)
    shop.sends("a.csv", ["1,MUG,2,2026-03-02 10:00:00,2.0,c", "2,CUP,3,2026-03-06 11:00:00,2.0,c"])
    write_source(shop, "sold_at")
    files = ("--input", str(shop.folder / "in"))
    days = iter([3, 4, 7])
    monkeypatch.setattr("common.run.runner.utc_now", lambda: clock)
    clock = datetime(2026, 3, next(days), tzinfo=UTC)
    first = ingest(shop, *files)
    assert (counts(first), sold(shop)) == ([2, 1, 1, 0], [("MUG", 2.0)])
    assert any("1 row will be taken later" in warning for warning in first["warnings"])
    clock = datetime(2026, 3, next(days), tzinfo=UTC)
    assert ingest(shop, *files)["outcome"].startswith("nothing to do")
    clock = datetime(2026, 3, next(days), tzinfo=UTC)
    assert counts(ingest(shop, *files)) == [2, 1, 0, 1]
    assert sold(shop) == [("CUP", 3.0), ("MUG", 2.0)]
    assert shop.lake.read(QUARANTINE).count() == 0


def test_orders_become_a_line_per_product_and_every_line_is_accounted_for(spark: SparkSession, tmp_path: Path) -> None:
    orders: list[dict[str, Any]] = [
        {"id": "o1", "at": "2026-03-02 10:00:00", "state": "paid", "lines": [["MUG", 2], ["CUP", 3]]},
        {"id": "o2", "at": "2026-03-02 11:00:00", "state": "open", "lines": [["POT", 1]]},
        {"id": "o3", "at": "2026-03-02 12:00:00", "state": "paid", "lines": []},
        {"id": "o4", "at": "2026-03-02 13:00:00", "state": "paid", "lines": [["MUG", 1], ["CUP", None]]},
    ]
    named = [one | {"lines": [{"sku": sku, "n": n} for sku, n in one["lines"]]} for one in orders]
    shop = Shop(spark, tmp_path)
    (shop.folder / "in").mkdir(exist_ok=True)
    (shop.folder / "in" / "orders.json").write_text("\n".join(map(json.dumps, named)) + "\n")
    (shop.folder / "source.yaml").write_text(
        "format: json\n"
        'raw_schema: "id string, at string, state string, lines array<struct<sku: string, n: string>>"\n'
        "rows_from: lines\n"
        "parent: {invoice: id, at: at, state: state}\n"
        "where: state = 'paid'\n"
        "columns: {invoice_id: invoice, item_id: sku, quantity: n, sold_at: at}\n"
    )
    record = ingest(shop, "--input", str(shop.folder / "in"))
    # Five lines and the order without any; of these three are sold, two rejected and one is not paid for.
    assert (counts(record), record["counts"]["rows_filtered"]) == ([6, 3, 2, 0], 1)
    assert sold(shop) == [("CUP", 3.0), ("MUG", 1.0), ("MUG", 2.0)]
    reasons = sorted(row["reasons"][0][:7] for row in shop.lake.read(QUARANTINE).collect())
    assert reasons == ["FCT-103", "SRC-302"]
