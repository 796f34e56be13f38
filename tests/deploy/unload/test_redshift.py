"""Files, manifest, table and COPY for Redshift."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from common.errors import UsageError
from deploy.unload.lake_files import lake_files
from deploy.unload.redshift import check_names, load_statements, redshift_type
from deploy.unload.rows import Outgoing

pytestmark = pytest.mark.unit

Unload = Callable[..., Any]


def test_partitioned_rows_are_written_once_more_with_manifest_table_and_copy(unload: Unload, tmp_path: Path) -> None:
    said = unload("redshift", "--s3", "s3://bucket/unloads/tx/", "--iam-role", "arn:aws:iam::000000000000:role/load")
    assert (said["rows"], said["in_place"]) == (3, False)
    assert "partition columns" in said["reason"] or "not on S3" in said["reason"]
    out = tmp_path / "out"
    (file,) = sorted(out.glob("data/*"))
    rows = pq.read_table(file)
    assert rows.column_names[:3] == ["transaction_id", "tx_datetime", "tx_day"]
    found = {row["transaction_id"]: row for row in rows.to_pylist()}
    assert found["t2"]["tx_datetime"] == datetime(2026, 3, 1, 12, 0, 0, 500_000, tzinfo=UTC)
    # The mark that older readers know, too.
    assert pq.ParquetFile(file).schema.column(1).converted_type == "TIMESTAMP_MICROS"
    assert found["t3"]["tx_day"] == date(2026, 3, 2)
    assert found["t1"]["tx_amount"] == Decimal("10.5000")
    assert json.loads((out / "manifest.json").read_text()) == {
        "entries": [
            {
                "url": "s3://bucket/unloads/tx/data/part-00000.parquet",
                "mandatory": True,
                "meta": {"content_length": file.stat().st_size},
            }
        ]
    }
    statements = (out / "load.sql").read_text()
    assert '"tx_datetime" TIMESTAMP,' in statements
    assert '"tx_day" DATE,' in statements
    assert '"tx_amount" DECIMAL(18,4),' in statements
    assert '"tags" SUPER,' in statements
    assert (
        'COPY "fraud"."transactions"\nFROM \'s3://bucket/unloads/tx/manifest.json\'\n'
        "IAM_ROLE 'arn:aws:iam::000000000000:role/load'\nFORMAT AS PARQUET SERIALIZETOJSON\nMANIFEST;"
    ) in statements


def test_names_are_masked_as_they_are_shown_and_pseudonyms_are_not(unload: Unload, tmp_path: Path) -> None:
    said = unload("redshift")
    (file,) = (tmp_path / "out").glob("data/*")
    shown = dict(pq.read_table(file, columns=["transaction_id", "customer_id"]).to_pandas().values.tolist())
    assert shown == {"t1": "0123456789abcdef0123456789abcdef", "t2": "***", "t3": None}
    assert said["masked"] == ["customer_id"]
    unload("redshift", "--clear")
    assert "ann@example.org" in pq.read_table(file)["customer_id"].to_pylist()


def test_only_the_rows_and_columns_asked_for_leave_the_lake(unload: Unload, tmp_path: Path) -> None:
    said = unload("redshift", "--where", "tx_day = '2026-03-01'", "--columns", "tx_amount,transaction_id")
    (file,) = (tmp_path / "out").glob("data/*")
    assert (said["rows"], pq.read_table(file).column_names) == (2, ["tx_amount", "transaction_id"])
    none = unload("redshift", "--where", "transaction_id = 'none'")
    assert (none["rows"], pq.read_table(file).num_rows) == (0, 0)
    code, err = unload("redshift", "--where", "no_such_column = 1")
    assert (code, err[:7]) == (2, "TBL-002")


def test_a_file_ends_when_it_is_large_enough_and_all_rows_are_in_one_of_them(
    unload: Unload, lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from deploy.unload import parquet_files

    monkeypatch.setattr(parquet_files, "_GROUP_ROWS", 1)
    rows = pa.table({"id": pa.array(range(300_000), pa.int64())})
    write_deltalake(str(lake / "gold/other/things"), rows)
    said = unload("redshift", "--file-mb", "1", table="other.things")
    assert said["rows"] == 300_000
    files = sorted((tmp_path / "out").glob("data/*"))
    assert len(files) == len(said["files"]) > 1
    assert sorted(one for file in files for one in pq.read_table(file)["id"].to_pylist()) == list(range(300_000))
    assert all(file.stat().st_size < 1.5 * 1_048_576 for file in files)


@pytest.fixture
def on_s3(tmp_path: Path) -> Callable[..., Outgoing]:
    """A table in a folder, of which the library says that it lies on S3."""

    def make(rows: pa.Table, partition_by: list[str] | None = None, where: str = "", **more: Any) -> Outgoing:
        path = str(tmp_path / "one")
        write_deltalake(path, rows, partition_by=partition_by, **more)
        table = DeltaTable(path)
        kept = ("schema", "metadata", "protocol", "get_add_actions", "to_pyarrow_dataset")
        seen = SimpleNamespace(table_uri="s3://b/one/", **{name: getattr(table, name) for name in kept})
        return Outgoing(seen, "other.one", [field.name for field in table.schema().fields], where)

    return make


def test_the_lakes_own_files_are_named_where_nothing_is_hidden_in_them(on_s3: Callable[..., Outgoing]) -> None:
    found = lake_files(on_s3(pa.table({"a": [1], "b": ["x"]})))
    assert found.reason == ""
    ((url, size),) = found.files
    assert url.startswith("s3://b/one/part-")
    assert size > 0


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"partition_by": ["a"]}, "partition columns"),
        ({"where": "a = 1"}, "--where"),
        ({"configuration": {"delta.enableDeletionVectors": "true"}}, "deletion vectors"),
    ],
)
def test_files_that_do_not_say_all_are_not_pointed_at(
    on_s3: Callable[..., Outgoing], facts: dict[str, Any], reason: str
) -> None:
    assert reason in lake_files(on_s3(pa.table({"a": [1], "b": ["x"]}), **facts)).reason


def test_files_from_before_a_column_was_added_are_not_pointed_at(on_s3: Callable[..., Outgoing]) -> None:
    on_s3(pa.table({"a": [1]}))
    grown = on_s3(pa.table({"a": [2], "b": ["x"]}), mode="append", schema_mode="merge")
    assert "differ" in lake_files(grown).reason


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (pa.bool_(), "BOOLEAN"),
        (pa.int8(), "SMALLINT"),
        (pa.int16(), "SMALLINT"),
        (pa.int32(), "INTEGER"),
        (pa.int64(), "BIGINT"),
        (pa.float32(), "REAL"),
        (pa.float64(), "DOUBLE PRECISION"),
        (pa.decimal128(38, 10), "DECIMAL(38,10)"),
        (pa.date32(), "DATE"),
        (pa.timestamp("us", "UTC"), "TIMESTAMP"),
        (pa.timestamp("us"), "TIMESTAMP"),
        (pa.string(), "VARCHAR(65535)"),
        (pa.binary(), "VARBYTE(1024000)"),
        (pa.list_(pa.string()), "SUPER"),
        (pa.struct([("a", pa.int32())]), "SUPER"),
        (pa.map_(pa.string(), pa.string()), "SUPER"),
    ],
)
def test_each_type_of_delta_has_its_type_in_redshift(kind: pa.DataType, expected: str) -> None:
    assert redshift_type(kind) == expected


@pytest.mark.parametrize(("longest", "width"), [(0, 32), (32, 32), (33, 64), (40_000, 65_535), (65_535, 65_535)])
def test_a_text_is_as_wide_as_the_next_power_of_two_of_its_bytes(longest: int, width: int) -> None:
    assert redshift_type(pa.string(), longest) == f"VARCHAR({width})"


def test_what_redshift_cannot_hold_is_refused(unload: Unload, lake: Path) -> None:
    with pytest.raises(UsageError, match="no type"):
        redshift_type(pa.null())
    with pytest.raises(UsageError, match="column 'Id'"):
        check_names(["Id", "id"])
    write_deltalake(str(lake / "gold/other/long"), pa.table({"text": ["ä" * 40_000]}))
    code, err = unload("redshift", table="other.long")
    assert code == 3
    assert err.startswith("UNL-004")
    assert "80,000 bytes" in err


def test_names_are_quoted() -> None:
    schema = pa.schema([pa.field('od"d', pa.int32(), nullable=False)])
    statements = load_statements("other.one", schema, {}, "s3://b/m.json", "default")
    assert '  "od""d" INTEGER NOT NULL\n' in statements
    assert "IAM_ROLE DEFAULT\nFORMAT AS PARQUET\nMANIFEST;" in statements
