"""What a source says of a free column, one that no family knows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from common.sources.mapping.expressions import checked

EXTRA_MAPS = ("extra_numbers", "extra_categories")
"""The columns that hold the free columns of a row, by name; a target with them takes free columns."""

_LONGEST = 60
_NAME = re.compile(rf"[a-z][a-z0-9_]{{0,{_LONGEST - 1}}}")


class FreeColumn(BaseModel):
    """A Spark SQL expression over the raw columns, and what its value is.

    A time is neither a number nor a category: the expression takes a part of it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    expr: str = Field(min_length=1, description="Spark SQL expression over the raw columns.")
    type: Literal["number", "category"] = Field("category", description="What the value is.")
    description: str = Field("", description="What it means, in one sentence.")

    @field_validator("expr")
    @classmethod
    def _safe(cls, text: str) -> str:
        return checked(text)


def is_name(name: str) -> bool:
    """Whether a free column may have this name."""
    return _NAME.fullmatch(name) is not None


def check_names(names: Iterable[str]) -> None:
    """Raises ValueError for a name that no free column may have."""
    for name in names:
        if not is_name(name):
            raise ValueError(
                f"'{name}' cannot name a column: use small letters, digits and _, a letter first, {_LONGEST} at most"
            )
