"""The products of an event that names several: ``items``, from text to typed values."""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import Column
from pyspark.sql import functions as F

from jobs.clickstream.events.amounts import MONEY, UNITS, exact, whole
from jobs.clickstream.events.columns import ITEM_FIELDS

_NUMBERS: dict[str, Callable[[Column], Column]] = {
    "price": lambda text: exact(text, MONEY),
    "list_price": lambda text: exact(text, MONEY),
    "quantity": lambda text: exact(text, UNITS),
    "position": lambda text: whole(text, "int", 9),
}
_ZERO = r"^[+-]?0*\.?0*$"


def cleaned_items(items: Column, clean: Callable[[str, Column], Column]) -> Column:
    """``items`` with each field cleaned by ``clean`` (name, text), null when no element says anything.

    An element with neither id, name nor price stands for "no product" (GA4 sends one as ``(not set)``).
    """
    fields = F.transform(items, lambda item: F.struct(*(clean(name, item[name]).alias(name) for name in ITEM_FIELDS)))

    def says_something(item: Column) -> Column:
        is_priced = F.coalesce(~item["price"].rlike(_ZERO), F.lit(False))
        return item["item_id"].isNotNull() | item["item_name"].isNotNull() | is_priced

    kept = F.filter(fields, says_something)
    return F.when(F.size(kept) > 0, kept)


def _typed(name: str, text: Column) -> Column:
    return _NUMBERS[name](text) if name in _NUMBERS else text


def typed_items(items: Column) -> Column:
    """Cleaned ``items`` as an array of ``tables.ITEM``; a number that cannot be read is null."""
    return F.transform(
        items,
        lambda item: F.struct(*(_typed(name, item[name]).alias(name) for name in ITEM_FIELDS)),
    )


def has_unread_item(items: Column) -> Column:
    """True where an element of cleaned ``items`` holds a number that cannot be read."""

    def is_unread(item: Column) -> Column:
        unread = F.lit(False)
        for name, read in _NUMBERS.items():
            unread = unread | (item[name].isNotNull() & read(item[name]).isNull())
        return unread

    return F.coalesce(F.exists(items, is_unread), F.lit(False))


def items_total() -> Column:
    """The sum of price times quantity (one, where none is sent) over typed ``items``; null when none has a price."""
    # Added up in a type that a hundred times the largest amounts do not overflow, and read as money at the end.
    return F.expr(
        "try_cast(aggregate(filter(items, i -> i.price IS NOT NULL), CAST(NULL AS DECIMAL(38,7)), (total, i) -> "
        "CAST(coalesce(total, 0) + i.price * coalesce(i.quantity, 1) AS DECIMAL(38,7))) AS DECIMAL(18,4))"
    )
