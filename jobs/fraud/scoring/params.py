"""Parameters of fraud.score."""

from __future__ import annotations

from pydantic import Field

from common.config.params import Params
from jobs.fraud.training.params import Algorithm


class ScoreParams(Params):
    """Parameters of ``fraud.score``."""

    model: str = Field(
        "latest",
        min_length=1,
        max_length=120,
        description="Model version, or latest: the newest one whose labels were known when the days begin.",
    )
    allow_later_model: bool = Field(
        False, description="Score with the named model even if it was trained on later labels."
    )
    algorithm: Algorithm = Field("xgboost", description="Algorithm that latest refers to.")
    alerts_per_day: int = Field(100, ge=1, le=1000, description="Cards that can be checked per day.")
    lowest_alert_score: float = Field(
        0.01, ge=0, le=1, description="Below this probability no alert is raised, even within the budget."
    )
    reasons: int = Field(3, ge=1, le=15, description="Reasons given for each alert.")
