"""Suites of table expectations: files one can review, conf/expectations/<family>.<table>.yaml."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from common.errors import UsageError
from common.yaml import YamlError, read_yaml


class Expectation(BaseModel):
    """One demand on a table, by the name that Great Expectations gives it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    expectation: str = Field(pattern=r"^expect_[a-z0-9_]+$", description="Name of the expectation.")
    kwargs: dict[str, Any] = Field(default_factory=dict, description="Its arguments.")
    severity: Literal["error", "warn"] = Field("error", description="error: nothing is published; warn: reported only.")
    why: str = Field("", description="What the expectation protects, in one sentence.")


class Suite(BaseModel):
    """The expectations of one table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    table: str = Field(min_length=3, description="The table, <family>.<table>.")
    expectations: tuple[Expectation, ...] = Field(min_length=1, description="What must be true of its staged rows.")

    @classmethod
    def load(cls, name: str) -> Suite:
        """The suite conf/expectations/<name>.yaml. Raises UsageError QLT-002 (none there), QLT-003 (not valid)."""
        file = resources.files("conf.expectations") / f"{name}.yaml"
        if not file.is_file():
            raise UsageError(
                "QLT-002",
                f"There is no expectation suite '{name}'.",
                remedy=f"Write conf/expectations/{name}.yaml, or correct the suite of the table.",
            )
        return cls.parse(file.read_text(encoding="utf-8"), name)

    @classmethod
    def parse(cls, text: str, name: str) -> Suite:
        """A suite from YAML text; ``name`` is for messages and for the table when the text names none."""
        try:
            values = read_yaml(text, name)
            if isinstance(values, list):
                values = {"table": name, "expectations": values}
            return cls.model_validate(values)
        except (YamlError, ValidationError) as error:
            raise UsageError("QLT-003", f"The expectation suite '{name}' is not valid.", cause=str(error)) from error

    def to_gx_json(self) -> str:
        """The suite as Great Expectations writes one, for its own tools."""
        expectations = [
            {
                "type": item.expectation,
                "kwargs": dict(item.kwargs),
                "meta": {"severity": item.severity, **({"notes": item.why} if item.why else {})},
            }
            for item in self.expectations
        ]
        return json.dumps({"name": self.table, "expectations": expectations, "meta": {}}, indent=2, sort_keys=True)

    @classmethod
    def from_gx_json(cls, text: str) -> Suite:
        """A suite that Great Expectations (1.x) has written, or ``to_gx_json``. Raises UsageError QLT-003."""
        try:
            values = json.loads(text)
            expectations = [_from_gx(item) for item in values["expectations"]]
            return cls.model_validate({"table": values["name"], "expectations": expectations})
        except (json.JSONDecodeError, KeyError, TypeError, ValidationError) as error:
            raise UsageError("QLT-003", "The Great Expectations suite cannot be read.", cause=repr(error)) from error


def _from_gx(item: Mapping[str, Any]) -> dict[str, Any]:
    meta = item.get("meta") or {}
    # Great Expectations grades critical, warning, info; ours knows what stops a run and what does not.
    graded = meta.get("severity") or item.get("severity") or "error"
    return {
        "expectation": item["type"],
        "kwargs": dict(item.get("kwargs") or {}),
        "severity": "error" if graded in {"error", "critical"} else "warn",
        "why": str(meta.get("notes") or ""),
    }
