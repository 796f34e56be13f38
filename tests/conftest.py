"""Fixtures for all tests: one small Spark session for the whole run, and a lake in a folder of the test's own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pyspark
import pytest
from audited import audit_nothing
from pyspark.sql import SparkSession
from s3_server import S3Server, s3_server
from shared_out import is_left_out, is_on_yarn, mark_what_differs_between_releases, print_seconds, turn
from small_session import small_session
from xdist.scheduler import LoadScopeScheduling

from common.config.lake_settings import LakeSettings
from common.lake.lake import Lake
from common.spark.internals import PUBLIC_ONLY

# Each test has a session of boto3 of its own (below), and each session would read the models of its services anew,
# a hundred milliseconds for the first client of each: they are the same files.
botocore.session.create_loader = cache(botocore.session.create_loader)


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """One session, tuned for tables of a few rows."""
    session = small_session(str(tmp_path_factory.mktemp("warehouse")))
    yield session
    session.stop()


class ByFileAndCluster(LoadScopeScheduling):
    """A file within one process, and within one process all tests on YARN: its start costs minutes."""

    def _split_scope(self, nodeid: str) -> str:
        return "yarn" if is_on_yarn(nodeid) else nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFileAndCluster:
    """How tests are shared out among processes."""
    return ByFileAndCluster(config, log)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """A file that the second lock does not run is not imported for it either."""
    return is_left_out(collection_path, config.option.markexpr) or None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what differs between releases, and put the longest first (with --no-loadscope-reorder)."""
    mark_what_differs_between_releases(items)
    items.sort(key=turn)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Where the seconds went, after a run of more than a file or two."""
    print_seconds(terminalreporter)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Flows on the second lock take none of the private ways into Spark and Delta: the same rows must come out.

    No test inherits the credentials that boto3's default session found for an earlier one.
    """
    boto3.DEFAULT_SESSION = None
    if item.get_closest_marker("flow") and pyspark.__version__ < "4":
        os.environ[PUBLIC_ONLY] = "1"
    else:
        os.environ.pop(PUBLIC_ONLY, None)


@pytest.fixture(scope="module")
def no_ops_rows() -> Iterator[None]:
    """Runs that leave no record in the outbox; tests/common/run holds the rows made of them to account."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("common.run.runner.put_in_outbox", lambda *_: None)
        yield


@pytest.fixture
def unaudited(monkeypatch: pytest.MonkeyPatch) -> None:
    """An audit is a twentieth of an ingest of a few rows; a test of each flow keeps it."""
    audit_nothing(monkeypatch)


@pytest.fixture(scope="session")
def s3_of_the_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A real S3 server on loopback for the whole run."""
    with s3_server(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(scope="module")
def s3(s3_of_the_run: S3Server) -> Iterator[S3Server]:
    """That server, with its credentials in this process for the tests of one file: with them others would ask S3."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3_of_the_run.environment().items():
            patch.setenv(name, value)
        yield s3_of_the_run


@pytest.fixture
def s3_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are no credentials, and that is known at once."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


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
