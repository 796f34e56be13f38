"""Times of every spelling to the instant, and dates that stay the date they are.

A step is SQL in which ``{v}`` stands for the value of the step before: each is a column of its own, for a text that
named its value several times would double with every step.

One rule for a date without a time of day: its moment is the first one that belongs to it both by the clock of the
source's zone and by that of UTC, so neither moves it to the day before.
"""

from __future__ import annotations

from common.sources.mapping.patterns import TimePattern

_DATE = "[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
_COMPACT_DATE = "[0-9]{8}"
_CLOCK = "[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?"
_COMPACT_CLOCK = "[0-9]{4}(?:[0-9]{2})?"
# Spark reads six digits of a fraction.
_FRACTION = "(?:([.,][0-9]{1,6})[0-9]*)?"
_OFFSET = "[+-][0-9]{1,2}(?::?[0-9]{2}(?::?[0-9]{2})?)?"
# Abbreviations mean several zones, and Spark takes BST for Dhaka: only names with a slash, and UTC.
_ZONE = f"[zZ]|UTC|GMT|(?:UTC|GMT)?{_OFFSET}|[A-Z][A-Za-z_]+(?:/[A-Za-z0-9_+-]+)+"
_DATED = f"^(?:({_DATE})[T ]({_CLOCK}){_FRACTION}|({_COMPACT_DATE})T({_COMPACT_CLOCK}){_FRACTION}) ?({_ZONE})?$"
_PARTS = "$1$4~$2$5$3$6~$7"
_COMMON = "^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}$"
_READY = "\\u0001"
_DATE_ALONE = f"^(?:{_DATE}|{_COMPACT_DATE}|[0-9]{{4}}-[0-9]{{2}})$"
_FIRST, _LAST = "TIMESTAMP'0001-01-01 00:00:00Z'", "TIMESTAMP'9999-12-31 23:59:59.999999Z'"
ZONED_YEARS = (1901, 9998)
"""Years with zones: those that stand for "unknown" or "for ever" (1899, 1900, 9999) lie outside, and times without."""

MICROS = {"s": 1_000_000, "ms": 1_000, "us": 1, "ns": 0.001}
"""Microseconds of each unit that an epoch may count."""
# Seconds read as milliseconds, or these as microseconds, are days of January 1970; the other way round years ahead.
_FIRST_EPOCH, _LAST_EPOCH = 31_536_000_000_000, 7_258_118_400_000_000  # 1971 and 2200, in microseconds


def time_of_text(zone: str) -> list[str]:
    """Steps from a trimmed text in ISO 8601, or near it, to its instant; null when it is none.

    Date and time of day parted by ``T`` or a blank, a fraction of any length, then an offset (``+02``, ``+0200``,
    ``+02:00``), ``Z``, ``UTC``, a zone with a slash (``Europe/Berlin``), or none: local to ``zone``. Dates alone, also
    ``20240506`` and ``2024-05``, are ``start_of_day``. A time of day without a date is none.
    """
    date, named = "substring_index({v}, '~', 1)", "substring_index({v}, '~', -1)"
    clock = "substring_index(substring_index({v}, '~', 2), '~', -1)"
    dashed = f"CASE WHEN {date} LIKE '____-%' THEN {date} ELSE {_dashed(date)} END"
    colons = (
        # Spark reads a zone behind seconds only.
        f"CASE WHEN {clock} LIKE '%:%:%' THEN {clock} WHEN {clock} LIKE '%:%' THEN concat({clock}, ':00') "
        f"ELSE {_with_colons(clock)} END"
    )
    suffix = (
        f"CASE WHEN {named} = '' THEN {_zone_suffix('{v}', zone)} WHEN upper({named}) IN ('Z', 'UTC', 'GMT') THEN 'Z' "
        f"WHEN {named} LIKE '%/%' THEN concat(' ', {named}) ELSE {named} END"
    )
    whole = f"replace(concat({dashed}, ' ', {colons}, {suffix}), ',', '.')"
    alone = f"CASE WHEN {is_date_text('{v}')} THEN {_one_date('{v}')} END"
    return [
        # The commonest spelling, which Spark reads as it is, at a third of the cost.
        f"CASE WHEN {{v}} RLIKE '{_COMMON}' THEN concat('{_READY}', {{v}}, {_zone_suffix('{v}', zone)}) "
        f"ELSE regexp_replace({{v}}, '{_DATED}', '{_PARTS}') END",
        f"CASE WHEN {{v}} LIKE '{_READY}%' THEN substring({{v}}, 2) WHEN {{v}} LIKE '%~%~%' THEN {whole} "
        f"ELSE {alone} END",
        # Of a text that begins otherwise Spark might make a time of today.
        f"CASE WHEN length({{v}}) <= 10 THEN {_first_moment('{v}', zone)} "
        "WHEN {v} LIKE '____-%' THEN try_cast({v} AS TIMESTAMP) END",
        POSSIBLE,
    ]


def _dashed(date: str) -> str:
    return f"concat(substring({date}, 1, 4), '-', substring({date}, 5, 2), '-', substring({date}, 7, 2))"


def _with_colons(clock: str) -> str:
    seconds = f"CASE WHEN length({clock}) > 4 THEN concat(':', substring({clock}, 5)) ELSE ':00' END"
    return f"concat(substring({clock}, 1, 2), ':', substring({clock}, 3, 2), {seconds})"


def _zone_suffix(text: str, zone: str) -> str:
    """SQL of the zone to put behind a local time whose text begins with its year."""
    if zone == "UTC":
        return "'Z'"
    first, last = ZONED_YEARS
    return f"CASE WHEN substring({text}, 1, 4) BETWEEN '{first}' AND '{last}' THEN ' {zone}' ELSE 'Z' END"


def _first_moment(date: str, zone: str) -> str:
    utc = f"try_cast({date} AS TIMESTAMP)"
    if zone == "UTC":
        return utc
    return f"greatest({utc}, try_cast(concat({date}, ' 00:00:00', {_zone_suffix(date, zone)}) AS TIMESTAMP))"


def _one_date(text: str) -> str:
    return (
        f"CASE WHEN {text} LIKE '____-__' THEN concat({text}, '-01') WHEN {text} LIKE '____-%' THEN {text} "
        f"ELSE {_dashed(text)} END"
    )


def is_date_text(text: str) -> str:
    """SQL that is true where ``text`` is a date without a time of day."""
    return f"{text} RLIKE '{_DATE_ALONE}'"


def date_of_text(text: str) -> str:
    """SQL of the date that ``text``, of which ``is_date_text`` holds, names; null when there is none."""
    return f"try_cast({_one_date(text)} AS DATE)"


def time_by_pattern(pattern: TimePattern, zone: str) -> list[str]:
    """Steps from a trimmed text to the instant that it gives by ``pattern``, local to ``zone`` without one there."""
    text = "{v}"
    if pattern.skips_weekday:
        # Spark does not read names of weekdays; the date says which it is.
        text = "regexp_replace({v}, '^[^0-9 ,]+[ ,]*', '')"
    parsed = f"try_to_timestamp({text}, '{_sql(pattern.spark)}')"
    if not pattern.has_time:
        return [f"CAST({parsed} AS DATE)", start_of_day(zone), POSSIBLE]
    return [parsed, POSSIBLE] if pattern.has_zone else [parsed, in_utc(zone), POSSIBLE]


def _sql(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def in_utc(zone: str, local: str = "{v}") -> str:
    """SQL of the instant at which clocks of ``zone`` show ``local``, itself read by the clock of UTC.

    Years of sentinels (up to 1900, and 9999) are kept as they are written.
    """
    if zone == "UTC":
        return local
    first, last = ZONED_YEARS
    return (
        f"CASE WHEN year({local}) BETWEEN {first} AND {last} THEN to_utc_timestamp({local}, '{zone}') ELSE {local} END"
    )


def start_of_day(zone: str) -> str:
    """SQL of the first moment that belongs to a date both in ``zone`` and in UTC."""
    midnight = "CAST({v} AS TIMESTAMP)"
    return midnight if zone == "UTC" else f"greatest({midnight}, {in_utc(zone, midnight)})"


def time_of_epoch(unit: str) -> str:
    """SQL of the instant a DECIMAL(38,9) of units after 1970; null outside the years 1971 to 2199.

    A count in another unit than the source says would otherwise be a time that looks real.
    """
    per_unit = MICROS[unit]
    low, high = _FIRST_EPOCH / per_unit, _LAST_EPOCH / per_unit
    micros = f"{{v}} * {per_unit}" if per_unit >= 1 else "{v} / 1000"
    inside = f"CASE WHEN {{v}} >= {low:.0f} AND {{v}} < {high:.0f} THEN try_cast(floor({micros}) AS BIGINT) END"
    return f"timestamp_micros({inside})"


def date_of_number() -> list[str]:
    """Steps from a DECIMAL(38,9) such as 20240506 to the date that it spells; null for every other number."""
    whole = (
        "CASE WHEN {v} = floor({v}) AND {v} BETWEEN 10000000 AND 99991231 THEN CAST(try_cast({v} AS INT) AS STRING) END"
    )
    return [whole, date_of_text("{v}")]


# Neither Python nor a report can name other years.
POSSIBLE = f"CASE WHEN {{v}} BETWEEN {_FIRST} AND {_LAST} THEN {{v}} END"
