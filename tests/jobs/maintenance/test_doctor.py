"""maintenance.doctor on folders and small stores: each fault is a line, and what would stop a job an exit code."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from common.config.lake_settings import LakeSettings
from common.errors import TransientError, UsageError
from common.lake.storage.folder import FolderStore
from common.run.context import Services
from common.run.findings import Finding
from common.run.launch import run_job
from jobs.maintenance.doctor import JOB
from jobs.maintenance.examination import workers
from jobs.maintenance.examination.engine import delta_finding
from jobs.maintenance.examination.storage import storage_findings

pytestmark = pytest.mark.unit


class Overwriting(FolderStore):
    """Takes conditional puts for plain ones, as some S3-compatible servers do."""

    def write_if_absent(self, path: str, body: bytes) -> str | None:
        return self.write(path, body)

    def write_if_match(self, path: str, body: bytes, etag: str) -> str | None:
        return self.write(path, body)


class ReadOnly(FolderStore):
    """Refuses every change, as S3 does to a role without the right."""

    def write(self, path: str, body: bytes) -> str:
        raise UsageError("LAK-009", f"S3 denied access: put {path} failed with AccessDenied.", remedy="Allow it.")

    def delete(self, path: str) -> None:
        raise UsageError("LAK-009", f"S3 denied access: delete {path} failed with AccessDenied.", remedy="Allow it.")


def statuses(findings: list[Finding]) -> dict[str, str]:
    return {one.check: one.status for one in findings}


def test_a_folder_keeps_its_word_and_nothing_is_left_of_the_probes(tmp_path: Path) -> None:
    assert statuses(storage_findings(FolderStore(tmp_path), "_probes/run")) == {
        "put": "ok",
        "get": "ok",
        "list": "ok",
        "put if absent": "ok",
        "put if unchanged": "ok",
        "delete": "ok",
    }
    assert list(FolderStore(tmp_path).list()) == []


def test_a_store_that_overwrites_in_spite_of_a_condition_would_stop_a_job(tmp_path: Path) -> None:
    found = {one.check: one for one in storage_findings(Overwriting(tmp_path), "_probes/run")}
    for check in ("put if absent", "put if unchanged"):
        assert (found[check].status, found[check].stops) == ("wrong", True)
    assert found["put"].status == "ok"


def test_each_missing_right_is_a_line_of_its_own_and_hides_no_other(tmp_path: Path) -> None:
    found = {one.check: one for one in storage_findings(ReadOnly(tmp_path), "_probes/run")}
    assert statuses(list(found.values())) == {
        "put": "wrong",
        "get": "ok",
        "list": "ok",
        "put if absent": "not checked",
        "put if unchanged": "not checked",
        "delete": "wrong",
    }
    assert found["put"].found == "LAK-009: S3 denied access: put _probes/run/probe failed with AccessDenied."
    assert found["put"].remedy == "Allow it."


class Silent(FolderStore):
    """Does not answer."""

    def write(self, path: str, body: bytes) -> str:
        raise TransientError("LAK-008", f"S3 did not answer within 20 s (put {path}).", remedy="Check the network.")


class WithoutConditions(FolderStore):
    """Knows no conditional puts."""

    def write_if_absent(self, path: str, body: bytes) -> str | None:
        raise TransientError("LAK-008", f"S3 could not put {path}: NotImplemented.", remedy="Run again later.")


def test_a_store_that_does_not_answer_is_asked_once(tmp_path: Path) -> None:
    found = storage_findings(Silent(tmp_path), "_probes/run")
    assert [one.status for one in found] == ["wrong", *["not checked"] * 5]


def test_a_store_that_knows_no_conditional_puts_is_not_to_be_asked_again_later(tmp_path: Path) -> None:
    found = {one.check: one for one in storage_findings(WithoutConditions(tmp_path), "_probes/run")}
    assert found["put if absent"].remedy.startswith("Use a store with conditional puts")
    assert found["put if unchanged"].status == "ok"


@pytest.fixture
def doctor(spark: SparkSession, settings: LakeSettings, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs the job; exit code, record, standard error."""

    def run(*flags: str, **more: Any) -> tuple[int, dict[str, Any], str]:
        services = Services(**{"session": lambda _, __: spark, **more})
        code = run_job(JOB, ["--lake", settings.root, "-o", "json", *flags], services=services)
        printed = capsys.readouterr()
        return code, json.loads(printed.out), printed.err

    return run


def test_a_run_on_a_laptop_finds_a_line_for_everything_and_leaves_no_probe(doctor: Any, settings: LakeSettings) -> None:
    code, record, _ = doctor()
    assert (code, record["status"]) == (0, "done")
    found = {one["check"]: one for one in record["findings"]}
    assert {one["status"] for one in record["findings"]} == {"ok", "not checked"}
    assert [name for name, one in found.items() if one["status"] == "not checked"] == ["credentials", "region"]
    assert found["Delta table"]["found"].startswith("4 rows in two commits")
    assert found["executors"]["found"].startswith("the driver's code")
    assert found["Hadoop"]["found"][0] == "3"
    assert "delta-spark" in found["Delta"]["found"]
    assert not [entry.path for entry in FolderStore(Path(settings.root)).list("_probes/")]
    assert (Path(settings.root) / record["report"]).read_bytes().startswith(b"<!")


def test_a_lake_that_takes_no_object_is_found_out_although_no_record_can_be_kept(
    doctor: Any, settings: LakeSettings
) -> None:
    store = ReadOnly(Path(settings.root))
    code, record, said = doctor("--run-id", "today", objects=lambda *_: store)
    assert (code, record["error"]["code"]) == (2, "MNT-002")
    assert "put, delete" in record["error"]["cause"]
    assert "MNT-002" in said
    assert {one["check"]: one["status"] for one in record["findings"]}["put"] == "wrong"


def test_without_a_session_what_needs_none_is_looked_at_all_the_same(doctor: Any) -> None:
    def refused(*_: Any) -> SparkSession:
        raise UsageError("SES-002", "Delta is not on Spark's class path.", remedy="Add --jars.")

    code, record, _ = doctor(session=refused)
    found = {one["check"]: one["status"] for one in record["findings"]}
    assert (code, found["Spark session"], found["executors"], found["put"]) == (2, "wrong", "not checked", "ok")


def test_executors_that_never_come_are_not_waited_for_for_ever(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(_rows: Any) -> Any:
        time.sleep(600)
        yield "{}"

    # A task that does not end is, for the driver, what a task without an executor is.
    monkeypatch.setattr(workers, "_answers", never)
    found = workers.workers_finding(spark, 2)
    assert (found.status, found.stops, found.found) == ("wrong", True, "none has answered within 2 s")


def test_a_second_delta_jar_is_wrong_and_the_same_one_in_two_places_is_not() -> None:
    own = "/usr/share/aws/delta/lib/delta-spark.jar"
    assert delta_finding([own, "/mnt/yarn/container_1/delta-spark.jar"]).status == "ok"
    both = delta_finding([own, "/home/hadoop/.ivy2/jars/io.delta_delta-spark_2.12-3.3.2.jar"])
    assert (both.status, both.stops) == ("wrong", False)
    assert both.found == f"loaded from {own}; io.delta_delta-spark_2.12-3.3.2.jar has it too"
    assert delta_finding([]).status == "not checked"


def test_executors_with_other_code_or_without_a_module_would_stop_a_job() -> None:
    here = workers.here()
    assert workers.judged([here]).status == "ok"
    lacking = workers.judged([here, {**here, "path": "/usr/bin/python3", "lacking": ["pyarrow"]}])
    assert (lacking.status, lacking.stops) == ("wrong", True)
    assert "pyarrow cannot be imported" in lacking.found
    older = workers.judged([{**here, "code": "0.0.1+000000000000"}])
    assert (older.status, older.stops) == ("wrong", True)
    patched = workers.judged([{**here, "python": "3.11.0"}])
    assert (patched.status, patched.stops) == ("wrong", False)
