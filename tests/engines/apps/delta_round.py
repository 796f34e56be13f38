"""Writes a Delta table, merges into it and leaves the number of its rows by origin. Arguments: answer file, table."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pyspark.sql import SparkSession


def main(answer: str, table: str) -> None:
    """Runs the round."""
    builder = SparkSession.builder.appName("delta-round")
    builder = builder.config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
    spark = builder.config(
        "spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog"
    ).getOrCreate()
    spark.range(1000).selectExpr("id", "'written' AS origin").write.format("delta").save(table)
    spark.range(500, 1500).createOrReplaceTempView("newer")
    spark.sql(
        f"MERGE INTO delta.`{table}` AS t USING newer AS s ON t.id = s.id"
        " WHEN MATCHED THEN UPDATE SET t.origin = 'merged'"
        " WHEN NOT MATCHED THEN INSERT (id, origin) VALUES (s.id, 'merged')"
    )
    read = spark.read.format("delta").load(table)
    counts = {row["origin"]: row["count"] for row in read.groupBy("origin").count().collect()}
    Path(answer).write_text(json.dumps(counts), encoding="utf-8")
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
