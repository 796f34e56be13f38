"""Fixtures for all tests: one small Spark session for the whole run, and a lake in a folder of the test's own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from s3_server import S3Server, s3_server

from common.config.lake_settings import LakeSettings
from common.lake import Lake
from common.session import open_session

SMALL_SESSION = {
    "spark.master": "local[2]",
    # One JVM for hundreds of tests: what Delta and the plans of many lakes hold on to outgrows the default of 1 GiB.
    "spark.driver.memory": "2g",
    "spark.default.parallelism": "2",
    "spark.sql.shuffle.partitions": "2",
    "spark.databricks.delta.snapshotPartitions": "2",
}


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """One session, tuned for tables of a few rows."""
    warehouse = {"spark.sql.warehouse.dir": str(tmp_path_factory.mktemp("warehouse"))}
    session = open_session(LakeSettings(), "lakejobs tests", {**SMALL_SESSION, **warehouse})
    yield session
    session.stop()


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A real S3 server on loopback for the whole run."""
    with s3_server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def settings(tmp_path: Path) -> LakeSettings:
    """Lake settings with the root in a folder of the test's own."""
    return LakeSettings(root=str(tmp_path / "lake"))


@pytest.fixture
def lake(spark: SparkSession, settings: LakeSettings) -> Lake:
    """An empty lake for one test."""
    return Lake(
        spark,
        settings,
        run_id="test-run",
        job="tests.job",
        code_version="test",
        started_at=datetime(2026, 11, 21, 6, 0, tzinfo=UTC),
    )
