"""What must not go wrong: lost commits, lost answers, lost leases, personal values, schema clashes."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from audited import passed
from delta.exceptions import ConcurrentAppendException
from pyspark.sql import DataFrameWriter, SparkSession
from shop_orders import FIRST, SCHEMA, SECOND, TABLE, content, orders

from common.config.lake_settings import LakeSettings
from common.days import DayRange
from common.errors import ContractError, WriteConflictError
from common.lake.delta.commits import log_path
from common.lake.delta.log_files import partitions
from common.lake.delta.spark_writes import session_conf
from common.lake.lake import Lake
from common.lake.lease import Lease, lease_folder
from common.lake.table import Table
from common.run.record.ops_tables import QUALITY

pytestmark = pytest.mark.unit


def log_of(lake: Lake, table: Table = TABLE) -> bytes:
    folder = Path(lake.settings.root) / table.relative_path / "_delta_log"
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_personal_values_stay_out_of_the_delta_log_and_other_values_are_its_statistics(
    spark: SparkSession, lake: Lake
) -> None:
    lake.append_once(TABLE, orders(spark, (1, FIRST, "canary@example.org", 4711)), batch_id="1")
    lake.upsert(TABLE, orders(spark, (2, FIRST, "canary2@example.org", 4712)), days=DayRange.single(FIRST))
    log = log_of(lake)
    assert b"canary" not in log
    assert b"4711" in log


def test_each_commit_names_its_run_and_its_lease_token(spark: SparkSession, lake: Lake) -> None:
    batch = orders(spark, (1, FIRST, "a", 10))
    made = [
        lake.append_once(TABLE, batch, batch_id="1"),
        lake.replace_days(TABLE, batch, days=DayRange.single(FIRST)),
        lake.upsert(TABLE, batch),
    ]
    for result, token in zip(made, (1, 2, 3), strict=True):
        lines = lake.objects.read(log_path(TABLE.relative_path, result.version_after)).splitlines()
        info = next(json.loads(line)["commitInfo"] for line in lines if b"commitInfo" in line)
        stamp = json.loads(info["userMetadata"])
        assert (stamp["run_id"], stamp["job"], stamp["lease_token"]) == ("test-run", "tests.job", token)


def test_a_commit_that_another_driver_overwrote_is_an_error(
    spark: SparkSession, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.append_once(TABLE, orders(spark, (1, FIRST, "a", 10)), batch_id="1")

    def overwrite(point: str) -> None:
        if point == "lake.after_commit":
            stolen = log_path(TABLE.relative_path, 2)
            lake.objects.write(
                stolen, lake.objects.read(stolen).replace(b"test-run", b"them").replace(b"nonce", b"other")
            )

    monkeypatch.setattr("common.lake.delta.writer.fault", overwrite)
    with pytest.raises(WriteConflictError, match="LAK-006") as caught:
        lake.append_once(TABLE, orders(spark, (2, FIRST, "b", 20)), batch_id="2")
    assert "them" in caught.value.cause


def test_a_commit_whose_answer_was_lost_counts_and_is_not_made_twice(
    spark: SparkSession, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.append_once(TABLE, orders(spark, (1, FIRST, "a", 10)), batch_id="1")
    save = DataFrameWriter.save

    def save_and_fail(writer: DataFrameWriter, *arguments: str) -> None:
        save(writer, *arguments)
        raise ConnectionError("the answer is lost")

    monkeypatch.setattr(DataFrameWriter, "save", save_and_fail)
    result = lake.append_once(TABLE, orders(spark, (2, FIRST, "b", 20)), batch_id="2")
    assert (result.skipped, result.rows_written, result.version_after) == (False, 1, 2)
    assert content(lake.read(TABLE)) == [(1, FIRST, "a", 10), (2, FIRST, "b", 20)]


class Conflict(ConcurrentAppendException):
    """Delta's exception without the Java object that it is made from."""

    def __init__(self) -> None:
        pass

    def __str__(self) -> str:
        return "files were added by a concurrent update"


def conflicts(monkeypatch: pytest.MonkeyPatch, *, times: int) -> list[str]:
    """Delta's own conflict on the first so many writes; the list of all tries."""
    save, tries = DataFrameWriter.save, []

    def conflict_or_save(writer: DataFrameWriter, *arguments: str) -> None:
        tries.append(arguments[0])
        if len(tries) <= times:
            raise Conflict
        save(writer, *arguments)

    monkeypatch.setattr(DataFrameWriter, "save", conflict_or_save)
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _: None)
    return tries


def test_a_conflict_that_delta_names_is_tried_again(
    spark: SparkSession, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = conflicts(monkeypatch, times=2)
    assert lake.append_once(TABLE, orders(spark, (1, FIRST, "a", 10)), batch_id="1").rows_written == 1
    assert len(tries) == 3


def test_a_conflict_that_does_not_end_leaves_with_exit_code_5(
    spark: SparkSession, settings: LakeSettings, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = conflicts(monkeypatch, times=100)
    with pytest.raises(WriteConflictError, match="LAK-005"):
        lake.append_once(TABLE, orders(spark, (1, FIRST, "a", 10)), batch_id="1")
    assert len(tries) == settings.conflict_retries + 1


def test_a_real_conflict_is_tried_again_on_the_new_version(spark: SparkSession, lake: Lake, tmp_path: Path) -> None:
    lake.append_once(TABLE, orders(spark, (1, FIRST, "a", 10)), batch_id="1")
    reading, appended = tmp_path / "reading", tmp_path / "appended"

    def wait_in_the_merge(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        # The MERGE has its snapshot when it computes its source: now the rival may commit.
        reading.touch()
        while not appended.exists():
            time.sleep(0.05)
        yield from batches

    def rival() -> None:
        # A writer outside of the suite: it takes no lease.
        while not reading.exists():
            time.sleep(0.05)
        orders(spark, (7, FIRST, "z", 70)).write.format("delta").mode("append").save(lake.path(TABLE))
        appended.touch()

    thread = threading.Thread(target=rival, daemon=True)
    thread.start()
    rows = orders(spark, (1, FIRST, "a", 11)).coalesce(1).mapInArrow(wait_in_the_merge, SCHEMA)
    result = lake.upsert(TABLE, rows, days=DayRange.single(FIRST))
    thread.join()
    assert content(lake.read(TABLE)) == [(1, FIRST, "a", 11), (7, FIRST, "z", 70)]
    assert (result.version_before, result.version_after) == (1, 3)


def test_a_run_that_lost_its_lease_writes_nothing(spark: SparkSession, lake: Lake) -> None:
    lake.append_once(TABLE, orders(spark, (1, FIRST, "a", 10)), batch_id="1")
    with lake.lease(TABLE) as lease:
        rival = {"run_id": "rival", "since": "noon", "lease_seconds": 60}
        lake.objects.write(f"{lease_folder(TABLE.name)}{lease.token + 1:020d}.json", json.dumps(rival).encode())
        with pytest.raises(WriteConflictError, match=r"LEA-002[\s\S]*Run rival has held it since noon"):
            lake.append_once(TABLE, orders(spark, (2, FIRST, "b", 20)), batch_id="2")
    assert content(lake.read(TABLE)) == [(1, FIRST, "a", 10)]


def test_replacing_an_empty_day_by_nothing_is_no_lost_commit(spark: SparkSession, lake: Lake) -> None:
    lake.append_once(TABLE, orders(spark, (1, FIRST, "a", 10)), batch_id="1")
    result = lake.replace_days(TABLE, orders(spark), days=DayRange.single(SECOND))
    assert (result.rows_written, result.skipped) == (0, False)
    assert content(lake.read(TABLE)) == [(1, FIRST, "a", 10)]


def test_an_upsert_touches_only_the_files_of_its_days(spark: SparkSession, lake: Lake) -> None:
    lake.append_once(TABLE, orders(spark, (1, FIRST, "a", 10), (2, SECOND, "b", 20)), batch_id="1")
    result = lake.upsert(TABLE, orders(spark, (2, SECOND, "b", 21)))
    entry = lake.objects.read(log_path(TABLE.relative_path, result.version_after))
    touched = [json.loads(line) for line in entry.splitlines()]
    paths = [action[kind]["path"] for action in touched for kind in ("add", "remove") if kind in action]
    assert paths
    assert all(path.startswith("day=2026-11-21/") for path in paths)
    assert (result.rows_written, result.rows_updated) == (0, 1)


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([(2, FIRST, "b", 20)], id="a row outside of the days"),
        pytest.param([(1, SECOND, "b", 20), (1, SECOND, "c", 30)], id="two rows of one key"),
    ],
)
def test_an_upsert_refuses_rows_that_would_be_doubled(
    spark: SparkSession, lake: Lake, rows: list[tuple[int, date, str, int]]
) -> None:
    lake.append_once(TABLE, orders(spark, (1, SECOND, "a", 10)), batch_id="1")
    with pytest.raises(ContractError, match="LAK-003"):
        lake.upsert(TABLE, orders(spark, *rows), days=DayRange.single(SECOND))
    assert content(lake.read(TABLE)) == [(1, SECOND, "a", 10)]


def test_a_null_where_the_contract_allows_none_is_refused(spark: SparkSession, lake: Lake) -> None:
    rows = spark.sql(f"SELECT CAST(NULL AS BIGINT) id, DATE'{FIRST}' day, 'a' email, 1L amount")
    with pytest.raises(ContractError, match="LAK-003"):
        lake.append_once(TABLE, rows, batch_id="1")


def test_changes_since_a_version_are_the_rows_changed_after_it(spark: SparkSession, lake: Lake) -> None:
    silver = replace(TABLE, layer="silver")
    first = lake.append_once(passed(silver, orders(spark, (1, FIRST, "a", 10))), batch_id="1")
    lake.upsert(passed(silver, orders(spark, (1, FIRST, "a", 11), (2, FIRST, "b", 20))))
    changed = lake.changes(silver, since_version=first.version_after)
    found = sorted((row["_change_type"], row["id"], row["amount"]) for row in changed.collect())
    assert found == [("insert", 2, 20), ("update_postimage", 1, 11), ("update_preimage", 1, 10)]
    none = lake.changes(silver, since_version=lake.version(silver) or 0)
    assert none.count() == 0
    assert none.columns == changed.columns


def test_a_lease_is_waited_for_as_long_as_asked_or_as_the_settings_say(lake: Lake) -> None:
    other = Lease(lake.objects, QUALITY.name, run_id="other", job="tests.job", seconds=60).acquire()
    with pytest.raises(WriteConflictError, match="Run other"), lake.lease(QUALITY):
        pass
    threading.Timer(0.3, other.release).start()
    with lake.lease(QUALITY, wait_seconds=30) as held:
        assert held.token == other.token + 1


def test_a_few_rows_are_appended_to_an_ops_table_once_per_key(lake: Lake) -> None:
    row = {
        "run_id": "r1",
        "attempt": 1,
        "position": 1,
        "job": "tests.job",
        "table": "shop.orders",
        "expectation": "expect_column_values_to_not_be_null",
        "column": "id", "severity": "error", "success": True, "observed": "0", "detail": None,
        "started_at": datetime(2026, 11, 21, 6, 0),
    }  # fmt: skip
    second = {**row, "attempt": 2}
    assert lake.append_ops(QUALITY, [row]) == 1
    assert lake.append_ops(QUALITY, [row, second]) == 1
    assert lake.append_ops(QUALITY, [second, row]) == 0
    assert sorted(found["attempt"] for found in lake.read(QUALITY).collect()) == [1, 2]
    assert lake.version(QUALITY) == 2


def test_reading_tells_the_record_which_version_was_read(spark: SparkSession, lake: Lake) -> None:
    first = lake.append_once(TABLE, orders(spark, (1, FIRST, "a", 10)), batch_id="1")
    lake.append_once(TABLE, orders(spark, (2, FIRST, "b", 20)), batch_id="2")
    assert lake.read(TABLE, version=first.version_after).count() == 1
    assert lake.versions_read == {"shop.orders": 1}
    assert lake.read(TABLE).count() == 2
    assert lake.versions_read == {"shop.orders": 2}


def test_new_tables_are_registered_only_when_the_settings_ask_for_it(
    spark: SparkSession, settings: LakeSettings, lake: Lake
) -> None:
    quiet, named = replace(TABLE, name="shop.quiet"), replace(TABLE, name="shop.named")
    lake.append_once(quiet, orders(spark, (1, FIRST, "a", 10)), batch_id="1")
    lake.settings = settings.model_copy(update={"register_tables": True})
    lake.append_once(named, orders(spark, (1, FIRST, "a", 10)), batch_id="1")
    try:
        assert [row["tableName"] for row in spark.sql("SHOW TABLES IN shop").collect()] == ["named"]
        assert spark.table("shop.named").count() == 1
    finally:
        spark.sql("DROP DATABASE IF EXISTS shop CASCADE")


def test_many_days_are_written_into_few_files_of_the_target_size(
    spark: SparkSession, settings: LakeSettings, lake: Lake
) -> None:
    sized = replace(TABLE, target_file_bytes=1_048_576)
    rows = spark.range(0, 200_000, 1, 8).selectExpr(
        "id", "DATE_ADD(DATE'2026-11-20', CAST(id % 2 AS INT)) AS day", "CAST(NULL AS STRING) AS email", "id AS amount"
    )
    with session_conf(spark, {"spark.sql.adaptive.enabled": "true"}):
        lake.append_once(sized, rows, batch_id="1")
    found = partitions(lake.objects, sized.relative_path, small_bytes=1)
    # Eight tasks with two days each would have left 16 files; two days of some 3 MB in the shuffle need a few each.
    assert [one.partition for one in found] == ["day=2026-11-20", "day=2026-11-21"]
    assert all(1 < one.files <= 5 for one in found), found
