"""Values cast as Spark casts them under ANSI."""

from __future__ import annotations

import math
import re
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any


class NeedsSparkError(Exception):
    """An expression, or a function in it, that only Spark evaluates; the text names it."""


class BadValueError(Exception):
    """A value for which Spark would raise."""


def words_of(value: Any) -> str | None:
    """A value as Spark casts it to text."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float_text(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(sep=" ")
    return str(value)


def _float_text(value: float) -> str:
    # Java's form: NaN, 10.0, 1.0E7, 1.0E-4.
    if not math.isfinite(value):
        return "NaN" if value != value else f"{'-' if value < 0 else ''}Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)
    mantissa, _, exponent = f"{value!r}".partition("e")
    if exponent:
        return f"{mantissa if '.' in mantissa else mantissa + '.0'}E{int(exponent)}"
    number = Decimal(repr(value)).normalize()
    sign, digits, _ = number.as_tuple()
    text = "".join(map(str, digits))
    return f"{'-' if sign else ''}{text[0]}.{text[1:] or '0'}E{number.adjusted()}"


_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_WHOLE_BITS = {"tinyint": 8, "byte": 8, "smallint": 16, "short": 16, "int": 32, "integer": 32, "bigint": 64, "long": 64}


def cast(value: Any, kind: str) -> Any:
    """``value`` cast as Spark does under ANSI.

    Raises BadValueError where Spark raises, NeedsSparkError for a type that is not known here.
    """
    if kind == "string":
        return words_of(value)
    if kind in _WHOLE_BITS:
        return _to_whole(value, _WHOLE_BITS[kind])
    if kind in {"double", "float"}:
        return _to_float(value)
    if kind == "decimal" or kind.startswith("decimal("):
        return _to_decimal(value, kind)
    if kind == "boolean":
        return _to_boolean(value)
    if kind == "date" and isinstance(value, (str, date)):
        return _to_date(value)
    raise NeedsSparkError(f"a cast to {kind}")


def _to_whole(value: Any, bits: int) -> int:
    if isinstance(value, str):
        text = value.strip()
        if not re.fullmatch(r"[+-]?[0-9]+", text):
            raise BadValueError
        number = int(text)
    elif isinstance(value, (int, float, Decimal)):
        number = int(value)
    else:
        raise NeedsSparkError("this cast to a whole number")
    if not -(1 << (bits - 1)) <= number < 1 << (bits - 1):
        raise BadValueError
    return number


def _to_float(value: Any) -> float:
    if isinstance(value, date):
        raise NeedsSparkError("a cast of a time to a number")
    if isinstance(value, str):
        return _float_of(value.strip())
    return float(value)


def _float_of(text: str) -> float:
    # Java would read 5d and inf, Python 1_000 and inf: neither is a number that anybody sends.
    if text.lower() == "nan":
        return math.nan
    if not _NUMBER.fullmatch(text):
        raise BadValueError
    return float(text)


def _to_decimal(value: Any, kind: str) -> Decimal:
    match = re.fullmatch(r"decimal(?:\((\d+)(?:,\s*(\d+))?\))?", kind)
    precision, scale = (int(match[1] or 10), int(match[2] or 0)) if match else (10, 0)
    if isinstance(value, date):
        raise NeedsSparkError("a cast of a time to a number")
    if isinstance(value, str) and not _NUMBER.fullmatch(value.strip()):
        raise BadValueError
    try:
        number = Decimal(
            value.strip() if isinstance(value, str) else repr(value) if isinstance(value, float) else value
        )
        rounded = number.quantize(Decimal(1).scaleb(-scale), rounding="ROUND_HALF_UP")
    except (InvalidOperation, ValueError) as error:
        raise BadValueError from error
    if abs(rounded) >= Decimal(10) ** (precision - scale):
        raise BadValueError
    return rounded


def _to_boolean(value: Any) -> bool:
    if isinstance(value, str):
        text = value.strip().lower()
        if text in {"t", "true", "y", "yes", "1"}:
            return True
        if text in {"f", "false", "n", "no", "0"}:
            return False
        raise BadValueError
    return bool(value)


def _to_date(value: Any) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    match = re.match(r"\s*(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?(?:[ T].*)?\s*$", value)
    try:
        if match is None:
            raise BadValueError
        return date(int(match[1]), int(match[2] or 1), int(match[3] or 1))
    except ValueError as error:
        raise BadValueError from error
