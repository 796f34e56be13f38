"""Parameters of forecast.ingest_calendar."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from common.intake.params import IntakeParams
from jobs.forecast.sales.params import EARLIEST_DAY


class IngestCalendarParams(IntakeParams):
    """Parameters of ``forecast.ingest_calendar``."""

    earliest_day: date = Field(
        EARLIEST_DAY, description="First day on which an entry can have become known; others are quarantined."
    )
    future_days: int = Field(
        1, ge=0, le=400, description="Days that known_at may be after the start of the run; the entry itself may."
    )
