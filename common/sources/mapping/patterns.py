"""Patterns of times (``timestamp_format``): what is meant, checked before Spark starts, and what Spark is given."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Letter of the pattern -> the numbers of it in a row that Spark reads.
_LETTERS = {
    "y": (1, 2, 4),
    "M": (1, 2, 3, 4),
    "L": (1, 2, 3, 4),
    "d": (1, 2),
    "D": (1, 3),
    "E": (1, 2, 3, 4),
    "H": (1, 2),
    "h": (1, 2),
    "K": (1, 2),
    "k": (1, 2),
    "m": (1, 2),
    "s": (1, 2),
    "S": tuple(range(1, 10)),
    "a": (1,),
    "V": (2,),
    "z": (1, 2, 3, 4),
    "O": (1, 4),
    "X": (1, 2, 3, 4, 5),
    "x": (1, 2, 3, 4, 5),
    "Z": (1, 2, 3, 4, 5),
}
_DATE, _TIME, _OFFSET, _ZONE = frozenset("yMLdD"), frozenset("HhKkmsS"), frozenset("XxZ"), frozenset("VzOXxZ")
_FIELDS = re.compile(r"'(?:[^']|'')*'|([A-Za-z])\1*|.", re.DOTALL)
# Python and C: %Y-%m-%d.
_STRFTIME = {
    "Y": "yyyy",
    "y": "yy",
    "m": "MM",
    "d": "dd",
    "H": "HH",
    "I": "hh",
    "M": "mm",
    "S": "ss",
    "f": "SSSSSS",
    "p": "a",
    "z": "Z",
    "b": "MMM",
    "B": "MMMM",
    "j": "DDD",
    "F": "yyyy-MM-dd",
    "T": "HH:mm:ss",
    "Z": "z",
    "a": "EEE",
    "A": "EEEE",
    "%": "%",
}
# Letters of other tools, and the T of ISO 8601 without its apostrophes.
_SLIPS = "YAT"
_ANY_OFFSET = "[XXX][XX][X]"


@dataclass(frozen=True)
class TimePattern:
    """A pattern as Spark takes it, and what a text of it holds.

    ``spark`` reads fractions of any length, or none, and offsets in each of their spellings. ``skips_weekday``: a name
    of a weekday comes first, and is to be taken off the text.
    """

    spark: str
    has_time: bool
    has_zone: bool
    skips_weekday: bool


def time_pattern(pattern: str) -> TimePattern:
    """What ``pattern`` asks for. Raises ValueError, with the pattern that is likely meant, for one that reads nothing.

    Letters as in Spark's "Datetime Patterns for Formatting and Parsing".
    """
    if "%" in pattern:
        lettered = re.sub(r"%(.)", lambda found: _STRFTIME.get(found.group(1), found.group(0)), pattern)
        raise ValueError(_instead(pattern, lettered, "patterns are written with letters, not with %"))
    if pattern.count("'") % 2:
        raise ValueError(f"'{pattern}' has an apostrophe that is not closed: a text stands between two")
    fields = [found.group() for found in _FIELDS.finditer(pattern)]
    for field in fields:
        if field in "#{}" or (field.isalpha() and field[0] not in {*_LETTERS, *_SLIPS}):
            raise ValueError(f"'{pattern}' cannot be a pattern: {field} means nothing there; put a text in apostrophes")
    meant, why = _meant(fields)
    if meant != fields:
        raise ValueError(_instead(pattern, "".join(meant), why))
    _check(fields, pattern)
    return _for_spark(fields)


def _instead(pattern: str, meant: str, why: str) -> str:
    return f"'{pattern}' cannot be a pattern: {why}; write {meant}"


def _meant(fields: list[str]) -> tuple[list[str], str]:
    """``fields`` with common slips corrected, and the first reason."""
    meant, why = list(fields), ""
    for correct in (_of_dates, _of_single_fields, _of_hours):
        meant, because = correct(meant)
        why = why or because
    return meant, why


def _letters(fields: list[str]) -> set[str]:
    return {field[0] for field in fields if field.isalpha()}


def _with(fields: list[str], old: str, new: str) -> list[str]:
    return [new * len(field) if field.isalpha() and field[0] == old else field for field in fields]


def _of_dates(fields: list[str]) -> tuple[list[str], str]:
    why = ""
    if "Y" in _letters(fields):
        fields, why = _with(fields, "Y", "y"), "YYYY is the year of a week, yyyy the calendar year"
    if "D" in _letters(fields) and (_letters(fields) & {"M", "L", "m"} or "DD" in fields):
        fields, why = _with(fields, "D", "d"), why or "D is the day of the year, d that of the month"
    return fields, why


def _of_single_fields(fields: list[str]) -> tuple[list[str], str]:
    meant, why = list(fields), ""
    for place, field in enumerate(meant):
        letters = _letters(meant)
        if field == "T" and place and meant[place - 1][0] in "dDMy":
            meant[place], why = "'T'", "a letter of the text stands in apostrophes"
        elif set(field) == {"m"} and not letters & {"M", "L", "D"} and not _follows_hour(meant, place):
            meant[place], why = field.upper(), "m is minutes, M is months"
        elif set(field) == {"M"} and _follows_hour(meant, place):
            meant[place], why = field.lower(), "M is months, m is minutes"
        elif set(field) == {"S"} and "s" not in letters:
            meant[place], why = "s" * min(len(field), 2), "S is the fraction of a second, s seconds"
    return meant, why


def _of_hours(fields: list[str]) -> tuple[list[str], str]:
    why = ""
    if "A" in _letters(fields):
        fields, why = _with(fields, "A", "a"), "AM and PM are a"
    letters = _letters(fields)
    if letters & {"h", "K"} and "a" not in letters:
        why = "hh is the hour of AM and PM, which need a; HH is that of the day"
        fields = _with(_with(fields, "h", "H"), "K", "H")
    elif "a" in letters and letters & {"H", "k"}:
        fields, why = _with(_with(fields, "H", "h"), "k", "h"), "HH is the hour of the day; with AM and PM (a) it is hh"
    return fields, why


def _follows_hour(fields: list[str], place: int) -> bool:
    """Whether the letter field before ``place`` is an hour and what parts them cannot part a date from a time."""
    before = [field for field in fields[:place] if field[0].isalpha()]
    between = fields[place - 1] if place else ""
    return bool(before) and before[-1][0] in "HhKk" and (between in {":", ".", "-", "_", "'h'"} or between[0] in "HhKk")


def _check(fields: list[str], pattern: str) -> None:
    letters = [field[0] for field in fields if field.isalpha()]
    for place, field in enumerate(fields):
        if field.isalpha() and len(field) not in _LETTERS.get(field[0], ()):
            counts = ", ".join(field[0] * count for count in _LETTERS.get(field[0], ()))
            raise ValueError(f"'{pattern}' cannot be a pattern: {field} means nothing there; write one of {counts}")
        if field[0] == "E" and place:
            raise ValueError(f"'{pattern}' cannot be a pattern: the weekday ({field}) is read at the beginning only")
    twice = sorted({letter for letter in letters if letters.count(letter) > 1})
    if twice:
        raise ValueError(f"'{pattern}' cannot be a pattern: it has {twice[0]} twice")
    if "y" not in letters:
        missing = "a time of day needs a date" if not _DATE & set(letters) else "it has no year (yyyy)"
        raise ValueError(f"'{pattern}' cannot be a pattern of times: {missing}")
    if "d" in letters and not {"M", "L"} & set(letters):
        raise ValueError(f"'{pattern}' cannot be a pattern of times: it has a day but no month (MM)")
    if _TIME & set(letters) and not set("HhKk") & set(letters):
        raise ValueError(f"'{pattern}' cannot be a pattern of times: it has minutes or seconds but no hour (HH)")
    if _TIME & set(letters) and not {"d", "D"} & set(letters):
        raise ValueError(f"'{pattern}' cannot be a pattern of times: it has a time of day but no day (dd)")


def _for_spark(fields: list[str]) -> TimePattern:
    letters = {field[0] for field in fields if field.isalpha()}
    named = bool(letters & _ZONE)
    if fields[-1].upper() in {"'Z'", "'UTC'", "'GMT'"}:
        # A Z that is quoted is still the Z of UTC.
        named = True
    skips = fields[0][0] == "E"
    pieces: list[str] = []
    for field in fields:
        if field[0] == "E":
            continue
        if field[0] == "S" and field.isalpha():
            # Some writers leave a fraction of zero out.
            mark = pieces.pop() if pieces and pieces[-1] in {".", ",", ":"} else ""
            pieces.append(f"[{mark}SSSSSSSSS]")
        elif field[0] in _OFFSET:
            pieces.append(_ANY_OFFSET)
        else:
            pieces.append(field)
    text = "".join(pieces)
    return TimePattern(text.lstrip(" ,") if skips else text, bool(letters & _TIME), named, skips)
