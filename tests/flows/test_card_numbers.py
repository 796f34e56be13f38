"""Card numbers in what is sent: after a run of any ingest none lies in the lake in clear."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from card_bank import Bank, csv
from gift_shop import Shop
from ingest_lakes import Intake, hit, write_lines, write_source
from lake_texts import places_of
from pyspark.sql import SparkSession

from common.run.pseudonym_key import _PUBLIC_KEY
from jobs.clickstream.events.tables import EVENT_RECORDS, EVENTS
from jobs.forecast.ingest import JOB as INGEST
from jobs.forecast.sales.tables import SALES
from jobs.fraud import ingest, ingest_labels
from jobs.fraud.transactions.tables import LABELS, TRANSACTION_RECORDS, TRANSACTIONS

pytestmark = [pytest.mark.flow, pytest.mark.usefixtures("no_ops_rows", "unaudited")]

CANARIES = ("4111 1111 1111 1111", "5500000000000004", "340000000000009")


def test_events_with_card_numbers_are_published_without_them(spark: SparkSession, tmp_path: Path) -> None:
    lines = [
        hit(id="e1", t="2026-03-10T10:00:00Z", url=f"/pay?card={CANARIES[0].replace(' ', '+')}&x=1"),
        hit(id="e2", t="2026-03-10T10:01:00Z", ref=f"https://pay.example/{CANARIES[1]}/done"),
        # Goes to the quarantine: the time cannot be read.
        hit(id="e3", t=f"card {CANARIES[2]}"),
        hit(id="e4", t="2026-03-10T10:02:00Z", who=CANARIES[1]),
        f"not json at all, {CANARIES[2]}",
        hit(id="e5", t="2026-03-10T10:03:00Z"),
    ]
    write_lines(tmp_path / "in", "day.json", lines)
    source = write_source(tmp_path)
    source.write_text(f"{source.read_text()}extra: {{asked: url, answer: {{expr: status, type: number}}}}\n")
    intake = Intake(spark, tmp_path / "lake", source)
    record = intake.ingest(tmp_path / "in")
    assert (record["exit_code"], record["counts"]["rows_with_card_numbers"]) == (0, 5)
    assert places_of(intake.root, *CANARIES) == []
    (first,) = intake.lake.read(EVENTS).where("event_id = 'e1'").collect()
    assert first["page_url"] == "/pay?card=411111******1111&x=1"
    free = (first["extra_numbers"], first["extra_categories"])
    assert free == ({"answer": 200.0}, {"asked": "/pay?card=411111******1111&x=1"})
    texts = [row["record"] for row in intake.lake.read(EVENT_RECORDS).collect() if row["record"]]
    records = {json.loads(text)["id"]: text for text in texts}
    assert json.loads(records["e4"])["who"] == _PUBLIC_KEY.pseudonym(CANARIES[1])
    assert records["e5"] == lines[5]
    pages = [page.read_text() for page in intake.root.rglob("*.html")]
    assert any("Payment card numbers were found in 5 rows" in page for page in pages)


def test_transactions_of_customers_named_by_their_cards_keep_them_apart(spark: SparkSession, tmp_path: Path) -> None:
    bank = Bank(spark, tmp_path / "lake")
    # Two cards that a mask would make one.
    twins = ("4000000000000002", "4000000190000002")
    code = bank.take_in_csv(
        f"t1,2026-03-10 10:00:00,{CANARIES[0]},s1,10",
        f"t2,2026-03-10 10:01:00,{CANARIES[1]},s1,10",
        f"t3,2026-03-10 10:02:00,{twins[0]},s1,10",
        f"t6,2026-03-10 10:02:30,{twins[1]},s1,10",
        f"t4,soon,{CANARIES[2]},s1,10",
        "t5,2026-03-10 10:03:00,c5,s1,10",
    )
    assert code == 0
    assert places_of(bank.root, *CANARIES, *twins) == []
    assert bank.record(ingest.JOB)["counts"]["rows_with_card_numbers"] == 5
    key = _PUBLIC_KEY
    stored = {row["transaction_id"]: row["customer_id"] for row in bank.lake.read(TRANSACTIONS).collect()}
    assert stored == {
        "t1": key.pseudonym(key.pseudonym(CANARIES[0])),
        "t2": key.pseudonym(key.pseudonym(CANARIES[1])),
        "t3": key.pseudonym(key.pseudonym(twins[0])),
        "t6": key.pseudonym(key.pseudonym(twins[1])),
        "t5": key.pseudonym("c5"),
    }


def test_long_numeric_ids_keep_their_text_and_labels_still_find_them(spark: SparkSession, tmp_path: Path) -> None:
    bank = Bank(spark, tmp_path / "lake")
    # Twelve ids with the shape of a card; by chance the sums of ...02 and ...10 are right.
    ids = [f"40000000000000{n:02d}" for n in range(12)]
    assert bank.take_in_csv(*(f"{one},2026-03-10 10:00:00,c,s1,10" for one in ids)) == 0
    assert sorted(row["transaction_id"] for row in bank.lake.read(TRANSACTIONS).collect()) == ids
    raw = bank.lake.read(TRANSACTION_RECORDS).collect()
    assert sorted(json.loads(row["record"])["id"] for row in raw) == ids
    assert bank.record(ingest.JOB)["counts"]["rows_with_card_numbers"] == 0
    (tmp_path / "labels.yaml").write_text(
        "format: csv\ncolumns: {transaction_id: id, reported_at: at, is_fraud: fraud}\n"
    )
    reports = [f"{one},2026-03-11 10:00:00,true,card {CANARIES[0]}" for one in ids[:4]]
    landing = csv(tmp_path / "labels", "a.csv", "id,at,fraud,note", *reports)
    assert bank.run(ingest_labels.JOB, "--source", str(tmp_path / "labels.yaml"), "--input", landing) == 0
    assert sorted(row["transaction_id"] for row in bank.lake.read(LABELS).collect()) == ids[:4]
    assert bank.record(ingest_labels.JOB)["counts"]["rows_with_card_numbers"] == 4
    assert places_of(bank.root, *CANARIES) == []


def test_sales_with_card_numbers_are_taken_in_without_them(spark: SparkSession, tmp_path: Path) -> None:
    shop = Shop(spark, tmp_path)
    shop.sends(
        "a.csv",
        [
            f"i1,cup,1,2026-03-10 10:00:00,2.0,{CANARIES[0]}",
            f"paid by {CANARIES[1]},cup,1,2026-03-10 10:00:00,2.0,c2",
            f"i3,cup,many {CANARIES[2]},2026-03-10 10:00:00,2.0,c3",
            "i4,cup,1,2026-03-10 10:00:00,2.0,c4",
        ],
    )
    source = shop.folder / "source.yaml"
    more = "  promotion: cast(price as double) < 3\n  stock: '12'\nextra: {receipt: invoice}\n"
    source.write_text(source.read_text() + more)
    assert shop.ingests() == 0
    assert places_of(shop.root, *CANARIES) == []
    assert shop.records()[-1]["counts"]["rows_with_card_numbers"] == 3
    rows = shop.lake.read(SALES).collect()
    assert {(row["promotion"], row["stock"]) for row in rows} == {(True, 12.0)}
    assert {row["extra_categories"]["receipt"] for row in rows} == {row["invoice_id"] for row in rows}
    invoices = {row["invoice_id"] for row in rows}
    assert invoices == {"i1", "i4", _PUBLIC_KEY.pseudonym(f"paid by {CANARIES[1]}")}


ORDERS = """format: json
raw_schema: "order string, at string, buyer string, lines array<struct<line: string, sku: string, note: string>>"
rows_from: lines
parent: [order, at, buyer]
columns:
  invoice_id: order
  transaction_id: line
  item_id: sku
  item_name: note
  quantity: "1"
  sold_at: at
  customer_id: buyer
"""


def test_ids_of_elements_and_of_their_records_are_kept_apart_too(spark: SparkSession, tmp_path: Path) -> None:
    # Long numbers of lines and barcodes are no cards, though the sums of some are right; the buyers are.
    barcodes = [f"40000000000{n:02d}" for n in range(12)]
    twins = ("4000000000000002", "4000000190000002")
    orders = [
        {
            "order": f"o{place}",
            "at": "2026-03-10 10:00:00",
            "buyer": buyer,
            "lines": [
                {"line": int(f"40000000000001{n:02d}"), "sku": barcodes[n], "note": note}
                for n, note in enumerate(("paid by " + CANARIES[0], "", ""), start=3 * place)
            ],
        }
        for place, buyer in enumerate([*twins, CANARIES[1], "b4"])
    ]
    shop = Shop(spark, tmp_path)
    (tmp_path / "orders.yaml").write_text(ORDERS)
    write_lines(tmp_path / "orders", "a.json", list(map(json.dumps, orders)))
    assert shop.run(INGEST, "--source", str(tmp_path / "orders.yaml"), "--input", str(tmp_path / "orders")) == 0
    assert places_of(shop.root, *CANARIES, *twins) == []
    rows = shop.lake.read(SALES).orderBy("item_id").collect()
    assert [row["item_id"] for row in rows] == barcodes
    assert [row["transaction_id"] for row in rows] == [f"40000000000001{n:02d}" for n in range(12)]
    key = _PUBLIC_KEY
    buyers = [key.pseudonym(key.pseudonym(one)) for one in (*twins, CANARIES[1])] + [key.pseudonym("b4")]
    assert [row["customer_id"] for row in rows] == [one for one in buyers for _ in range(3)]
    assert rows[0]["item_name"] == "paid by 411111******1111"
