"""Raw columns to canonical ones by the expressions of a source."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import Row, SparkSession
from pyspark.sql.types import (
    DateType,
    DecimalType,
    IntegerType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampType,
)

from common.errors import UsageError
from common.sources.grammar.types import RawKind
from common.sources.mapping.canonical import canonical
from common.sources.mapping.fit import check_names
from common.sources.mapping.identity import mapping_of
from common.sources.mapping.model import Source

pytestmark = pytest.mark.unit

TARGET = StructType(
    [
        StructField("event_id", StringType()),
        StructField("http_status", IntegerType()),
        StructField("price", DecimalType(10, 2)),
        StructField("collector_tstamp", TimestampType()),
        StructField("event_date", DateType()),
        StructField("bytes", LongType()),
    ]
)


def source(columns: str, **more: str) -> Source:
    extra = "".join(f"{key}: {value}\n" for key, value in more.items())
    return Source.parse(f"format: parquet\n{extra}columns: {{{columns}}}\n", name="tested")


def mapped(spark: SparkSession, raw: str, declared: Source, target: StructType | None = TARGET) -> Row:
    row = canonical(spark.sql(f"SELECT {raw}"), declared, target).first()
    assert row is not None
    return row


def micros(spark: SparkSession, raw: str, declared: Source) -> int | None:
    """The mapped time in microseconds since 1970 UTC, free of the driver's own zone."""
    row = (
        canonical(spark.sql(f"SELECT {raw}"), declared, TARGET).selectExpr("unix_micros(collector_tstamp) AS n").first()
    )
    assert row is not None
    found: int | None = row["n"]
    return found


def test_columns_are_mapped_and_cast_and_the_origin_is_kept(spark: SparkSession) -> None:
    row = mapped(
        spark,
        "7 AS id, '404' AS code, 'f' AS _file, 's' AS _file_sha256, '7,404' AS _raw, CAST(NULL AS STRING) AS _reason",
        source("event_id: \"concat('e', id)\", http_status: code"),
    )
    assert row.asDict() == {
        "event_id": "e7",
        "http_status": 404,
        "_file": "f",
        "_file_sha256": "s",
        "_raw": "7,404",
        "_reason": None,
    }


def test_values_that_cannot_be_cast_are_null_and_named(spark: SparkSession) -> None:
    row = mapped(
        spark,
        "'x1' AS id, 'OK' AS code, '1e309' AS price, '31.02.2015' AS day",
        source("event_id: id, http_status: code, price: price, event_date: day"),
    )
    assert (row["event_id"], row["http_status"], row["price"], row["event_date"]) == ("x1", None, None, None)
    assert row["_reason"] == "SRC-301 cannot be read: http_status, price, event_date"


@pytest.mark.parametrize("value", ["double('NaN')", "double('Infinity')", "-1e30"])
def test_numbers_that_no_decimal_holds_are_null_and_named(spark: SparkSession, value: str) -> None:
    row = mapped(spark, f"{value} AS price", source("price: price"))
    assert (row["price"], row["_reason"]) == (None, "SRC-301 cannot be read: price")


def test_nothing_given_is_no_failure(spark: SparkSession) -> None:
    row = mapped(spark, "CAST(NULL AS STRING) AS code", source("http_status: code"))
    assert (row["http_status"], row["_reason"]) == (None, None)


def test_an_earlier_reason_is_kept(spark: SparkSession) -> None:
    row = mapped(spark, "'OK' AS code, 'SRC-212 broken' AS _reason", source("http_status: code"))
    assert row["_reason"] == "SRC-212 broken"


def test_a_raising_function_in_an_expression_gives_null(spark: SparkSession) -> None:
    row = mapped(spark, "'12,x' AS pair", source('"bytes": "cast(element_at(split(pair, \',\'), 2) as bigint)"'))
    assert row["bytes"] is None


# 10:05:03 on 17 May 2015 in UTC: 16,572 days, 36,303 s.
MOMENT = (16_572 * 86_400 + 36_303) * 1_000_000

TIMES = {
    "text with an offset": ("'2015-05-17T12:05:03+02:00' AS t", "t", {}),
    "text in UTC": ("'2015-05-17 10:05:03' AS t", "t", {}),
    "local text": ("'2015-05-17 11:05:03' AS t", "t", {"time_zone": "Europe/London"}),
    "text with an offset in a local feed": ("'2015-05-17T10:05:03Z' AS t", "t", {"time_zone": "Europe/London"}),
    "a local time without a zone": ("TIMESTAMP_NTZ'2015-05-17 11:05:03' AS t", "t", {"time_zone": "Europe/London"}),
    "an instant in a local feed": ("TIMESTAMP'2015-05-17 10:05:03' AS t", "t", {"time_zone": "Europe/London"}),
    "a format": (
        "'17.05.2015 11:05:03' AS t",
        "{expr: t, timestamp_format: dd.MM.yyyy HH:mm:ss}",
        {"time_zone": "Europe/London"},
    ),
    "a format with its offset": (
        "'17/May/2015:12:05:03 +0200' AS t",
        '{expr: t, timestamp_format: "dd/MMM/yyyy:HH:mm:ss Z"}',
        {"time_zone": "Europe/London"},
    ),
    "seconds": ("1431857103 AS t", "{expr: t, epoch: s}", {}),
    "milliseconds as text": ("'1431857103000' AS t", "{expr: t, epoch: ms}", {}),
    "microseconds": ("1431857103000000 AS t", "{expr: t, epoch: us}", {"time_zone": "Europe/London"}),
}


@pytest.mark.parametrize("kind", TIMES)
def test_times_of_every_kind_become_the_same_instant(spark: SparkSession, kind: str) -> None:
    raw, expression, more = TIMES[kind]
    assert micros(spark, raw, source(f"collector_tstamp: {expression}", **more)) == MOMENT


@pytest.mark.parametrize(
    ("raw", "expression"),
    [
        ("'32.05.2015' AS t", "{expr: t, timestamp_format: dd.MM.yyyy}"),
        ("'7.5.2015' AS t", "{expr: t, timestamp_format: dd.MM.yyyy}"),
        ("'soon' AS t", "{expr: t, epoch: ms}"),
        ("9223372036854775807 AS t", "{expr: t, epoch: ms}"),
        ("-9223372036854775808 AS t", "{expr: t, epoch: s}"),
        ("'soon' AS t", "t"),
    ],
)
def test_times_that_are_none_are_null_and_named(spark: SparkSession, raw: str, expression: str) -> None:
    row = mapped(spark, raw, source(f"collector_tstamp: {expression}"))
    assert (row["collector_tstamp"], row["_reason"]) == (None, "SRC-301 cannot be read: collector_tstamp")


@pytest.mark.parametrize("raw", ["TIMESTAMP_NTZ'2015-05-17 11:05:03' AS t", "TIMESTAMP'2015-05-17 10:05:03' AS t"])
def test_a_time_that_becomes_text_says_that_it_is_utc(spark: SparkSession, raw: str) -> None:
    text = StructType([StructField("collector_tstamp", StringType())])
    row = mapped(spark, raw, source("collector_tstamp: t", time_zone="Europe/London"), text)
    assert row["collector_tstamp"] == "2015-05-17T10:05:03.000000Z"


WRONG = {
    "a column that is not there": ("event_id: idd", "idd", "Did you mean 'id'?"),
    "a function that does not take the values": ('event_id: "upper(id, 1)"', "upper(id, 1)", "SRC-004"),
    "a quoted name that Spark would evaluate": ('event_id: "`current_user`"', "`current_user`", "no raw column"),
    "a value that cannot become the type": ("event_date: array(id)", "array(id)", "event_date"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_expression_is_named_before_anything_is_computed(spark: SparkSession, kind: str) -> None:
    columns, expression, hint = WRONG[kind]
    # The raw rows would fail at once if they were computed.
    raw = spark.sql("SELECT raise_error('computed') AS id, 1 AS code")
    with pytest.raises(UsageError, match="SRC-004") as refused:
        canonical(raw, source(f"http_status: code, {columns}"), TARGET)
    assert expression in str(refused.value)
    assert hint in str(refused.value)


def test_a_column_that_the_target_lacks_is_refused(spark: SparkSession) -> None:
    with pytest.raises(UsageError, match="SRC-005"):
        canonical(spark.sql("SELECT 1 AS id"), source("event_idd: id"), TARGET)


def test_without_a_target_values_keep_their_types(spark: SparkSession) -> None:
    rows = canonical(spark.sql("SELECT 1 AS id, 2.5D AS x"), source("event_id: id, price: x * 2"))
    assert [(field.name, field.dataType.simpleString()) for field in rows.schema] == [
        ("event_id", "int"),
        ("price", "double"),
        ("_reason", "string"),
    ]
    found: Any = rows.first()
    assert (found["event_id"], found["price"]) == (1, 5.0)


def test_an_optional_raw_column_is_null_where_the_files_lack_it(spark: SparkSession) -> None:
    declared = source("event_id: 'coalesce(Id, ID2)', price: amount", optional="[ID2, amount]")
    row = mapped(spark, "CAST(null AS STRING) id, 'e2' id2", declared)
    assert (row["event_id"], row["price"], row["_reason"]) == ("e2", None, None)
    check_names(declared, {"id": RawKind("string")})
    with pytest.raises(UsageError, match="SRC-004"):
        mapped(spark, "'e2' id2", declared)


def test_a_source_without_optional_columns_keeps_the_id_that_its_mapping_had() -> None:
    # The id of this source as releases before `optional` made it.
    assert mapping_of(source("event_id: a")) == "285fe64b6a96874f"
    assert mapping_of(source("event_id: a", optional="[a]")) != "285fe64b6a96874f"
