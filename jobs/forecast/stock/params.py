"""Parameters of forecast.ingest_stock."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from common.intake.params import IntakeParams
from jobs.forecast.demand.params import SeriesColumn
from jobs.forecast.sales.params import EARLIEST_DAY


class IngestStockParams(IntakeParams):
    """Parameters of ``forecast.ingest_stock``."""

    series_by: tuple[SeriesColumn, ...] = Field(
        ("item_id",),
        min_length=1,
        description="Columns that make a series where no unique_id is mapped: those of forecast.history.",
    )
    negative_stock: bool = Field(
        False, description="Take units on hand below zero as sent: customers wait for them. Otherwise quarantined."
    )
    earliest_day: date = Field(EARLIEST_DAY, description="First day believed; earlier counts are quarantined.")
    future_days: int = Field(1, ge=0, le=400, description="Days that a count may be after the start of the run.")
