"""clickstream.ingest from raw files to silver: once, again, late, in other orders, and anew from bronze."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ingest_lakes import Intake, hit, write_lines, write_source
from pyspark.sql import SparkSession

from jobs.clickstream.tables import EVENTS, EVENTS_RAW

pytestmark = pytest.mark.flow

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
ZERO = {"read": 0, "written": 0, "quarantined": 0, "deduplicated": 0, "filtered": 0}


def counts(record: dict[str, Any]) -> dict[str, int]:
    return {name.removeprefix("rows_"): number for name, number in record["counts"].items() if name.startswith("rows_")}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_source(tmp_path)


def test_files_become_events_once_and_a_later_file_mends_the_day_before(
    spark: SparkSession, tmp_path: Path, source: Path
) -> None:
    files, intake = tmp_path / "in", Intake(spark, tmp_path / "lake", source)
    write_lines(files, "a.json", ON_TIME)

    first = intake.ingest(files, "2026-03-10", "2026-03-10")
    assert {name: counts(first)[name] for name in ZERO} == {
        "read": 11,
        "written": 5,
        "quarantined": 3,
        "deduplicated": 2,
        "filtered": 1,
    }
    rows = {row["event_id"]: row for row in intake.lake.read(EVENTS).collect()}
    assert sorted(key for key in rows if len(key) < 64) == ["e1", "e2", "e3", "e6"]
    assert [rows["e1"][name] for name in ("mkt_source", "refr_source", "refr_term", "is_bot")] == [
        "mail",
        "Google",
        "tea",
        False,
    ]
    assert rows["e2"]["page_urlpath"] == "/b"
    assert str(rows["e3"]["derived_tstamp"]) == "2026-03-10 11:55:00"
    assert str(rows["e6"]["derived_tstamp"]) == "2026-03-10 11:00:00"
    crawler = next(row for key, row in rows.items() if len(key) == 64)
    assert (crawler["is_bot"], crawler["device_category"]) == (True, "bot")
    assert intake.late() == ["e4"]
    assert [(key, [reason.split()[0] for reason in reasons]) for key, reasons in intake.quarantined()][:2] == [
        ("e7", ["EVT-001"]),
        ("e5", ["EVT-003"]),
    ]
    silver, versions = intake.silver(), intake.versions()
    in_clear = [value for row in silver for value in row if value in ("v1", "v3", "v6") or "192.0.2" in value]
    assert in_clear == []

    (files / "renamed.json").write_bytes((files / "a.json").read_bytes())
    again = intake.ingest(files, "2026-03-10", "2026-03-10")
    assert {name: counts(again)[name] for name in ZERO} == ZERO
    assert intake.versions() == versions
    assert intake.silver() == silver

    write_lines(files, "b.json", AFTERWARDS)
    second = intake.ingest(files, "2026-03-11", "2026-03-11")
    assert {name: counts(second)[name] for name in ZERO} == {**ZERO, "read": 4, "written": 3, "deduplicated": 1}
    rows = {row["event_id"]: row for row in intake.lake.read(EVENTS).collect()}
    assert rows["e2"]["page_urlpath"] == "/c"
    assert {key: rows[key]["is_bot"] for key in ("e1", "e2", "e3", "e8", "e9")} == {
        "e1": True,
        "e2": True,
        "e3": False,
        "e8": False,
        "e9": True,
    }
    assert intake.lake.read(EVENTS_RAW).count() == 15
    mended = intake.silver()

    anew = intake.ingest(files, "2026-03-10", "2026-03-11", "--set", "reprocess=true")
    assert {name: counts(anew)[name] for name in ZERO} == {
        "read": 15,
        "written": 7,
        "quarantined": 3,
        "deduplicated": 4,
        "filtered": 1,
    }
    assert intake.silver() == mended

    together = Intake(spark, tmp_path / "together", source)
    (files / "renamed.json").unlink()
    together.ingest(files, "2026-03-10", "2026-03-11")
    assert together.silver() == mended

    backwards = Intake(spark, tmp_path / "backwards", source)
    for name in ("b.json", "a.json"):
        backwards.ingest(files / name, "2026-03-10", "2026-03-11")
    assert backwards.silver() == mended


def test_a_file_of_later_days_waits_in_bronze_for_the_run_that_owns_them(
    spark: SparkSession, tmp_path: Path, source: Path
) -> None:
    files, intake = tmp_path / "in", Intake(spark, tmp_path / "lake", source)
    write_lines(files, "today.json", [hit(id="e1", t="2026-03-10T10:00:00Z")])
    tomorrow = [hit(id=f"e{n}", t="2026-03-11T10:00:00Z", url=f"/{n}") for n in (2, 3, 4)]
    later = write_lines(files, "tomorrow.json", tomorrow)

    first = intake.ingest(files, "2026-03-10", "2026-03-10")
    assert {name: counts(first)[name] for name in ZERO} == {**ZERO, "read": 1, "written": 1}
    assert intake.lake.read(EVENTS_RAW).count() == 4

    later.unlink()
    second = intake.ingest(files, "2026-03-11", "2026-03-11")
    assert {name: counts(second)[name] for name in ZERO} == {**ZERO, "read": 3, "written": 3}
    assert sorted(row["event_id"] for row in intake.lake.read(EVENTS).collect()) == ["e1", "e2", "e3", "e4"]
