"""What an expression gave, as the type of its canonical column: the rules of docs/sources.md, without Spark."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from pyspark.sql.types import BooleanType, DataType, DecimalType, DoubleType, IntegerType, StringType, TimestampType

from common.sources.mapping.conversion import NUMBER, OWN_TIME, TIME, UNSAID
from common.sources.mapping.model import ColumnMapping, Source
from common.sources.mapping.options import CURRENCY_WORDS, NumberStyle
from common.sources.mapping.patterns import time_pattern
from deploy.feeds.casts import NeedsSparkError, words_of
from deploy.feeds.patterns import at_zone, pattern_of, zone_of

_BLANKS = " \t\r\n\u00a0\u2007\u202f\ufeff"
_PLAIN = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_CURRENCY = rf"(?:[A-Z]{{0,3}}[$\u00a2-\u00a5\u20a0-\u20cf]|[A-Z]{{3}}|{CURRENCY_WORDS})"
_DATE_ALONE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})|(\d{4})(\d{2})(\d{2})|(\d{4})-(\d{2})", re.ASCII)
_DATED = re.compile(
    r"(?:(\d{4}-\d{1,2}-\d{1,2})[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?"
    r"|(\d{8})T(\d{2})(\d{2})(?:(\d{2})(?:[.,](\d+))?)?)"
    r" ?([zZ]|UTC|GMT|(?:UTC|GMT)?[+-]\d{1,2}(?::?\d{2}(?::?\d{2})?)?|[A-Z][A-Za-z_]+(?:/[A-Za-z0-9_+-]+)+)?",
    re.ASCII,
)
_UNSAID = re.compile(f"({UNSAID})?")
_YES, _NO = re.compile(r"true|t|yes|y|1(?:\.0*)?"), re.compile(r"false|f|no|n|-?0(?:\.0*)?")
_MICROS = {"s": Decimal(1_000_000), "ms": Decimal(1_000), "us": Decimal(1), "ns": Decimal("0.001")}
_FIRST_EPOCH, _LAST_EPOCH = 31_536_000_000_000, 7_258_118_400_000_000  # 1971 and 2200, in microseconds
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EXACT_FLOAT = 1 << 53
_MONEY = DecimalType(18, 4)


def converted(value: Any, wanted: DataType, mapping: ColumnMapping, source: Source, reads: str = "") -> Any:
    """``value`` as type ``wanted``; None where it cannot be read, or is nothing (see ``is_given``).

    Times are in UTC. ``reads`` is for a text that the job types later (common.sources.mapping.conversion.READS). Raises
    NeedsSparkError for a pattern or a type that is not known here.
    """
    if value is None:
        return None
    if isinstance(wanted, TimestampType):
        return moment_of(value, mapping, source)
    if mapping.epoch or mapping.timestamp_format or (isinstance(value, datetime) and value.tzinfo is None):
        moment = moment_of(value, mapping, source)
        return None if moment is None else _iso(moment)
    if isinstance(wanted, StringType) and reads == TIME:
        return _time_words(value, mapping, source)
    if isinstance(wanted, StringType):
        return _number_words(value, source.number_style) if reads == NUMBER else text_value(value)
    if isinstance(wanted, BooleanType):
        return _boolean(value)
    if isinstance(wanted, (DecimalType, DoubleType, IntegerType)):
        return _number(value, wanted, source.number_style)
    raise NeedsSparkError(f"a column of type {wanted.simpleString()}")


def _time_words(value: Any, mapping: ColumnMapping, source: Source) -> str | None:
    """A time for the job to read: as it was sent, but for the spellings that only the source explains."""
    text = text_value(value)
    if text is None or isinstance(value, datetime) or re.fullmatch(OWN_TIME, text, re.ASCII):
        return text
    moment = moment_of(value if isinstance(value, date) else text, mapping, source)
    return text if moment is None else _iso(moment)


def _number_words(value: Any, style: NumberStyle | None) -> str | None:
    if isinstance(value, str) and style is not None:
        text = value.strip(_BLANKS)
        # A word for nothing, such as (not set), is the job's to know.
        return number_text(text, style) if re.search("[0-9]", text) else text
    if isinstance(value, float):
        money = _number(value, _MONEY, None)
        return text_value(value) if money is None else f"{money.normalize():f}"
    return text_value(value)


def is_given(value: Any, wanted: DataType) -> bool:
    """Whether a value holds something: a blank text is nothing to a number, time or boolean."""
    if isinstance(value, str) and isinstance(wanted, BooleanType):
        return not _UNSAID.fullmatch(value.strip(_BLANKS).lower())
    if isinstance(value, float) and isinstance(wanted, BooleanType):
        return value == value
    if isinstance(value, str) and not isinstance(wanted, StringType):
        return bool(value.strip(_BLANKS))
    return value is not None


def text_value(value: Any) -> str | None:
    """A value as text: outer blanks off, a whole float without its point, a time in ISO 8601."""
    if isinstance(value, str):
        return value.strip(" ")
    if isinstance(value, float):
        if value != value or abs(value) >= _EXACT_FLOAT:
            return None
        return str(int(value)) if value.is_integer() else f"{Decimal(repr(value)):f}"
    if isinstance(value, datetime):
        return _iso(value)
    if isinstance(value, (dict, list)):
        raise NeedsSparkError("text from an object or a list")
    return words_of(value)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")


def moment_of(value: Any, mapping: ColumnMapping, source: Source) -> datetime | None:
    """A value as a time in UTC; a date without a time of day begins when it has begun both there and in UTC."""
    zone = source.time_zone
    try:
        if mapping.epoch:
            return _of_epoch(value, mapping.epoch)
        if mapping.timestamp_format:
            return _by_pattern(text_value(value), mapping.timestamp_format, zone)
        if isinstance(value, str):
            return _of_text(value.strip(_BLANKS), zone)
        if isinstance(value, datetime):
            return value.astimezone(UTC) if value.tzinfo else _in_utc(value, zone)
        if isinstance(value, date):
            return start_of_day(value, zone)
        if isinstance(value, (int, float, Decimal)) and not isinstance(value, bool):
            return _of_text(text_value(value) or "", zone) if 10_000_000 <= value <= 99_991_231 else None
    except (ValueError, OverflowError):
        return None
    return None


def _of_epoch(value: Any, unit: str) -> datetime | None:
    text = value.strip(_BLANKS) if isinstance(value, str) else words_of(value)
    if text is None or not _PLAIN.fullmatch(text):
        return None
    micros = math.floor(Decimal(text) * _MICROS[unit])
    return _EPOCH + timedelta(microseconds=micros) if _FIRST_EPOCH <= micros < _LAST_EPOCH else None


def _by_pattern(text: str | None, form: str, zone: str) -> datetime | None:
    asked = time_pattern(form)
    try:
        pattern = pattern_of(asked.spark)
    except ValueError as error:
        raise NeedsSparkError(str(error)) from error
    given = (text or "").strip(_BLANKS)
    given = re.sub(r"^[^0-9 ,]+[ ,]*", "", given) if asked.skips_weekday else given
    moment = pattern.read(given, zone if asked.has_time else "UTC")
    if moment is None and pattern.has_unknown_zone(given):
        raise NeedsSparkError("a zone by its abbreviation")
    if moment is None or asked.has_time:
        return moment
    return start_of_day(moment.date(), zone)


def _of_text(text: str, zone: str) -> datetime | None:
    alone = _DATE_ALONE.fullmatch(text)
    if alone:
        year, month, day = (
            alone[1] or alone[4] or alone[7],
            alone[2] or alone[5] or alone[8],
            alone[3] or alone[6] or 1,
        )
        return start_of_day(date(int(year), int(month), int(day)), zone)
    match = _DATED.fullmatch(text)
    if match is None:
        return None
    compact = match[6]
    day = date.fromisoformat(f"{compact[:4]}-{compact[4:6]}-{compact[6:]}") if compact else _day(match[1])
    hour, minute, second, fraction = (match[place] or "0" for place in ((7, 8, 9, 10) if compact else (2, 3, 4, 5)))
    micro = int(fraction.ljust(6, "0")[:6])
    local = datetime.combine(day, time(int(hour), int(minute), int(second), micro))
    named = match[11]
    if not named:
        return _in_utc(local, zone)
    offset = re.sub(r"^(?:UTC|GMT)(?=[+-])", "", named)
    there = zone_of(re.sub(r"^([+-])(\d)(?!\d)", r"\g<1>0\2", offset))
    return None if there is None else at_zone(local, there)


def _day(text: str) -> date:
    year, month, day = map(int, text.split("-"))
    return date(year, month, day)


def start_of_day(day: date, zone: str) -> datetime:
    """The first moment that belongs to ``day`` both in ``zone`` and in UTC."""
    midnight = datetime.combine(day, time.min)
    return max(midnight.replace(tzinfo=UTC), _in_utc(midnight, zone))


def _in_utc(local: datetime, zone: str) -> datetime:
    there = zone_of(zone)
    # Years that stand for "unknown" or "for ever" are kept as they are written.
    if there is None or not 1901 <= local.year <= 9998:
        return local.replace(tzinfo=UTC)
    return at_zone(local, there)


def _boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    text = (value.strip(_BLANKS) if isinstance(value, str) else words_of(value) or "").lower()
    return True if _YES.fullmatch(text) else False if _NO.fullmatch(text) else None


def _number(value: Any, wanted: DataType, style: NumberStyle | None) -> Any:
    if isinstance(value, (bool, date, list, dict)):
        raise NeedsSparkError(f"a number from {type(value).__name__}")
    if isinstance(value, str):
        return _exact(number_text(value.strip(_BLANKS), style), wanted)
    if isinstance(value, float):
        if isinstance(wanted, DoubleType):
            return value
        # Beyond 15 digits lies the noise of binary arithmetic.
        found = _exact(repr(value), wanted)
        return found if found is not None else _exact(f"{value:.14e}", wanted)
    return _exact(words_of(value), wanted)


def number_text(text: str, style: NumberStyle | None) -> str | None:
    """A number in text as ``-1234.5``; None when it is none by these style."""
    if style is None:
        return text if _PLAIN.fullmatch(text) else None
    even = text.translate(str.maketrans("\u00a0\u2009\u202f\u2019\u2212", "   '-"))
    bracketed = even.startswith("(") and even.endswith(")")
    bare = even[1:-1] if bracketed else even
    bare = re.sub(rf"^([+-]?) *{_CURRENCY} *", r"\1", bare)
    bare = re.sub(rf" *{_CURRENCY}(-?)$", r"\1", bare).strip()
    if bracketed:
        if "+" in bare or "-" in bare:
            return None
        bare = f"-{bare}"
    bare = re.sub(r"^([^+-].*[0-9]) *-$", r"-\1", bare)
    mark, group = re.escape(style.decimal), re.escape(style.thousands)
    digits = rf"(?:\d+|\d{{1,3}}(?:{group}\d{{2,3}})*{group}\d{{3}})" if style.thousands else r"\d+"
    if not re.fullmatch(rf"[+-]?(?:{digits}(?:{mark}\d*)?|{mark}\d+)(?:[eE][+-]?\d{{1,3}})?", bare, re.ASCII):
        return None
    plain = bare.replace(style.thousands, "") if style.thousands else bare
    return plain.replace(style.decimal, ".")


def _exact(text: str | None, wanted: DataType) -> Any:
    """A plain number text as a type, None where it would be rounded or overflow."""
    if text is None:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    if not number.is_finite():
        return None
    if isinstance(wanted, DoubleType):
        found = float(number)
        return (
            found if number != number.to_integral_value() or Decimal(found) == number or "e" in text.lower() else None
        )
    scale = wanted.scale if isinstance(wanted, DecimalType) else 0
    precision = wanted.precision if isinstance(wanted, DecimalType) else 10
    places = -int(number.normalize().as_tuple().exponent)
    if places > scale or abs(number) >= Decimal(10) ** (precision - scale):
        return None
    if isinstance(wanted, IntegerType):
        return int(number) if -(1 << 31) <= number < 1 << 31 else None
    return number.quantize(Decimal(1).scaleb(-scale))
