"""The machine's time zone changes nothing, not even on a day whose clock changes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from session_oracle import Hit, labels_of
from small_session import interpreted_process

from jobs.clickstream.sessions.params import SessionRules

pytestmark = pytest.mark.unit

# Berlin's clock jumps from 02:00 to 03:00 at 01:00 UTC; its 29th lasts from 23:00 UTC on the 28th to 22:00 on the 29th.
EVENING = datetime(2026, 3, 28, 22, 50, tzinfo=UTC)
HITS = [Hit(f"e{n:03d}", "ada", EVENING + timedelta(minutes=10 * n)) for n in range(144)]
RULES = SessionRules(cut_at_midnight=True, site_time_zone="Europe/Berlin")

IN_A_PROCESS = """
import json
from common.config.lake_settings import LakeSettings
from common.spark.session import open_session
from session_frames import events_frame
from test_session_time_zones import HITS, RULES
from jobs.clickstream.sessions.facts import summarise_sessions
from jobs.clickstream.sessions.steps import label_sessions

spark = open_session(LakeSettings(), "zones", {"spark.master": "local[1]", "spark.sql.shuffle.partitions": "1"})
labelled = label_sessions(events_frame(spark, HITS), RULES)
sessions = summarise_sessions(
    labelled, page_view_events=["page_view"], conversion_events=[], site_time_zone=RULES.site_time_zone
)
rows = [row.asDict() for row in labelled.selectExpr("event_id", "session_id", "unix_micros(session_start_tstamp) at")
        .orderBy("event_id").collect()]
days = [row.asDict() for row in sessions.selectExpr("unix_micros(session_start_tstamp) at", "string(session_date) day",
        "start_hour", "events", "duration_s").orderBy("at").collect()]
print(json.dumps([rows, days]))
"""


def _under(zone: str) -> Any:
    here = Path(__file__).resolve()
    paths = os.pathsep.join([str(here.parent), str(here.parents[3] / "support"), str(here.parents[4])])
    environment = {**os.environ, **interpreted_process(), "TZ": zone, "PYTHONPATH": paths}
    done = subprocess.run(
        [sys.executable, "-c", IN_A_PROCESS], env=environment, check=True, capture_output=True, text=True, timeout=600
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_sessions_are_the_same_under_three_time_zones_of_the_machine_on_a_day_of_23_hours() -> None:
    labelled, sessions = in_utc = _under("UTC")
    expected = labels_of(HITS, RULES)
    assert [(row["event_id"], row["session_id"]) for row in labelled] == [
        (hit.event_id, expected[hit.event_id].session_id) for hit in HITS
    ]
    # 22:50 UTC is 23:50 on the 28th in Berlin, 23:00 UTC midnight, and 22:00 UTC on the 29th the next midnight.
    assert [(row["day"], row["start_hour"], row["events"], row["duration_s"]) for row in sessions] == [
        ("2026-03-28", 23, 1, 0.0),
        ("2026-03-28", 0, 138, 137 * 600.0),
        ("2026-03-29", 0, 5, 2400.0),
    ]
    assert _under("America/New_York") == in_utc
    assert _under("Asia/Kolkata") == in_utc
