"""Times by the patterns of a source (java.time's letters), without Java."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_PIECE = re.compile(r"'(?:[^']|'')*'|([A-Za-z])\1*|[^A-Za-z]")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FULL_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_DAYS = "mon|tue|wed|thu|fri|sat|sun"
_FULL_DAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_OFFSET = r"[+-]\d{2}(?::?\d{2}(?::?\d{2})?)?"
_ZONES = {"Z", "UTC", "GMT", "UT"}


@dataclass(frozen=True)
class Pattern:
    """A pattern turned into a regular expression; ``names_zone`` when its times say their own zone or offset."""

    regex: re.Pattern[str]
    names_zone: bool
    has_time: bool

    def read(self, text: str, zone: str) -> datetime | None:
        """The moment in UTC that ``text`` names, a local one of ``zone``; None when it does not follow the pattern."""
        match = self.regex.fullmatch(text)
        if match is None:
            return None
        try:
            return _moment(match.groupdict(), zone)
        except (ValueError, OverflowError):
            return None

    def has_unknown_zone(self, text: str) -> bool:
        """Whether ``text`` names its zone by an abbreviation, of which only Java says which it means."""
        match = self.regex.fullmatch(text)
        named = match.groupdict().get("zone") if match else None
        return bool(named) and zone_of(str(named)) is None


class UnknownLetterError(ValueError):
    """A pattern that this reader does not understand."""


@lru_cache(maxsize=4096)
def pattern_of(text: str) -> Pattern:
    """A pattern by its text. Raises UnknownLetterError for letters that this reader does not know."""
    parts: list[str] = []
    zoned = False
    letters = ""
    for match in _PIECE.finditer(text):
        piece = match.group()
        if match.group(1):
            part = _letters(piece)
            # An offset may be allowed in several spellings, one after the other.
            parts.append(part.replace("<offset>", f"<offset{len(parts)}>"))
            letters += piece[0]
            zoned = zoned or piece[0] in "XxZzVO"
        elif piece.startswith("'") and len(piece) > 1:
            parts.append(re.escape(piece[1:-1].replace("''", "'") or "'"))
        elif piece == "[":
            parts.append("(?:")
        elif piece == "]":
            parts.append(")?")
        else:
            parts.append(re.escape(piece))
    return Pattern(re.compile("".join(parts), re.IGNORECASE), zoned, bool(set(letters) & set("HhKk")))


def _letters(piece: str) -> str:
    letter, count = piece[0], len(piece)
    digits = {"d": "day", "H": "hour", "h": "hour12", "m": "minute", "s": "second", "k": "hour24"}
    if letter in "yu":
        return r"(?P<year2>\d{2})" if count == 2 else rf"(?P<year>\d{{{4 if count == 4 else 1},{max(4, count)}}})"
    if letter in "ML":
        if count <= 2:
            return rf"(?P<month>\d{{{count},2}})"
        return f"(?P<name>{'|'.join(_MONTHS if count == 3 else _FULL_MONTHS)})"
    if letter in digits and count <= 2:
        return rf"(?P<{digits[letter]}>\d{{{count},2}})"
    if letter == "S":
        return rf"(?P<fraction>\d{{1,{count}}})"
    if letter == "a":
        return r"(?P<half>am|pm)"
    if letter == "E":
        return f"(?:{_DAYS if count <= 3 else _FULL_DAYS})"
    if letter in "XxZ":
        return f"(?P<offset>{_offset(letter, count)})"
    if letter in "zVO":
        return rf"(?P<zone>[A-Za-z][A-Za-z0-9_/+-]*{f'|{_OFFSET}' if letter == 'V' else ''})"
    raise UnknownLetterError(f"the pattern letter {letter} needs Spark")


def _offset(letter: str, count: int) -> str:
    """As java.time reads offsets: ``X`` and ``x`` hours, with minutes as their number says, ``X`` also ``Z``."""
    if letter == "Z":
        return r"[+-]\d{2}:\d{2}|Z" if count == 5 else r"[+-]\d{4}"
    forms = {1: r"[+-]\d{2}(?:\d{2})?", 2: r"[+-]\d{4}", 3: r"[+-]\d{2}:\d{2}"}
    if count not in forms:
        raise UnknownLetterError(f"the pattern letters {letter * count} need Spark")
    return forms[count] + ("|Z" if letter == "X" else "")


def _moment(found: dict[str, str | None], zone: str) -> datetime | None:
    def number(name: str, default: int) -> int:
        text = found.get(name)
        return default if text is None else int(text)

    year = number("year", 1970)
    if found.get("year2") is not None:
        year = 2000 + number("year2", 0)
    month = number("month", 1)
    if found.get("name"):
        month = [name[:3] for name in _MONTHS].index(str(found["name"]).lower()[:3]) + 1
    hour = number("hour", number("hour24", 0) % 24)
    if found.get("hour12") is not None:
        half = number("hour12", 0)
        if not 1 <= half <= 12:
            return None
        hour = half % 12 + (12 if str(found.get("half")).lower() == "pm" else 0)
    micro = int((found.get("fraction") or "0").ljust(6, "0")[:6])
    day = date(year, month, number("day", 1))
    local = datetime.combine(day, time(hour, number("minute", 0), number("second", 0), micro))
    offset = next((text for name, text in found.items() if name.startswith("offset") and text), None)
    named = offset or found.get("zone") or zone
    there = zone_of(named)
    return None if there is None else at_zone(local, there)


def at_zone(local: datetime, zone: tzinfo) -> datetime:
    """A local time of ``zone`` in UTC, the earlier one where clocks were set back."""
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)


@lru_cache(maxsize=1024)
def zone_of(name: str) -> tzinfo | None:
    """The zone of an IANA name or an offset such as ``+02``, ``+0200`` or ``+02:00``; None for anything else."""
    if name.upper() in _ZONES:
        return UTC
    if re.fullmatch(_OFFSET, name):
        digits = name[1:].replace(":", "").ljust(6, "0")
        seconds = int(digits[:2]) * 3600 + int(digits[2:4]) * 60 + int(digits[4:6])
        # No place is farther from UTC, and Java takes no such offset.
        return timezone(timedelta(seconds=-seconds if name[0] == "-" else seconds)) if seconds <= 64_800 else None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
