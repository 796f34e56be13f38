"""A table in which Spark deleted rows by deletion vectors: the rows must not come back without Spark."""

from __future__ import annotations

import json

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from deploy.cli import main

pytestmark = pytest.mark.unit


def test_rows_deleted_by_a_deletion_vector_are_neither_shown_nor_counted_nor_unloaded(
    spark: SparkSession, tmp_path, capsys
) -> None:
    path = f"{tmp_path}/gold/shop/orders"
    rows = spark.range(0, 5, 1, 1).selectExpr("id")
    rows.write.format("delta").option("delta.enableDeletionVectors", "true").save(path)
    spark.sql(f"DELETE FROM delta.`{path}` WHERE id IN (1, 3)")
    assert list(tmp_path.glob("gold/shop/orders/deletion_vector_*.bin"))
    assert main(["show", "shop.orders", "--lake", str(tmp_path), "-o", "json"]) == 0
    assert sorted(json.loads(line)["id"] for line in capsys.readouterr().out.splitlines()) == [0, 2, 4]
    assert main(["tables", "--lake", str(tmp_path), "-o", "json"]) == 0
    assert [one["rows"] for one in json.loads(capsys.readouterr().out)] == [3]
    out = tmp_path.parent / f"{tmp_path.name}-out"
    words = ["unload", "shop.orders", "--lake", str(tmp_path), "--to", "redshift", "--output", str(out)]
    assert main([*words, "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 3
    assert sorted(pq.read_table(out / "data")["id"].to_pylist()) == [0, 2, 4]
