"""Records of raw files without Spark, each with its line and its reason."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from common.config.lake_settings import LakeSettings
from common.sources.files.locations import FileOpener, find_files
from common.sources.mapping.model import Source
from deploy.feeds.log_records import log_values
from deploy.feeds.raw.types import RawType, raw_types
from deploy.feeds.records import FileRecords, Record, inspected

pytestmark = pytest.mark.unit


def _records(path: Path, **source: object) -> list[Record]:
    made = Source.model_validate({"name": "s", "columns": {"c": "a"}, **source})
    (file,) = find_files(str(path), LakeSettings())
    opener = FileOpener(LakeSettings())
    return list(FileRecords(inspected(file, made, opener, LakeSettings()), made, opener))


def test_csv_records_have_the_line_at_which_they_begin(tmp_path):
    (tmp_path / "a.csv").write_bytes(b'\xef\xbb\xbfa;b\r\n"x; ""y""";1\r\n\r\n;;\r\nz;2;\r\nq\r\na;b\r\nr;\r\n')
    found = _records(tmp_path, format="csv", options={"sep": ";"})
    assert [(record.line, dict(record.values), record.reason) for record in found] == [
        (2, {"a": 'x; "y"', "b": "1"}, ""),
        (5, {"a": "z", "b": "2"}, ""),
        (6, {}, "SRC-212 not a csv line of 2 columns"),
        (8, {"a": "r", "b": None}, ""),
    ]


def test_csv_without_a_header_is_typed_by_its_schema(tmp_path):
    (tmp_path / "a.csv").write_text("x,1\ny,z\n")
    found = _records(tmp_path, format="csv", options={"header": False}, raw_schema="a string, b int")
    assert [(dict(record.values), record.reason) for record in found] == [
        ({"a": "x", "b": 1}, ""),
        ({}, "SRC-212 not a csv line of 2 columns"),
    ]


def test_undecodable_and_over_long_lines_keep_their_reason(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"a\n" + b"x" * 80 + b"\n\xff\nok\n" * 1)
    found = _records(tmp_path, format="csv", max_line_bytes=64)
    assert [(record.line, record.reason[:7]) for record in found] == [(2, "SRC-221"), (3, "SRC-222"), (4, "")]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a":1}\n{"a":2}\n', [(1, "1"), (2, "2")]),
        ('{"a":1}{"a":2}', [(1, "1"), (1, "2")]),
        ('[\n {"a":1},\n {"a":2}\n]', [(2, "1"), (3, "2")]),
        ('{"Records":\n [{"a":1}, {"a":2}]}', [(2, "1"), (2, "2")]),
        ('{"a":1} rest\n{"a":2}', [(1, "SRC-211"), (2, "2")]),
    ],
)
def test_objects_are_found_in_every_shape_of_json(tmp_path, text, found):
    (tmp_path / "a.json").write_text(text)
    records = _records(tmp_path, format="json", raw_schema="a string")
    assert [(record.line, record.reason[:7] or record.values["a"]) for record in records] == found


def test_json_values_are_of_the_declared_types(tmp_path):
    first = '{"a": 12345678901234567890, "b": {"x": 1.50}, "c": [true], "d": 7, "e": {"k": [1.0]}, "f": {"n": 1.50}}'
    # A record with a value of another type is none, as to Spark.
    others = ['{"d": "7"}', '{"d": 7.0}', '{"b": "x"}', '{"c": {}}', '{"c": [1]}']
    (tmp_path / "a.json").write_text("\n".join([first, *others]) + "\n")
    schema = "a string, b struct<x: string>, c array<boolean>, d bigint, e map<string, array<double>>, f string"
    record, *rest = _records(tmp_path, format="json", raw_schema=schema)
    assert dict(record.values) == {
        "a": "12345678901234567890",
        "b": {"x": "1.50"},
        "c": [True],
        "d": 7,
        "e": {"k": [1.0]},
        "f": '{"n":1.50}',
    }
    assert [one.reason[:7] for one in rest] == ["SRC-211"] * 5


def test_a_raw_schema_is_read_with_its_nesting():
    assert list(raw_types("a string, `b c` array<struct<x: int, y: string>>")) == ["a", "b c"]


def test_a_raw_schema_may_be_written_with_colons_lengths_and_other_names_of_types():
    assert raw_types("struct<id: varchar(3), n: dec(10, 2), of: map<string, long>>") == {
        "id": RawType("string"),
        "n": RawType("decimal(10, 2)"),
        "of": RawType("map", item=RawType("bigint")),
    }
    assert raw_types("id: string, n: integer") == {"id": RawType("string"), "n": RawType("int")}


def test_parquet_rows_are_numbered_and_typed(tmp_path):
    table = pa.table({"t": pa.array([datetime(2024, 5, 6), None], pa.timestamp("ns")), "a": [1, 2]})
    parquet.write_table(table, tmp_path / "a.parquet")
    found = _records(tmp_path, format="parquet")
    assert [(record.line, dict(record.values)) for record in found] == [
        (1, {"t": datetime(2024, 5, 6), "a": 1}),
        (2, {"t": None, "a": 2}),
    ]


def test_parquet_values_are_those_that_the_jobs_read(tmp_path):
    table = pa.table(
        {
            "amount": pa.array([19.99], pa.float32()),
            "key": pa.array([bytes(range(16))], pa.binary(16)),
            "kinds": pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())),
            "late": pa.array([2**62], pa.timestamp("us")),
        }
    )
    old = pa.table({"at": pa.array([datetime(2024, 5, 6)], pa.timestamp("ns"))})
    parquet.write_table(table, tmp_path / "a.parquet")
    (record,) = _records(tmp_path / "a.parquet", format="parquet")
    assert dict(record.values) == {
        "amount": 19.99,
        "key": "00010203-0405-0607-0809-0a0b0c0d0e0f",
        "kinds": {"k": 1},
        "late": "4611686018427387904 us after 1970",
    }
    # INT96 holds instants, whatever the zone of the source.
    parquet.write_table(old, tmp_path / "b.parquet", use_deprecated_int96_timestamps=True)
    (record,) = _records(tmp_path / "b.parquet", format="parquet")
    assert record.values["at"] == datetime(2024, 5, 6, tzinfo=UTC)


def test_lines_of_access_logs_of_several_servers_are_read():
    agent = '"GET /a?b HTTP/1.1" 200 5 "https://x.example/" "Mozilla/5.0 \\"q\\""'
    values, reason = log_values(f"203.0.113.9, 10.0.0.1 - - [06/May/2024:10:00:00 +0200] {agent}")
    assert reason == ""
    assert (values["remote_host"], values["user"]) == ("203.0.113.9", None)
    assert values["time"] == datetime(2024, 5, 6, 8, tzinfo=UTC)
    assert (values["method"], values["path"], values["status"], values["bytes"]) == ("GET", "/a?b", 200, 5)
    assert values["user_agent"] == 'Mozilla/5.0 "q"'
    values, _ = log_values('shop.example:443 192.0.2.1 - ann [06/May/2024:10:00:00 +0000] "GET / HTTP/1.1" 304 -')
    assert (values["virtual_host"], values["remote_host"], values["user"]) == ("shop.example:443", "192.0.2.1", "ann")
    assert (values["bytes"], values["user_agent"]) == (None, None)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("hello", "SRC-201"),
        ('192.0.2.1 - - [06/May/2024:10:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "Mozi', "SRC-202"),
        ('192.0.2.1 - - [36/May/2024:10:00:00 +0000] "GET / HTTP/1.1" 200 5', "SRC-203"),
    ],
)
def test_lines_that_are_no_log_lines_have_the_reason_of_the_job(line, code):
    values, reason = log_values(line)
    assert (values, reason[:7]) == ({}, code)
