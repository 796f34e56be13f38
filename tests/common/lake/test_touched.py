"""Which days commits have touched, told from logs written by hand."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from delta_logs import DeltaLog

from common.lake.storage.folder import FolderStore
from common.lake.touched import LogGoneError, TableState, held_days, table_state, touches

pytestmark = pytest.mark.unit

PATH = "silver/toy/sales"


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path)


@pytest.fixture
def log(tmp_path: Path) -> DeltaLog:
    return DeltaLog(tmp_path, PATH, "day")


def touched(store: FolderStore, after: int, **options: Any) -> list[tuple[int, list[str] | None]]:
    state = table_state(store, PATH)
    assert state is not None
    given = {"day_column": "day", **options}
    found = touches(store, PATH, after=after, until=state.version, **given)
    return [(one.version, None if one.days is None else sorted(map(str, one.days))) for one in found]


def test_a_commit_touches_the_days_of_the_files_it_adds_and_removes(store: FolderStore, log: DeltaLog) -> None:
    log.add("2026-11-20", "2026-11-22")
    log.commit(log.file("remove", "2026-11-20", version=1), log.file("add", "2026-11-25"))
    assert touched(store, 0) == [(1, ["2026-11-20", "2026-11-22"]), (2, ["2026-11-20", "2026-11-25"])]
    assert touched(store, 1) == [(2, ["2026-11-20", "2026-11-25"])]
    assert touched(store, 2) == []


def test_compaction_and_a_change_of_properties_touch_no_day(store: FolderStore, log: DeltaLog) -> None:
    log.add("2026-11-20")
    log.commit(
        log.file("remove", "2026-11-20", version=1, dataChange=False),
        log.file("add", "2026-11-20", dataChange=False),
        operation="OPTIMIZE",
    )
    log.commit({"protocol": {"minReaderVersion": 1}}, operation="SET TBLPROPERTIES")
    log.commit({"cdc": {"path": "_change_data/day=2026-11-21/cdc-1.parquet", "dataChange": False}})
    assert touched(store, 1) == []


def test_a_remove_without_partition_values_touches_the_day_of_its_folder(store: FolderStore, log: DeltaLog) -> None:
    log.add("2026-11-20")
    log.remove("2026-11-20", partitionValues=None)
    assert touched(store, 1) == [(2, ["2026-11-20"])]


def test_a_deletion_vector_touches_its_day_and_leaves_the_file(store: FolderStore, log: DeltaLog) -> None:
    log.add("2026-11-20")
    vector = {"deletionVector": {"storageType": "u", "cardinality": 1}}
    # Actions of one commit stand in no order: here the file is added before it is removed.
    log.commit(log.file("add", "2026-11-20", version=1, **vector), log.file("remove", "2026-11-20", version=1))
    assert touched(store, 1) == [(2, ["2026-11-20"])]
    assert held_days(store, PATH, "day") == {date(2026, 11, 20)}


def test_a_row_without_a_day_touches_none(store: FolderStore, log: DeltaLog) -> None:
    log.commit(log.file("add", "__HIVE_DEFAULT_PARTITION__", partitionValues={"day": None}))
    assert touched(store, 0) == [(1, [])]
    assert held_days(store, PATH, "day") == frozenset()


def test_commits_that_the_caller_leaves_out_touch_nothing(store: FolderStore, log: DeltaLog) -> None:
    log.add("2026-11-20")
    log.remove("2026-11-20")
    assert touched(store, 1, is_upkeep=lambda commit: commit.info["operation"] == "DELETE") == []


def test_commits_that_are_gone_are_an_error_and_not_an_empty_answer(store: FolderStore, log: DeltaLog) -> None:
    log.add("2026-11-20")
    log.add("2026-11-21")
    (log.folder / f"{1:020d}.json").unlink()
    with pytest.raises(LogGoneError):
        touched(store, 0)
    assert touched(store, 1) == [(2, ["2026-11-21"])]


def test_columns_are_known_by_their_names_in_files(store: FolderStore, log: DeltaLog) -> None:
    physical = {"delta.columnMapping.physicalName": "col-1"}
    fields = [{"name": "day", "type": "date", "nullable": True, "metadata": physical}]
    schema = json.dumps({"type": "struct", "fields": fields})
    log.commit({"metaData": {"id": "first", "schemaString": schema, "partitionColumns": ["day"]}})
    log.commit(log.file("add", "2026-11-20", partitionValues={"col-1": "2026-11-20"}, path="ab/part-1.parquet"))
    assert touched(store, 1) == [(2, ["2026-11-20"])]
    assert held_days(store, PATH, "day") == {date(2026, 11, 20)}


def stats(rows: int, first: str | None, last: str | None) -> dict[str, Any]:
    bounds = {} if first is None else {"minValues": {"sold_day": first}, "maxValues": {"sold_day": last}}
    return {"partitionValues": {}, "path": f"part-{first}.parquet", "stats": json.dumps({"numRecords": rows, **bounds})}


def test_a_table_that_is_not_partitioned_tells_the_bounds_of_each_file(store: FolderStore, tmp_path: Path) -> None:
    log = DeltaLog(tmp_path, PATH, "")
    log.commit(log.file("add", "", **stats(3, "2026-11-20", "2026-11-22")), log.file("add", "", **stats(0, None, None)))
    days = ["2026-11-20", "2026-11-21", "2026-11-22"]
    assert touched(store, 0, day_column="sold_day") == [(1, days)]
    assert sorted(map(str, held_days(store, PATH, "sold_day") or ())) == days


@pytest.mark.parametrize(
    "file", [stats(3, None, None), stats(3, "0001-01-01", "9999-12-31"), {"path": "part-1.parquet", "stats": None}]
)
def test_a_file_without_usable_bounds_leaves_the_days_unknown(
    store: FolderStore, tmp_path: Path, file: dict[str, Any]
) -> None:
    log = DeltaLog(tmp_path, PATH, "")
    log.commit(log.file("add", "", **{"partitionValues": {}, **file}))
    assert touched(store, 0, day_column="sold_day") == [(1, None)]
    assert held_days(store, PATH, "sold_day") is None


def test_a_table_made_again_has_another_identity(store: FolderStore, tmp_path: Path, log: DeltaLog) -> None:
    assert table_state(store, PATH) == TableState("first", 0)
    DeltaLog(tmp_path, PATH, "day", table_id="second")
    assert table_state(store, PATH) == TableState("second", 0)
    (log.folder / f"{0:020d}.crc").write_text(json.dumps({"metadata": {"id": "in the checksum"}}))
    assert table_state(store, PATH) == TableState("in the checksum", 0)
    assert table_state(store, "silver/toy/none") is None
