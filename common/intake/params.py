"""Parameters that all ingests have."""

from __future__ import annotations

from pydantic import Field

from common.config.params import Params


class IntakeParams(Params):
    """How files become rows, whatever is in them."""

    retake: bool = Field(
        False,
        description="Map what was ingested before once more, with today's rules, and replace what it had published.",
    )
    max_rejected_share: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Largest share of the rows of a batch that may be rejected; with more nothing is published.",
    )
