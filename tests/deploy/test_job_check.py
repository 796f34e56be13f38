"""What `render` refuses before it prints a request: all that the run would refuse at its start."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.errors import LakejobsError
from common.job.catalogue import load_job
from deploy.targets.job_check import check_job

pytestmark = [pytest.mark.unit, pytest.mark.usefixtures("s3_out_of_reach")]

SALES = "format: csv\ncolumns: {invoice_id: bon, item_id: item, quantity: units, sold_at: at}\n"
LAKE = ["--env", "prod", "--lake", "s3://shop-lake/prod"]
KEY = ["--set", "lake.pseudonym_key=secret://env/KEY"]
FEED = ["--source", "sales.yaml", "--input", "landing"]


@pytest.fixture(autouse=True)
def a_folder_with_a_feed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "landing").mkdir()
    (tmp_path / "landing" / "a.csv").write_text("bon,item,units,at\n1,A,2,2024-05-06\n")
    for name, words in (("sales", "units"), ("wrong", "unit"), ("broken", "units *")):
        (tmp_path / f"{name}.yaml").write_text(SALES.replace("units", words))
    monkeypatch.chdir(tmp_path)


def checked(job: str, *arguments: str) -> list[str]:
    family, _, verb = job.partition(".")
    return check_job(load_job(family, verb), [*LAKE, *arguments], "emr-serverless").unseen


@pytest.mark.parametrize(
    ("job", "arguments", "exit_code", "said"),
    [
        ("clickstream.sessionise", ["--gap", "3"], 2, "CLI-001: '--gap' is not a flag"),
        ("clickstream.sessionise", ["--day", "2026-02-30"], 2, "2026-02-30"),
        ("clickstream.sessionise", ["--day", "2026-02-03", "--set", "gap_minuts=3"], 2, "Did you mean 'gap_minutes'?"),
        ("clickstream.sessionise", ["--day", "2026-02-03", "--source", "ga4"], 2, "CLI-007"),
        ("forecast.ingest", [*KEY, "--input", "s3://shop/x"], 2, "CLI-007: forecast.ingest needs --source"),
        ("forecast.ingest", [*KEY, *FEED, "--input", "none"], 4, "SRC-007"),
        ("forecast.ingest", [*KEY, *FEED, "--source", "none.yaml"], 2, "SRC-001"),
        ("fraud.ingest", [*KEY, *FEED], 2, "SRC-005: Source sales maps 'invoice_id'"),
        ("forecast.ingest", [*KEY, *FEED, "--source", "wrong.yaml"], 2, "Did you mean 'units'?"),
        ("forecast.ingest", [*KEY, *FEED, "--source", "broken.yaml"], 2, "something is missing after '*'"),
        ("forecast.ingest", FEED, 2, "PRV-001"),
        ("forecast.ingest", [*KEY, *FEED], 2, "PKG-015: --input landing is on this machine"),
        ("forecast.ingest", [*KEY, *FEED, "--input", "s3://shop/x"], 2, "PKG-015: --source sales.yaml is on this"),
    ],
)
def test_a_run_that_would_be_refused_at_its_start_is_refused(
    job: str, arguments: list[str], exit_code: int, said: str
) -> None:
    with pytest.raises(LakejobsError) as refused:
        checked(job, *arguments)
    assert said in str(refused.value)
    assert refused.value.exit_code == exit_code


def test_a_folder_that_every_node_mounts_may_hold_files_and_source() -> None:
    assert checked("forecast.ingest", *KEY, *FEED, "--set", "lake.shared_folder=true") == []


def test_what_lies_where_this_machine_cannot_look_is_said() -> None:
    away = ["--input", "s3://shop/landing", "--source", "s3://shop/sales.yaml"]
    assert checked("forecast.ingest", *KEY, *away) == [
        f"the {what} could not be looked at from here (LAK-009): the run checks it at its start."
        for what in ("source s3://shop/sales.yaml", "input s3://shop/landing")
    ]
