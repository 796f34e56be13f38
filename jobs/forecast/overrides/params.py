"""Parameters of forecast.ingest_overrides."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from common.intake.params import IntakeParams
from jobs.forecast.demand.params import SeriesColumn
from jobs.forecast.sales.params import EARLIEST_DAY


class IngestOverridesParams(IntakeParams):
    """Parameters of ``forecast.ingest_overrides``."""

    series_by: tuple[SeriesColumn, ...] = Field(
        ("item_id",),
        min_length=1,
        description="Columns that make a series where no unique_id is mapped: those of forecast.history.",
    )
    earliest_day: date = Field(
        EARLIEST_DAY, description="First day on which an override can have been made; earlier ones are quarantined."
    )
    future_days: int = Field(1, ge=0, le=400, description="Days that made_at may be after the start of the run.")
