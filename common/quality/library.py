"""Small conditions that rules are made of: each gives a Column that is true for a row that breaks the rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as F

from common.privacy.card_numbers import holds_card_number

NOTHING = ("", "null", "none", "nan", "n/a", "undefined", "(null)")
"""Words that stand for "nothing" in feeds; read without regard to case and outer blanks."""
_LONGEST_NOTHING = max(map(len, NOTHING))
_BLANKS = " \t\n\r\v\f\u00a0\u200b\ufeff"


def is_null(column: str) -> Callable[[], Column]:
    """The value is missing."""
    return lambda: F.col(column).isNull()


def is_blank(column: str) -> Callable[[], Column]:
    """The text is missing, empty, blanks only, or a word for nothing such as ``null`` or ``NaN``."""

    def broken() -> Column:
        # Not a regular expression: nearly every value is settled by its length.
        text = F.btrim(column, F.lit(_BLANKS))
        return F.col(column).isNull() | ((F.length(text) <= _LONGEST_NOTHING) & F.lower(text).isin(*NOTHING))

    return broken


def not_in(column: str, values: Iterable[Any]) -> Callable[[], Column]:
    """The value is given and is none of ``values``."""
    known = list(values)
    return lambda: ~F.col(column).isin(known)


def out_of_range(column: str, *, low: Any = None, high: Any = None) -> Callable[[], Column]:
    """The value is below ``low`` or above ``high``, both of which are allowed; NaN is above everything."""
    if low is None and high is None:
        raise ValueError("give low, high or both")

    def broken() -> Column:
        below = F.col(column) < F.lit(low)
        above = F.col(column) > F.lit(high)
        if high is None:
            return below
        return above if low is None else below | above

    return broken


def not_finite(column: str) -> Callable[[], Column]:
    """The number is NaN or infinite."""
    # Spark holds NaN equal to itself and above infinity.
    return lambda: F.col(column).isin(float("nan"), float("inf"), float("-inf"))


def too_long(column: str, characters: int) -> Callable[[], Column]:
    """The text has more than ``characters`` characters."""
    return lambda: F.length(column) > characters


def not_matching(column: str, pattern: str) -> Callable[[], Column]:
    """The text is given and holds no match of the Java regular expression ``pattern``."""
    return lambda: ~F.col(column).rlike(pattern)


def not_true(condition: Callable[[], Column]) -> Callable[[], Column]:
    """The condition is false or null."""
    return lambda: ~F.coalesce(condition(), F.lit(False))


def later_than(column: str, other: str) -> Callable[[], Column]:
    """The time or date is after that of ``other``."""
    return lambda: F.col(column) > F.col(other)


def has_card_number(column: str) -> Callable[[], Column]:
    """The text holds a payment card number (see ``common.privacy.card_numbers.holds_card_number``)."""
    return lambda: holds_card_number(F.col(column))


def has_reason(column: str = "_reason") -> Callable[[], Column]:
    """An earlier step left a reason: the row could not be read."""
    return lambda: F.col(column).isNotNull()
