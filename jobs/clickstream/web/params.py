"""Thresholds of the behaviour rules."""

from __future__ import annotations

from pydantic import Field

from common.config.params import Params


class BotParams(Params):
    """When the behaviour of one visitor on one UTC day counts as a bot's."""

    max_pages_per_minute: int = Field(
        60,
        ge=5,
        le=100_000,
        description="More page requests than this in one minute, without assets: nobody reads that fast.",
    )
    max_pages_per_day: int = Field(
        2_000, ge=50, le=10_000_000, description="More page requests than this in one day, without assets."
    )
    min_pages_without_assets: int = Field(
        30,
        ge=5,
        le=100_000,
        description="From this many good pages on, a visitor without one image, style or script is a bot.",
    )
    min_head_requests: int = Field(5, ge=1, le=100_000, description="HEAD requests needed before their share counts.")
    head_share: float = Field(0.5, gt=0, le=1, description="Share of HEAD requests above which a visitor is a bot.")
    min_regular_visits: int = Field(
        12, ge=4, le=1_440, description="Active minutes needed before the regularity of their gaps counts."
    )
    min_regular_hours: float = Field(4, ge=0.5, le=24, description="Hours they must span, from the first to the last.")
    max_gap_variation: float = Field(
        0.1, ge=0, le=1, description="Standard deviation of the gaps over their mean, up to which a timer made them."
    )
