"""Parameters of fraud.ingest and fraud.ingest_labels."""

from __future__ import annotations

from datetime import date
from typing import Final

from pydantic import Field

from common.intake.params import IntakeParams

EARLIEST_DAY: Final = date(2000, 1, 1)
"""Earlier times stand for something else: 0001, 1899 and 1900 for "unknown", 1970 for a clock that was not set."""


class IngestParams(IntakeParams):
    """Parameters of ``fraud.ingest``."""

    highest_amount: float = Field(
        10_000_000.0,
        gt=0,
        le=1e13,
        description="Highest amount, in units of the currency; higher ones are quarantined.",
    )
    clock_tolerance_minutes: int = Field(
        10, ge=0, le=1440, description="Minutes that a transaction may be after the start of the run."
    )
    earliest_day: date = Field(
        EARLIEST_DAY, description="First day believed; transactions of earlier days are quarantined."
    )


class IngestLabelsParams(IntakeParams):
    """Parameters of ``fraud.ingest_labels``."""

    oldest_transaction_days: int = Field(
        180,
        ge=1,
        le=3650,
        description="Days after its transaction within which a label may be reported; later labels are quarantined.",
    )
    earliest_day: date = Field(EARLIEST_DAY, description="First day believed; earlier reports are quarantined.")
