"""The reader options of a source, the names of encodings, as people write them, and how its numbers are written."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from common.words import did_you_mean, nearest

CURRENCY_WORDS = "(?:Kč|zł|kr|Ft|Rs|lei|лв|руб|р)[.]?"  # noqa: RUF001 - Cyrillic
"""Pattern of the words, other than codes and signs, that stand around amounts."""


@dataclass(frozen=True)
class NumberStyle:
    """The mark before decimals, and the one between groups of digits (or none)."""

    decimal: str = "."
    thousands: str = ""


_CSV = (
    "sep quote escape header multiline comment nullValue emptyValue ignoreLeadingWhiteSpace ignoreTrailingWhiteSpace "
    "maxColumns maxCharsPerColumn timestampFormat dateFormat"
)
_JSON = (
    "allowComments allowSingleQuotes allowUnquotedFieldNames allowNumericLeadingZeros allowNonNumericNumbers "
    "primitivesAsString timestampFormat dateFormat"
)
_KNOWN: dict[str, tuple[str, ...]] = {
    "csv": tuple(_CSV.split()),
    "json": tuple(_JSON.split()),
    "parquet": (),
    "access_log": (),
}
_SAME = {"delimiter": "sep", "separator": "sep", "quotechar": "quote", "escapechar": "escape"}
_MARKS = {"quote", "escape", "comment"}
_SWITCHES = {"header", "multiline", "ignoreLeadingWhiteSpace", "ignoreTrailingWhiteSpace", "primitivesAsString"}
_NUMBERS = {"maxColumns", "maxCharsPerColumn"}
_NAMED = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}
# Keys of a source that are easily taken for options.
_ABOVE = {"encoding", "charset", "time_zone", "raw_schema", "decimal", "thousands"}

# Python's name of an encoding -> how the suite calls it. The newline is one byte in all but UTF-16 and UTF-32.
_ENCODINGS = {
    "utf-8": "utf-8",
    "utf-8-sig": "utf-8",
    "ascii": "utf-8",
    "utf-16": "utf-16",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
    "utf-32": "utf-32",
    "iso8859-1": "latin-1",
    "cp1252": "windows-1252",
}
_ONE_BYTE_NEWLINE = (
    *(f"iso8859-{part}" for part in (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16)),
    *(f"cp125{part}" for part in range(9)),
    *("cp437", "cp850", "cp852", "cp855", "cp866", "cp874", "koi8-r", "koi8-u", "mac-roman", "mac-cyrillic"),
    *("shift_jis", "cp932", "euc_jp", "euc_kr", "cp949", "gb2312", "gbk", "gb18030", "big5"),
)
_NO_ZONES = {"posix", "right", "posixrules", "localtime", "Factory"}
WIDE = frozenset({"utf-16", "utf-16-le", "utf-16-be", "utf-32"})
"""Encodings in which a newline is more than one byte: such files are read as UTF-8, and not in ranges."""


def encoding_of(name: str) -> str:
    """The suite's name of an encoding: ``UTF8`` is ``utf-8``, ``cp1252`` is ``windows-1252``. Raises ValueError."""
    try:
        found = codecs.lookup(name.strip()).name
    except LookupError:
        found = ""
    if found in _ENCODINGS:
        return _ENCODINGS[found]
    if found in _ONE_BYTE_NEWLINE:
        return found
    known = (*_ENCODINGS.values(), *_ONE_BYTE_NEWLINE)
    raise ValueError(
        f"'{name}' is not an encoding that can be read.{did_you_mean(name, known)} "
        "Common ones are utf-8, utf-16, latin-1 and windows-1252"
    )


def zone_of(name: str) -> str:
    """``name``, when it is the name of a zone of IANA that Java knows too. Raises ValueError."""
    try:
        # Python also takes its own folders and files for zones: Europe, posix/Europe/Berlin, localtime.
        if name.partition("/")[0] in _NO_ZONES:
            raise ValueError(name)
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        known = sorted(available_timezones())
        cities = [zone for zone in known if zone.rpartition("/")[2].lower() == name.strip().lower()]
        near = nearest(name, known) if "/" in name else None
        meant = cities[0] if cities else near or "for example Europe/London"
        raise ValueError(f"'{name}' is not an IANA time zone: write {meant}") from error


def options_of(source_format: str, given: Mapping[object, object]) -> dict[str, str]:
    """The options of a format by their own names, as text; a csv option may be written as other tools call it.

    Raises ValueError: an option that the format does not have, or a value that cannot be.
    """
    found: dict[str, str] = {}
    spelt: dict[str, object] = {}
    for key, value in given.items():
        name = _name(str(key), source_format)
        if name in found:
            raise ValueError(f"options: '{spelt[name]}' and '{key}' are the same: leave one of them out")
        spelt[name] = key
        found[name] = _value(name, value)
    separator = found.get("sep", ",")
    if source_format == "csv" and separator == found.get("quote", '"'):
        raise ValueError(f"options: sep and quote are both {separator!r}")
    return found


def _name(key: str, source_format: str) -> str:
    known = _KNOWN.get(source_format)
    if known is None:
        return key
    spelt = {name.lower(): name for name in known}
    plain = key.lower().replace("_", "")
    found = spelt.get(plain) or spelt.get(_SAME.get(plain, ""))
    if found:
        return found
    if key.lower() in _ABOVE:
        name = "encoding" if key.lower() == "charset" else key.lower()
        raise ValueError(f"options: '{key}' is not an option: write {name} as a key of the source itself")
    if not known:
        raise ValueError(f"options: format {source_format} has no options, so '{key}' cannot be one")
    raise ValueError(f"options: unknown option '{key}' of format {source_format}.{did_you_mean(key, known)}")


def _value(name: str, value: object) -> str:
    if isinstance(value, bool):
        text = str(value).lower()
    elif isinstance(value, (str, int, float)):
        text = str(value)
    elif value is None:
        text = ""
    else:
        raise ValueError(f"options: '{name}' is a text, a number, true or false, not a list or a mapping")
    if name in _SWITCHES or name.startswith("allow"):
        if text.lower() not in {"true", "false"}:
            raise ValueError(f"options: '{name}' is true or false, not {text!r}")
        return text.lower()
    if name in _NUMBERS and not text.removeprefix("-").isdecimal():
        raise ValueError(f"options: '{name}' is a whole number, not {text!r}")
    if name == "sep":
        text = _NAMED.get(text.lower(), text)
        if not text or "\n" in text:
            raise ValueError("options: 'sep' is the mark between two fields, e.g. ';' or '\\t'")
    if name in _MARKS:
        text = _NAMED.get(text, text)
        if len(text) > 1:
            raise ValueError(f"options: '{name}' is one character, or '' for none, not {text!r}")
    return text
