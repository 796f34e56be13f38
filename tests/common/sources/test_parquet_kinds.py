"""Parquet columns of every type that other tools write."""

from __future__ import annotations

import datetime as dt
import decimal
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import DataFrame
from pyspark.sql.types import DecimalType, StringType, StructField, StructType, TimestampType

from common.sources.mapping.canonical import canonical
from common.sources.mapping.model import Source

pytestmark = pytest.mark.unit

Read = Callable[[Path, Source], DataFrame]
TEN = dt.datetime(2024, 7, 1, 10)
NANOS = 1719828000_123456789  # 2024-07-01 10:00:00.123456789 UTC


def mapped(read: Read, inbox: Path, table: pa.Table, target: StructType, zone: str = "UTC", **write: Any) -> list[Any]:
    pq.write_table(table, inbox / "part.parquet", **write)
    columns = "".join(f"  {name}: {name}\n" for name in target.names)
    source = Source.parse(f"format: parquet\ntime_zone: {zone}\ncolumns:\n{columns}", name="tested")
    texts = [f"cast({name} AS string) AS {name}" for name in target.names]
    rows = canonical(read(inbox, source), source, target)
    return rows.selectExpr(*texts, "_reason", "_line").orderBy("_line").collect()


def times(*names: str) -> StructType:
    return StructType([StructField(name, TimestampType()) for name in names])


def test_nanoseconds_as_pandas_writes_them_are_their_instant(inbox: Path, read: Read) -> None:
    table = pa.table(
        {
            "local": pa.array([NANOS, None], pa.timestamp("ns")),
            "zoned": pa.array([NANOS, None], pa.timestamp("ns", "America/New_York")),
        }
    )
    first, second = mapped(read, inbox, table, times("local", "zoned"), "Europe/Berlin")
    # Ten o'clock in Berlin is eight in UTC; what has a zone is an instant already.
    assert (first["local"], first["zoned"]) == ("2024-07-01 08:00:00.123456", "2024-07-01 10:00:00.123456")
    assert (second["local"], second["zoned"], second["_reason"], second["_line"]) == (None, None, None, 2)


def test_nanoseconds_within_a_list_are_read_too(inbox: Path, read: Read) -> None:
    kind = pa.list_(pa.struct([("at", pa.timestamp("ns")), ("n", pa.int64())]))
    pq.write_table(pa.table({"items": pa.array([[{"at": NANOS, "n": 1}]], kind)}), inbox / "part.parquet")
    source = Source.parse("format: parquet\ncolumns: {at: 'get(items, 0).at'}\n", name="tested")
    (row,) = canonical(read(inbox, source), source, times("at")).selectExpr("cast(at AS string) AS at").collect()
    assert row["at"] == "2024-07-01 10:00:00.123456"


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_times_of_other_units_and_old_int96_are_their_instant(inbox: Path, read: Read, unit: str) -> None:
    moments = [TEN, dt.datetime(1899, 12, 30)]
    table = pa.table({"at": pa.array(moments, pa.timestamp(unit))})
    wanted = ["2024-07-01 10:00:00", "1899-12-30 00:00:00"]
    assert [row["at"] for row in mapped(read, inbox, table, times("at"))] == wanted
    int96 = mapped(read, inbox, table, times("at"), use_deprecated_int96_timestamps=True)
    assert [row["at"] for row in int96] == wanted


def test_text_of_dictionaries_and_large_strings_and_bytes(inbox: Path, read: Read) -> None:
    one = uuid.UUID("12345678-1234-5678-1234-567812345678")
    table = pa.table(
        {
            "coded": pa.array(["a", "b"]).dictionary_encode(),
            "long": pa.array(["ü", None], pa.large_string()),
            "key": pa.array([one.bytes, None], pa.binary(16)),
            "hash": pa.array([b"\x00\xff", None], pa.binary(2)),
            "clock": pa.array([dt.time(10, 30), None], pa.time64("us")),
            "nothing": pa.array([None, None], pa.null()),
            "big": pa.array([2**64 - 1, 0], pa.uint64()),
        }
    )
    target = StructType([StructField(name, StringType()) for name in table.column_names])
    first, _ = mapped(read, inbox, table, target)
    assert first.asDict() == {
        "coded": "a",
        "long": "ü",
        "key": str(one),
        "hash": "00ff",
        "clock": "10:30:00.000000",
        "nothing": None,
        "big": "18446744073709551615",
        "_reason": None,
        "_line": 1,
    }


@pytest.mark.parametrize("as_integer", [False, True])
@pytest.mark.parametrize("precision", [9, 18, 38])
def test_decimals_of_every_physical_kind(inbox: Path, read: Read, precision: int, as_integer: bool) -> None:
    table = pa.table({"price": pa.array([decimal.Decimal("12.50"), None], pa.decimal128(precision, 2))})
    target = StructType([StructField("price", DecimalType(18, 4))])
    rows = mapped(read, inbox, table, target, store_decimal_as_integer=as_integer)
    assert [row["price"] for row in rows] == ["12.5000", None]


def test_half_floats_and_floats_with_gaps(inbox: Path, read: Read) -> None:
    table = pa.table({"half": pa.array(np.array([1.5, 2.0], np.float16)), "id": pa.array([10.0, None], pa.float64())})
    target = StructType([StructField("half", DecimalType(18, 4)), StructField("id", StringType())])
    rows = mapped(read, inbox, table, target)
    assert [(row["half"], row["id"]) for row in rows] == [("1.5000", "10"), ("2.0000", None)]


def test_files_with_and_without_nanoseconds_are_one_feed(inbox: Path, read: Read) -> None:
    pq.write_table(pa.table({"at": pa.array([TEN], pa.timestamp("us"))}), inbox / "a.parquet")
    pq.write_table(pa.table({"at": pa.array([TEN], pa.timestamp("ns")), "n": [1]}), inbox / "b.parquet")
    source = Source.parse("format: parquet\ncolumns: {at: at}\n", name="tested")
    rows = canonical(read(inbox, source), source, times("at")).selectExpr("cast(at AS string) AS at").collect()
    assert [row["at"] for row in rows] == ["2024-07-01 10:00:00"] * 2


def test_a_column_of_another_type_in_each_file_means_the_same_in_all(inbox: Path, read: Read) -> None:
    zoned = pa.array([TEN.replace(tzinfo=dt.UTC)], pa.timestamp("us", "Asia/Tokyo"))
    files = {
        "a": {"at": pa.array([TEN], pa.timestamp("us")), "id": pa.array([1], pa.int64())},
        "b": {"at": zoned, "id": pa.array([20000000.0])},
        "c": {"at": pa.array(["2024-07-01 12:00:00+02:00"]), "id": pa.array(["007"])},
        "d": {"at": pa.array([dt.date(2024, 7, 1)]), "id": pa.array([float("nan")])},
    }
    for name, columns in files.items():
        pq.write_table(pa.table(columns), inbox / f"{name}.parquet")
    source = Source.parse("format: parquet\ntime_zone: Europe/Berlin\ncolumns: {at: at, id: id}\n", name="tested")
    target = StructType([*times("at"), StructField("id", StringType())])
    rows = canonical(read(inbox, source), source, target).selectExpr("cast(at AS string) AS at", "id", "_file")
    assert [(row["at"], row["id"]) for row in rows.orderBy("_file").collect()] == [
        ("2024-07-01 08:00:00", "1"),
        ("2024-07-01 10:00:00", "20000000"),
        ("2024-07-01 10:00:00", "007"),
        ("2024-07-01 00:00:00", None),
    ]


@pytest.mark.parametrize(
    "write",
    [
        {"compression": "brotli"},
        {"use_dictionary": False, "column_encoding": {"at": "BYTE_STREAM_SPLIT"}},
        # A column that only Arrow reads leaves INT96 the instant that it is to Spark.
        {"use_deprecated_int96_timestamps": True},
    ],
)
def test_what_spark_cannot_unpack_is_read_all_the_same(inbox: Path, read: Read, write: dict[str, Any]) -> None:
    table = pa.table({"at": pa.array([TEN], pa.timestamp("us", "UTC")), "clock": [dt.time(10, 30)]})
    columns = ["at"] if len(write) < 2 and "compression" in write else ["at", "clock"]
    (row,) = mapped(read, inbox, table.select(columns), times("at"), "Europe/Berlin", **write)
    assert (row["at"], row["_reason"]) == ("2024-07-01 10:00:00", None)


def test_names_that_differ_only_in_case_are_left_out_where_nanoseconds_are(inbox: Path, read: Read) -> None:
    table = pa.table([[TEN], [1], [2]], schema=pa.schema([("at", pa.timestamp("ns")), ("N", "int8"), ("n", "int8")]))
    (row,) = mapped(read, inbox, table, times("at"))
    assert row["at"] == "2024-07-01 10:00:00"
