"""Parameters of fraud.evaluate."""

from __future__ import annotations

from datetime import date

from pydantic import Field

from common.config.params import Params


class PublishedRow(Params):
    """A published result to print next to ours."""

    model: str = Field(min_length=1, max_length=60, description="Name of the published model.")
    auc_roc: float = Field(ge=0, le=1, description="Area under the ROC curve.")
    average_precision: float = Field(ge=0, le=1, description="Average precision.")
    card_precision_at_100: float = Field(ge=0, le=1, description="Card precision at 100.")


class EvaluateParams(Params):
    """Parameters of ``fraud.evaluate``."""

    models: tuple[str, ...] = Field(
        (), description="Model versions to evaluate; default: all whose labels were known when the test begins."
    )
    label_delay_days: int = Field(7, ge=1, le=365, description="Days after which a fraud is known.")
    allow_unripe_labels: bool = Field(
        False,
        description="Evaluate although the label delay has not passed: what is not reported is honest.",
    )
    top_k: int = Field(100, ge=1, le=1000, description="Cards that investigators check per day.")
    published_first_day: date | None = Field(None, description="First test day of the published rows.")
    published_last_day: date | None = Field(None, description="Last test day of the published rows.")
    published: tuple[PublishedRow, ...] = Field((), description="Published rows of a test on those days.")
