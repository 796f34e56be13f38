"""What the suite does with objects goes through a store that enforces the job's policy, and is not refused."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from iam_rules import PLACE, PolicedStore

from common.intake.batches import Batch, BatchFile, BatchLog
from common.job.graph import Graph
from common.lake.delta.commits import latest_version
from common.lake.delta.log_files import table_names
from common.lake.free_columns import FreeColumns
from common.lake.lease import Lease
from common.lake.model_store import ModelStore
from common.run.changed.ledger import change_ledger, make_ledger, read_ledger
from common.run.lineage.emit import event_folder
from common.run.record.index import keep_index
from common.run.record.keep import PENDING, earlier_attempts
from common.run.record.record import record_path, report_path
from deploy.policies.statements import policy_of, session_policy_of
from jobs.maintenance.examination.storage import storage_findings

pytestmark = pytest.mark.unit

GRAPH = Graph.of_suite()
REPOSITORY = Path(__file__).resolve().parents[3]


def store_of(job: str, folder: Path) -> PolicedStore:
    """The lake as one run on EMR Serverless sees it: role and session policy both hold."""
    jobs = [GRAPH.nodes[job].job]
    return PolicedStore(folder, "shop-lake", "lake", policy_of(jobs, PLACE), session_policy_of(jobs, PLACE))


def test_a_table_is_leased_by_its_writer_alone(tmp_path: Path) -> None:
    writer = store_of("clickstream.sessionise", tmp_path)
    for run in ("first", "second"):
        lease = Lease(writer, "clickstream.sessions", run_id=run, job="clickstream.sessionise", seconds=60).acquire()
        lease.check()
        lease.release()
    reader = store_of("clickstream.items", tmp_path)
    with pytest.raises(PermissionError, match=r"_leases/clickstream\.sessions/"):
        Lease(reader, "clickstream.sessions", run_id="r", job="clickstream.items", seconds=60).acquire()


def test_an_ingest_keeps_its_log_of_batches(tmp_path: Path) -> None:
    log = BatchLog(store_of("clickstream.ingest", tmp_path), "clickstream.events")
    assert not log.has_any()
    assert log.open() == []
    file = BatchFile("0" * 64, "a.csv", "", "2026-11-20")
    batch = log.save(Batch("b1", (file,), {"name": "shop"}, "r", "m", "2026-11-20T03:00:00Z"))
    log.finish(batch)
    log.adopt_earlier()
    assert log.open() == []
    assert log.marks([file.sha256])[file.sha256].batch_id == "b1"
    with pytest.raises(PermissionError, match=r"_batches/clickstream\.events/"):
        BatchLog(store_of("clickstream.items", tmp_path), "clickstream.events").open()


def test_ingests_note_free_columns_and_features_look_them_up(tmp_path: Path) -> None:
    declared = {"score": {"type": "number", "expr": "points", "description": ""}}
    FreeColumns(store_of("fraud.ingest", tmp_path), "fraud.transactions").declare("bank", declared)
    features = FreeColumns(store_of("fraud.features", tmp_path), "fraud.transactions")
    assert [one.name for one in features.all()] == ["score"]
    with pytest.raises(PermissionError, match=r"_extra/fraud\.transactions/"):
        features.declare("other", declared)
    with pytest.raises(PermissionError):
        FreeColumns(store_of("fraud.score", tmp_path), "fraud.transactions").all()


def test_every_run_keeps_its_record_its_report_its_days_and_the_page_over_all_runs(tmp_path: Path) -> None:
    job = GRAPH.nodes["clickstream.items"].job
    store = store_of(job.name, tmp_path)
    assert earlier_attempts(store, record_path(job, "r1")) == 0
    record = {"job": job.name, "run_id": "r1", "attempt": 1, "started_at": "2026-11-20T03:00:00Z", "status": "done"}
    store.write(record_path(job, "r1"), b'{"attempt": 1}')
    store.write(report_path(job, "r1"), b"page")
    store.write(f"{PENDING}r1-1.json", b"{}")
    store.write(f"{event_folder(job)}/r1-1-start.json", b"{}")
    assert earlier_attempts(store, record_path(job, "r1")) == 1
    assert read_ledger(store, job.name) is None
    make_ledger(store, job.name)
    change_ledger(store, job.name, lambda ledger: ledger)
    keep_index(store, {**record, "seconds": 1.0, "exit_code": 0, "counts": {}, "days": None, "report": ""})
    with pytest.raises(PermissionError):
        store.write("runs/fraud/score/r1.json", b"{}")


def test_models_are_saved_by_training_and_loaded_by_scoring(tmp_path: Path) -> None:
    ModelStore(store_of("fraud.train", tmp_path), "fraud").save("v1", {"model.json": b"{}"}, {"kind": "test"})
    scoring = ModelStore(store_of("fraud.score", tmp_path), "fraud")
    assert scoring.versions() == ["v1"]
    assert scoring.load("v1").files == {"model.json": b"{}"}
    with pytest.raises(PermissionError, match=r"PutObject models/fraud/v2/model\.json"):
        scoring.save("v2", {"model.json": b"{}"}, {})


def test_a_lake_that_is_still_empty_is_seen_to_be_empty(tmp_path: Path) -> None:
    """Where S3 would say 403 to those who may not list, a first run must hear 404."""
    store = store_of("clickstream.sessionise", tmp_path)
    assert latest_version(store, "silver/clickstream/events") is None
    with pytest.raises(PermissionError):
        latest_version(store, "silver/fraud/transactions")


def test_maintenance_finds_every_table(tmp_path: Path) -> None:
    (tmp_path / "gold/forecast/orders/_delta_log").mkdir(parents=True)
    store = store_of("maintenance.maintain", tmp_path)
    assert table_names(store) == {"forecast.orders": "gold/forecast/orders"}
    assert list(store.list("_staging/")) == []
    assert list(store.list(PENDING)) == []


def test_the_doctor_tries_all_it_tries_on_probes_of_its_own_and_no_other_job_may(tmp_path: Path) -> None:
    doctor = store_of("maintenance.doctor", tmp_path)
    assert {one.status for one in storage_findings(doctor, "_probes/r1")} == {"ok"}
    doctor.write("_probes/r1/table/_delta_log/0.json", b"{}")
    doctor.delete_folder("_probes/r1")
    with pytest.raises(PermissionError):
        doctor.write("gold/clickstream/sessions/probe", b"1")
    with pytest.raises(PermissionError):
        store_of("clickstream.items", tmp_path).write("_probes/r1/probe", b"1")


def calls(name: str, *, on: str = "") -> set[str]:
    """The modules of the suite that call a function of this name, or a method of it on an object named ``on``."""
    found = set()
    for path in [*(REPOSITORY / "common").rglob("*.py"), *(REPOSITORY / "jobs").rglob("*.py")]:
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if name in text else ():
            if not isinstance(node, ast.Call) or name not in (
                getattr(node.func, "id", ""),
                getattr(node.func, "attr", ""),
            ):
                continue
            owner = getattr(node.func, "value", None)
            if not on or on in (getattr(owner, "id", ""), getattr(owner, "attr", "")):
                found.add(path.relative_to(REPOSITORY).as_posix())
    return found


def test_what_the_declarations_do_not_say_happens_only_where_the_policy_expects_it() -> None:
    assert all(path.startswith("jobs/fraud/") for path in calls("ModelStore"))
    assert calls("quarantine", on="lake") == {"common/intake/promotion.py", "common/intake/selection.py"}
    assert calls("write_landing") == {"jobs/fraud/simulation/body.py"}
