"""Parameters of clickstream.ingest."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from common.intake.params import IntakeParams
from jobs.clickstream.web.params import BotParams


class IngestParams(IntakeParams):
    """Raw files to bronze and silver events."""

    earliest_day: date = Field(
        date(2000, 1, 1), ge=date(1970, 1, 2), description="Events before this UTC day are impossible and quarantined."
    )
    max_future_minutes: int = Field(
        60,
        ge=0,
        le=2_880,
        description="Minutes that an event may be after the start of the run; later ones wait.",
    )
    duplicate_days: int = Field(
        30, ge=0, le=3_650, description="Days around those of a batch on which other events of its ids are looked for."
    )
    site_hosts: tuple[str, ...] = Field(
        (), max_length=1_000, description="Hosts of the site itself: referrals from them are internal."
    )
    bots: BotParams = Field(default_factory=BotParams, description="Thresholds of the behaviour rules.")
    report_top: int = Field(15, ge=3, le=100, description="Rows in the report's tables of pages, referrers and agents.")
