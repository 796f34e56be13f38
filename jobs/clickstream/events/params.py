"""Parameters of clickstream.ingest."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from common.config.params import Params
from jobs.clickstream.web.params import BotParams


class IngestParams(Params):
    """Raw files to bronze and silver events."""

    earliest_day: date = Field(
        date(2000, 1, 1), ge=date(1970, 1, 2), description="Events before this UTC day are impossible and quarantined."
    )
    max_future_minutes: int = Field(
        60,
        ge=0,
        le=2_880,
        description="Minutes that an event may be after the last day of the run; later events are quarantined.",
    )
    later_file_share: float = Field(
        0.25,
        gt=0,
        le=1,
        description="A file with a larger share of events after the run's days waits for a later run; 1: never.",
    )
    site_hosts: tuple[str, ...] = Field(
        (), max_length=1_000, description="Hosts of the site itself: referrals from them are internal."
    )
    reprocess: bool = Field(
        False, description="Rebuild the run's days from bronze with today's rules, instead of looking for new files."
    )
    keep_payload: bool = Field(True, description="Keep the whole raw record as JSON in bronze.")
    bots: BotParams = Field(default_factory=BotParams, description="Thresholds of the behaviour rules.")
    report_top: int = Field(15, ge=3, le=100, description="Rows in the report's tables of pages, referrers and agents.")
