"""Parameters of forecast.ingest."""

from __future__ import annotations

from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from common.config.params import Params


class IngestParams(Params):
    """Parameters of ``forecast.ingest``."""

    duplicates: Literal["drop", "keep"] = Field(
        "drop", description="Equal invoice lines: drop (one line sent twice) or keep (two sales)."
    )
    time_zone: str = Field("UTC", description="Time zone of the shop, which decides the day of a sale.")
    largest_quantity: float = Field(
        1e9, gt=0, le=1e15, description="Largest quantity in units; larger ones are quarantined."
    )
    future_days: int = Field(1, ge=0, le=400, description="Days that a sale may be after the start of the run.")

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"'{zone}' is not an IANA time zone, e.g. Europe/London") from error
        return zone
