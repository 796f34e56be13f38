"""Where run events for lineage go (OpenLineage): by default nowhere."""

from __future__ import annotations

import re
from typing import Any

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from common.config.params import Params, SecretRef

# Where a token may travel in the clear: it does not leave the machine.
_ON_THIS_MACHINE = re.compile(r"http://(localhost|127(\.\d{1,3}){3}|\[::1\])[:/]")


class LineageSettings(Params):
    """Whether each run leaves OpenLineage events as files, sends them to a server, or both."""

    files: bool = Field(False, description="Write the events of each run below runs/lineage of the lake.")
    url: str | None = Field(
        None,
        pattern=r"^https?://[^\s@?#/]+(/[^\s@?#]*)?$",
        description="Post the events to this address, e.g. https://lineage.example.com/api/v1/lineage; null: nowhere.",
    )
    token: SecretRef | None = Field(None, description="Reference to the bearer token of that server.")
    timeout_seconds: float = Field(
        5, gt=0, le=60, description="Longest time that the end of a run waits for that server, in seconds."
    )
    namespace: str | None = Field(
        None, min_length=1, max_length=200, description="Namespace of the jobs; null: lakejobs-<env>."
    )
    parent: str | None = Field(
        None,
        pattern=r"^\S+/[^\s/]+/[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
        description="Run that started this one, NAMESPACE/JOB/UUID, as Airflow's lineage_parent_id gives it.",
    )

    @field_validator("url", mode="before")
    @classmethod
    def _holds_no_secret(cls, url: Any) -> Any:
        if isinstance(url, str) and any(sign in url for sign in "@?#"):
            # A password or a key in an address would stand in records and logs; nor does the error quote it.
            raise PydanticCustomError("secret_reference", "must be an address without user, password or query")
        return url

    @field_validator("token")
    @classmethod
    def _is_not_sent_in_the_clear(cls, token: SecretRef | None, info: ValidationInfo) -> SecretRef | None:
        url = info.data.get("url") or ""
        if token is not None and url.startswith("http:") and not _ON_THIS_MACHINE.match(url):
            raise PydanticCustomError("clear_token", "may only be sent to a url that begins with https://")
        return token
