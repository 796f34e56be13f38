"""A row as an item of DynamoDB: its values with their types, its size, its key.

Sources: "DynamoDB JSON" and "Supported data types and naming rules" of the Amazon DynamoDB Developer Guide; its quotas:
400 KB for an item, names counted; 2,048 and 1,024 bytes for the parts of a key; 38 digits and magnitudes from 1E-130 to
9.99E+125 for a number.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from common.errors import ContractError

LARGEST_ITEM = 400 * 1_024
_DIGITS = 38
_LEAST, _MOST = -130, 125
_KEY_BYTES = (2_048, 1_024)

Attribute = dict[str, Any]


def item_of(row: Mapping[str, Any], sets: frozenset[str]) -> dict[str, Attribute]:
    """The attributes of a row; null is left out. Columns of ``sets`` are sets, without null and repeats, never empty.

    Raises ContractError UNL-004 for a number that DynamoDB cannot hold.
    """
    found = {}
    for name, value in row.items():
        attribute = set_of(value) if name in sets else attribute_of(value)
        if attribute is not None:
            found[name] = attribute
    return found


def attribute_of(value: Any) -> Attribute | None:
    """``{"S": "text"}`` and the like; None for null."""
    if value is None:
        return None
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int | float | Decimal):
        return {"N": number_text(value)}
    if isinstance(value, bytes):
        return {"B": base64.b64encode(value).decode()}
    if isinstance(value, Mapping):
        return {"M": {str(name): one for name, inner in value.items() if (one := attribute_of(inner)) is not None}}
    if isinstance(value, list | tuple):
        # The place of an element counts: null stays there.
        return {"L": [attribute_of(one) or {"NULL": True} for one in value]}
    return {"S": _text(value)}


def set_of(values: Iterable[Any] | None) -> Attribute | None:
    """A set of texts, numbers or bytes; None where nothing is in it."""
    attributes = [one for value in values or () if (one := attribute_of(value)) is not None]
    if not attributes:
        return None
    kind = next(iter(attributes[0]))
    return {f"{kind}S": list(dict.fromkeys(one[kind] for one in attributes))}


def number_text(value: float | Decimal) -> str:
    """A number in digits. Raises ContractError UNL-004 when DynamoDB has none like it."""
    if isinstance(value, float) and not math.isfinite(value):
        raise _unfit("It is not a number, or infinite.")
    # The shortest text that means the same float.
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not number.is_finite():
        raise _unfit("It is not a number, or infinite.")
    if number == 0:
        return "0"
    digits = len("".join(map(str, number.as_tuple().digits)).strip("0"))
    if digits > _DIGITS or not _LEAST <= number.adjusted() <= _MOST:
        raise _unfit(f"DynamoDB has {_DIGITS} digits, and magnitudes from 1E{_LEAST} to 9.99E+{_MOST}.")
    return f"{number:f}" if -7 <= number.adjusted() < _DIGITS else str(number.normalize())


def size_of(item: Mapping[str, Attribute]) -> int:
    """Bytes of an item as DynamoDB counts them, names and values."""
    return sum(len(name.encode()) + _size(attribute) for name, attribute in item.items())


def check_item(item: Mapping[str, Attribute], key: tuple[str, ...], number: int) -> None:
    """Raises ContractError UNL-004 for an item that is too large, UNL-003 for a key that DynamoDB does not take."""
    size = size_of(item)
    if size > LARGEST_ITEM:
        raise ContractError(
            "UNL-004",
            f"Row {number:,} is too large for DynamoDB.",
            cause=f"It has {size:,} bytes; an item has at most {LARGEST_ITEM:,}.",
            remedy="Leave columns out with --columns, or such rows with --where.",
        )
    for part, name in enumerate(key):
        attribute = item.get(name)
        length = _size(attribute) if attribute else 0
        if not 0 < length <= _KEY_BYTES[part]:
            raise ContractError(
                "UNL-003",
                f"Row {number:,} has no key: '{name}' is null, empty or too long.",
                cause=f"It has {length:,} bytes; this part of a key has 1 to {_KEY_BYTES[part]:,}.",
                remedy="Give another --key, or leave such rows out with --where.",
            )


def _size(attribute: Attribute) -> int:
    ((kind, value),) = attribute.items()
    if kind == "S":
        return len(value.encode())
    if kind == "B":
        return len(base64.b64decode(value))
    if kind == "N":
        # Two digits a byte, one byte more, and one for a sign; zeros at either end are not kept.
        text = str(value)
        digits = text.lstrip("-").partition("E")[0].replace(".", "").strip("0")
        return (len(digits) + 1) // 2 + 1 + text.startswith("-")
    if kind in ("SS", "NS", "BS"):
        return 3 + sum(_size({kind[0]: one}) for one in value)
    if kind == "L":
        return 3 + sum(1 + _size(one) for one in value)
    if kind == "M":
        return 3 + sum(1 + len(name.encode()) + _size(one) for name, one in value.items())
    return 1


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return moment_text(value.astimezone(UTC).replace(tzinfo=None)) + "Z" if value.tzinfo else moment_text(value)
    return value.isoformat() if isinstance(value, date) else str(value)


def moment_text(value: datetime) -> str:
    """Always with microseconds: texts of one length sort as their times do."""
    return value.isoformat(timespec="microseconds")


def _unfit(cause: str) -> ContractError:
    return ContractError(
        "UNL-004",
        "DynamoDB cannot hold one of the numbers.",
        cause=cause,
        remedy='Leave the column out with --columns, or the rows with --where, e.g. "NOT isnan(score)".',
    )
