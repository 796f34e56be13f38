"""clickstream.ingest from raw files to silver: once, again, later, all at once, and anew from bronze.

Other orders have a test of their own: test_any_order.py."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ingest_lakes import Intake, hit, write_lines, write_source
from pyspark.sql import SparkSession

from common.lake.delta.maintain import delete_where
from common.lake.set_aside import quarantine_table
from jobs.clickstream.events.tables import EVENT_RECORDS, EVENTS

pytestmark = [pytest.mark.flow, pytest.mark.usefixtures("no_ops_rows")]

GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
ON_TIME = [
    hit(
        id="e1",
        t="2026-03-10T10:00:00Z",
        url="https://shop.example/?utm_source=mail",
        ref="https://www.google.com/?q=tea",
    ),
    hit(
        id="e1",
        t="2026-03-10T10:00:00Z",
        url="https://shop.example/?utm_source=mail",
        ref="https://www.google.com/?q=tea",
    ),
    hit(id="e2", t="2026-03-10T10:01:00Z", url="/a"),
    hit(id="e2", t="2026-03-10T10:02:00Z", url="/b"),
    hit(id="e3", t="2026-03-10T12:00:00Z", made="2025-01-01T00:00:00Z", sent="2025-01-01T00:05:00Z", who="v3"),
    hit(id="e4", t="2026-03-01T10:00:00Z"),
    hit(id="e5", t="2026-03-12T12:00:00Z"),
    hit(id="e6", t="1773140400000", who="v6"),  # 2026-03-10 11:00:00 UTC in milliseconds
    hit(id="e7", t="garbage"),
    hit(t="2026-03-10T10:10:00Z", who=None, ip="192.0.2.7", ua=GOOGLEBOT),
    "{broken",
]
# A day later: e2 once more with a later time, e1 as it was, v1 asks for robots.txt on the day before, and a new event.
AFTERWARDS = [
    hit(id="e2", t="2026-03-10T10:03:00Z", url="/c"),
    ON_TIME[0],
    hit(id="e9", t="2026-03-10T10:30:00Z", url="/robots.txt"),
    hit(id="e8", t="2026-03-11T09:00:00Z", who="v8"),
]
# Sent with the first file, though of the day after.
TOMORROW = [hit(id="e10", t="2026-03-11T10:00:00Z", url="/10", who="v10")]
ZERO = {"read": 0, "written": 0, "quarantined": 0, "deduplicated": 0, "filtered": 0}


def counts(record: dict[str, Any]) -> dict[str, int]:
    return {name: record["counts"][f"rows_{name}"] for name in ZERO}


@dataclass
class Life:
    """A lake that got two files, again one of them under another name, and then a third file."""

    intake: Intake
    files: Path
    first: dict[str, Any]
    again: dict[str, Any]
    second: dict[str, Any]
    silver: list[list[tuple[Any, ...]]]
    events: list[dict[str, Any]]
    versions: list[dict[str, int]]


@pytest.fixture(scope="module")
def life(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Life:
    folder = tmp_path_factory.mktemp("life")
    files, intake = folder / "in", Intake(spark, folder / "lake", write_source(folder))
    silver, events, versions = [], [], []

    def look() -> None:
        silver.append(intake.silver())
        events.append({row["event_id"]: row for row in intake.lake.read(EVENTS).collect()})
        versions.append(intake.versions())

    write_lines(files, "a.json", ON_TIME)
    write_lines(files, "tomorrow.json", TOMORROW)
    first = intake.ingest(files)
    look()
    copy = files / "renamed.json"
    copy.write_bytes((files / "a.json").read_bytes())
    again = intake.ingest(files)
    look()
    copy.unlink()
    write_lines(files, "b.json", AFTERWARDS)
    second = intake.ingest(files)
    look()
    return Life(intake, files, first, again, second, silver, events, versions)


def test_every_row_of_a_file_is_accounted_for(life: Life) -> None:
    assert counts(life.first) == {"read": 12, "written": 8, "quarantined": 2, "deduplicated": 2, "filtered": 0}
    reasons = {key: [reason.split()[0] for reason in found] for key, found in life.intake.quarantined()}
    assert (reasons["e7"], len(reasons)) == (["EVT-001"], 2)


def test_each_event_goes_to_its_own_day(life: Life) -> None:
    days = {key: str(row["event_date"]) for key, row in life.events[0].items()}
    assert (days["e4"], days["e1"], days["e10"], days["e5"]) == ("2026-03-01", "2026-03-10", "2026-03-11", "2026-03-12")


def test_events_are_typed_dated_and_separated_from_bots(life: Life) -> None:
    rows = life.events[0]
    assert sorted(key for key in rows if len(key) < 64) == ["e1", "e10", "e2", "e3", "e4", "e5", "e6"]
    values = [rows["e1"][name] for name in ("mkt_source", "refr_source", "refr_term", "is_bot")]
    assert values == ["mail", "Google", "tea", False]
    assert rows["e2"]["page_urlpath"] == "/b"
    assert str(rows["e3"]["derived_tstamp"]) == "2026-03-10 11:55:00"
    assert str(rows["e6"]["derived_tstamp"]) == "2026-03-10 11:00:00"
    crawler = next(row for key, row in rows.items() if len(key) == 64)
    assert (crawler["is_bot"], crawler["device_category"]) == (True, "bot")


def test_nobody_is_in_silver_or_the_quarantine_in_clear(life: Life) -> None:
    quarantine = quarantine_table("clickstream", "clickstream.ingest")
    texts = [value for row in life.silver[2] for value in row]
    texts += [row["row_json"] for row in life.intake.lake.read(quarantine).collect()]
    visitors = ("v1", "v3", "v6", "v8", "v10")
    assert [text for text in texts if "192.0.2" in text or text in visitors or '"v1"' in text] == []


def test_the_same_files_again_under_other_names_change_nothing(life: Life) -> None:
    assert counts(life.again) == ZERO
    assert life.again["outcome"] == "nothing to do: every file was ingested before, by this mapping"
    assert life.versions[1] == life.versions[0]
    assert life.silver[1] == life.silver[0]


def test_a_later_file_mends_the_day_before(life: Life) -> None:
    assert counts(life.second) == {**ZERO, "read": 4, "written": 3, "deduplicated": 1}
    rows = life.events[2]
    assert rows["e2"]["page_urlpath"] == "/c"
    verdicts = {key: rows[key]["is_bot"] for key in ("e1", "e2", "e3", "e8", "e9")}
    assert verdicts == {"e1": True, "e2": True, "e3": False, "e8": False, "e9": True}


def test_all_files_in_one_run_give_the_same_table(
    life: Life, spark: SparkSession, tmp_path: Path, unaudited: None
) -> None:
    together = Intake(spark, tmp_path / "lake", life.intake.source)
    together.ingest(life.files)
    assert together.silver() == life.silver[2]


def test_files_taken_again_from_bronze_leave_the_table_as_it_is(life: Life, unaudited: None) -> None:
    anew = life.intake.ingest(life.files, "--set", "retake=true")
    assert counts(anew) == {**ZERO, "read": 16, "quarantined": 2, "deduplicated": 14}
    assert (anew["counts"]["files_again"], anew["counts"]["rows_unchanged"]) == (3, 10)
    assert life.intake.silver() == life.silver[2]
    assert life.intake.lake.read(EVENT_RECORDS).count() == 16


def test_a_run_that_lacks_its_pseudonym_key_has_taken_in_nothing(spark: SparkSession, tmp_path: Path) -> None:
    write_lines(tmp_path / "in", "day.jsonl", ON_TIME[:1])
    intake = Intake(spark, tmp_path / "lake", write_source(tmp_path))
    record = intake.ingest(tmp_path / "in", "--env", "prod")
    assert (record["exit_code"], record["error"]["code"]) == (2, "PRV-001")
    assert not intake.lake.exists(EVENT_RECORDS)


def test_files_whose_bronze_was_deleted_are_not_taken_again_from_nothing(
    spark: SparkSession, tmp_path: Path, unaudited: None
) -> None:
    write_lines(tmp_path / "in", "day.jsonl", ON_TIME[:1])
    intake = Intake(spark, tmp_path / "lake", write_source(tmp_path))
    intake.ingest(tmp_path / "in")
    delete_where(intake.lake, EVENT_RECORDS, "TRUE")
    (tmp_path / "in" / "day.jsonl").rename(tmp_path / "day.jsonl")
    record = intake.ingest(None, "--set", "retake=true")
    assert (record["exit_code"], record["error"]["code"]) == (4, "ING-012")
    assert intake.lake.read(EVENTS).count() == 1
    # With its file it is.
    again = intake.ingest(tmp_path / "day.jsonl", "--set", "retake=true")
    assert counts(again) == {**ZERO, "read": 1, "deduplicated": 1}
