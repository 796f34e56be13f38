"""Numbers of an event, from text: exactly, or not at all."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

_WHOLE = r"^[+-]?[0-9]{1,18}(\.0*)?$"
# With places for the decimals that the type keeps; zeros behind them say nothing.
_PLAIN = r"^[+-]?(0*[0-9]{{1,13}}(\.[0-9]{{0,{0}}}0*)?|\.[0-9]{{1,{0}}}0*)$"
_POWER = r"^[+-]?([0-9]{1,13}(\.[0-9]*)?|\.[0-9]+)[eE][+-]?[0-9]{1,2}$"

UNITS, MONEY = "decimal(18,3)", "decimal(18,4)"
_DECIMALS = {UNITS: 3, MONEY: 4}
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

ITEM_NUMBERS: tuple[str, ...] = ("price", "list_price", "quantity", "position")
"""Names of the fields of an element of ``items`` that are numbers."""


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
    """``text`` as a decimal of type UNITS or MONEY, null where it would be rounded or overflow."""
    most = _DECIMALS[kind]
    plain = F.when(text.rlike(_PLAIN.format(most)), text)
    power = F.when(text.rlike(_POWER), text)
    fraction = F.regexp_replace(F.regexp_extract(power, r"\.([0-9]*)", 1), "0*$", "")
    decimals = F.length(fraction) - F.regexp_extract(power, "[eE](.*)$", 1).cast("int")
    fits = (decimals <= most) & (F.abs(power.cast("double")) < 1e13)
    return F.coalesce(plain, F.when(fits, power)).cast(kind)
