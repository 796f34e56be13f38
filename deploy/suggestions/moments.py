"""How times are written in a column: the pattern, whether they name a zone, and what is not certain about it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from deploy.feeds.patterns import pattern_of

_ISO = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?)?"
    r"(?P<zone> ?(?:Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?|[A-Z][A-Za-z_]+/[A-Za-z0-9_+/-]+))?"
)
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
# Counts since 1970 of times between 2001 and 2100, by their number of digits.
_EPOCHS = {"s": (1e9, 4.1e9), "ms": (1e12, 4.1e12), "us": (1e15, 4.1e15), "ns": (1e18, 4.1e18)}
_CLOCKS = (("HHmmss", 6), ("HHmm", 4))
_ENOUGH = 0.95

_TIMES = (
    *("HH:mm:ss", "HH:mm", "H:mm:ss", "H:mm", "HH:mm:ss.SSSSSS", "H:mm:ss.SSSSSS", "HHmmss", "HHmm"),
    *("hh:mm:ss a", "hh:mm a", "h:mm:ss a", "h:mm a", "h:mm:ssa", "h:mma", "h:mm:ss.SSSSSS a"),
)
_DAYS = (
    *("yyyy-MM-dd", "yyyy/MM/dd", "yyyy.MM.dd", "yyyyMMdd", "yyyy-M-d", "yyyy/M/d", "yyyy'年'M'月'd'日'"),
    *("dd.MM.yyyy", "d.M.yyyy", "dd/MM/yyyy", "d/M/yyyy", "dd-MM-yyyy", "d-M-yyyy", "ddMMyyyy"),
    *("MM/dd/yyyy", "M/d/yyyy", "MM-dd-yyyy", "M-d-yyyy"),
    *("dd.MM.yy", "d.M.yy", "dd/MM/yy", "d/M/yy", "dd-MM-yy", "MM/dd/yy", "M/d/yy", "yy/MM/dd"),
    *("dd-MMM-yyyy", "d-MMM-yyyy", "dd MMM yyyy", "d MMM yyyy", "dd-MMM-yy", "d-MMM-yy", "dd/MMM/yyyy"),
    *("MMM d, yyyy", "MMMM d, yyyy", "d MMMM yyyy", "EEE MMM d yyyy", "EEE, d MMM yyyy", "MMM dd yyyy"),
)
_BETWEEN = (" ", "'T'", ", ", "  ", ":", "-", "")
_ZONES = ("", "XXX", " XXX", "Z", " Z", "X", " X", " z")
_TAILS = tuple(f"{between}{time}{zone}" for between, time, zone in product(_BETWEEN, _TIMES, _ZONES))


@dataclass(frozen=True)
class TimeStyle:
    """How the times of a column are read.

    ``pattern`` for timestamp_format, or ``epoch`` (``s``, ``ms``, ``us``, ``ns``), or neither: ISO 8601 needs none.
    ``names_zone``: the times say their own. ``has_time`` and ``has_date`` say which half there is. ``other`` is a
    second pattern that reads all values too, in another way: nobody can tell which is right. ``sql`` reads the column
    ``{c}`` where no pattern does; ``period`` is what the values name instead of days: ``week``, ``month``, ``quarter``.
    """

    pattern: str = ""
    epoch: str = ""
    names_zone: bool = False
    has_time: bool = True
    has_date: bool = True
    other: str = ""
    share: float = 1.0
    sql: str = ""
    period: str = ""


def time_style(values: Sequence[str], enough: float = 0.95) -> TimeStyle | None:
    """The style of ``values`` (without blanks), None unless a share of ``enough`` of them are times in it."""
    texts = [value.strip() for value in values]
    if not texts:
        return None
    iso = [match for text in texts if (match := _ISO.fullmatch(text))]
    if len(iso) >= enough * len(texts):
        dates = sum(_ISO_DATE.fullmatch(text) is not None for text in texts)
        zoned = sum(match.group("zone") is not None for match in iso)
        return TimeStyle(names_zone=zoned == len(iso), has_time=dates < len(iso), share=len(iso) / len(texts))
    if all(text.isdecimal() for text in texts[:50]):
        return _of_digits(texts)
    return _by_pattern(texts, enough)


def _of_digits(texts: Sequence[str]) -> TimeStyle | None:
    numbers = [float(text) for text in texts if text.isdecimal()]
    if len(numbers) < _ENOUGH * len(texts):
        return None
    for unit, (low, high) in _EPOCHS.items():
        if all(low <= number <= high for number in numbers):
            return TimeStyle(epoch=unit, names_zone=True)
    for pattern, digits in (("yyyyMMdd", 8), ("yyyyMMddHHmmss", 14), ("yyyyMMddHHmm", 12), ("ddMMyyyy", 8)):
        reader = pattern_of(pattern)
        read = [moment for text in texts if len(text) == digits and (moment := reader.read(text, "UTC"))]
        if len(read) >= _ENOUGH * len(texts) and all(1970 <= moment.year <= 2100 for moment in read):
            return TimeStyle(pattern=pattern, has_time=reader.has_time, share=len(read) / len(texts))
    clock = next((pattern for pattern, digits in _CLOCKS if all(len(text) == digits for text in texts)), "")
    if clock and all(pattern_of(clock).read(text, "UTC") for text in texts):
        return TimeStyle(pattern=clock, has_date=False)
    return None


def _by_pattern(texts: Sequence[str], enough: float) -> TimeStyle | None:
    if not _may_be_time(texts, enough):
        return None
    # Texts of one column may need the more lenient of two patterns: those of different lengths are tried.
    tried = dict.fromkeys([texts[0], min(texts, key=len), max(texts, key=len)])
    candidates = dict.fromkeys(pattern for text in tried for pattern in _candidates(text))
    scored = [(share, pattern) for pattern in candidates if (share := _share(texts, pattern)) >= enough]
    if not scored:
        return None
    # Two letters demand two digits: the strictest pattern that reads the most says most about the values.
    scored.sort(key=lambda item: (-item[0], -len(item[1])))
    return _style(texts, scored)


def _candidates(text: str) -> Iterator[str]:
    """The patterns that read a text: a day, a time of day, or a day and what follows it."""
    yield from (pattern for pattern in _TIMES if pattern_of(pattern).regex.fullmatch(text))
    for day in _DAYS:
        for end in _ends(text, day):
            if end == len(text):
                yield day
            else:
                yield from (day + tail for tail in _TAILS if pattern_of(tail).regex.fullmatch(text[end:]))


def _ends(text: str, day: str) -> set[int]:
    """Where a day by that pattern may end: ``d`` may take one digit or two."""
    match = pattern_of(day).regex.match(text)
    return {match.end()} if match else set()


def _style(texts: Sequence[str], scored: Sequence[tuple[float, str]]) -> TimeStyle:
    share, pattern = scored[0]
    rivals = [one for rival_share, one in scored[1:] if rival_share == share and _differs(texts, pattern, one)]
    other = rivals[0] if rivals else ""
    # Both read every value: with AM and PM the month comes first nearly everywhere, without them the day.
    if other and _month_first(other) == ("a" in pattern):
        pattern, other = other, pattern
    reader = pattern_of(pattern)
    return TimeStyle(
        pattern=pattern,
        names_zone=reader.names_zone,
        has_time=reader.has_time,
        has_date="d" in pattern,
        other=other,
        share=share,
    )


def _month_first(pattern: str) -> bool:
    return pattern.startswith("M")


def _may_be_time(texts: Sequence[str], enough: float) -> bool:
    return sum(any(sign.isdigit() for sign in text) and len(text) <= 40 for text in texts) >= enough * len(texts)


def _share(texts: Sequence[str], pattern: str) -> float:
    reader = pattern_of(pattern)
    return sum(reader.read(text, "UTC") is not None for text in texts) / len(texts)


def _differs(texts: Sequence[str], pattern: str, other: str) -> bool:
    left, right = pattern_of(pattern), pattern_of(other)
    return any(left.read(text, "UTC") != right.read(text, "UTC") for text in texts)
