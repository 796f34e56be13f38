"""Parameters of maintenance.doctor."""

from __future__ import annotations

from pydantic import Field

from common.config.params import Params


class DoctorParams(Params):
    """How long the job waits for what may never come."""

    executor_seconds: int = Field(
        300, ge=10, le=3600, description="Seconds after which executors that have not answered are not waited for."
    )
