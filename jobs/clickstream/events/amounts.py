"""Numbers of an event, from text: exactly, or not at all."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

_WHOLE = r"^[+-]?[0-9]{1,18}(\.0*)?$"
_DECIMAL = r"^[+-]?([0-9]{1,13}(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,2})?$"

UNITS, MONEY = "decimal(18,3)", "decimal(18,4)"
# Of whole numbers the type and the most digits; a sign is one of them only where a value can lie left of or above zero.
_COUNTS = {"http_status": ("int", 3), "bytes": ("bigint", 15)}
_PLACES = dict.fromkeys(
    (
        "domain_sessionidx",
        "item_position",
        "pp_xoffset_min",
        "pp_xoffset_max",
        "pp_yoffset_min",
        "pp_yoffset_max",
        "doc_width",
        "doc_height",
    ),
    ("int", 9),
)
_AMOUNTS = {
    "quantity": UNITS,
    **dict.fromkeys(("price", "item_list_price", "order_total", "tax", "shipping"), MONEY),
}
NUMBERS: tuple[str, ...] = (*_COUNTS, *_AMOUNTS, *_PLACES)
"""Names of the columns of an event that are numbers."""


def typed_numbers() -> dict[str, Column]:
    """The columns NUMBERS, from text; null where the text is none."""
    return {
        **{name: whole(F.col(name), kind, digits, signed=False) for name, (kind, digits) in _COUNTS.items()},
        **{name: exact(F.col(name), kind) for name, kind in _AMOUNTS.items()},
        **{name: whole(F.col(name), kind, digits) for name, (kind, digits) in _PLACES.items()},
    }


def whole(text: Column, kind: str, digits: int, *, signed: bool = True) -> Column:
    """``text`` as a whole number of at most so many digits."""
    integer = F.regexp_replace(text, r"\..*$", "")
    fits = text.rlike(_WHOLE) & (F.length(F.regexp_replace(integer, "^[+-]?0*", "")) <= digits)
    return F.when(fits if signed else fits & ~text.rlike("^[+-]"), integer).cast(kind)


def exact(text: Column, kind: str) -> Column:
    """``text`` as a decimal."""
    # The pattern leaves no text that overflows; one with an exponent may, and is looked at as a double first.
    fits = text.rlike(_DECIMAL)
    plain = F.when(fits & ~text.rlike("[eE]"), text).cast(kind)
    number = F.when(fits & text.rlike("[eE]"), text).cast("double")
    return F.coalesce(plain, F.when(F.abs(number) < 1e13, number).cast(kind))
