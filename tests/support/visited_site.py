"""A site with a few visitors over four days, and clickstream.sessionise run on its events in this process."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from audited import passed
from pyspark.sql import SparkSession
from session_frames import labels_found, rows_of
from session_oracle import Hit, labels_of

from common.config.lake_settings import LakeSettings
from common.days import DayRange
from common.lake.lake import Lake
from common.run.context import Services
from common.run.launch import run_job
from jobs.clickstream.events.tables import EVENTS
from jobs.clickstream.sessionise import JOB
from jobs.clickstream.sessions.facts import summarise_sessions
from jobs.clickstream.sessions.params import SessionRules
from jobs.clickstream.sessions.tables import SESSION_EVENTS, SESSIONS

FIRST = date(2026, 3, 28)
DAYS = [FIRST + timedelta(days=n) for n in range(4)]
ALL_DAYS = DayRange(DAYS[0], DAYS[-1])
MIDNIGHT = datetime(2026, 3, 29, tzinfo=UTC)
STARTED = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)


class Site:
    """A lake with silver events, and the job run on it."""

    def __init__(self, spark: SparkSession, root: Path) -> None:
        self.spark = spark
        self.root = root
        self.lake = Lake(
            spark, LakeSettings(root=str(root)), run_id="given", job="tests", code_version="test", started_at=STARTED
        )

    def has(self, hits: Iterable[Hit], *, days: DayRange = ALL_DAYS) -> None:
        """Make these the events of the days given."""
        rows = [silver(hit) for hit in hits if days.first <= hit.day <= days.last]
        self.lake.replace_days(passed(EVENTS, self.spark.createDataFrame(rows, EVENTS.schema)), days=days)

    def sessionise(self, first: date, last: date, *flags: str) -> int:
        """The exit code of a run over the days."""
        return self._run("--from", str(first), "--to", str(last), *flags)

    def changed(self) -> int:
        """The exit code of a run over the days touched since the last such run."""
        return self._run("--changed")

    def _run(self, *flags: str) -> int:
        arguments = ["--lake", str(self.root), *flags]
        return run_job(JOB, arguments, services=Services(session=lambda settings, name: self.spark))

    def record(self) -> dict[str, Any]:
        """The record of the last run."""
        found = [json.loads(path.read_text()) for path in (self.root / "runs/clickstream/sessionise").glob("*.json")]
        return max(found, key=lambda record: record["started_at"])

    def holds_exactly(self, hits: list[Hit], rules: SessionRules | None = None) -> bool:
        """Whether the labels are those of plain Python, and the sessions what all labelled events add up to."""
        events = self.lake.read(SESSION_EVENTS)
        assert labels_found(events) == labels_of(hits, rules or SessionRules())
        summed = summarise_sessions(
            events, page_view_events=["page_view"], conversion_events=["purchase"], site_time_zone="UTC"
        )
        assert rows_of(self.lake.read(SESSIONS)) == rows_of(summed)
        return True

    def tables(self) -> tuple[list[Any], list[Any]]:
        """Both tables as sorted rows."""
        return rows_of(self.lake.read(SESSION_EVENTS)), rows_of(self.lake.read(SESSIONS))


def silver(hit: Hit) -> dict[str, Any]:
    """The row of silver of a hit."""
    row: dict[str, Any] = {field.name: None for field in EVENTS.schema.fields}
    row.update(
        event_id=hit.event_id,
        event_name=hit.name,
        event_date=hit.day,
        derived_tstamp=hit.at,
        derived_tstamp_source="device",
        domain_userid=hit.visitor,
        page_urlpath=hit.page,
        mkt_source=hit.campaign,
        price=Decimal("2.50") if hit.name == "purchase" else None,
        currency="GBP" if hit.name == "purchase" else None,
        is_asset=False,
        is_bot=False,
        bot_evidence=[],
        event_fingerprint=hit.event_id,
        _file="f",
        _file_sha256="0",
        _batch_id="b",
        ingested_at=STARTED,
    )
    return row


def at(minutes: float, event_id: str, visitor: str = "ada", name: str = "page_view") -> Hit:
    """A hit so many minutes after MIDNIGHT."""
    return Hit(event_id, visitor, MIDNIGHT + timedelta(minutes=minutes), page=f"/{event_id[0]}", name=name)


VISITS = [
    at(-200, "early"),
    at(-5, "a1"),  # over midnight, to be met from either side
    at(5, "a2"),
    at(20, "a3", name="purchase"),
    at(-40, "b1", "bob"),  # ends before midnight, begins anew after it
    at(10, "b2", "bob"),
    *(at(29 * n, f"long{n:03d}", "eve") for n in range(-2, 110)),  # one chain of two days and more
]
