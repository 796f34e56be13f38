"""No value stops a job in an expression: the row's column is null and named."""

from __future__ import annotations

import json

import pytest
from pyspark.sql import Row, SparkSession
from pyspark.sql.types import DecimalType, StringType, StructField, StructType

from common.sources.mapping.canonical import canonical
from common.sources.mapping.model import Source

pytestmark = pytest.mark.unit

RAW = "c string, n int, a array<int>, m map<string,int>, z string"
# Expression -> a row on which it raises.
HOSTILE = {
    "c / 100": ("n/a", 1, [1], {"k": 1}, "UTC"),
    "cast(c as int)": ("1.5", 1, [1], {"k": 1}, "UTC"),
    "c + n": ("", 1, [1], {"k": 1}, "UTC"),
    "n + 1": ("7", 2147483647, [1], {"k": 1}, "UTC"),
    "-(n - 1)": ("7", -2147483647, [1], {"k": 1}, "UTC"),
    "n * 2000000000": ("7", 2, [1], {"k": 1}, "UTC"),
    "cast(n as tinyint)": ("7", 300, [1], {"k": 1}, "UTC"),
    "10 / n": ("7", 0, [1], {"k": 1}, "UTC"),
    "10 div n": ("7", 0, [1], {"k": 1}, "UTC"),
    "10 % n": ("7", 0, [1], {"k": 1}, "UTC"),
    "a[0]": ("7", 1, [], {"k": 1}, "UTC"),
    "element_at(a, n)": ("7", 0, [1], {"k": 1}, "UTC"),
    "element_at(a, 1)": ("7", 1, [], {"k": 1}, "UTC"),
    "slice(a, n, 1)[0]": ("7", 0, [1], {"k": 1}, "UTC"),
    "array_join(array_repeat('x', cast(c as int)), '')": ("many", 1, [1], {"k": 1}, "UTC"),
    "to_json(map('8', 1, c, 2))": ("8", 1, [1], {"k": 1}, "UTC"),
    "make_date(2024, n, 31)": ("7", 2, [1], {"k": 1}, "UTC"),
    "make_timestamp(2024, n, 1, 0, 0, 0)": ("7", 13, [1], {"k": 1}, "UTC"),
    "to_timestamp(c, 'yyyy')": ("soon", 1, [1], {"k": 1}, "UTC"),
    "to_timestamp(c, 'YYYY')": ("7", 1, [1], {"k": 1}, "UTC"),
    "date_add(cast('2024-01-0' || c as date), 1)": ("0", 1, [1], {"k": 1}, "UTC"),
    "date_format(timestamp '2024-07-01 00:00:00', z)": ("7", 1, [1], {"k": 1}, "bb"),
    "from_utc_timestamp(timestamp '2024-07-01 00:00:00', z)": ("7", 1, [1], {"k": 1}, "Mars"),
    "timestamp_seconds(n * 100000000000000L)": ("7", 99999, [1], {"k": 1}, "UTC"),
    "to_number(c, '9')": ("x", 1, [1], {"k": 1}, "UTC"),
    "decode(unbase64(c || '7=='), 'utf-8')": ("%%%", 1, [1], {"k": 1}, "UTC"),
    "decode(encode(c, 'utf-8'), z)": ("7", 1, [1], {"k": 1}, "no such charset"),
    "regexp_extract(c, '([0-9])', n)": ("7", 9, [1], {"k": 1}, "UTC"),
    "c rlike z": ("7", 1, [1], {"k": 1}, "("),
    "parse_url(c, 'HOST')": ("http://[", 1, [1], {"k": 1}, "UTC"),
    "url_decode(z)": ("7", 1, [1], {"k": 1}, "%zz"),
    "from_json(c, 'x int', map('mode', 'FAILFAST')).x": ("{", 1, [1], {"k": 1}, "UTC"),
    "aggregate(a, 0, (sum, one) -> sum + one)": ("7", 1, [2147483647, 1], {"k": 1}, "UTC"),
    "transform(a, one -> 10 div one)[0]": ("7", 1, [0], {"k": 1}, "UTC"),
    "case when c = '7' then 1 else cast(c as int) end": ("n/a", 1, [1], {"k": 1}, "UTC"),
    "xpath_int('<a>' || z || '</a>', 'string-length(a)')": ("7", 1, [1], {"k": 1}, "<"),
    "bit_get(n, cast(c as int))": ("99", 1, [1], {"k": 1}, "UTC"),
    # These would exhaust the memory, or crash the JVM.
    "element_at(a, cast(c as int))": ("-2147483648", 1, [1], {"k": 1}, "UTC"),
    "try_element_at(a, - 2147483648 + n - 1)": ("7", 1, [1], {"k": 1}, "UTC"),
    "repeat('x', n)": ("7", 2000000000, [1], {"k": 1}, "UTC"),
    "Repeat (repeat(c, 10000), 10000)": ("7", 1, [1], {"k": 1}, "UTC"),
    "transform(array(n), one -> space(one))[0]": ("7", 2000000000, [1], {"k": 1}, "UTC"),
    "lpad(concat('(', c), n, ',')": ("7", 2000000000, [1], {"k": 1}, "UTC"),
    "rpad(c, 2000000000)": ("7", 1, [1], {"k": 1}, "UTC"),
    "size(sequence(0, n))": ("7", 1000000000, [1], {"k": 1}, "UTC"),
    "size(sequence(n, 0, -1))": ("7", 1000000000, [1], {"k": 1}, "UTC"),
    "size(sequence(timestamp'2024-01-01', timestamp'2025-01-01', interval 1 second * n))": (
        "7",
        1,
        [1],
        {"k": 1},
        "UTC",
    ),
    "size(array_repeat(c, n))": ("7", 2000000000, [1], {"k": 1}, "UTC"),
    "size(array_insert(a, n, 1))": ("7", 2000000000, [1], {"k": 1}, "UTC"),
    "format_string(concat('%', n, 'd'), 1)": ("7", 2000000000, [1], {"k": 1}, "UTC"),
    "format_number(1.5, n)": ("7", 2000000000, [1], {"k": 1}, "UTC"),
}
FINE = ("7", 1, [1], {"k": 1}, "UTC")


def mapped(spark: SparkSession, rows: list[tuple[object, ...]], expressions: dict[str, str]) -> list[Row]:
    columns = "\n".join(f'  {name}: "{text}"' for name, text in expressions.items())
    source = Source.parse(f"format: parquet\ncolumns:\n{columns}\n", name="tested")
    target = StructType([StructField(name, StringType()) for name in expressions])
    # Over Spark's rows, not over constants: these would be computed before any task runs.
    return canonical(spark.createDataFrame(rows, RAW).repartition(1), source, target).collect()


def test_whatever_raises_in_any_expression_gives_null_and_its_name(spark: SparkSession) -> None:
    numbered = {f"e{place}": text for place, text in enumerate(HOSTILE)}
    rows = mapped(spark, [*HOSTILE.values()], numbered)
    quiet = [
        text
        for (name, text), row in zip(numbered.items(), rows, strict=True)
        if row[name] is not None or f" {name}" not in (row["_reason"] or "").replace(",", " ")
    ]
    assert quiet == []


def test_calls_that_stay_within_bounds_give_what_they_gave(spark: SparkSession) -> None:
    expected = {
        "element_at(a, -1)": "1",
        "element_at(m, 'k')": "1",
        "repeat('(x, ', n + 1)": "(x, (x,",
        "lpad(c, 3, '0')": "007",
        "rpad(concat(c, ')'), 3, '-')": "7)-",
        "concat(space(n), c)": "7",
        "array_join(sequence(n, 3), ',')": "1,2,3",
        "array_join(sequence(5, n, -2), ',')": "5,3,1",
        "array_join(sequence(date'2024-01-31', date'2024-02-01'), ' ')": "2024-01-31 2024-02-01",
        "array_join(sequence(date'2024-01-01', date'2024-02-01', interval 1 month), ' ')": "2024-01-01 2024-02-01",
        "array_join(array_repeat(c, 2), ',')": "7,7",
        "array_join(array_insert(a, 2, 9), ',')": "1,9",
        "format_string('%05.1f (%s)', 2.25D, c)": "002.3 (7)",
        "format_number(1234.567, 2)": "1,234.57",
        "format_number(1234.567, '0.0')": "1234.6",
    }
    (row,) = mapped(spark, [FINE], {f"e{place}": text for place, text in enumerate(expected)})
    assert dict(zip(expected, (row[f"e{place}"] for place in range(len(expected))), strict=True)) == expected


def test_an_expression_that_two_columns_share_is_caught_in_both(spark: SparkSession) -> None:
    # Spark computes what two columns share once, and in advance.
    shared = {"price": "c / 100.0", "order_total": "c / 100", "tax": "concat('t', c / 100)"}
    good, bad = mapped(spark, [("1999", *FINE[1:]), ("n/a", *FINE[1:])], shared)
    assert (good["price"], good["order_total"], good["tax"], good["_reason"]) == ("19.99", "19.99", "t19.99", None)
    assert (bad["price"], bad["order_total"], bad["tax"]) == (None, None, None)
    assert bad["_reason"] == "SRC-301 cannot be read: price, order_total, tax"


def test_the_documented_price_in_cents_survives_a_bad_value_and_keeps_its_neighbours(spark: SparkSession) -> None:
    source = Source.parse("format: parquet\ncolumns: {price: cents / 100, item_id: id}\n", name="tested")
    target = StructType([StructField("price", DecimalType(18, 4)), StructField("item_id", StringType())])
    raw = spark.createDataFrame([("a", "1999"), ("b", "n/a"), ("c", None)], "id string, cents string").repartition(1)
    rows = sorted(canonical(raw, source, target).collect(), key=lambda row: row["item_id"])
    assert [(row["item_id"], str(row["price"]), row["_reason"]) for row in rows] == [
        ("a", "19.9900", None),
        ("b", "None", "SRC-301 cannot be read: price"),
        ("c", "None", None),
    ]


def test_a_text_that_only_java_takes_for_a_number_is_none_and_stays_a_text(spark: SparkSession) -> None:
    asked = {
        "price": "c / 100.0",
        "order_total": "get(lines, 0).p * 2.0",
        "tax": "round(cast(c as double), 1)",
        "quantity": "try_cast(c as double)",
        "item_id": "upper(c)",
        "item_name": "case when c = '5f' then 'grade' when c > 5.5 then 'many' end",
        "coupon": "case when c = '5d' then length(c) - 1 end",
    }
    source = Source.parse(f"format: parquet\ncolumns: {json.dumps(asked)}\n", name="tested")
    target = StructType([StructField(name, StringType()) for name in asked])
    sent = ["12.5", "5d", " 5F", "0x1p3", "-Infinity", "5g", None]
    raw = spark.createDataFrame([(text, [(text,)]) for text in sent], "c string, lines array<struct<p string>>")
    rows = canonical(raw.repartition(1), source, target).collect()
    found = [
        tuple(row[name] for name in ("price", "order_total", "tax", "quantity", "item_id", "coupon")) for row in rows
    ]
    assert found == [
        ("0.125", "25", "12.5", "12.5", "12.5", None),
        (None, None, None, None, "5D", "1"),
        (None, None, None, None, "5F", None),
        (None, None, None, None, "0X1P3", None),
        (None, None, None, None, "-INFINITY", None),
        (None, None, None, None, "5G", None),
        (None, None, None, None, None, None),
    ]
    numbers = "SRC-301 cannot be read: price, order_total, tax, item_name"
    assert [row["_reason"] for row in rows] == [None, *[numbers] * 5, None]


def test_a_null_that_is_meant_is_no_failure(spark: SparkSession) -> None:
    meant = {
        "cookie": "nullif(z, '-')",
        "first": "get(a, 0)",
        "nothing": "case when n > 5 then c end",
        "unread": "try_cast(c as int)",
        "missing": "m['other']",
    }
    (row,) = mapped(spark, [("n/a", 1, [], {"k": 1}, "-")], meant)
    assert row.asDict() == dict.fromkeys(meant) | {"_reason": None}


def test_values_come_through_as_they_are(spark: SparkSession) -> None:
    values = {
        "text": "concat('=-ü', z)",
        "large": "cast(9007199254740993 as bigint) + 0",
        "small": "cast(0.000000001 as decimal(20,10)) + 0",
        "binary": "substring(encode('abc', 'utf-8'), 2)",
        "array": "transform(a, one -> one + 1)",
        "moment": "timestamp '2024-07-01 10:00:00Z' + interval 1 second",
        "both": "n = 1 or n = 2",
    }
    (row,) = mapped(spark, [("7", 1, [1, 2], {"k": 1}, "x y")], values)
    assert row.asDict() == {
        "text": "=-üx y",
        "large": "9007199254740993",
        "small": "0.0000000010",
        "binary": "bc",
        "array": "[2, 3]",
        "moment": "2024-07-01T10:00:01.000000Z",
        "both": "true",
        "_reason": None,
    }


def test_without_a_target_an_array_and_a_struct_keep_their_types(spark: SparkSession) -> None:
    source = Source.parse(
        "format: parquet\ncolumns: {items: \"transform(a, x -> x + 1)\", pair: \"named_struct('a', n + 1, 'b', c)\"}\n",
        name="tested",
    )
    raw = spark.createDataFrame([FINE], RAW).repartition(1)
    (row,) = canonical(raw, source).collect()
    assert (row["items"], row["pair"].asDict(), row["_reason"]) == ([2], {"a": 2, "b": "7"}, None)
