"""Ways to separate good events from bad ones by the same twenty demands, each leaving two tables."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from benchmarks.row_demands import DEMANDS, ROW
from common.lake.staging import StagedRows
from common.lake.table import Table
from common.quality.quarantine import to_quarantine
from common.quality.rules import REASONS, rejected, split, valid

_AT = datetime(2026, 11, 21, tzinfo=UTC)
_RULES = tuple(demand.rule for demand in DEMANDS)


def plain_copy(spark: SparkSession, events: Path, out: Path, form: str) -> None:
    """All rows as they are: the baseline for the rules."""
    _write(spark.read.parquet(str(events)), out / "good", form)


def row_rules(spark: SparkSession, events: Path, out: Path, form: str) -> None:
    """The suite's rules; the good rows and the quarantine are written from the source, nothing is staged."""
    _write_both(split(spark.read.parquet(str(events)), _RULES), out, form)


def row_rules_staged(spark: SparkSession, events: Path, out: Path, form: str) -> None:
    """The same with the judged rows held first, as the ingest jobs do, which count and audit them there."""
    judged = split(spark.read.parquet(str(events)), _RULES)
    table = Table("bench.judged", "bronze", judged.schema, keys=(ROW,))
    with StagedRows(table, judged, str(out / "staged"), files=False, delete=lambda: None) as staged:
        _write_both(staged.rows, out, form)


def row_rules_in_files(spark: SparkSession, events: Path, out: Path, form: str) -> None:
    """The same with the judged rows in files first, the jobs' other way to stage them."""
    _write(split(spark.read.parquet(str(events)), _RULES), out / "staged", "parquet")
    _write_both(spark.read.parquet(str(out / "staged")), out, form)


def great_expectations(spark: SparkSession, events: Path, out: Path, form: str) -> None:
    """Great Expectations names the rows that fail each expectation; they are joined back to separate the rows."""
    rows = spark.read.parquet(str(events))
    reasons: dict[int, list[str]] = {}
    for demand, outcome in zip(DEMANDS, _validated(rows), strict=True):
        if outcome.exception_info.get("raised_exception"):
            raise SystemExit(f"{demand.rule.reason}: {outcome.exception_info}")
        for place in outcome.result.get("unexpected_index_list") or []:
            reasons.setdefault(place[ROW], []).append(demand.rule.reason)
    found = spark.createDataFrame(list(reasons.items()), f"{ROW} bigint, {REASONS} array<string>")
    none = F.array().cast("array<string>")
    joined = rows.join(F.broadcast(found), ROW, "left").withColumn(REASONS, F.coalesce(REASONS, none))
    _write_both(joined.select(*rows.columns, REASONS), out, form)


def _validated(rows: DataFrame) -> list[Any]:
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    # As it comes: the frame is cached, which spares it reading the files for each expectation.
    asset = context.data_sources.add_spark("events").add_dataframe_asset("events")
    batch = asset.add_batch_definition_whole_dataframe("events")
    expectations = [
        ExpectationConfiguration(
            type=demand.expectation, kwargs={"column": demand.column, **demand.arguments}, meta={"position": number}
        ).to_domain_obj()
        for number, demand in enumerate(DEMANDS)
    ]
    suite = context.suites.add(gx.ExpectationSuite(name="events", expectations=expectations))
    definition = context.validation_definitions.add(gx.ValidationDefinition(name="events", data=batch, suite=suite))
    naming_rows = {"result_format": "COMPLETE", "unexpected_index_column_names": [ROW]}
    result = definition.run(batch_parameters={"dataframe": rows}, result_format=naming_rows)
    rows.unpersist()
    return sorted(result.results, key=lambda outcome: int(outcome.expectation_config.meta["position"]))


def _write_both(judged: DataFrame, out: Path, form: str) -> None:
    _write(valid(judged), out / "good", form)
    bad = to_quarantine(
        rejected(judged), run_id="bench", job="bench", quarantined_at=_AT, keys=(ROW,), day_column="event_date"
    )
    _write(bad, out / "bad", form)


def _write(rows: DataFrame, path: Path, form: str) -> None:
    rows.write.format(form).mode("overwrite").save(str(path))


def outcome(spark: SparkSession, out: Path, form: str) -> dict[str, int]:
    """Rows in all under ``rows`` (good and bad), bad ones under ``bad``, and rows per reason."""
    good, bad = (spark.read.format(form).load(str(out / name)) for name in ("good", "bad"))
    per_reason = bad.select(F.explode(REASONS).alias("reason")).groupBy("reason").count().collect()
    number = bad.count()
    return {"rows": good.count() + number, "bad": number, **{row["reason"]: row["count"] for row in per_reason}}


def good_rows(spark: SparkSession, out: Path, form: str) -> tuple[int, int]:
    """Number and an order-free hash of the good rows."""
    rows = spark.read.format(form).load(str(out / "good"))
    row = rows.agg(F.count("*"), F.sum(F.xxhash64(*sorted(rows.columns)).cast("decimal(20,0)"))).collect()[0]
    return row[0], int(row[1])
