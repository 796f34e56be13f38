"""One row for each element of an array in a record."""

from __future__ import annotations

from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StringType, StructField, StructType

from common.errors import UsageError
from common.sources.mapping.canonical import canonical
from common.sources.mapping.elements import WANTED, elements, number_of_rows, with_filter
from common.sources.mapping.model import Source

pytestmark = pytest.mark.unit

SCHEMA = (
    "id string, customer struct<id: string>, lines array<struct<id: string, sku: string, n: int>>, tags array<string>, "
    "_file string, _file_sha256 string, _line bigint, _raw string, _reason string"
)
PLACE = ("f.json", "0", 1, "{}")


def source(**keys: Any) -> Source:
    values = {"name": "orders", "format": "json", "raw_schema": "id string", "columns": {"item_id": "sku"}}
    return Source.model_validate({**values, **keys})


def orders(spark: SparkSession) -> DataFrame:
    rows = [
        ("o1", ("ann",), [("l1", "a", 2), ("l2", "b", None)], ["x"], *PLACE, None),
        ("o2", ("bob",), [], None, *PLACE, None),
        ("o3", None, None, None, *PLACE, None),
        ("o4", None, [None], None, *PLACE, None),
        (None, None, None, None, *PLACE, "SRC-211 not a JSON object"),
    ]
    return spark.createDataFrame(rows, SCHEMA)


def test_each_element_is_a_row_with_its_place_and_what_is_kept_of_the_record(spark: SparkSession) -> None:
    lines = source(rows_from="lines", parent={"order": "id", "customer": "customer.id"})
    rows = elements(orders(spark).where("id = 'o1'"), lines).collect()
    assert [(row["id"], row["sku"], row["n"], row["order"], row["customer"], row["_index"]) for row in rows] == [
        ("l1", "a", 2, "o1", "ann", 0),
        ("l2", "b", None, "o1", "ann", 1),
    ]
    places = [(row["_file"], row["_line"], row["_raw"], row["_reason"]) for row in rows]
    assert places == [("f.json", 1, "{}", None)] * 2


def test_a_record_without_elements_is_a_row_with_a_reason_and_none_is_lost(spark: SparkSession) -> None:
    lines = source(rows_from="lines", parent={"order": "id"})
    raw = orders(spark)
    found = [(row["order"], row["_reason"]) for row in elements(raw, lines).where("_reason is not null").collect()]
    nothing = "SRC-302 there is no element in lines"
    assert found == [("o2", nothing), ("o3", nothing), ("o4", nothing), (None, "SRC-211 not a JSON object")]
    # Two elements of o1, and one row for each of the others.
    assert (elements(raw, lines).count(), number_of_rows(raw, lines)) == (6, 6)


def test_a_list_of_parents_keeps_their_names_and_plain_values_are_called_element(spark: SparkSession) -> None:
    tags = source(rows_from="tags", parent=["customer.id"])
    assert tags.parent == {"id": "customer.id"}
    (row,) = elements(orders(spark).where("id = 'o1'"), tags).collect()
    assert (row["element"], row["id"], row["_index"]) == ("x", "ann", 0)


def test_without_rows_from_records_are_rows(spark: SparkSession) -> None:
    raw = orders(spark)
    assert elements(raw, source()).columns == raw.columns
    assert number_of_rows(raw, source()) == 5


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"rows_from": "customer"}, "'customer', which is no array"),
        ({"rows_from": "line"}, "there is no 'line'. Did you mean 'lines'?"),
        ({"rows_from": "lines", "parent": ["id"]}, "parent gives 'id', which is also a field of the elements"),
        ({"rows_from": "lines", "parent": {"mail": "customer.mail"}}, "there is no 'mail'"),
    ],
)
def test_what_is_no_array_or_not_there_is_refused(spark: SparkSession, keys: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        elements(orders(spark), source(**keys))
    assert caught.value.code == "SRC-006"
    assert words in str(caught.value.cause)


def test_parents_without_elements_and_a_filter_that_is_no_expression_are_refused() -> None:
    with pytest.raises(ValueError, match="parent keeps fields"):
        source(parent=["id"])
    with pytest.raises(ValueError, match="count"):
        source(where="count(*) > 1")


def test_a_filter_is_a_column_of_its_own(spark: SparkSession) -> None:
    raw = spark.createDataFrame([("a", "paid"), ("b", "open"), ("c", None)], "sku string, state string")
    target = StructType([StructField("item_id", StringType())])
    filtered, wanted = with_filter(source(where="state = 'paid'"), target)
    rows = canonical(raw, filtered, wanted).collect()
    assert [(row["item_id"], row[WANTED]) for row in rows] == [("a", True), ("b", False), ("c", None)]
