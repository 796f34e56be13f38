"""Parameters of clickstream.ingest."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from common.config import Params


class BotParams(Params):
    """When the behaviour of one visitor on one UTC day is that of a machine."""

    max_pages_per_minute: int = Field(
        60, ge=5, le=100_000, description="More requests than this in one minute, assets aside: nobody reads that fast."
    )
    max_pages_per_day: int = Field(
        2_000, ge=50, le=10_000_000, description="More requests than this in one day, assets aside."
    )
    min_pages_without_assets: int = Field(
        30,
        ge=5,
        le=100_000,
        description="From so many good pages on, not one image, style or script gives a machine away.",
    )
    min_head_requests: int = Field(5, ge=1, le=100_000, description="HEAD requests needed before their share counts.")
    head_share: float = Field(
        0.5, gt=0, le=1, description="Share of HEAD among the requests that gives a machine away."
    )
    min_regular_visits: int = Field(
        12, ge=4, le=1_440, description="Active minutes needed before the regularity of their gaps counts."
    )
    min_regular_hours: float = Field(
        4, ge=0.5, le=24, description="Hours from the first to the last of them that are needed as well."
    )
    max_gap_variation: float = Field(
        0.1, ge=0, le=1, description="Standard deviation of the gaps over their mean, up to which they are a clock's."
    )


class IngestParams(Params):
    """Raw files to bronze and silver events."""

    earliest_day: date = Field(
        date(2000, 1, 1), ge=date(1970, 1, 2), description="Events before this UTC day are impossible and quarantined."
    )
    max_future_minutes: int = Field(
        60, ge=0, le=2_880, description="How far an event may lie after the last day of the run; later: quarantined."
    )
    later_file_share: float = Field(
        0.25,
        gt=0,
        le=1,
        description="A file with more of its events than this after the run's days waits for a later run; 1: never.",
    )
    site_hosts: tuple[str, ...] = Field(
        (), max_length=1_000, description="Hosts of the site itself: referrals from them are internal."
    )
    reprocess: bool = Field(
        False, description="Make the run's days anew from bronze, with today's rules, instead of looking for new files."
    )
    keep_payload: bool = Field(True, description="Keep the whole raw record as JSON in bronze.")
    bots: BotParams = Field(default_factory=BotParams, description="Thresholds of the behaviour rules.")
    report_top: int = Field(15, ge=3, le=100, description="Rows in the report's tables of pages, referrers and agents.")
