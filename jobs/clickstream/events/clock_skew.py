"""Event times: read from text, corrected for the device's clock, and judged.

A time that the sender set (``true_tstamp``), or that the feed has worked out (``derived_tstamp``), is taken as it is.
Otherwise the corrected time follows Snowplow:
``derived_tstamp = collector_tstamp - (dvce_sent_tstamp - dvce_created_tstamp)``.
Both device times come from one clock, so its error cancels; transit from device to collector is assumed to be instant.
Snowplow Analytics, "Improving Snowplow's understanding of time" (2015).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

TIME_COLUMNS = ("collector_tstamp", "dvce_created_tstamp", "dvce_sent_tstamp", "true_tstamp", "derived_tstamp")
DEVICE, COLLECTOR, CORRECTED, SENT, TRUE = "device", "collector", "skew_corrected", "sent", "true_tstamp"

_NUMBER = r"^[0-9]{1,18}(\.[0-9]{1,9})?$"
_ISO = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?"
    r"( ?(Z|UTC|[+-][0-9]{2}(:?[0-9]{2})?))?$"
)
# Possible units of an epoch number, in microseconds. Each is a factor of 1000 away from the next.
_EPOCH_UNITS_MICROS = (1_000_000, 1_000, 1)
_ZONED = r"(?i)(z|utc|gmt|[+-][0-9]{2}(:?[0-9]{2})?)$"
_LOCAL = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.]{5,}$"


@dataclass(frozen=True)
class TimeLimits:
    """The times a run accepts: events from the day ``earliest`` to the moment ``latest``, UTC."""

    earliest: date
    latest: datetime


def in_utc(text: Column, time_zone: str) -> Column:
    """``text`` with a time that names no zone taken as local to ``time_zone`` and moved to UTC; other text as it is."""
    local = text.rlike(_LOCAL) & ~F.substring(text, 11, 40).rlike(_ZONED)
    read = F.try_to_timestamp(F.when(local, text))
    return F.coalesce(F.to_utc_timestamp(read, time_zone).cast("string"), text)


def timestamp_of(text: Column, limits: TimeLimits) -> Column:
    """``text`` as a timestamp, null when it is not one.

    Reads ISO 8601 with a time of day (without an offset it is UTC) and epoch numbers. Whether a number counts seconds,
    milliseconds or microseconds is decided by which of them gives a time from ``limits.earliest`` to a year after
    ``limits.latest``: at most one can. When none does, the result is null rather than a guess.
    """
    spelt = F.regexp_replace(
        F.regexp_replace(F.replace(text, F.lit(","), F.lit(".")), r" ?UTC$", "Z"), r" ([+-]|Z)", "$1"
    )
    spelt = F.regexp_replace(spelt, r"([+-][0-9]{2}):?([0-9]{2})$", "$1:$2")
    # "2026-11-20 10:00" ends like an offset would, but "20 10:00" has no sign before it.
    return F.coalesce(
        F.when(text.rlike(_ISO), F.try_to_timestamp(spelt)),
        _epoch(text, limits),
    )


def _epoch(text: Column, limits: TimeLimits) -> Column:
    low = _micros(datetime.combine(limits.earliest, datetime.min.time(), tzinfo=UTC))
    high = _micros(limits.latest + timedelta(days=366))
    number = F.when(text.rlike(_NUMBER), text).cast("decimal(28,9)")
    candidates = []
    for unit_micros in _EPOCH_UNITS_MICROS:
        plausible = number.between(F.lit(low / unit_micros), F.lit(high / unit_micros))
        micros = F.when(plausible, F.floor(number * F.lit(unit_micros))).cast("bigint")
        candidates.append(F.timestamp_micros(micros))
    return F.coalesce(*candidates)


def _micros(moment: datetime) -> int:
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1))


def with_event_times(events: DataFrame, limits: TimeLimits) -> DataFrame:
    """``events`` with typed times and with ``derived_tstamp``, ``derived_tstamp_source`` and ``event_date``.

    The text columns TIME_COLUMNS become timestamps, null when they cannot be read or are not there.
    ``derived_tstamp_source`` says which rule gave ``derived_tstamp``: ``true_tstamp`` where that was sent, ``sent``
    where ``derived_tstamp`` itself was, ``skew_corrected`` (see the module), ``collector`` where a device time is
    absent or the device says that it sent before it created, ``device`` where only the device's creation time is known.
    """
    texts = {name: F.col(name) if name in events.columns else F.lit(None).cast("string") for name in TIME_COLUMNS}
    typed = events.withColumns({name: timestamp_of(text, limits) for name, text in texts.items()})
    collector, created, sent, true, worked_out = (F.unix_micros(name) for name in TIME_COLUMNS)
    lag_micros = sent - created
    corrected = F.when(lag_micros >= 0, collector - lag_micros)
    derived = F.coalesce(true, worked_out, corrected, collector, created)
    source = (
        F.when(true.isNotNull(), F.lit(TRUE))
        .when(worked_out.isNotNull(), F.lit(SENT))
        .when(corrected.isNotNull(), F.lit(CORRECTED))
        .when(collector.isNotNull(), F.lit(COLLECTOR))
        .when(created.isNotNull(), F.lit(DEVICE))
    )
    dated = typed.withColumns({"derived_tstamp": F.timestamp_micros(derived), "derived_tstamp_source": source})
    return dated.withColumn("event_date", F.to_date("derived_tstamp"))


def is_impossible(limits: TimeLimits) -> Column:
    """True for an event before ``limits.earliest``: a clock that was never set."""
    return F.col("event_date") < F.lit(limits.earliest)


def is_future(limits: TimeLimits) -> Column:
    """True for an event after ``limits.latest``."""
    return F.col("derived_tstamp") > F.lit(limits.latest)
