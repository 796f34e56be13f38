"""Clashes with the schema contract, and the additions that it allows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import IntegerType, LongType, StringType, StructField, StructType
from shop_orders import FIRST, SCHEMA, TABLE, content, orders

from common.errors import ContractError
from common.lake.lake import Lake
from common.lake.table import Table

pytestmark = pytest.mark.unit


def log_of(lake: Lake, table: Table = TABLE) -> bytes:
    folder = Path(lake.settings.root) / table.relative_path / "_delta_log"
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda rows: rows.drop("amount"), "amount  bigint               missing"),
        (lambda rows: rows.selectExpr("*", "1 extra"), "extra   not in the contract  int"),
        (lambda rows: rows.selectExpr("id", "day", "email", "CAST(amount AS INT) amount"), "amount  bigint  int"),
        (lambda rows: rows.selectExpr("id", "day", "email", "CAST(amount AS STRING) amount"), "amount  bigint  string"),
        (lambda rows: rows.selectExpr("id", "day", "email", "amount Amount"), "amount  bigint  named Amount"),
        (lambda rows: rows.selectExpr("*", "email EMAIL"), "one column  2: email, EMAIL"),
    ],
)
def test_rows_that_clash_with_the_contract_are_refused_with_a_diff(
    spark: SparkSession, lake: Lake, change: Callable[[DataFrame], DataFrame], line: str
) -> None:
    with pytest.raises(ContractError, match="LAK-002") as caught:
        lake.append_once(TABLE, change(orders(spark, (1, FIRST, "a", 10))), batch_id="1")
    assert " ".join(line.split()) in " ".join(caught.value.cause.split())
    assert not lake.exists(TABLE)


WIDER = replace(
    TABLE, schema=StructType([*SCHEMA.fields, StructField("phone", StringType())]), personal_columns=("phone",)
)


def test_a_new_nullable_column_is_null_until_a_write_adds_it(spark: SparkSession, lake: Lake) -> None:
    lake.append_once(TABLE, orders(spark, (1, FIRST, "a", 10)), batch_id="1")
    assert content(lake.read(WIDER)) == [(1, FIRST, "a", 10, None)]
    new = spark.createDataFrame([(2, FIRST, "b", 20, "555-canary")], WIDER.schema)
    lake.append_once(WIDER, new, batch_id="2")
    assert content(lake.read(WIDER)) == [(1, FIRST, "a", 10, None), (2, FIRST, "b", 20, "555-canary")]
    assert b"555-canary" not in log_of(lake)


def test_a_column_may_be_null_from_the_first_write_after_its_contract_allows_it(
    spark: SparkSession, lake: Lake
) -> None:
    strict = replace(TABLE, schema=StructType([*SCHEMA.fields[:3], StructField("amount", LongType(), nullable=False)]))
    lake.append_once(strict, spark.createDataFrame([(1, FIRST, "a", 10)], strict.schema), batch_id="1")
    lake.append_once(TABLE, orders(spark, (2, FIRST, "b", None)), batch_id="2")
    assert content(lake.read(TABLE)) == [(1, FIRST, "a", 10), (2, FIRST, "b", None)]


@pytest.mark.parametrize(
    "contract",
    [
        pytest.param(replace(WIDER, additive=False), id="the table takes no additions"),
        pytest.param(
            replace(TABLE, schema=StructType([*SCHEMA.fields, StructField("phone", StringType(), nullable=False)])),
            id="the new column allows no null",
        ),
        pytest.param(
            replace(TABLE, schema=StructType([*SCHEMA.fields[:3], StructField("amount", IntegerType())])),
            id="a stored column is wider than the contract",
        ),
        pytest.param(replace(TABLE, schema=StructType(SCHEMA.fields[:3])), id="a stored column is not in the contract"),
    ],
)
def test_a_stored_table_that_clashes_with_the_contract_is_left_alone(
    spark: SparkSession, lake: Lake, contract: Table
) -> None:
    lake.append_once(TABLE, orders(spark, (1, FIRST, "a", 10)), batch_id="1")
    row = {"id": 2, "day": FIRST, "email": "b", "amount": 20, "phone": "555"}
    values = tuple(row[name] for name in contract.schema.names)
    with pytest.raises(ContractError, match="LAK-002"):
        lake.append_once(contract, spark.createDataFrame([values], contract.schema), batch_id="2")
    assert lake.version(TABLE) == 1
