"""Checks a request against the service model that botocore carries: types, required members, lengths, patterns, enums.

botocore itself checks types and lower bounds only; what is too long or misspelt would come back from the service.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from botocore.session import get_session
from botocore.validate import ParamValidator

from common.errors import UsageError


@cache
def _input_shape(service: str, operation: str) -> Any:
    return get_session().get_service_model(service).operation_model(operation).input_shape


@cache
def _pattern(text: str) -> re.Pattern[str]:
    # The models are written for Java, where a surrogate pair in a class stands for one character.
    return re.compile(text.replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF"), re.DOTALL)


def _broken_limits(shape: Any, value: Any, where: str) -> list[str]:
    found = []
    limits = shape.metadata
    if isinstance(value, str | list | dict) and len(value) > limits.get("max", len(value)):
        found.append(f"{where} has length {len(value)}, at most {limits['max']} is allowed")
    if isinstance(value, int) and value > limits.get("max", value):
        found.append(f"{where} is {value}, at most {limits['max']} is allowed")
    if "enum" in limits and value not in limits["enum"]:
        found.append(f"{where} is '{value}', not one of {', '.join(limits['enum'])}")
    if isinstance(value, str) and "pattern" in limits and not _pattern(limits["pattern"]).fullmatch(value):
        found.append(f"{where} is '{value}', which does not match {limits['pattern']}")
    return found


def _walk(shape: Any, value: Any, where: str) -> list[str]:
    found = _broken_limits(shape, value, where)
    if shape.type_name == "structure":
        for name, member in value.items():
            found += _walk(shape.members[name], member, f"{where}.{name}" if where else name)
    elif shape.type_name == "list":
        for number, member in enumerate(value):
            found += _walk(shape.member, member, f"{where}[{number}]")
    elif shape.type_name == "map":
        for key, member in value.items():
            found += _walk(shape.key, key, f"{where} key") + _walk(shape.value, member, f"{where}.{key}")
    return found


def check_request(service: str, operation: str, request: Mapping[str, Any]) -> None:
    """Raises UsageError PKG-011 with everything in ``request`` that the service would refuse."""
    shape = _input_shape(service, operation)
    report = ParamValidator().validate(dict(request), shape)
    found = [report.generate_report()] if report.has_errors() else _walk(shape, request, "")
    if found:
        raise UsageError(
            "PKG-011",
            f"{service} would refuse this {operation}.",
            cause="; ".join(found),
            remedy="Shorten or correct these values. A long entry point needs a shorter artifacts prefix.",
        )
