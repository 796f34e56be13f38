"""What the tests of sources share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from common.config.lake_settings import LakeSettings
from common.sources.files.inspection import inspect
from common.sources.files.inventory import FileInventory
from common.sources.mapping.model import Source
from common.sources.rows.reading import read_raw


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """An empty landing folder."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def look(spark: SparkSession, settings: LakeSettings) -> Callable[[Path, Source], FileInventory]:
    """Inspects a folder or file."""
    return lambda path, source: inspect(spark, str(path), source, settings)


@pytest.fixture
def read(spark: SparkSession, settings: LakeSettings) -> Callable[[Path, Source], DataFrame]:
    """Inspects and reads a folder or file."""
    return lambda path, source: read_raw(spark, inspect(spark, str(path), source, settings), source, settings)
