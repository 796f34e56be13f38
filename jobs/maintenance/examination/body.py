"""The body of maintenance.doctor: one check after the other, each a line; none that fails hides the others."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from common.errors import LakejobsError, UsageError
from common.lake.delta.probe import PROBES, write_and_read
from common.run.context import RunContext
from common.run.findings import Finding, looked, stopping
from jobs.maintenance.examination.account import account_findings
from jobs.maintenance.examination.engine import engine_findings
from jobs.maintenance.examination.params import DoctorParams
from jobs.maintenance.examination.process import process_findings
from jobs.maintenance.examination.storage import SILENT, is_unreachable, storage_findings
from jobs.maintenance.examination.workers import CHECK as EXECUTORS
from jobs.maintenance.examination.workers import NONE_CAME, workers_finding

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_NO_SESSION = "there is no Spark session"


def run(context: RunContext) -> None:
    """Look at everything, keep it for record and report. Raises UsageError MNT-002 for what would stop a job."""
    findings = context.findings
    findings += process_findings()
    findings += account_findings(context.settings)
    folder = f"{PROBES}/{context.run_id}"
    try:
        # First the session: on HDFS the small objects need its JVM, too.
        spark, lines = _of_spark(context)
        findings += lines
        objects = _of_objects(context, folder)
        findings += objects
        findings.append(_of_table(context, spark, folder, _hindrance(spark, [*lines, *objects])))
    finally:
        with suppress(LakejobsError, OSError):
            context.objects.delete_folder(folder)
    _report(context)
    stops = stopping(findings)
    if stops:
        raise UsageError(
            "MNT-002",
            f"{len(stops)} of {len(findings)} checks found what would stop a job.",
            cause=f"They are: {', '.join(stops)}.",
            remedy="Do what their lines say; `findings` of the run record has them, too.",
        )


def _of_spark(context: RunContext) -> tuple[SparkSession | None, list[Finding]]:
    found: list[SparkSession] = []

    def opened() -> str:
        found.append(context.spark)
        return f"master {found[0].sparkContext.master}"

    session = looked("Spark session", opened)
    if not found:
        return None, [session, Finding.unchecked(EXECUTORS, _NO_SESSION)]
    spark, seconds = found[0], context.params_as(DoctorParams).executor_seconds
    # What no executor is needed for comes first: later checks may wait.
    return spark, [session, *engine_findings(spark, context.settings.release), workers_finding(spark, seconds)]


def _of_objects(context: RunContext, folder: str) -> list[Finding]:
    try:
        objects = context.objects
    except LakejobsError as error:
        return [Finding.of_error("lake", error)]
    return storage_findings(objects, f"{folder}/objects")


def _hindrance(spark: SparkSession | None, findings: Sequence[Finding]) -> str:
    """Why Spark cannot be asked to write: it would fail without a word of its own, or wait for ever."""
    if spark is None:
        return _NO_SESSION
    if any(one.found.startswith(NONE_CAME) for one in findings):
        return "there is no executor"
    return SILENT if is_unreachable(findings) else ""


def _of_table(context: RunContext, spark: SparkSession | None, folder: str, hindrance: str) -> Finding:
    check = "Delta table"
    if spark is None or hindrance:
        return Finding.unchecked(check, hindrance)

    def written() -> str:
        rows = write_and_read(spark, context.lake.spark_path(f"{folder}/table"))
        return f"{rows} rows in two commits, written and read below {folder}"

    return looked(check, written)


def _report(context: RunContext) -> None:
    findings = context.findings
    context.report.headline("Checks", str(len(findings)))
    context.report.headline("Would stop a job", str(len(stopping(findings))))
    rows = [(one.status, one.check, one.found, one.remedy) for one in findings]
    context.report.table("Findings", ("result", "check", "found", "what to do"), rows)
