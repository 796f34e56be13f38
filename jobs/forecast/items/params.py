"""Parameters of forecast.ingest_items."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from common.intake.params import IntakeParams
from jobs.forecast.demand.params import SeriesColumn
from jobs.forecast.sales.params import EARLIEST_DAY


class IngestItemsParams(IntakeParams):
    """Parameters of ``forecast.ingest_items``."""

    series_by: tuple[SeriesColumn, ...] = Field(
        ("item_id",),
        min_length=1,
        description="Columns that make a series where no unique_id is mapped: those of forecast.history.",
    )
    earliest_day: date = Field(EARLIEST_DAY, description="First day believed; rows of earlier days are quarantined.")
    future_days: int = Field(
        1_830, ge=0, le=36_500, description="Days that a row may lie after the start of the run: plans lie ahead."
    )
