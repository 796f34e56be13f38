"""A run on little data is planned once; one that reads anything large, or of unknown size, is planned as ever."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from shop_orders import FIRST, TABLE, orders

from common.config.lake_settings import LakeSettings
from common.lake.delta.spark_writes import session_conf
from common.lake.lake import Lake
from common.sources.files.inspection import inspect
from common.sources.mapping.model import Source
from common.spark.input_size import SMALL_INPUT_BYTES, asks_for_size, is_planned_once, note_input, planned_by_size

pytestmark = pytest.mark.unit

SETTINGS = ("spark.sql.adaptive.enabled", "spark.sql.shuffle.partitions", "spark.sql.autoBroadcastJoinThreshold")
AS_OPENED = ("true", "200", "10485760b")
# The session of the tests has two cores.
SMALL = ("false", "2", "-1")


@pytest.fixture
def adaptive(spark: SparkSession) -> Iterator[SparkSession]:
    """The session as a job opens it: planned adaptively, for many partitions."""
    with session_conf(spark, dict(zip(SETTINGS, AS_OPENED, strict=True))):
        yield spark


def plans(spark: SparkSession) -> tuple[str | None, ...]:
    return tuple(spark.conf.get(key) for key in SETTINGS)


def test_small_inputs_are_planned_once_until_the_run_ends(adaptive: SparkSession) -> None:
    with planned_by_size():
        assert plans(adaptive) == AS_OPENED  # nothing is known yet
        note_input(adaptive, 1000)
        assert plans(adaptive) == SMALL
        assert is_planned_once()
    assert plans(adaptive) == AS_OPENED
    assert not is_planned_once()


def test_inputs_that_are_large_only_together_are_large(adaptive: SparkSession) -> None:
    with planned_by_size():
        note_input(adaptive, SMALL_INPUT_BYTES)
        assert plans(adaptive) == SMALL
        note_input(adaptive, 1)
        assert plans(adaptive) == AS_OPENED
        assert not asks_for_size()
        note_input(adaptive, 1)
        assert plans(adaptive) == AS_OPENED


def test_an_input_of_unknown_size_is_large(adaptive: SparkSession) -> None:
    with planned_by_size():
        note_input(adaptive, None)
        note_input(adaptive, 1)
        assert plans(adaptive) == AS_OPENED


def test_a_run_that_fails_leaves_the_session_as_it_was(adaptive: SparkSession) -> None:
    def run() -> None:
        with planned_by_size():
            note_input(adaptive, 1)
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        run()
    assert plans(adaptive) == AS_OPENED


def test_a_large_run_beside_a_small_one_in_a_process_has_its_way(adaptive: SparkSession) -> None:
    has_read, may_end = threading.Event(), threading.Event()

    def large() -> None:
        with planned_by_size():
            note_input(adaptive, None)
            has_read.set()
            may_end.wait()

    other = threading.Thread(target=large)
    with planned_by_size():
        note_input(adaptive, 1)
        assert plans(adaptive) == SMALL
        other.start()
        has_read.wait()
        assert plans(adaptive) == AS_OPENED
        may_end.set()
        other.join()
        assert plans(adaptive) == SMALL
    assert plans(adaptive) == AS_OPENED


def test_what_is_set_otherwise_by_the_owner_of_the_session_is_left(spark: SparkSession) -> None:
    settings = {"spark.sql.adaptive.enabled": "false", "spark.sql.shuffle.partitions": "200"}
    with session_conf(spark, settings), planned_by_size():
        note_input(spark, 1)
        assert plans(spark) == ("false", "200", "10485760b")


def test_a_table_is_as_large_as_its_log_says(adaptive: SparkSession, lake: Lake) -> None:
    lake.append_once(TABLE, orders(adaptive, (1, FIRST, "a@example.org", 5)), batch_id="1")
    with planned_by_size():
        rows = lake.read(TABLE)
        assert plans(adaptive) == SMALL
        assert rows.count() == 1
    crc = f"{TABLE.relative_path}/_delta_log/{1:020d}.crc"
    lake.objects.delete(crc)
    with planned_by_size():
        lake.read(TABLE)
        assert plans(adaptive) == AS_OPENED


def test_files_are_as_large_as_their_rows_however_well_they_are_packed(adaptive: SparkSession, tmp_path: Path) -> None:
    source = Source.parse("format: parquet\ncolumns: {units: units}\n", name="tested")
    for rows, expected in ((1_000, SMALL), (1_100_000, AS_OPENED)):
        folder = tmp_path / str(rows)
        folder.mkdir()
        pq.write_table(pa.table({"units": pa.repeat(1, rows)}), folder / "a.parquet")
        assert (folder / "a.parquet").stat().st_size < 10_000
        with planned_by_size():
            inspect(adaptive, str(folder), source, LakeSettings())
            assert plans(adaptive) == expected


def test_outside_of_a_run_nothing_is_changed(adaptive: SparkSession) -> None:
    note_input(adaptive, 1)
    assert plans(adaptive) == AS_OPENED


def test_small_inputs_are_kept_for_the_run_and_let_go_at_its_end(adaptive: SparkSession, lake: Lake) -> None:
    lake.append_once(TABLE, orders(adaptive, (1, FIRST, "a@example.org", 5)), batch_id="1")
    with planned_by_size():
        rows, again = lake.read(TABLE), lake.read(TABLE)
        assert rows.count() == 1
        assert rows.storageLevel.useMemory
        assert again.storageLevel.useMemory
        # What is written meanwhile is another version: a new read sees it, and what was read stays as it was.
        lake.append_once(TABLE, orders(adaptive, (2, FIRST, "b@example.org", 6)), batch_id="2")
        assert (rows.count(), lake.read(TABLE).count()) == (1, 2)
    assert not rows.storageLevel.useMemory
    assert not lake.read(TABLE).storageLevel.useMemory
