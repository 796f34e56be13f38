"""Looks into the types of parameters."""

from __future__ import annotations

import types
import typing
from typing import Any, TypeGuard, Union

from pydantic import BaseModel


def alternatives(annotation: Any) -> tuple[Any, ...]:
    """The members of a union, ``Annotated`` taken off; the type alone when it is no union."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return alternatives(typing.get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return tuple(kind for member in typing.get_args(annotation) for kind in alternatives(member))
    return (annotation,)


def is_model(kind: Any) -> TypeGuard[type[BaseModel]]:
    """Whether ``kind`` is a class of parameters with fields of its own."""
    return isinstance(kind, type) and issubclass(kind, BaseModel)
