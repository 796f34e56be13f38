"""Parameters of clickstream.sessionise. Free of PySpark, so that ``--help`` and ``--plan`` stay fast."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, field_validator

from common.config.params import Params


@dataclass(frozen=True)
class SessionRules:
    """What ends a session: all settings that change the sessions of given events, so ``text`` identifies them."""

    gap_minutes: int = 30
    max_session_hours: int = 24
    cut_at_midnight: bool = False
    site_time_zone: str = "UTC"
    cut_on_campaign_change: bool = False
    exclude_bots: bool = True
    exclude_assets: bool = True

    @property
    def text(self) -> str:
        """One line that is stored with every row; rows written under different rules are never chained together."""
        parts = [f"gap {self.gap_minutes} min", f"at most {self.max_session_hours} h"]
        if self.cut_at_midnight:
            parts.append(f"midnight {self.site_time_zone}")
        if self.cut_on_campaign_change:
            parts.append("campaign change")
        left_out = [name for name, out in (("bots", self.exclude_bots), ("assets", self.exclude_assets)) if out]
        if left_out:
            parts.append(f"without {' and '.join(left_out)}")
        return ", ".join(parts)

    @property
    def lookback_days(self) -> int:
        """How many days before an event its session may have begun."""
        return -(-self.max_session_hours // 24)


class SessioniseParams(Params):
    """Where sessions are cut, and what counts as a conversion."""

    beside_rows = ("sensitivity_gaps_minutes", "sensitivity_events")

    gap_minutes: int = Field(30, ge=1, le=1440, description="Minutes without an event that end a session.")
    max_session_hours: int = Field(
        24,
        ge=1,
        le=168,
        description="Hours after which a session is cut, counted from the start of its chain of events.",
    )
    cut_at_midnight: bool = Field(False, description="Also begin a session at midnight of the site's time zone.")
    site_time_zone: str = Field("UTC", description="IANA time zone of the site, for midnight and the hour of day.")
    cut_on_campaign_change: bool = Field(
        False, description="Also begin a session when an event's campaign differs from the visitor's last one."
    )
    exclude_bots: bool = Field(True, description="Leave out events that ingest has flagged as made by bots.")
    exclude_assets: bool = Field(True, description="Leave out requests for images, styles and scripts.")
    page_view_events: tuple[str, ...] = Field(
        ("page_view",), min_length=1, max_length=50, description="Names of the events that are page views."
    )
    conversion_events: tuple[str, ...] = Field(
        ("purchase",),
        max_length=50,
        description="Names of the events that are conversions; their value is the revenue.",
    )
    sensitivity_gaps_minutes: tuple[int, ...] = Field(
        (15, 30, 60), max_length=10, description="Gaps for which the report compares sessions and bounces."
    )
    sensitivity_events: int = Field(
        2_000_000,
        ge=0,
        le=100_000_000,
        description="Events that the comparison of gaps may read; beyond it, a sample of visitors.",
    )

    @field_validator("site_time_zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        if zone not in available_timezones():
            raise ValueError(f"'{zone}' is not an IANA time zone, e.g. Europe/Berlin")
        ZoneInfo(zone)
        return zone

    @field_validator("sensitivity_gaps_minutes")
    @classmethod
    def _gaps_in_minutes(cls, gaps: tuple[int, ...]) -> tuple[int, ...]:
        if any(not 1 <= gap <= 1440 for gap in gaps):
            raise ValueError("each gap must be between 1 and 1440 minutes")
        return tuple(sorted(set(gaps)))

    def rules(self) -> SessionRules:
        """The part of the parameters that decides where sessions begin and end."""
        return SessionRules(
            gap_minutes=self.gap_minutes,
            max_session_hours=self.max_session_hours,
            cut_at_midnight=self.cut_at_midnight,
            site_time_zone=self.site_time_zone,
            cut_on_campaign_change=self.cut_on_campaign_change,
            exclude_bots=self.exclude_bots,
            exclude_assets=self.exclude_assets,
        )
