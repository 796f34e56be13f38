"""Numbers, booleans and ids as people write them: exactly, or with a reason."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql.types import (
    ArrayType,
    BooleanType,
    DataType,
    DecimalType,
    DoubleType,
    IntegerType,
    StringType,
    StructField,
    StructType,
)

from common.errors import UsageError
from common.sources.mapping.canonical import canonical
from common.sources.mapping.conversion import NUMBER, READS
from common.sources.mapping.model import Source

pytestmark = pytest.mark.unit

BAD = "cannot be read"
MONEY = DecimalType(18, 4)


def read(spark: SparkSession, values: list[Any], wanted: DataType, kind: str = "string", keys: str = "") -> list[Any]:
    """Each value as type ``wanted``, as text; BAD for one with a reason."""
    source = Source.parse(f"format: parquet\n{keys}columns: {{y: x}}\n", name="tested")
    raw = spark.createDataFrame([(value,) for value in values], f"x {kind}").repartition(1)
    rows = canonical(raw, source, StructType([StructField("y", wanted)])).selectExpr("cast(y as string) y", "_reason")
    return [BAD if row["_reason"] else row["y"] for row in rows.collect()]


def check(spark: SparkSession, wanted: dict[str, str | None], kind: DataType = MONEY, keys: str = "") -> None:
    assert dict(zip(wanted, read(spark, list(wanted), kind, keys=keys), strict=True)) == wanted


def test_plain_numbers_are_read_and_all_others_have_a_reason(spark: SparkSession) -> None:
    plain = {
        "12": "12.0000",
        "-1.5": "-1.5000",
        "+3": "3.0000",
        ".5": "0.5000",
        "1e3": "1000.0000",
        " 12.5 ": "12.5000",
    }
    others = ("1,234.50", "1.234,50", "12,50", "€12,00", "(12.00)", "12.50-", "1 234,5", "1.5d", "0x1", "NaN", "--1")
    check(spark, {**plain, "2.50E-1": "0.2500", "": None, "  ": None, **dict.fromkeys(others, BAD)})


def test_a_number_is_never_rounded(spark: SparkSession) -> None:
    check(
        spark,
        {
            "0.00001234": BAD,
            "1.23456": BAD,
            "1.234500000": "1.2345",
            "123456e-4": "12.3456",
            "1e-5": BAD,
            "99999999999999.9999": "99999999999999.9999",
            "999999999999999": BAD,
        },
    )
    check(spark, {"10.0": "10", "10.5": BAD, "1e3": "1000", "2147483648": BAD}, IntegerType())
    check(spark, {"0.1": "0.1", "9007199254740992": "9.007199254740992E15", "9007199254740993": BAD}, DoubleType())


GERMAN = 'decimal: ","\nthousands: "."\n'
STYLES = {
    GERMAN: {"1.234,50": "1234.5000", "12,5": "12.5000", "1.234": "1234.0000", "12.50": BAD, "1,234.50": BAD},
    'thousands: ","\n': {"1,234.50": "1234.5000", "1,23,456.00": "123456.0000", "12,50": BAD, "1.234,50": BAD},
    'decimal: ","\nthousands: " "\n': {"1 234,5": "1234.5000", "1\u202f234,5": "1234.5000", "1 23,5": BAD},
    'thousands: "\'"\n': {"1'234.50": "1234.5000", "1\u2019234.50": "1234.5000"},
    'decimal: ","\n': {"12,50": "12.5000", "1.234,50": BAD, "0,00001": BAD},
}


@pytest.mark.parametrize("keys", STYLES)
def test_a_source_says_how_its_numbers_are_written(spark: SparkSession, keys: str) -> None:
    check(spark, STYLES[keys], keys=keys)


def test_with_a_style_currencies_brackets_and_a_minus_behind_are_read(spark: SparkSession) -> None:
    amounts = {
        "€12,00": "12.0000",
        "12,00 Kč": "12.0000",
        "kr. 12,00": "12.0000",
        "12,00 €": "12.0000",
        "EUR 12,50": "12.5000",
        "12,50 EUR": "12.5000",
        "-€5": "-5.0000",
        "(12,00)": "-12.0000",
        "(€12,00)": "-12.0000",
        "12,50-": "-12.5000",
        "\u221212,50": "-12.5000",
        # A price without cents, not a debit.
        "12,-": BAD,
        "(-1)": BAD,
        "--1": BAD,
        "12,50 each": BAD,
        "12,50%": BAD,
    }
    check(spark, amounts, keys=GERMAN)


def test_one_mark_cannot_mean_two_things() -> None:
    with pytest.raises(UsageError, match="SRC-003"):
        Source.parse('format: csv\ndecimal: ","\nthousands: ","\ncolumns: {price: p}\n', name="tested")


def test_the_noise_of_binary_fractions_is_no_rounding(spark: SparkSession) -> None:
    noisy = [19.99, 0.1 + 0.2, 36.900000000000006, 0.00001234, 1 / 3, float("nan"), float("inf"), 1e300]
    assert read(spark, noisy, MONEY, "double") == ["19.9900", "0.3000", "36.9000", *[BAD] * 5]
    assert read(spark, [10.0, 10.5, 1e10], IntegerType(), "double") == ["10", BAD, BAD]


def test_decimals_and_integers_fit_or_have_a_reason(spark: SparkSession) -> None:
    assert read(spark, [Decimal("12.345600"), Decimal("0.000010")], MONEY, "decimal(20,6)") == ["12.3456", BAD]
    assert read(spark, [2**31, 7], IntegerType(), "bigint") == [BAD, "7"]
    assert read(spark, [2**53 + 1, 7], DoubleType(), "bigint") == [BAD, "7.0"]


def test_booleans_of_every_spelling(spark: SparkSession) -> None:
    yes, no = ("true", "T", "yes", "Y", "1", "1.0", " TRUE "), ("false", "f", "No", "n", "0", "0.0", "0.")
    neither, nothing = (
        ("fraud", "2", "0.5", "ja"),
        ("", "unknown", " Unlabelled ", "unlabeled", "NULL", "n/a", "-", "?"),
    )
    spelt = {**dict.fromkeys(yes, "true"), **dict.fromkeys(no, "false"), **dict.fromkeys(neither, BAD)}
    check(spark, {**spelt, **dict.fromkeys(nothing)}, BooleanType())
    floats = [1.0, 0.0, 2.0, None, float("nan")]
    assert read(spark, floats, BooleanType(), "double") == ["true", "false", BAD, None, None]


def test_ids_keep_their_text(spark: SparkSession) -> None:
    ids = {"007": "007", "b5 ": "b5", "a  b": "a  b", "9007199254740993": "9007199254740993", "1.10": "1.10"}
    check(spark, dict(ids), StringType())
    assert read(spark, [2**53 + 1], StringType(), "bigint") == ["9007199254740993"]
    assert read(spark, [Decimal(10**20)], StringType(), "decimal(30,0)") == ["100000000000000000000"]
    floats = [10.0, 1e7, 0.00001, 12.5, float(2**53), float("nan"), None]
    assert read(spark, floats, StringType(), "double") == ["10", "10000000", "0.00001", "12.5", BAD, BAD, None]


def test_a_number_that_a_family_types_later_is_made_plain_by_the_style_of_its_source(spark: SparkSession) -> None:
    target = StructType([StructField("y", StringType(), metadata={READS: NUMBER})])
    source = Source.parse(f"format: parquet\n{GERMAN}columns: {{y: x}}\n", name="tested")
    sent = [("1.234,50",), ("€ 5",), ("12.50",), (" ",), (None,), ("(not set)",)]
    rows = canonical(spark.createDataFrame(sent, "x string").repartition(1), source, target).collect()
    assert [row["y"] for row in rows] == ["1234.50", "5", None, "", None, "(not set)"]
    assert [row["_reason"] for row in rows] == [None, None, "SRC-301 cannot be read: y", None, None, None]
    # A double that its family types later has no noise of binary fractions.
    doubles = spark.createDataFrame([(36.900000000000006,), (0.00001234,), (1e7,)], "x double").repartition(1)
    assert [row["y"] for row in canonical(doubles, source, target).collect()] == ["36.9", "0.00001234", "10000000"]


def test_numbers_within_an_array_follow_the_style_of_their_source_too(spark: SparkSession) -> None:
    item = StructType([StructField("id", StringType()), StructField("price", StringType(), metadata={READS: NUMBER})])
    target = StructType([StructField("items", ArrayType(item))])
    # By their places: what the fields are called in the record does not matter.
    expression = "transform(x, one -> named_struct('sku', one.sku, 'cost', one.cost))"
    source = Source.parse(f'format: parquet\n{GERMAN}columns: {{items: "{expression}"}}\n', name="tested")
    sent = [
        [("a", "1.234,50"), ("007", "€ 5")],
        [("a", "1,50"), ("b", "12.50")],
        [("a", "-"), ("b", None)],
        [],
        None,
    ]
    raw = spark.createDataFrame([(one,) for one in sent], "x array<struct<sku string, cost string>>").repartition(1)
    rows = canonical(raw, source, target).collect()
    assert [[item and tuple(item) for item in row["items"] or []] for row in rows] == [
        [("a", "1234.50"), ("007", "5")],
        # 12.50 would be 1250, so the array is not read.
        [],
        [("a", "-"), ("b", None)],
        [],
        [],
    ]
    assert [row["_reason"] for row in rows] == [None, "SRC-301 cannot be read: items", None, None, None]
    doubles = spark.createDataFrame([([(7.0, 36.900000000000006)],)], "x array<struct<sku double, cost double>>")
    assert canonical(doubles, source, target).first()["items"] == [("7", "36.9")]
