"""Says in words why settings were refused: what was found, where, what is known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from common.config.annotations import alternatives, is_model
from common.config.entries import Entry
from common.errors import UsageError
from common.words import did_you_mean

_LONGEST_VALUE = 60


def settings_error(error: ValidationError, model: type[BaseModel], name: str, tree: Entry | None) -> UsageError:
    """Pydantic's findings as one UsageError: CFG-002 when only names are unknown, otherwise CFG-003.

    ``name`` is what the model is called in messages (``lake``, ``sessionise``), ``tree`` what was validated.
    """
    return _refusal(error.errors(include_url=False, include_context=False), model, name, tree)


def unknown_names_error(
    error: ValidationError, model: type[BaseModel], name: str, tree: Entry | None
) -> UsageError | None:
    """Like ``settings_error``, of the unknown names alone (CFG-002); None when there are none."""
    details = error.errors(include_url=False, include_context=False)
    unknown = [detail for detail in details if detail["type"] == "extra_forbidden"]
    return _refusal(unknown, model, name, tree) if unknown else None


def _refusal(details: Sequence[Any], model: type[BaseModel], name: str, tree: Entry | None) -> UsageError:
    sentences = [_sentence(detail, model, name, tree) for detail in details]
    unknown = all(detail["type"] == "extra_forbidden" for detail in details)
    first, *others = sentences
    return UsageError(
        "CFG-002" if unknown else "CFG-003",
        first,
        cause=" ".join(others),
        remedy=f"Known parameters of {name}: {', '.join(model.model_fields)}." if unknown else "See --help for bounds.",
    )


def _sentence(detail: Any, model: type[BaseModel], name: str, tree: Entry | None) -> str:
    location: tuple[str | int, ...] = tuple(detail["loc"])
    dotted = ".".join([name, *(str(step) for step in location)])
    where = _where(tree, location)
    if detail["type"] == "extra_forbidden":
        known = _names_at(model, location[:-1])
        return f"The parameter '{dotted}'{where} is not known.{did_you_mean(str(location[-1]), known)}"
    if detail["type"] == "missing":
        return f"The parameter '{dotted}' has no default and was not given: add --set {location[-1]}=VALUE."
    message = str(detail["msg"]).removeprefix("Value error, ")
    return f"{dotted}{where}: {_lower(message)}{_given(detail)}."


def _where(tree: Entry | None, location: Sequence[str | int]) -> str:
    # Pydantic adds names of union members to the location, so the deepest entry that exists is taken.
    for end in range(len(location), 0, -1):
        entry = tree.at(*location[:end]) if tree is not None else None
        if entry is not None:
            return f" ({entry.where})"
    return ""


def _given(detail: Any) -> str:
    if detail["type"] == "secret_reference" or isinstance(detail["input"], dict | BaseModel):
        return ""
    shown = repr(detail["input"])
    return f", not {shown if len(shown) <= _LONGEST_VALUE else shown[:_LONGEST_VALUE] + '...'}"


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:] if not message[:2].isupper() else message


def _names_at(model: type[BaseModel], location: Sequence[str | int]) -> list[str]:
    here: type[BaseModel] = model
    for step in location:
        field = here.model_fields.get(str(step))
        if field is None:
            continue
        inner = [kind for kind in alternatives(field.annotation) if is_model(kind)]
        if inner:
            here = inner[0]
    return list(here.model_fields)
