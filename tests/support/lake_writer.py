"""A process that writes tables, one in each way asked for, for tests that set several of them on them at once.

Prints one JSON line per write and leaves with the exit code of the error that stopped it. Given several lakes, it goes
from one to the next.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import DateType, LongType, StringType, StructField, StructType

from common.config.lake_settings import LakeSettings
from common.days import DayRange
from common.errors import LakejobsError
from common.lake.lake import Lake
from common.lake.result import WriteResult
from common.lake.table import Table
from common.spark.session import open_session

SCHEMA = StructType(
    [
        StructField("id", LongType(), nullable=False),
        StructField("day", DateType(), nullable=False),
        StructField("writer", StringType(), nullable=False),
    ]
)
# The ways in which a lake is written, each with its own table.
TABLES = {
    way: Table(f"races.{way}", "bronze", SCHEMA, keys=("id",), day_column="day")
    for way in ("append", "replace", "merge")
}
DAY = date(2026, 11, 20)
SMALL = {
    "spark.master": "local[1]",
    "spark.sql.shuffle.partitions": "1",
    "spark.databricks.delta.snapshotPartitions": "1",
    "spark.driver.memory": "512m",
}


def opened_session(lakes: list[LakeSettings], name: str) -> SparkSession:
    """One session for all of the lakes: one on S3 says how to reach it, a folder needs nothing."""
    remote = [settings for settings in lakes if "://" in settings.root]
    spark = open_session((remote or lakes)[0], name, SMALL)
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def lake_of(spark: SparkSession, settings: LakeSettings, name: str) -> Lake:
    started_at = datetime.fromtimestamp(time.time(), tz=UTC)
    return Lake(spark, settings, run_id=f"run-{name}", job="races.write", code_version="test", started_at=started_at)


def block(spark: SparkSession, writer: str, first: int, rows: int, files: int) -> DataFrame:
    """Rows with ids from ``first``, in so many tasks."""
    ids = spark.range(first, first + rows, 1, files)
    return ids.selectExpr("id", f"DATE'{DAY}' AS day", f"'{writer}' AS writer").select(*SCHEMA.names)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--settings", required=True, action="append")
    parser.add_argument("--name", required=True)
    parser.add_argument("--ways", nargs="+", choices=list(TABLES), default=["append"])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--rows", type=int, default=10)
    parser.add_argument("--files", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--gate", type=Path)
    asked = parser.parse_args()
    lakes = [LakeSettings.model_validate_json(settings) for settings in asked.settings]
    spark = opened_session(lakes, asked.name)
    try:
        for number, settings in enumerate(lakes):
            if asked.gate is not None:
                await_gate(asked.gate.with_name(f"{asked.gate.name}{number or ''}"), asked.name)
            write(lake_of(spark, settings, asked.name), asked)
    except LakejobsError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def await_gate(gate: Path, name: str) -> None:
    """Says that this writer is ready and waits until it may go."""
    (gate.parent / f"{gate.name}.{name}.ready").touch()
    while not gate.exists():
        time.sleep(0.05)


def write(lake: Lake, asked: argparse.Namespace) -> None:
    """The rounds on one lake, all of one way before those of the next."""
    for way in asked.ways:
        for turn in range(asked.rounds):
            result = written(lake, way, asked.name, turn, first=asked.first, rows=asked.rows, files=asked.files)
            sys.stdout.write(f"{json.dumps(asdict(result))}\n")


def written(lake: Lake, way: str, name: str, turn: int, *, first: int = 0, rows: int, files: int = 1) -> WriteResult:
    """One write: appended rows are those of the turn, replaced and merged ones the same ids each time."""
    table = TABLES[way]
    if way == "append":
        fresh = block(lake.spark, name, first + turn * rows, rows, files)
        return lake.append_once(table, fresh, batch_id=f"{name}-{turn}")
    same = block(lake.spark, f"{name}-{turn}", 0, rows, files)
    days = DayRange.single(DAY)
    return lake.replace_days(table, same, days=days) if way == "replace" else lake.upsert(table, same, days=days)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # The answer is out; waiting for the JVM to close would only slow the tests down.
    os._exit(code)
