"""The gate of a run: what the audit found is noted, and rows that fail are kept where the error says."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql.types import LongType, StructField, StructType

from common.config.lake_settings import LakeSettings
from common.errors import ContractError
from common.lake.lake import Lake
from common.lake.table import Table
from common.quality.audit import AuditResult
from common.run.gate import pass_gate

pytestmark = pytest.mark.unit

ROWS = Table("toy.rows", "gold", StructType([StructField("n", LongType())]), keys=("n",), suite="toy.rows")


def outcome(*, success: bool) -> dict[str, Any]:
    fields = {"expectation": "expect_n", "column": "n", "severity": "error", "observed": "1 of 3 rows", "detail": None}
    return {**fields, "success": success, "kwargs": {"column": "n"}, "why": ""}


@pytest.fixture
def context(settings: LakeSettings) -> Any:
    return SimpleNamespace(audits=[], settings=settings, run_id="night")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """How the audit was asked for; ``success`` is what it will say."""
    audited: dict[str, Any] = {"success": True}

    def audit(rows: Any, table: Table, *, data_docs: Path | None) -> AuditResult:
        audited.update(rows=rows.count(), data_docs=data_docs)
        return AuditResult(table.name, [outcome(success=audited["success"])])

    monkeypatch.setattr("common.run.gate.audit", audit)
    return audited


def test_rows_that_pass_are_noted_and_not_kept(
    context: Any, asked: dict[str, Any], lake: Lake, spark: SparkSession
) -> None:
    with lake.stage(ROWS, spark.range(3).toDF("n")) as staged:
        audited = pass_gate(context, staged)
        assert (audited.table, audited.rows) == (ROWS, staged.rows)
    assert context.audits == [audited.result]
    assert asked == {"success": True, "rows": 3, "data_docs": None}
    assert not Path(staged.path).exists()


def test_rows_that_fail_are_kept_where_the_error_says(
    context: Any, asked: dict[str, Any], lake: Lake, spark: SparkSession
) -> None:
    asked["success"] = False
    with lake.stage(ROWS, spark.range(3).toDF("n")) as staged, pytest.raises(ContractError) as refused:
        pass_gate(context, staged)
    assert (refused.value.code, refused.value.exit_code) == ("QLT-001", 3)
    assert staged.path in refused.value.remedy
    assert spark.read.parquet(staged.path).count() == 3
    assert [result.passed for result in context.audits] == [False]


def test_of_an_ingest_only_what_would_be_published_is_audited_and_kept(
    context: Any, asked: dict[str, Any], lake: Lake, spark: SparkSession
) -> None:
    asked["success"] = False
    sent = spark.range(3).selectExpr("id AS n", "'ann@example.org' AS payload")
    with lake.stage(ROWS, sent) as staged, pytest.raises(ContractError) as refused:
        pass_gate(context, staged, staged.rows.where("n > 0").select("n"))
    assert asked["rows"] == 2
    (kept,) = (Path(lake.settings.root) / "_staging").glob("*/*")
    assert str(kept) in refused.value.remedy
    assert spark.read.parquet(str(kept)).columns == ["n"]
    assert sorted(row["n"] for row in spark.read.parquet(str(kept)).collect()) == [1, 2]


def test_pages_of_great_expectations_are_asked_for_by_a_setting(
    context: Any, asked: dict[str, Any], lake: Lake, spark: SparkSession
) -> None:
    context.settings = LakeSettings(root="lake", data_docs_folder="/pages")
    with lake.stage(ROWS, spark.range(3).toDF("n")) as staged:
        pass_gate(context, staged)
        assert asked["data_docs"] == Path("/pages/night/1-toy.rows")
        pass_gate(context, staged)
        assert asked["data_docs"] == Path("/pages/night/2-toy.rows")


def test_rows_that_an_upsert_takes_out_pass_unseen_and_the_others_are_audited(
    context: Any, asked: dict[str, Any], lake: Lake, spark: SparkSession
) -> None:
    flagged = spark.createDataFrame(
        [(1, False, "x"), (2, True, "x"), (3, None, "x")], "n bigint, gone boolean, w string"
    )
    with lake.stage(ROWS, flagged) as staged:
        audited = pass_gate(context, staged, deleted="gone")
        assert asked["rows"] == 2
        assert (audited.deleted, audited.rows.columns) == ("gone", ["n", "gone"])
        assert sorted(row["n"] for row in audited.rows.collect()) == [1, 2, 3]


def test_what_is_published_is_what_was_audited(
    context: Any, asked: dict[str, Any], lake: Lake, spark: SparkSession
) -> None:
    with lake.stage(ROWS, spark.range(3).toDF("n")) as staged:
        part = staged.rows.where("n > 0")
        assert pass_gate(context, staged, part).rows is part
    assert asked["rows"] == 2
