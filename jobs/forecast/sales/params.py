"""Parameters of forecast.ingest."""

from __future__ import annotations

from datetime import date
from typing import Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from common.intake.params import IntakeParams

EARLIEST_DAY: Final = date(1970, 1, 2)
"""The day after the zero of clocks: a till whose clock was not set sells on 1 January 1970."""

EARLIEST_SERIES_DAY: Final = date(1901, 1, 1)
"""Ready series may be older than tills; 1899 and 1900 are the zeros of spreadsheets."""


class IngestParams(IntakeParams):
    """Parameters of ``forecast.ingest``."""

    duplicates: Literal["drop", "keep"] = Field(
        "drop",
        description="Equal lines of a receipt: drop (one line sent twice) or keep (two sales). Lines with neither "
        "invoice_id nor transaction_id all count.",
    )
    time_zone: str | None = Field(
        None, description="Time zone of the shop, which decides the day of a sale; by default that of the source."
    )
    earliest_day: date = Field(
        EARLIEST_DAY,
        description="First day believed; earlier sales are quarantined. Ready series are believed from 1901 on.",
    )
    largest_quantity: float = Field(
        1e9, gt=0, le=1e15, description="Largest quantity in units; larger ones are quarantined."
    )
    future_days: int = Field(1, ge=0, le=400, description="Days that a sale may be after the start of the run.")

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, zone: str | None) -> str | None:
        try:
            ZoneInfo(zone or "UTC")
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"'{zone}' is not an IANA time zone, e.g. Europe/London") from error
        return zone
