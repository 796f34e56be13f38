"""What a run leaves behind, whatever becomes of its body."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from common.errors import (
    ContractError,
    InputMissingError,
    JobFailedError,
    LakejobsError,
    TransientError,
    UsageError,
    WriteConflictError,
)
from common.lake.result import WriteResult
from common.run.context import RunContext

pytestmark = pytest.mark.unit


def balanced(context: RunContext) -> None:
    context.counts.add(rows_read=7, rows_written=3, rows_quarantined=1, rows_deduplicated=2, rows_filtered=1)
    context.counts.detail("visits", 2)


def raising(error: BaseException) -> Any:
    def body(context: RunContext) -> None:
        raise error

    return body


def written(version_before: int | None, version_after: int) -> WriteResult:
    return WriteResult("toy.out", version_before, version_after, 3, 0, 0, False, 0.1)


def test_a_run_that_went_well_leaves_a_record_of_everything(toy: Any) -> None:
    def body(context: RunContext) -> None:
        balanced(context)
        context.lake.versions_read["toy.in"] = 4
        context.lake.writes += [written(None, 0), written(0, 1)]

    assert toy.run(body, "--set", "gap_minutes=20") == 0
    record = toy.record
    assert (record["schema_version"], record["status"], record["exit_code"], record["error"]) == (1, "done", 0, None)
    assert (record["job"], record["attempt"], record["env"]) == ("toy.run", 1, "local")
    assert record["days"] == {"first": "2026-11-20", "last": "2026-11-20"}
    assert (record["settings"]["run.gap_minutes"], record["origins"]["run.gap_minutes"]) == (20, "--set")
    balance = {"read": 7, "written": 3, "quarantined": 1, "deduplicated": 2, "filtered": 1}
    assert record["counts"] == {**{f"rows_{name}": rows for name, rows in balance.items()}, "visits": 2}
    assert record["inputs"] == {"toy.in": 4}
    assert [(one["version_before"], one["version_after"]) for one in record["outputs"]] == [(None, 0), (0, 1)]
    assert len(record["code_hash"]) == 64
    assert record["code_version"].endswith(record["code_hash"][:12])
    assert record["ended_at"] >= record["started_at"]
    assert record["next_command"] == f"show {toy.lake} --day 2026-11-20"


def test_the_closing_table_shows_rows_versions_and_the_next_command(toy: Any) -> None:
    def body(context: RunContext) -> None:
        balanced(context)
        context.lake.writes += [written(4, 5), written(5, 6)]

    toy.run(body, "--from", "2026-11-19", "--to", "2026-11-20")
    lines = [" ".join(line.split()) for line in toy.out.splitlines()]
    assert lines[0] == "toy.run 2026-11-19..2026-11-20: done"
    for line in ("rows read 7", "rows quarantined 1", "visits 2", "toy.out version 4 -> 6"):
        assert line in lines
    assert f"next show {toy.lake} --from 2026-11-19 --to 2026-11-20" in lines


def test_json_output_is_the_record_and_nothing_else(toy: Any) -> None:
    assert toy.run(balanced, "-o", "json") == 0
    assert json.loads(toy.out) == toy.record


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (JobFailedError, 1),
        (UsageError, 2),
        (ContractError, 3),
        (InputMissingError, 4),
        (WriteConflictError, 5),
        (TransientError, 75),
    ],
)
def test_an_error_ends_in_its_exit_code_and_is_recorded(toy: Any, kind: type[LakejobsError], code: int) -> None:
    error = kind("TOY-001", "It broke.", cause="A cause.", remedy="Do this.")
    assert toy.run(raising(error)) == code
    record = toy.record
    assert (record["status"], record["exit_code"]) == ("failed", code)
    assert record["error"] == {"code": "TOY-001", "message": "It broke.", "cause": "A cause.", "remedy": "Do this."}
    assert "TOY-001: It broke.\nCause: A cause.\nWhat to do: Do this." in toy.err
    assert record["next_command"] == ""


def test_a_defect_of_the_body_is_one_sentence_without_a_stack_on_the_screen(toy: Any) -> None:
    assert toy.run(raising(KeyError("no_such"))) == 1
    assert toy.record["error"]["code"] == "RUN-003"
    assert "KeyError" in toy.record["error"]["cause"]
    assert "Traceback" not in toy.out


def test_a_body_that_leaves_with_an_exit_call_has_failed(toy: Any) -> None:
    assert toy.run(raising(SystemExit(0))) == 1


def test_rows_that_do_not_add_up_fail_the_run(toy: Any) -> None:
    assert toy.run(lambda context: context.counts.add(rows_read=3, rows_written=2)) == 1
    assert toy.record["error"]["code"] == "RUN-001"
    assert "3 rows read, 2 are accounted for" in toy.record["error"]["message"]


def test_the_first_written_table_is_leased_around_the_body(toy: Any) -> None:
    seen: list[str] = []
    assert toy.run(lambda context: seen.extend(context.lake.events), writes=("toy_module:OUT",)) == 0
    assert seen == ["lease toy.out"]


def test_the_lease_is_given_back_when_the_body_breaks(toy: Any) -> None:
    def body(context: RunContext) -> None:
        toy.seen = context.lake.events
        raise ValueError

    assert toy.run(body, writes=("toy_module:OUT",)) == 1
    assert toy.seen[:2] == ["lease toy.out", "release toy.out"]


def test_spark_jobs_are_cancelled_before_the_lease_is_given_back(toy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def body(context: RunContext) -> None:
        toy.seen = context.lake.events
        monkeypatch.setattr("common.run.runner.cancel_jobs", lambda spark: toy.seen.append("cancel"))
        raise ValueError

    toy.run(body, writes=("toy_module:OUT",))
    assert toy.seen[:3] == ["lease toy.out", "cancel", "release toy.out"]


def test_ctrl_c_gives_the_lease_back_and_is_recorded(toy: Any) -> None:
    def body(context: RunContext) -> None:
        toy.seen = context.lake.events
        raise KeyboardInterrupt

    assert toy.run(body, writes=("toy_module:OUT",)) == 130
    assert toy.seen == ["lease toy.out", "release toy.out"]
    assert (toy.record["status"], toy.record["exit_code"]) == ("stopped", 130)


def test_a_body_or_table_that_cannot_be_imported_is_named(toy: Any) -> None:
    assert toy.run(balanced, reads=("toy_module:NO_SUCH",)) == 1
    assert toy.record["error"]["code"] == "RUN-002"
    assert "toy_module:NO_SUCH" in toy.record["error"]["message"]


def test_a_retry_under_the_same_run_id_counts_its_attempts(toy: Any) -> None:
    assert toy.run(raising(TransientError("TOY-001", "Not now.")), "--run-id", "night-7") == 75
    assert toy.run(balanced, "--run-id", "night-7") == 0
    assert (toy.record["run_id"], toy.record["attempt"], toy.record["status"]) == ("night-7", 2, "done")


def test_a_run_that_was_killed_still_shows_as_running(toy: Any) -> None:
    stored: list[dict[str, Any]] = []
    toy.run(lambda context: stored.extend(toy.records()))
    assert [record["status"] for record in stored] == ["running"]


def test_the_run_id_starts_with_a_hash_of_the_work(toy: Any) -> None:
    for flags in ([], [], ["--set", "gap_minutes=31"], ["--day", "2026-11-21"]):
        assert toy.run(balanced, *flags) == 0
    first, same, other_params, other_day = (record["run_id"].split("-")[0] for record in toy.records())
    assert first == same
    assert len({first, other_params, other_day}) == 3
    assert len({record["run_id"] for record in toy.records()}) == 4


def test_the_report_is_stored_when_the_body_has_used_it(toy: Any) -> None:
    assert toy.run(lambda context: context.report.title) == 0
    path = toy.record["report"]
    assert path == f"reports/toy/run/{toy.record['run_id']}.html"
    assert (toy.lake / path).read_text() == "toy.run 2026-11-20: done"


def test_a_report_that_cannot_be_rendered_is_a_warning_only(toy: Any) -> None:
    def body(context: RunContext) -> None:
        context.report.render = None

    assert toy.run(body) == 0
    assert toy.record["report"] is None
    assert "report not kept" in toy.record["warnings"][0]


def test_a_record_that_cannot_be_written_fails_the_run(toy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def body(context: RunContext) -> None:
        store = context.objects
        write = store.write

        def refuse(path: str, content: bytes) -> str:
            if path.startswith("runs/toy"):
                raise PermissionError("read only")
            return write(path, content)

        monkeypatch.setattr(store, "write", refuse, raising=False)

    assert toy.run(body, "-o", "json") == 75
    assert json.loads(toy.out)["error"]["code"] == "RUN-006"


def test_a_source_that_does_not_load_is_refused_before_anything_is_started(toy: Any) -> None:
    def refuse(name: str) -> Any:
        raise UsageError("SRC-001", f"No source {name}.")

    toy.services = type(toy.services)(**{**vars(toy.services), "source": refuse})
    assert toy.run(balanced, "--input", "x", "--source", "nope", ingests=True) == 2
    assert "SRC-001" in toy.err
    assert not toy.lake.exists()


def test_a_refused_command_line_answers_json_with_the_error(toy: Any) -> None:
    assert toy.run(balanced, "-o", "json", "--set", "gap_minutes=0") == 2
    answer = json.loads(toy.out)
    assert (answer["job"], answer["exit_code"], answer["error"]["code"]) == ("toy.run", 2, "CFG-003")


def test_arguments_default_to_those_of_the_process(toy: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from common.run.launch import run_job

    monkeypatch.setattr(sys, "argv", ["run.py", "--version"])
    assert run_job(toy.job) == 0


def test_the_body_sees_days_parameters_and_start(toy: Any) -> None:
    seen: list[Any] = []

    def body(context: RunContext) -> None:
        seen.extend([str(context.days), context.params.gap_minutes, context.started_at.utcoffset().total_seconds()])

    toy.run(body, "--from", "2026-11-01", "--to", "2026-11-03", "--set", "gap_minutes=5")
    assert seen == ["2026-11-01..2026-11-03", 5, 0.0]


def test_asking_for_days_that_a_job_does_not_have_is_an_error(toy: Any) -> None:
    assert toy.run(lambda context: context.days, by_day=False) == 2
    assert toy.record["error"]["code"] == "CLI-005"


def test_nothing_of_a_plan_touches_the_lake(toy: Any, tmp_path: Path) -> None:
    assert toy.run(balanced, "--plan") == 0
    assert not toy.lake.exists()
