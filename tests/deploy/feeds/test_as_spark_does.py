"""The rows of a check are those that Spark makes: the same values, the same reasons, on the same lines."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from common.config.lake_settings import LakeSettings
from common.sources.files.log_kinds import BALANCER
from common.sources.mapping.model import Source
from common.sources.rows import balancer_log, w3c_log
from deploy.feeds.check import Check, checked
from deploy.feeds.log_records import LOG_COLUMNS, values_of_kind
from deploy.feeds.targets import target_of

pytestmark = pytest.mark.unit

TEXT = """id;when;cust;term;amount;
a1;2024-07-01 12:00:00;c1;t1;1.234,56;
a2;2024-07-01;c1;t1;12,50
a3;2024-07-01T12:00:00+02;c1 ;t1;EUR 12,50
a4;20240701;c1;t1;(12,50)
a5;2024-07-01 12:00:00 UTC;c1;t1;1.5e2
a6;10:00;c1;t1;0,00001
a7;2024-02-30 12:00:00;"c 'x'";t1;7
a8;2024-07-01 12:00:00.123456789;c1;t1;12,50-

a9;2024-07-01;c1
b1;0001-01-01 00:00:00;;t1;1
"""
SOURCE = """format: csv
options: {sep: ";"}
time_zone: Europe/Berlin
decimal: ","
thousands: "."
columns:
  transaction_id: id
  tx_datetime: when
  customer_id: nullif(trim(cust), 'c1')
  terminal_id: if(id > 'a4', concat(term, '-x'), term)
  tx_amount: amount
"""


def _faults(check: Check) -> list[tuple[object, ...]]:
    return [tuple(fault[name] for name in ("line", "column", "reason")) for fault in check.findings.faults]


JSON = """{"item": "A", "ms": 1714989600000, "n": "25", "lines": [{"p": "1.5"}], "user": {"id": 7}}
{"item": 12345678901234567890, "ms": "1714989600", "n": "n/a", "lines": []} {"item": "B", "ms": null, "n": "1e1"}
{"item": null, "ms": 1714989600000.5, "n": "-10", "lines": [{"p": "2"}], "user": {"id": "u"}} rest
[{"item": " C ", "ms": 1714989600000, "n": 10.5, "lines": [{"p": "x"}, {"p": "3"}]}]
{"item": "5d", "ms": 1714989600000, "n": "5d", "lines": [{"p": "5d"}]}
{"item": "0x1p3", "ms": 1714989600000, "n": "Infinity", "lines": [{"p": "1_000"}]}
"""
TYPED = """A,2024-05-06,5d,1
B,2024-05-06,1_000,1
C,2024-05-06,0x1p3,1
D,2024-05-06,Infinity,1
E,2024-05-06,2,NaN
F,2024-05-06,nan,1
G,2024-05-06, 5.,-0.5
H,2024-05-06,1e3,1f
"""
TYPES = """format: csv
options: {header: false}
raw_schema: "item string, day string, n double, p float"
columns: {item_id: item, sold_at: day, quantity: n, unit_price: p}
"""
SALES = """format: json
raw_schema: "item string, ms string, n string, lines array<struct<p: string>>, user struct<id: string>"
columns:
  item_id: upper(item)
  sold_at: {expr: ms, epoch: ms}
  quantity: n / 10
  unit_price: get(lines, 0).p
  item_name: lines[0].p
  customer_id: coalesce(`user`.id, 'none')
  currency: "case when n > 10 then 'EUR' else substring(item, 1, 3) end"
"""


@pytest.mark.parametrize(
    ("name", "text", "yaml", "job"),
    [
        ("a.csv", TEXT, SOURCE, "fraud.ingest"),
        ("a.json", JSON, SALES, "forecast.ingest"),
        ("a.csv", TYPED, TYPES, "forecast.ingest"),
    ],
)
def test_values_and_reasons_are_those_of_spark(
    spark: SparkSession, tmp_path: Path, name: str, text: str, yaml: str, job: str
) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    source, target = Source.parse(yaml, name="mine"), target_of(job)
    own = checked(source, target, str(tmp_path), LakeSettings())
    real = checked(source, target, str(tmp_path), LakeSettings(), with_spark=True)
    assert own.needs_spark == {}
    assert [row.values for row in own.findings.first] == [row.values for row in real.findings.first]
    assert _faults(own) == _faults(real)
    assert own.findings.fates == real.findings.fates
    assert own.findings.reasons == real.findings.reasons
    assert own.findings.filled == real.findings.filled


HEAD = "http 2026-05-06T10:00:00.186641Z app/shop/50dc 203.0.113.7:2817 10.0.0.1:80 0.0 0.1 0.0"
FIELDS = "#Fields: date time c-ip cs-method cs-uri-stem cs-uri-query sc-status sc-bytes cs(User-Agent) x-forwarded-for"
LOGS = {
    BALANCER: [
        f'{HEAD} 200 200 34 366 "GET https://www.example.com:443/a?b HTTP/1.1" "A \\"B\\" C" - -',
        f'{HEAD.replace("203.0.113.7:", "[2001:db8::1]:")} - - 0 0 "- http://e:80- -" "-" - -',
        f'{HEAD.removeprefix("http ")} 200 200 0 - "GET / HTTP/1.1"',
        f'{HEAD} 200 200 34 366 "GET',
        f"{HEAD} 200 200 34 366",
        f'{HEAD.replace("05-06", "13-06")} 200 200 34 366 "GET / HTTP/1.1" "A"',
    ],
    FIELDS: [
        "2026-05-06\t10:00:00\t203.0.113.7\tGET\t/a%2520b\t-\t200\t5\tA+B%2520(C)\t198.51.100.1:80,%20x",
        "2026-05-06 10:00:00 2001:db8::1 get / x=1 000 - A+B -",
        "2026-05-06 10:00:00 2001:db8::1 GET - x=1 abc 5 - unknown",
        "2026-05-06 10:00 2001:db8::1 GET / x=1 200 5 A -",
        "2026-05-06 10:00:00 2001:db8::1",
    ],
}


@pytest.mark.parametrize("kind", LOGS, ids=["balancer", "fields"])
def test_lines_of_each_kind_of_log_have_the_same_fields(spark: SparkSession, kind: str) -> None:
    lines = [(place, line, None) for place, line in enumerate(LOGS[kind])]
    rows = spark.createDataFrame(lines, "_line int, _raw string, _reason string")
    parsed = balancer_log.parse(rows) if kind == BALANCER else w3c_log.parse(rows, kind)
    moments = {"time": "unix_micros(time)"}
    shown = [f"{moments.get(name, name)} AS {name}" for name in LOG_COLUMNS]
    found = [row.asDict() for row in parsed.orderBy("_line").selectExpr(*shown, "_reason").collect()]
    for line, row in zip(LOGS[kind], found, strict=True):
        values, reason = values_of_kind(line, kind) or ({}, "")
        moment = values.get("time")
        micros = None if moment is None else round(moment.timestamp() * 1_000_000)
        assert row == {**dict.fromkeys(LOG_COLUMNS), **values, "time": micros, "_reason": reason or None}
