"""Which raw column is which canonical one: by names, checked against contents; by contents where no name fits."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from deploy.feeds.targets import Target
from deploy.suggestions.columns import RawColumn
from deploy.suggestions.names import PART_NAMES, YEAR_NAMES, clock_names, likeness, names_of

_ENOUGH = 0.5
# A name that says it outright, and the share of values that must then bear it out.
_CLEAR, _MIXED = 0.9, 0.3
_NUMBERS = {"quantity", "y", "unit_price", "price", "tx_amount", "bytes", "http_status", "fraud_scenario"}
_WHOLE = {"bytes", "http_status", "fraud_scenario"}
_CONTENTS = {
    "user_ipaddress": "address",
    "useragent": "agent",
    "page_url": "url",
    "page_referrer": "url",
    "currency": "currency",
}


@dataclass(frozen=True)
class Match:
    """A raw column for a canonical one. ``clock`` is a second one, with the time of day; ``doubts`` are in words."""

    canonical: str
    column: RawColumn
    clock: RawColumn | None = None
    doubts: tuple[str, ...] = ()


def matches(target: Target, columns: Sequence[RawColumn]) -> list[Match]:
    """The likeliest raw column for each canonical one, each used once, in the order of the canonical columns."""
    # A year beside its month is no date.
    apart = parts_of_dates(columns)
    scored = sorted(
        (
            (_score(target, canonical, column, names_of(target.job, canonical)), canonical, place)
            for canonical in target.schema.names
            for place, column in enumerate(columns)
            if canonical not in target.times or column.name not in apart
        ),
        key=lambda item: (-item[0], target.schema.names.index(item[1]), item[2]),
    )
    found: dict[str, Match] = {}
    used: set[int] = set()
    for score, canonical, place in scored:
        if score < _ENOUGH or canonical in found or place in used:
            continue
        found[canonical] = Match(canonical, _accepted(target, canonical, columns[place]))
        used.add(place)
    _by_contents(target, columns, found, used)
    _with_clock(target, columns, found, used)
    _one_form(target, columns, found)
    return [found[name] for name in target.schema.names if name in found]


def parts_of_dates(columns: Sequence[RawColumn]) -> list[str]:
    """Columns of whole numbers that are year and month, or another part, of one date; empty where there is no year."""
    whole = [one for one in columns if one.given and all(re.fullmatch(r"\d{1,4}", value) for value in one.given)]
    years, others = (
        [one.name for one in whole if likeness(one.name, words) >= _CLEAR] for words in (YEAR_NAMES, PART_NAMES)
    )
    return [*years, *others] if years and others else []


def says(target: Target, canonical: str, column: RawColumn) -> bool:
    """Whether the name of ``column`` says outright that it is ``canonical``, whatever it holds."""
    return likeness(column.name, names_of(target.job, canonical)) >= _CLEAR


def _score(target: Target, canonical: str, column: RawColumn, words: str) -> float:
    name = likeness(column.name, words)
    if not column.given:
        # A column without a value in the sample: its name is all there is.
        return 0.9 * name if name >= 0.9 else 0.0
    is_clear = name >= _CLEAR
    if not _possible(target, canonical, _accepted(target, canonical, column) if is_clear else column, is_clear):
        return 0.0
    wanted = _CONTENTS.get(canonical)
    if wanted is not None and column.content == wanted:
        return name + 0.2 if name else 0.0
    if canonical in target.times and name:
        # Two columns of times: the one with the hour says more than the day alone.
        return name + (0.02 if column.time is not None and column.time.has_time else 0.0)
    return name


def _accepted(target: Target, canonical: str, column: RawColumn) -> RawColumn:
    """A column of that name as it is, or, if its values are too mixed for what it must hold, as it is at its best."""
    if canonical in target.times and column.time is None:
        return replace(column, enough=_MIXED)
    if canonical in _NUMBERS and column.number is None:
        return replace(column, enough=_MIXED)
    return column


def _possible(target: Target, canonical: str, column: RawColumn, is_clear: bool = False) -> bool:
    """Whether the values can be what the canonical column holds; ``is_clear``: the name of the raw one says so."""
    if canonical in target.times:
        return column.time is not None and column.time.has_date
    if canonical in _NUMBERS:
        return column.number is not None and (canonical not in _WHOLE or column.number.is_whole)
    if canonical == "promotion":
        return column.is_boolean
    if canonical == "is_fraud":
        return column.is_boolean or is_clear or len(set(column.given)) <= 4
    if canonical in _CONTENTS and canonical != "currency":
        # Paths may be written without a slash; an address and an agent cannot be mistaken.
        return column.content == _CONTENTS[canonical] or canonical.startswith("page_") or is_clear
    if column.kind == "nested":
        return False
    if canonical == "event_id" and column.unique_share < 1:
        return False
    if canonical in target.identifiers and not is_clear:
        is_fraction = column.number is not None and not column.number.is_whole and column.kind != "number"
        is_moment = column.time is not None and not column.time.epoch and not all(map(str.isdecimal, column.given))
        return not is_fraction and not is_moment and column.content not in {"agent", "url"}
    return True


def _by_contents(target: Target, columns: Sequence[RawColumn], found: dict[str, Match], used: set[int]) -> None:
    """Fills what rows cannot do without from columns whose names say nothing."""
    apart = parts_of_dates(columns)
    for canonical in dict.fromkeys([*target.lacking(set(found)), *_CONTENTS]):
        if canonical in found or canonical not in target.schema.names:
            continue
        free = [place for place in range(len(columns)) if place not in used]
        free = [place for place in free if canonical not in target.times or columns[place].name not in apart]
        fitting = [place for place in free if _looks_like(target, canonical, columns[place])]
        if not fitting:
            continue
        place = fitting[0]
        more = [columns[other].name for other in fitting[1:]]
        doubt = "chosen by its values, not by its name"
        doubt += f"; it could also be {', '.join(more)}" if more else ""
        found[canonical] = Match(canonical, columns[place], doubts=(doubt,))
        used.add(place)


def _looks_like(target: Target, canonical: str, column: RawColumn) -> bool:
    if not column.given or not _possible(target, canonical, column):
        return False
    if canonical in target.times:
        return column.time is not None and not (column.time.pattern.isalpha() and column.unique_share > 0.99)
    if canonical in _CONTENTS:
        return column.content == _CONTENTS[canonical]
    if canonical == "tx_amount":
        return column.number is not None and not column.number.is_whole and column.time is None
    if canonical in {"quantity", "y"}:
        return column.number is not None and column.time is None and column.unique_share < 0.5
    if canonical in {"transaction_id", "event_id"}:
        return column.unique_share == 1 and len(column.given) > 1
    if canonical in {"customer_id", "user_id", "domain_userid"}:
        return column.content in {"email", "uuid"} or (0.02 < column.unique_share < 1 and _is_code(column))
    if canonical in {"terminal_id", "item_id", "unique_id"}:
        return column.unique_share < 0.9 and _is_code(column) and not column.card_share
    if canonical == "is_fraud":
        return column.is_boolean
    return False


def _is_code(column: RawColumn) -> bool:
    """Whether the values are short words with digits in them: ids, not names."""
    codes = sum(any(sign.isdigit() for sign in value) and " " not in value for value in column.given)
    return codes >= 0.9 * len(column.given) and column.content in {"", "uuid"} and column.time is None


def _with_clock(target: Target, columns: Sequence[RawColumn], found: dict[str, Match], used: set[int]) -> None:
    """Joins a day with the time of day that stands in a column of its own."""
    clocks = [
        place
        for place, one in enumerate(columns)
        if place not in used and one.kind == "" and one.time and not one.time.has_date and _is_clock(one)
    ]
    for canonical in target.times:
        match = found.get(canonical)
        style = match.column.time if match else None
        if match and style and not style.has_time and not style.epoch and match.column.kind == "" and clocks:
            place = clocks.pop(0)
            used.add(place)
            found[canonical] = Match(canonical, match.column, columns[place], match.doubts)


def _is_clock(column: RawColumn) -> bool:
    """Six digits alone may be an id: then the name must say that they are a time."""
    return not all(map(str.isdecimal, column.given)) or likeness(column.name, clock_names()) > 0


def _one_form(target: Target, columns: Sequence[RawColumn], found: dict[str, Match]) -> None:
    """Sales are lines or ready series, never a mixture: keeps the form that is nearer to whole."""
    if target.job != "forecast.ingest":
        return
    lines, series = {"item_id", "sold_at", "quantity"}, {"unique_id", "ds", "y"}
    is_series = len(series & set(found)) > len(lines & set(found)) or series <= set(found)
    if is_series:
        for time_or_number, own in (("sold_at", "ds"), ("quantity", "y")):
            if own not in found and time_or_number in found:
                found[own] = replace(found[time_or_number], canonical=own)
    for name in (lines if is_series else series) & set(found):
        del found[name]
    if _is_total_of_year(found):
        for own, name in (("unique_id", "item_id"), ("ds", "sold_at"), ("y", "quantity")):
            found[own] = replace(found.pop(name), canonical=own)
        return
    if not is_series and "item_id" not in found and {"sold_at", "quantity"} <= set(found):
        _as_series(columns, found)


def _is_total_of_year(found: dict[str, Match]) -> bool:
    """Whether what looks like sales lines, but is dated by years, has nothing else of a sales line."""
    if set(found) != {"item_id", "sold_at", "quantity"}:
        return False
    style = found["sold_at"].column.time
    return style is not None and style.period == "year"


_PLACES = ("store", "country")


def _as_series(columns: Sequence[RawColumn], found: dict[str, Match]) -> None:
    """A time and a number without an item: a series for each value of another column, such as a shop."""
    used = {match.column.name for name, match in found.items() if name not in _PLACES}
    keys = [one for one in columns if one.name not in used and 0 < one.unique_share < 1 and one.kind in {"", "whole"}]
    if not keys:
        return
    doubt = "there is no item: taken for ready series, one for each value of this column"
    found["unique_id"] = Match("unique_id", keys[0], doubts=(doubt,))
    found["ds"] = replace(found.pop("sold_at"), canonical="ds")
    found["y"] = replace(found.pop("quantity"), canonical="y")
    for name in _PLACES:
        found.pop(name, None)
