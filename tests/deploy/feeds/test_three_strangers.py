"""Files of strangers from three countries: a source is suggested, loads, and a check shows the right values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from common.sources.mapping.model import Source
from deploy.cli import main

pytestmark = pytest.mark.unit

# A till in Germany: semicolons, decimal commas, Latin-1, date and time of day apart.
GERMAN = """Bon-Nr;Datum;Uhrzeit;Artikel;Bezeichnung;Menge;Einzelpreis;Kundennr
100231;01.07.2024;09:02;A-100;Grüner Tee 250 g;2;4,95;K0017
100231;01.07.2024;09:02;A-204;Müsli "Knusper";1;1.249,00;K0017
100232;31.07.2024;23:45;A-100;Grüner Tee 250 g;-3;4,95;
"""
# A web shop in the United States: quoted fields, AM and PM, dollars with a comma for thousands.
AMERICAN = """"Order ID","Order Date","SKU","Product Name","Qty","Unit Price","Customer Email"
"US-1001","7/4/2024 1:05 PM","00123","Mug, ""best"" dad","2","$1,234.50","ann@example.com"
"US-1002","12/31/2024 11:59 PM","00124","Lamp","1","$15.00","bob@example.com"
"US-1003","1/2/2024 12:10 AM","00123","Mug","-1","$9.99","ann@example.com"
"""
# A payment house in Brazil: pipes, UTF-8, dates and times as bare digits, reais.
BRAZILIAN = """nsu|data_transacao|hora|cliente|loja|descrição|valor
000001|20240704|101500|11122233344|L-01|pão de queijo|R$ 1.234,56
000002|20240705|235959|11122233355|L-02|café|R$ 10,00
000003|20240705|000001|11122233344|L-01|café|R$ 7,50
"""


def _checked(folder: Path, job: str, capsys: pytest.CaptureFixture[str]) -> tuple[Source, dict[str, Any], str]:
    """The suggested source, what a check makes of the files with it, and what was not certain."""
    assert main(["source", "suggest", "--input", str(folder), "--for", job]) == 0
    made = capsys.readouterr()
    path = folder.parent / "my.yaml"
    path.write_text(made.out, encoding="utf-8")
    source = Source.load(str(path))
    assert main(["source", "check", str(path), "--input", str(folder), "--for", job, "-o", "json"]) == 0
    return source, json.loads(capsys.readouterr().out), made.err


def _folder(tmp_path: Path, name: str, content: bytes) -> Path:
    folder = tmp_path / "landing"
    folder.mkdir()
    (folder / name).write_bytes(content)
    return folder


def test_a_german_till_file_is_read_with_decimal_commas_and_joined_times(tmp_path, capsys):
    folder = _folder(tmp_path, "kasse.csv", GERMAN.encode("latin-1"))
    source, check, doubts = _checked(folder, "forecast.ingest", capsys)
    assert (source.encoding, source.options["sep"]) == ("latin-1", ";")
    assert (source.decimal, source.thousands) == (",", ".")
    assert check["fates"] == {"published": 3, "rejected": 0}
    assert [row["values"] for row in check["first_rows"]][1:] == [
        {
            "invoice_id": "100231",
            "item_id": "A-204",
            "item_name": 'Müsli "Knusper"',
            "quantity": 1.0,
            "sold_at": "2024-07-01T09:02:00Z",
            "unit_price": "1249.0000",
            "customer_id": "***",
        },
        {
            "invoice_id": "100232",
            "item_id": "A-100",
            "item_name": "Grüner Tee 250 g",
            "quantity": -3.0,
            "sold_at": "2024-07-31T23:45:00Z",
            "unit_price": "4.9500",
            "customer_id": None,
        },
    ]
    assert "time_zone: the times of sold_at name no zone; UTC is assumed" in doubts


def test_an_american_order_file_is_read_with_quotes_am_pm_and_dollars(tmp_path, capsys):
    folder = _folder(tmp_path, "orders.csv", AMERICAN.encode())
    source, check, _ = _checked(folder, "forecast.ingest", capsys)
    assert source.columns["sold_at"].timestamp_format == "M/d/yyyy h:mm a"
    assert check["fates"] == {"published": 3, "rejected": 0}
    shown = [row["values"] for row in check["first_rows"]]
    assert [row["sold_at"] for row in shown] == ["2024-07-04T13:05:00Z", "2024-12-31T23:59:00Z", "2024-01-02T00:10:00Z"]
    assert [row["unit_price"] for row in shown] == ["1234.5000", "15.0000", "9.9900"]
    # Leading zeros are part of an id.
    assert (shown[0]["item_id"], shown[0]["item_name"]) == ("00123", 'Mug, "best" dad')
    assert shown[0]["customer_id"] == "***"


def test_a_brazilian_payment_file_is_read_with_bare_digits_as_times(tmp_path, capsys):
    folder = _folder(tmp_path, "transacoes.csv", BRAZILIAN.encode())
    source, check, _ = _checked(folder, "fraud.ingest", capsys)
    assert source.columns["tx_datetime"].expr == "concat(data_transacao, ' ', hora)"
    assert check["fates"] == {"published": 3, "rejected": 0}
    shown = [row["values"] for row in check["first_rows"]]
    assert [row["tx_datetime"] for row in shown] == [
        "2024-07-04T10:15:00Z",
        "2024-07-05T23:59:59Z",
        "2024-07-05T00:00:01Z",
    ]
    assert [row["tx_amount"] for row in shown] == ["1234.5600", "10.0000", "7.5000"]
    assert [(row["transaction_id"], row["terminal_id"]) for row in shown][1] == ("000002", "L-02")
    assert check["not_mapped"] == ["descrição"]
