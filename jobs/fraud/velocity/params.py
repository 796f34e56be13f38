"""Parameters of fraud.features."""

from __future__ import annotations

from pydantic import Field

from common.config.params import Params


class FeaturesParams(Params):
    """Parameters of ``fraud.features``."""

    beside_rows = ("proof_rows",)

    label_delay_days: int = Field(
        7,
        ge=1,
        le=365,
        description="Days after which a transaction's label counts as known; terminal windows end there.",
    )
    proof_rows: int = Field(
        100, ge=0, le=10_000, description="Rows recomputed from the raw log as of their time; 0: no proof."
    )

    extra_features: tuple[str, ...] = Field(
        (), description="Free columns of the transactions (extra: in their source) that models may use."
    )

    @property
    def history_days(self) -> int:
        """How many days before the first day the features reach back: the longest window behind the label delay."""
        from jobs.fraud.velocity.tables import WINDOW_DAYS

        return max(WINDOW_DAYS) + self.label_delay_days
