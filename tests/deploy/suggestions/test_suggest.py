"""``lakejobs source suggest`` on small files of each kind."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from common.config.lake_settings import LakeSettings
from common.errors import LakejobsError
from common.sources.mapping.model import Source
from deploy.cli import main
from deploy.feeds.targets import JOBS, target_of
from deploy.suggestions.names import known_names, likeness, names_of
from deploy.suggestions.suggest import suggested
from deploy.suggestions.writing import Suggestion

pytestmark = pytest.mark.unit


def _suggested(tmp_path: Path, job: str, **files: str | bytes) -> tuple[Suggestion, Source]:
    for name, content in files.items():
        path = tmp_path / name.replace("__", ".")
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    made = suggested(str(tmp_path), target_of(job), LakeSettings())
    return made, Source.parse(made.text, name="suggested")


def _mapping(source: Source) -> dict[str, str]:
    return {name: column.expr for name, column in source.columns.items()}


def test_names_of_several_languages_are_known():
    assert likeness("Kunden-Nr", names_of("fraud.ingest", "customer_id")) > 0.9
    assert likeness("montant", names_of("fraud.ingest", "tx_amount")) > 0.9
    assert likeness("Preço Unitário", names_of("forecast.ingest", "unit_price")) > 0.9
    assert likeness("数量", names_of("forecast.ingest", "quantity")) > 0.9
    assert likeness("colour", names_of("fraud.ingest", "tx_amount")) == 0


def test_the_names_stand_for_columns_that_exist():
    assert set(known_names()) == set(JOBS)
    for job in JOBS:
        assert set(known_names()[job]) <= set(target_of(job).schema.names), job


def test_a_japanese_file_is_mapped_by_its_names(tmp_path):
    text = "伝票番号,販売日,商品コード,商品名,数量,単価\n1,2024年7月1日,A1,お茶,2,120\n2,2024年12月31日,A2,水,1,90\n"
    _, source = _suggested(tmp_path, "forecast.ingest", sales__csv=text)
    assert _mapping(source) == {
        "invoice_id": "`伝票番号`",
        "item_id": "`商品コード`",
        "item_name": "`商品名`",
        "quantity": "`数量`",
        "sold_at": "`販売日`",
        "unit_price": "`単価`",
    }
    assert source.columns["sold_at"].timestamp_format == "yyyy'年'M'月'd'日'"


def test_day_and_month_that_may_be_either_are_said_to_be_uncertain(tmp_path):
    made, source = _suggested(tmp_path, "forecast.ingest", s__csv="date,item,qty\n04/03/2024,A,1\n05/12/2024,B,2\n")
    assert source.columns["sold_at"].timestamp_format == "dd/MM/yyyy"
    assert "sold_at: day or month first? MM/dd/yyyy reads the sample as well" in made.doubts
    made, source = _suggested(tmp_path, "forecast.ingest", s__csv="date,item,qty\n04/03/2024,A,1\n05/13/2024,B,2\n")
    assert source.columns["sold_at"].timestamp_format == "MM/dd/yyyy"
    assert not any("month first" in doubt for doubt in made.doubts)


def test_a_time_that_names_its_zone_needs_no_zone(tmp_path):
    made, source = _suggested(
        tmp_path,
        "fraud.ingest",
        t__csv=(
            "id,when,customer,terminal,amount\n1,2024-05-06T10:00:00+02:00,c1,t1,1.50\n2,2024-05-06T11:00:00Z,c2,t1,2.00\n"
        ),
    )
    assert _mapping(source)["tx_datetime"] == "`when`"
    assert source.columns["tx_datetime"].timestamp_format is None
    assert "time_zone" not in made.text


def test_counts_since_1970_get_their_unit(tmp_path):
    text = "id,ts,visitor\n1,1714989600000,v1\n2,1714989700000,v2\n"
    _, source = _suggested(tmp_path, "clickstream.ingest", e__csv=text)
    assert source.columns["collector_tstamp"].epoch == "ms"


def test_a_file_without_a_header_gets_names_by_place_and_columns_by_values(tmp_path):
    text = "".join(f"T{n:03};2024-05-0{n % 7 + 1} 10:00:00;C{n % 3}9;K{n % 2}1;{n},50\n" for n in range(20))
    made, source = _suggested(tmp_path, "fraud.ingest", t__csv=text)
    assert source.options["header"] == "false"
    assert source.raw_schema == "_c0 string, _c1 string, _c2 string, _c3 string, _c4 string"
    mapped = _mapping(source)
    assert (mapped["transaction_id"], mapped["tx_datetime"], mapped["tx_amount"]) == ("_c0", "_c1", "_c4")
    assert {mapped["customer_id"], mapped["terminal_id"]} == {"_c2", "_c3"}
    assert any("chosen by its values" in doubt for doubt in made.doubts)


def test_a_needed_column_that_nothing_looks_like_is_said_and_the_source_loads(tmp_path):
    made, source = _suggested(tmp_path, "fraud.ingest", t__csv="id,when,customer\n1,2024-05-06 10:00:00,c1\n")
    assert "tx_amount" not in source.columns
    assert "  # tx_amount: ?    # needed, and no column of the files looks like it" in made.text.splitlines()


def test_sales_without_a_quantity_count_as_one_piece_each(tmp_path):
    made, source = _suggested(
        tmp_path, "forecast.ingest", s__csv="sku,sold_at\nA1,2024-05-06 10:00\nA2,2024-05-07 11:00\n"
    )
    assert _mapping(source)["quantity"] == "1"
    assert any(doubt.startswith("quantity: ") for doubt in made.doubts)


def test_a_column_of_quantities_that_are_no_numbers_is_named_and_not_counted_as_one_piece(tmp_path):
    text = "sku,sold_at,qty\nA1,2024-05-06 10:00,two\nA2,2024-05-07 11:00,three\n"
    made, source = _suggested(tmp_path, "forecast.ingest", s__csv=text)
    assert _mapping(source)["quantity"] == "qty"
    assert "quantity: its values do not look like numbers: say in SQL how they are read" in made.doubts
    assert "Not mapped" not in made.text


def test_a_time_and_a_number_for_each_shop_are_ready_series(tmp_path):
    text = "store,week,sales\n" + "".join(f"{s},2024-05-{3 + 7 * w:02},{s * w}\n" for s in (1, 2) for w in range(4))
    _, source = _suggested(tmp_path, "forecast.ingest", s__csv=text)
    assert _mapping(source) == {"unique_id": "store", "ds": "week", "y": "sales"}


def test_nested_json_lines_get_a_schema_of_text(tmp_path):
    event = {"id": "e1", "ts": "2024-05-06T10:00:00Z", "user": {"id": 7, "mail": "a@b.example"}, "tags": ["x"]}
    lines = "".join(json.dumps({**event, "id": f"e{n}"}) + "\n" for n in range(3))
    _, source = _suggested(tmp_path, "clickstream.ingest", e__json=lines)
    assert source.raw_schema == "id string, ts string, user struct<id: string, mail: string>, tags array<string>"
    mapped = _mapping(source)
    assert (mapped["event_id"], mapped["collector_tstamp"]) == ("id", "ts")


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (
            '[{"id":"a","ts":"2024-05-06T10:00:00Z","visitor":"v"},\n {"id":"b","ts":"2024-05-06T11:00:00Z"}]',
            "one JSON array",
        ),
        (
            '{"Records": [{"id":"a","ts":"2024-05-06T10:00:00Z","visitor":"v"}]}',
            "holds the records in a list 'Records'",
        ),
        (
            '{"id":"a","ts":"2024-05-06T10:00:00Z","visitor":"v"}{"id":"b","ts":"2024-05-06T11:00:00Z"}',
            "one after another",
        ),
    ],
)
def test_other_shapes_of_json_are_recognised(tmp_path, text, form):
    made, source = _suggested(tmp_path, "clickstream.ingest", e__json=text)
    assert form in made.text.splitlines()[0]
    assert source.raw_schema == "id string, ts string, visitor string"


def test_parquet_is_mapped_by_its_schema(tmp_path):
    table = pa.table(
        {
            "TRANSACTION_ID": [1, 2],
            "TX_DATETIME": pa.array([datetime(2024, 5, 6), datetime(2024, 5, 7)], pa.timestamp("us")),
            "CUSTOMER_ID": [7, 8],
            "TERMINAL_ID": [1, 1],
            "TX_AMOUNT": [1.5, 2.25],
        }
    )
    parquet.write_table(table, tmp_path / "t.parquet")
    made, source = _suggested(tmp_path, "fraud.ingest")
    assert source.format == "parquet"
    assert set(_mapping(source).values()) == set(table.column_names)
    assert "# - the columns are those of the preset fraud_handbook" in made.text
    assert any("name no zone" in doubt for doubt in made.doubts)


def test_a_parquet_time_with_a_zone_leaves_no_doubt(tmp_path):
    table = pa.table({"item": ["a"], "sold": pa.array([datetime(2024, 5, 6, tzinfo=UTC)]), "qty": [1.0]})
    parquet.write_table(table, tmp_path / "t.parquet")
    made, _ = _suggested(tmp_path, "forecast.ingest")
    assert made.doubts == []


LOGS = {
    "the preset aws_alb": (
        "https 2026-05-06T10:00:00.1Z app/shop/5 203.0.113.7:28 10.0.0.1:80 0.0 0.1 0.0 200 200 34 366 "
        '"GET https://www.example.com:443/a HTTP/1.1" "curl/7.46.0" - - -\n'
    ),
    "the preset aws_cloudfront": (
        "#Version: 1.0\n#Fields: date time x-edge-location c-ip\n2026-05-06\t10:00:00\tFRA\t203.0.113.7\n"
    ),
    "the preset iis": "#Fields: date time c-ip cs-uri-stem\n2026-05-06 10:00:00 203.0.113.7 /\n",
}


@pytest.mark.parametrize("preset", LOGS)
def test_a_log_of_another_kind_gets_its_own_preset(tmp_path, preset):
    made, source = _suggested(tmp_path, "clickstream.ingest", log__gz=gzip.compress(LOGS[preset].encode()))
    assert preset in made.text
    assert source.format == "access_log"


def test_an_access_log_gets_the_preset(tmp_path):
    line = '192.0.2.1 - - [06/May/2024:10:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "Mozilla/5.0"\n'
    _, source = _suggested(tmp_path, "clickstream.ingest", access__log__gz=gzip.compress(line.encode() * 3))
    assert source.format == "access_log"
    assert _mapping(source)["user_ipaddress"] == "remote_host"
    with pytest.raises(LakejobsError, match=r"nothing for fraud\.ingest"):
        _suggested(tmp_path, "fraud.ingest")


def test_bytes_that_are_not_utf_8_get_an_encoding(tmp_path):
    text = "Kunde;Datum;Artikel;Menge\nMüller;01.02.2024;Käse \u2013 alt;1\n"
    made, source = _suggested(tmp_path, "forecast.ingest", s__csv=text.encode("cp1252"))
    assert source.encoding == "windows-1252"
    assert any(doubt.startswith("encoding windows-1252") for doubt in made.doubts)
    _, source = _suggested(tmp_path, "forecast.ingest", s__csv="\ufeffitem;day;qty\nKäse;2024-05-06;1\n".encode())
    assert source.encoding == "utf-8"
    assert _mapping(source)["item_id"] == "item"


def test_numbers_that_can_be_read_in_two_ways_are_said_to_be_uncertain(tmp_path):
    made, source = _suggested(
        tmp_path, "forecast.ingest", s__csv='item,day,qty\nA,2024-05-06,"1,234"\nB,2024-05-07,"2,000"\n'
    )
    assert source.thousands == ","
    assert "quantity: 1,234 may be read in two ways: set decimal and thousands" in made.doubts


def test_payment_card_numbers_are_warned_about(tmp_path):
    text = "id,when,customer,terminal,amount\n1,2024-05-06 10:00:00,4111111111111111,t1,1.50\n"
    made, _ = _suggested(tmp_path, "fraud.ingest", t__csv=text)
    assert any("'customer' holds payment card numbers" in doubt for doubt in made.doubts)
    assert "4111111111111111" not in made.text


def test_backslashes_are_escapes_only_where_that_cuts_the_lines_evenly(tmp_path):
    doubled = 'item,name,day,qty\nA,"ends with \\",2024-05-06,1\nB,"a ""b""",2024-05-07,2\n'
    _, source = _suggested(tmp_path, "forecast.ingest", s__csv=doubled)
    assert "escape" not in source.options
    escaped = 'item,name,day,qty\nA,"a \\"b\\", c",2024-05-06,1\nB,"d",2024-05-07,2\n'
    _, source = _suggested(tmp_path, "forecast.ingest", s__csv=escaped)
    assert source.options["escape"] == "\\"


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a__zip", b"PK\x03\x04rest", "FED-002"),
        ("a__csv", b"", "FED-002"),
        ("a__csv", b"colour,shape\nred,round\n", "FED-005"),
    ],
)
def test_files_that_give_no_source_are_refused_with_a_reason(tmp_path, name, content, code):
    with pytest.raises(LakejobsError) as refused:
        _suggested(tmp_path, "forecast.ingest", **{name: content})
    assert refused.value.code == code


def test_files_of_two_kinds_are_refused(tmp_path):
    with pytest.raises(LakejobsError) as refused:
        _suggested(tmp_path, "forecast.ingest", a__csv="item,day,qty\nA,2024-05-06,1\n", b__json='{"item":"A"}\n')
    assert refused.value.code == "FED-004"


def test_the_source_goes_to_standard_output_and_the_talk_to_standard_error(tmp_path, capsys):
    (tmp_path / "s.csv").write_text("item,day,qty\nA,2024-05-06,1\n")
    assert main(["source", "suggest", "--input", str(tmp_path), "--for", "forecast.ingest"]) == 0
    made = capsys.readouterr()
    assert made.out.startswith("# A source for forecast.ingest")
    assert "try it: lakejobs source check FILE" in made.err
    assert main(["source", "suggest", "--input", str(tmp_path), "--for", "forecast.digest"]) == 2
    assert "Did you mean 'forecast.ingest'?" in capsys.readouterr().err
    assert main(["source", "sugest"]) == 2
    assert main(["source"]) == 0
