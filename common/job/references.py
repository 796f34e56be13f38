"""What the text references of a declaration name."""

from __future__ import annotations

import importlib
from typing import Any

from common.causes import cause_of
from common.errors import JobFailedError


def attribute(reference: str) -> Any:
    """What ``module:attribute`` names. Raises JobFailedError RUN-002 when it does not exist."""
    module, _, name = reference.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise JobFailedError(
            "RUN-002",
            f"{reference} could not be imported.",
            cause=cause_of(error),
            remedy="Check that the --py-files archive and the environment contain the whole suite.",
        ) from error
