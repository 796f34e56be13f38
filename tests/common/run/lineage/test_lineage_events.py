"""A run says what it reads and writes as OpenLineage events, from its declaration and its record."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from open_lineage import faults_of
from pyspark.sql.types import DateType, LongType, StringType, StructField, StructType

from common.config.lake_settings import LakeSettings
from common.config.params import Params
from common.errors import UsageError
from common.job.declaration import Input, Job
from common.job.references import attribute
from common.lake.result import WriteResult
from common.lake.table import Table
from common.run.context import RunContext
from common.run.lineage.datasets import named
from common.run.lineage.events import end_event, run_uuid

pytestmark = pytest.mark.unit

SCHEMA = StructType([StructField("day", DateType()), StructField("visitor", StringType())])
JOB = {
    "reads": (Input("toy_lineage:VIEWS"), Input("toy_lineage:COSTS", optional=True)),
    "writes": ("toy_lineage:VISITS",),
}
PARENT = "airflow-prod/night.visits/01908223-0782-79b8-9495-b1c38aaee839"


@pytest.fixture(autouse=True)
def tables() -> Iterator[None]:
    sys.modules["toy_lineage"] = SimpleNamespace(  # type: ignore[assignment]
        VIEWS=Table("toy.views", "silver", SCHEMA, keys=(), day_column="day"),
        COSTS=Table("toy.costs", "silver", StructType([StructField("cost", LongType())]), keys=()),
        VISITS=Table("toy.visits", "gold", SCHEMA, keys=(), day_column="day", personal_columns=("visitor",)),
    )
    yield
    sys.modules.pop("toy_lineage")


def wrote(context: RunContext) -> None:
    """Five rows of version 7 of the views become four, in two writes of 300 and 100 bytes."""
    context.counts.add(rows_read=5, rows_written=4, rows_deduplicated=1)
    context.lake.versions_read["toy.views"] = 7
    context.lake.writes += [
        WriteResult("toy.visits", 2, 3, 3, 0, 0, False, 0.1, 300),
        WriteResult("toy.visits", 3, 4, 0, 1, 0, False, 0.1, 100),
    ]


def run(toy: Any, body: Any = wrote, *flags: str, **changes: Any) -> dict[str, dict[str, Any]]:
    """The events of one run, by their types; each is as the specification wants it."""
    toy.run(body, "--run-id", "night", "--set", "lake.lineage.files=true", *flags, **{**JOB, **changes})
    files = sorted((toy.lake / "runs" / "lineage" / "toy" / "run").glob("*.json"))
    assert [file.name for file in files] == ["night-1-end.json", "night-1-start.json"]
    events = [json.loads(file.read_text()) for file in files]
    assert [faults_of(event) for event in events] == [[], []]
    return {event["eventType"]: event for event in events}


def test_a_run_begins_with_what_it_declares_and_ends_with_what_it_did(toy: Any) -> None:
    events = run(toy)
    start, end = events["START"], events["COMPLETE"]
    path = str(toy.lake.absolute())
    assert [(one["namespace"], one["name"]) for one in start["inputs"]] == [("file", f"{path}/silver/toy/views")]
    assert [(one["namespace"], one["name"]) for one in start["outputs"]] == [("file", f"{path}/gold/toy/visits")]
    assert start["run"]["runId"] == end["run"]["runId"] == run_uuid(str(toy.lake), "toy.run", "night", 1)
    (read,), (written,) = end["inputs"], end["outputs"]
    assert read["facets"]["version"]["datasetVersion"] == "7"
    assert written["facets"]["version"]["datasetVersion"] == "4"
    statistics = written["outputFacets"]["outputStatistics"]
    assert (statistics["rowCount"], statistics["size"]) == (4, 400)
    assert (start["eventTime"], end["eventTime"]) == (toy.record["started_at"], toy.record["ended_at"])


def test_an_output_has_the_columns_of_its_declaration_and_its_own_name_beside_its_path(toy: Any) -> None:
    (written,) = run(toy)["COMPLETE"]["outputs"]
    fields = [(one["name"], one["type"]) for one in written["facets"]["schema"]["fields"]]
    assert fields == [("day", "date"), ("visitor", "string")]
    (identifier,) = written["facets"]["symlinks"]["identifiers"]
    assert identifier == {"namespace": "lakejobs-local", "name": "toy.visits", "type": "TABLE"}


def test_run_and_job_say_days_parent_counts_and_what_the_job_is_for(toy: Any) -> None:
    settings = ("--set", "lake.lineage.namespace=shop", "--set", f"lake.lineage.parent={PARENT}")
    event = run(toy, wrote, *settings)["COMPLETE"]
    facets = event["run"]["facets"]
    assert (event["job"]["namespace"], event["job"]["name"]) == ("shop", "toy.run")
    assert event["job"]["facets"]["documentation"]["description"] == "A toy."
    nominal = facets["nominalTime"]
    assert (nominal["nominalStartTime"], nominal["nominalEndTime"]) == ("2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z")
    assert facets["parent"]["job"] == {"namespace": "airflow-prod", "name": "night.visits"}
    assert facets["parent"]["run"] == {"runId": "01908223-0782-79b8-9495-b1c38aaee839"}
    own = facets["lakejobs_run"]
    assert (own["runId"], own["attempt"], own["exitCode"], own["counts"]["rows_read"]) == ("night", 1, 0, 5)


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (UsageError("TOY-001", "Not like this.", cause="A cause."), "FAIL", "TOY-001: Not like this."),
        (ValueError("a row: ann@example.org"), "FAIL", "RUN-003: The job failed."),
        (KeyboardInterrupt(), "ABORT", "RUN-005: The run was stopped from the keyboard."),
    ],
)
def test_a_run_that_failed_or_was_stopped_says_why_without_a_value_of_a_row(
    toy: Any, error: BaseException, kind: str, message: str
) -> None:
    def body(context: RunContext) -> None:
        raise error

    event = run(toy, body)[kind]
    assert event["run"]["facets"]["errorMessage"]["message"] == message
    assert event["outputs"] == []
    assert "example.org" not in json.dumps(event)


def test_an_ingest_reads_files_whose_rows_are_counted_and_writes_what_it_rejects(toy: Any) -> None:
    def body(context: RunContext) -> None:
        context.counts.add(rows_read=9, rows_written=8, rows_quarantined=1)
        context.lake.writes += [
            WriteResult("toy.visits", None, 0, 8, 0, 0, False, 0.1, 500),
            WriteResult("toy.quarantine_run", None, 0, 1, 0, 0, False, 0.1, 50),
        ]

    flags = ("--input", "s3://landing/views/*.csv", "--source", "toy.yaml")
    events = run(toy, body, *flags, ingests=True, by_day=False, reads=())
    for event in events.values():
        (read,) = event["inputs"]
        assert (read["namespace"], read["name"]) == ("s3://landing", "views")
    assert events["COMPLETE"]["inputs"][0]["inputFacets"]["inputStatistics"]["rowCount"] == 9
    rows = {
        one["name"].rpartition("/")[2]: one["outputFacets"]["outputStatistics"]["rowCount"]
        for one in events["COMPLETE"]["outputs"]
    }
    assert rows == {"visits": 8, "quarantine_run": 1}


@pytest.mark.parametrize(
    ("more", "status", "rows"),
    [
        ({"step": "toy_lineage:step"}, "done", 5),
        ({"step": "toy_lineage:step"}, "failed", None),  # it may have stopped before it counted them
        ({"step": "toy_lineage:step", "balance_by": ("visitor",)}, "done", None),  # counts visitors, not rows
        ({"body": "toy_lineage:body"}, "done", None),  # counts what it likes
    ],
)
def test_rows_of_a_table_that_is_read_are_given_where_the_counts_are_theirs(
    more: dict[str, Any], status: str, rows: int | None
) -> None:
    job = Job("toy.run", "A toy.", Params, **JOB, **more)
    context = SimpleNamespace(
        job=job,
        settings=LakeSettings(root="s3://shop-lake/prod"),
        tables=lambda references: [attribute(one) for one in references],
        code_version="1",
        env="prod",
        run_id="night",
        attempt=1,
        day_range=None,
        input_path=None,
    )
    record = {
        "run_id": "night",
        "attempt": 1,
        "env": "prod",
        "status": status,
        "exit_code": 0,
        "error": None,
        "counts": {"rows_read": 5},
        "release": "emr-7.13.0",
        "spark_version": "3.5.6",
        "outputs": [],
        "inputs": {"toy.views": 7, "toy.costs": 2},
        "ended_at": "2026-11-21T03:30:00.000Z",
    }
    event = end_event(context, record)  # type: ignore[arg-type]
    assert faults_of(event) == []
    assert [one["name"] for one in event["inputs"]] == ["prod/silver/toy/views", "prod/silver/toy/costs"]
    counted = [one.get("inputFacets", {}).get("inputStatistics", {}).get("rowCount") for one in event["inputs"]]
    assert counted == [rows, None]


def test_by_default_there_are_no_events(toy: Any) -> None:
    assert toy.run(wrote, **JOB) == 0
    assert not (toy.lake / "runs" / "lineage").exists()


@pytest.mark.parametrize(
    ("address", "namespace", "name"),
    [
        ("s3a://shop-lake/prod/gold/toy/visits", "s3://shop-lake", "prod/gold/toy/visits"),
        ("s3://landing", "s3://landing", "/"),
        ("s3://landing/till-*/2026/x.csv", "s3://landing", "/"),
        ("hdfs://name:8020/lake/gold", "hdfs://name:8020", "/lake/gold"),
        ("/data/landing/", "file", "/data/landing"),
        ("file:/data/landing/*.csv", "file", "/data/landing"),
        ("file:///data/landing", "file", "/data/landing"),
    ],
)
def test_a_location_is_named_by_its_store_and_its_path(address: str, namespace: str, name: str) -> None:
    assert named(address) == (namespace, name)


def test_a_password_in_the_address_of_the_server_is_refused_and_not_repeated(toy: Any) -> None:
    assert toy.run(wrote, "--set", "lake.lineage.url=https://ann:s3cret@lineage.example.com/", **JOB) == 2
    assert "lake.lineage.url (--set): must be an address without user, password or query." in toy.err
    assert "s3cret" not in toy.out + toy.err


@pytest.mark.parametrize(
    ("given", "is_taken"),
    [
        ({"url": "https://lineage.example.com/api/v1/lineage", "token": "secret://env/TOKEN"}, True),
        ({"url": "http://127.0.0.1:5000/api/v1/lineage", "token": "secret://env/TOKEN"}, True),
        ({"url": "http://lineage.example.com/api/v1/lineage"}, True),
        ({"url": "http://lineage.example.com/api/v1/lineage", "token": "secret://env/TOKEN"}, False),
        ({"url": "http://localhost.example.com/", "token": "secret://env/TOKEN"}, False),
        ({"url": "https://ann:pass@lineage.example.com/"}, False),
        ({"url": "https://lineage.example.com/?api-key=1"}, False),
        ({"token": "abc"}, False),
        ({"parent": "night.visits"}, False),
        ({"timeout_seconds": 0}, False),
    ],
)
def test_a_secret_is_neither_written_into_the_settings_nor_sent_in_the_clear(
    given: dict[str, Any], is_taken: bool
) -> None:
    try:
        LakeSettings.model_validate({"lineage": given})
    except ValueError:
        assert not is_taken
    else:
        assert is_taken
