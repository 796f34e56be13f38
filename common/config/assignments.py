"""``--set KEY=VALUE``: which parameter is meant, and its value as text for the parameter's own type to parse."""

from __future__ import annotations

import typing
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from common.config.annotations import alternatives, is_model
from common.config.entries import Entry, parse_yaml
from common.config.lake_settings import LakeSettings
from common.errors import UsageError
from common.words import did_you_mean


def parse_assignment(text: str, family: str, job: str, params: type[BaseModel]) -> tuple[str, list[str], Entry]:
    """``("lake" or "job", path, entry)`` of one ``--set``.

    ``gap_minutes=30``, ``sessionise.gap_minutes=30`` and ``clickstream.sessionise.gap_minutes=30`` mean the same;
    ``lake.<name>`` sets what all jobs share. Lists and mappings are written as YAML: ``channels=[a, b]``.
    Raises UsageError CFG-006 for a form without ``=`` and CFG-002 for an unknown name.
    """
    key, equals, value = text.partition("=")
    path = key.strip().split(".")
    if not equals or not all(path):
        raise UsageError(
            "CFG-006", f"'{key}' has no value.", remedy="Write --set KEY=VALUE, e.g. --set lake.lease_seconds=120."
        )
    target, model = "job", params
    if path[0] == "lake" and len(path) > 1 and "lake" not in params.model_fields:
        target, model, path = "lake", LakeSettings, path[1:]
    else:
        for prefix in (family, job):
            if len(path) > 1 and path[0] == prefix and prefix not in params.model_fields:
                path = path[1:]
    steps, annotation = _find(path, model, key.strip())
    return target, steps, _value(value.strip(), annotation)


def _find(path: list[str], model: type[BaseModel], key: str) -> tuple[list[str], Any]:
    """The path with the keys of a free mapping joined again, and the type of what is there."""
    annotation: Any = model
    for depth, step in enumerate(path):
        models = [kind for kind in alternatives(annotation) if is_model(kind)]
        if not models:
            if any(_origin(kind) in (dict, Mapping) for kind in alternatives(annotation)):
                return [*path[:depth], ".".join(path[depth:])], str
            raise UsageError("CFG-002", f"'{key}' names a part of a value that has no parts.")
        field = models[0].model_fields.get(step)
        if field is None:
            known = [*models[0].model_fields]
            if depth == 0 and model is not LakeSettings:
                known += [f"lake.{name}" for name in LakeSettings.model_fields]
            raise UsageError(
                "CFG-002",
                f"There is no parameter '{key}'.{did_you_mean(step, known)}",
                cause="given by --set",
                remedy=f"Known: {', '.join(models[0].model_fields)}; lake.<name> for what all jobs share.",
            )
        annotation = field.annotation
    return path, annotation


def _value(text: str, annotation: Any) -> Entry:
    kinds = alternatives(annotation)
    structured = [kind for kind in kinds if is_model(kind) or _origin(kind) in _STRUCTURES]
    if type(None) in kinds and text in ("null", "~", ""):
        return Entry(None, "--set", "--set")
    if structured:
        return replace(parse_yaml(text, "--set").labelled("--set"), where="--set")
    return Entry(text, "--set", "--set")


_STRUCTURES = (list, tuple, set, frozenset, dict, Mapping, Sequence)


def _origin(kind: Any) -> Any:
    return typing.get_origin(kind) or kind
