"""Numbers, spans of time and sizes in the words of a report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from numbers import Integral, Real

MISSING = "\u2013"
_MINUS = "\u2212"


def is_number(value: object) -> bool:
    """Whether the value is a number to be set flush right; truth values are not."""
    return isinstance(value, (Real, Decimal)) and not isinstance(value, bool)


def is_missing(value: object) -> bool:
    """Whether there is nothing to show: None or not-a-number."""
    if value is None:
        return True
    return isinstance(value, (Real, Decimal)) and math.isnan(value)


def decimals_for(values: Sequence[object]) -> int:
    """Digits after the point that show four figures of the largest value; 0 when all are whole."""
    finite = [float(v) for v in values if isinstance(v, (Real, Decimal)) and math.isfinite(v)]
    largest = max((abs(v) for v in finite), default=0.0)
    if largest == 0 or all(v == int(v) for v in finite):
        return 0
    return max(0, min(6, 3 - math.floor(math.log10(largest))))


def common_decimals(values: Sequence[object]) -> int:
    """Digits after the point for a whole column: as many as its values have, up to four figures of a middling one."""
    finite = sorted(abs(float(v)) for v in values if isinstance(v, (Real, Decimal)) and math.isfinite(v) and v != 0)
    if not finite:
        return 0
    needed = max(len(f"{v:.6f}".rstrip("0").rpartition(".")[2]) for v in finite)
    return min(needed, max(2, decimals_for([finite[(len(finite) - 1) // 2]])))


def format_number(value: object, *, unit: str = "", decimals: int | None = None) -> str:
    """``1234567`` as ``1,234,567``, fractions with four figures unless ``decimals`` is given, missing as a dash.

    A ``unit`` that is a word is given in the plural and stands after one in the singular.
    """
    if is_missing(value) or not isinstance(value, (Real, Decimal)):
        return MISSING
    behind = "" if not unit else unit if unit == "%" else f" {unit}"
    if not math.isfinite(value):
        return ("∞" if float(value) > 0 else f"{_MINUS}∞") + behind
    if isinstance(value, Integral) and not decimals:
        text = f"{int(value):,}"
    else:
        number = float(value)
        places = decimals_for([number]) if decimals is None else decimals
        text = f"{number:,.{places}f}"
        if decimals is None and "." in text:
            text = text.rstrip("0").rstrip(".")
        if number != 0 and not text.strip("-0.,"):
            text = f"{number:.2g}"
    if text == "1":
        behind = _singular(behind)
    return text.replace("-", _MINUS, 1) + behind if text.startswith("-") else text + behind


def _singular(unit: str) -> str:
    # Symbols such as s and ms are no words; series has no singular of its own.
    if len(unit.strip()) < 4 or not unit.endswith("s") or unit.endswith("series"):
        return unit
    for singular in (unit[:-3] + "y", unit[:-2]):
        if plural_noun(singular) == unit:
            return singular
    return unit[:-1]


def short_number(value: float) -> str:
    """An axis label: ``12500`` as ``12.5k``, ``1200000`` as ``1.2M``."""
    for size, letter in ((1e12, "T"), (1e9, "bn"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            divisor = 1e3 if letter == "k" else size
            return f"{format_number(float(f'{value / divisor:.4g}'))}{letter}"
    return format_number(float(f"{value:.6g}"))


def format_seconds(seconds: float) -> str:
    """``42 s``, ``3 min 12 s``, ``1 h 02 min``."""
    if is_missing(seconds):
        return MISSING
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60:02d} min"


def format_bytes(size_bytes: float) -> str:
    """``1.5 GB``: decimal units, as storage is billed."""
    for size, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if abs(size_bytes) >= size:
            return format_number(float(f"{size_bytes / size:.3g}"), unit=unit)
    return format_number(size_bytes, unit="bytes")


def plural(count: int, noun: str) -> str:
    """``1 row``, ``2 rows``, ``7 days``, ``2 queries``: the number and the noun, given in the singular, as it asks."""
    return f"{count:,} {noun if count == 1 else plural_noun(noun)}"


def plural_noun(noun: str) -> str:
    """``days`` of ``day``; of several words the last one changes."""
    if noun.endswith("series"):
        return noun
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "x", "z", "ch", "sh")) else "s")


def format_value(value: object, *, decimals: int | None = None) -> str:
    """Any cell of a table: numbers with separators, days and instants in ISO form, lists with commas."""
    if is_missing(value):
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if is_number(value):
        return format_number(value, decimals=decimals)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(value, key=str) if isinstance(value, (set, frozenset)) else value
        return ", ".join(format_value(item) for item in items)
    if isinstance(value, dict):
        return ", ".join(f"{key}: {format_value(item)}" for key, item in value.items())
    return str(value)
