"""JSON objects that are no records but hold an array of them, as answers of web services do."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any

_KEY = rb'"(?:[^"\\\n]|\\.)*"\s*:\s*'
_VALUE = rb'(?:"(?:[^"\\\n]|\\.)*"|[-+.\w]+|\{[^{}\[\]]*\}|\[\s*\])\s*,\s*'
# Keys with plain values, or with an object of such, then one with an array of objects, or an empty array.
_HOLDER = re.compile(rb"\{\s*((?:" + _KEY + _VALUE + rb")*+" + _KEY + rb")(\[)\s*(?:\{|\])")


def array_of_holder(text: bytes, columns: Collection[str]) -> int | None:
    """Where the array of an object begins that ``text`` begins with; None when the object is a record itself.

    It is one if any key before the array, or the array's own, is among ``columns`` (in lower case).
    """
    head = _HOLDER.match(text)
    if head is None:
        return None
    before = _keys(b"{" + head[1] + b"0}")
    return None if before is None or before & set(columns) else head.start(2)


def is_beside_records(text: bytes, columns: Collection[str]) -> bool:
    """Whether ``text``, which stands between such an array and the end of its object, holds no column of a record."""
    rest = text.strip()
    if not rest:
        return True
    found = _keys(b"{" + rest.removeprefix(b",") + b"}") if rest.startswith(b",") else None
    return found is not None and not found & set(columns)


def _keys(text: bytes) -> set[str] | None:
    """The keys of an object, in lower case; None when it is no object."""
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return {str(key).lower() for key in found}
