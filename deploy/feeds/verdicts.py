"""What would become of a mapped row: published, repeated, or rejected with reasons, as the ingest's own rules say."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from common.job.catalogue import params_of
from common.quality.library import NOTHING
from deploy.feeds.targets import Target
from deploy.tables.reasons import ABOUT

PUBLISHED, REPEATED, REJECTED, LEFT_OUT = "published", "repeated", "rejected", "left out"
_NOTHING = {
    "",
    "null",
    "none",
    "nan",
    "n/a",
    "undefined",
    "(null)",
    "-",
    "(none)",
    "(not set)",
    "(not provided)",
    "\\n",
}
_FUTURE = {
    "clickstream.ingest": "EVT-003 the time is in the future",
    "fraud.ingest": "FRD-108 the time is in the future",
    "fraud.ingest_labels": "FRD-116 the report is in the future",
    "forecast.ingest": "FCT-105 the time is in the future",
    "forecast.ingest_stock": "FCT-125 the stock is of the future",
    "forecast.ingest_calendar": "FCT-165 it becomes known only in the future",
    "forecast.ingest_items": "FCT-185 a day is too far in the future",
    "forecast.ingest_overrides": "FCT-197 it is made only in the future",
}
_TOO_EARLY = {
    "clickstream.ingest": "EVT-002 the time is before {day}",
    "fraud.ingest": "FRD-110 the time is before earliest_day",
    "fraud.ingest_labels": "FRD-119 the time of the report is before earliest_day",
    "forecast.ingest": "FCT-108 the time is before earliest_day",
    "forecast.ingest_stock": "FCT-127 the stock is from before earliest_day",
    "forecast.ingest_calendar": "FCT-167 it is known since before earliest_day",
    "forecast.ingest_items": "FCT-186 a day is before earliest_day",
    "forecast.ingest_overrides": "FCT-198 it was made before earliest_day",
}
_UNITS, _MONEY = (
    re.compile(rf"[+-]?(0*\d{{1,13}}(\.\d{{0,{places}}}0*)?|\.\d{{1,{places}}}0*|[\d.]+[eE][+-]?\d{{1,2}})")
    for places in (3, 4)
)
_PLACE = re.compile(r"[+-]?\d{1,9}(\.0*)?")
_EVENT_NUMBERS = {
    "http_status": ("EVT-005 http_status is not a number", re.compile(r"\d{1,3}(\.0*)?")),
    "bytes": ("EVT-006 bytes is not a number", re.compile(r"\d{1,15}(\.0*)?")),
    "quantity": ("EVT-007 quantity is not a number, or has more than three decimals", _UNITS),
    "price": ("EVT-008 price is not a number, or has more than four decimals", _MONEY),
    **dict.fromkeys(
        ABOUT["EVT-012"],
        ("EVT-012 an amount of the order or item is not a number, or has more than four decimals", _MONEY),
    ),
    **dict.fromkeys(ABOUT["EVT-013"], ("EVT-013 a position, size or index is not a whole number", _PLACE)),
}
_MOST_DEGREES = {"customer_lat": 90, "merchant_lat": 90, "customer_lon": 180, "merchant_lon": 180}
# As the job reads the text of a time (jobs.clickstream.events.clock_skew).
_NUMBER = re.compile(r"\d{1,18}(\.\d{1,9})?", re.ASCII)
_EVENT_TIME = re.compile(
    r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?( ?(Z|UTC|[+-]\d{2}(:?\d{2})?))?", re.ASCII
)
_EARLIEST = date(2000, 1, 1)
# The column without which a row says nothing, yet.
_SAYS = {"fraud.ingest_labels": "is_fraud", "forecast.ingest": "y"}


@dataclass
class Verdicts:
    """Judges rows one after another; it remembers those that were there before by a hash of what makes them equal."""

    target: Target
    mapped: frozenset[str]
    now: datetime
    _seen: set[int] = field(default_factory=set)

    def reasons(self, values: Mapping[str, Any], before: str) -> list[str]:
        """Why a row is rejected, in the order in which a person wants to know it; ``before`` is the reader's reason."""
        found = [before] if before else []
        if before.startswith(("SRC-1", "SRC-2")):
            return found
        unread = set(before.partition("cannot be read: ")[2].split(", ")) if before else set()
        for missing in self.target.missing:
            # A column that only Spark can evaluate may hold anything.
            unknown = unread | {name for name in self.mapped if name not in values}
            if unknown.isdisjoint(missing.columns) and all(self._lacks(values, name) for name in missing.columns):
                found.append(missing.reason)
        found += self._of_times(values)
        found += self._of_numbers(values)
        return found

    def is_left_out(self, values: Mapping[str, Any], before: str) -> bool:
        """Whether a row says nothing yet: a report without an answer, a period of a ready series without a value."""
        name = _SAYS.get(self.target.job)
        if name not in self.mapped or name not in values or before.startswith(("SRC-1", "SRC-2")):
            return False
        value, unread = values[name], before.partition("cannot be read: ")[2].split(", ")
        is_none = value is None or value != value
        if name == "y" and (not is_nothing(values.get("item_id")) or is_nothing(values.get("unique_id"))):
            return False
        return is_none and name not in unread and values.get("quantity") is None

    def _lacks(self, values: Mapping[str, Any], name: str) -> bool:
        """Whether a row has nothing in a column: each job has its own words for that, and reads its times itself."""
        value = values.get(name)
        if self.target.job != "clickstream.ingest":
            return is_nothing(value, NOTHING)
        return is_nothing(value) or (name in self.target.times and self._moment(value) is None)

    def _moment(self, value: Any) -> datetime | None:
        """A time; one of an event is text, whose numbers count the unit by which they are times of today or before."""
        if isinstance(value, datetime) or not isinstance(value, str):
            return value if isinstance(value, datetime) else None
        if _NUMBER.fullmatch(value):
            guesses = (float(value) / per_second for per_second in (1, 1_000, 1_000_000))
            first, last = self._earliest().timestamp(), (self.now + timedelta(days=366)).timestamp()
            return next((datetime.fromtimestamp(one, UTC) for one in guesses if first <= one <= last), None)
        if not _EVENT_TIME.fullmatch(value):
            return None
        plain = value.replace(" UTC", "Z").replace("UTC", "Z").replace(",", ".").replace(" ", "T", 1).replace(" ", "")
        try:
            found = datetime.fromisoformat(plain)
        except ValueError:
            return None
        return found if found.tzinfo else found.replace(tzinfo=UTC)

    def is_repeated(self, values: Mapping[str, Any]) -> bool:
        """Whether an equal row was judged before. Sales without any receipt are never equal."""
        names = sorted(values)
        if self.target.job == "clickstream.ingest":
            names = ["event_id"] if "event_id" in self.mapped else names
        elif self.target.job == "forecast.ingest" and not self.mapped & {"invoice_id", "transaction_id", "unique_id"}:
            return False
        key = hash(tuple(str(values.get(name)) for name in names))
        if key in self._seen:
            return True
        self._seen.add(key)
        return False

    def _of_times(self, values: Mapping[str, Any]) -> list[str]:
        moment = next((found for name in self.target.times if (found := self._moment(values.get(name)))), None)
        if moment is None:
            return []
        if moment > self.now + timedelta(days=self._days_ahead()):
            return [_FUTURE[self.target.job]]
        earliest = self._earliest_series() if self._is_series(values) else self._earliest()
        return [_TOO_EARLY[self.target.job].format(day=earliest.date())] if moment < earliest else []

    def _days_ahead(self) -> int:
        # A plan is of the future.
        family, _, name = self.target.job.partition(".")
        return int(params_of(family, name).model_fields["future_days"].default) if name == "ingest_items" else 1

    def _earliest(self) -> datetime:
        family, _, name = self.target.job.partition(".")
        known = params_of(family, name).model_fields.get("earliest_day")
        first = known.default if known is not None and isinstance(known.default, date) else _EARLIEST
        return datetime.combine(first, time.min, tzinfo=UTC)

    def _is_series(self, values: Mapping[str, Any]) -> bool:
        """Whether a row is a value of a ready series, which may be older than tills."""
        is_sale = self.target.job != "forecast.ingest" or not is_nothing(values.get("item_id"), NOTHING)
        return not is_sale and ("unique_id" in self.mapped or "y" in self.mapped)

    def _earliest_series(self) -> datetime:
        from jobs.forecast.sales.params import EARLIEST_SERIES_DAY

        return min(self._earliest(), datetime.combine(EARLIEST_SERIES_DAY, time.min, tzinfo=UTC))

    def _largest_quantity(self) -> float:
        family, _, name = self.target.job.partition(".")
        return float(params_of(family, name).model_fields["largest_quantity"].default)

    def _of_numbers(self, values: Mapping[str, Any]) -> list[str]:
        if self.target.job == "clickstream.ingest":
            wrong = [
                reason
                for name, (reason, shape) in _EVENT_NUMBERS.items()
                if not is_nothing(values.get(name)) and not shape.fullmatch(str(values[name]).strip())
            ]
            is_negative = str(values.get("price") or "").startswith("-") and values.get("event_name") != "refund"
            return list(dict.fromkeys(wrong)) or (["EVT-009 price is negative"] if is_negative else [])
        amount, quantity = values.get("tx_amount"), values.get("quantity", values.get("y"))
        if amount is not None and amount < 0:
            return ["FRD-106 the amount is negative"]
        if any(abs(values.get(name) or 0) > most for name, most in _MOST_DEGREES.items()):
            return ["FRD-120 a latitude or longitude is none"]
        if isinstance(quantity, float) and not math.isfinite(quantity):
            return ["FCT-104 the quantity is not finite"]
        if self.target.job == "forecast.ingest" and quantity is not None and abs(quantity) > self._largest_quantity():
            return ["FCT-106 the quantity is above the limit"]
        if self.target.job == "forecast.ingest_stock":
            return _of_stock(values)
        if self.target.job == "forecast.ingest_calendar":
            return _of_calendar(values)
        if self.target.job == "forecast.ingest_items":
            return _of_items(values)
        if self.target.job == "forecast.ingest_overrides":
            return _of_overrides(values)
        price = values.get("unit_price")
        if price is not None and price < 0 and values.get("is_product") is not False:
            return ["FCT-109 the price is negative"]
        return []


def _of_stock(values: Mapping[str, Any]) -> list[str]:
    on_hand, on_order = values.get("on_hand"), values.get("on_order")
    if any(units is not None and not math.isfinite(units) for units in (on_hand, on_order)):
        return ["FCT-124 the units on hand or on order are not finite"]
    if on_order is not None and on_order < 0:
        return ["FCT-129 the units on order are negative"]
    if on_hand is not None and on_hand < 0:
        return ["FCT-126 the units on hand are negative"]
    names_supplier = bool(str(values.get("supplier") or "").strip())
    return _of_terms(values) if names_supplier and (on_hand is not None or on_order is None) else []


def _of_terms(values: Mapping[str, Any]) -> list[str]:
    from jobs.forecast.stock.tables import LONGEST_DAYS, MOST

    days, least = values.get("lead_time_days"), values.get("min_order")
    if days is None or not 0 <= days <= LONGEST_DAYS:
        return ["FCT-141 the lead time of the terms is missing, negative, or cannot be read"]
    above = [values.get(name) for name in ("pack_size", "unit_cost", "budget")]
    is_wrong = any(one is not None and not 0 < one <= MOST for one in above)
    if is_wrong or (least is not None and not 0 <= least <= MOST):
        return ["FCT-142 a pack, cost or budget of the terms is not above zero, or a minimum is below"]
    return []


def _of_calendar(values: Mapping[str, Any]) -> list[str]:
    value = values.get("value", 1.0)
    if value is None or not math.isfinite(value):
        return ["FCT-166 the value is missing, cannot be read or is not finite"]
    first, last = values.get("starts_on"), values.get("ends_on")
    return ["FCT-164 the last day is before the first"] if first and last and last.date() < first.date() else []


def _of_items(values: Mapping[str, Any]) -> list[str]:
    factor, old = values.get("factor"), values.get("replaces")
    if factor is not None and not 0 <= factor <= 1e6:
        return ["FCT-183 the factor is not a number of zero or more"]
    new = values.get("unique_id", values.get("item_id"))
    return ["FCT-184 the item replaces itself"] if old is not None and old == new else []


def _of_overrides(values: Mapping[str, Any]) -> list[str]:
    from jobs.forecast.overrides.feed import MOST_TIMES, MOST_UNITS

    units, factor = values.get("y_hat"), values.get("factor")
    if units is not None and factor is not None:
        return ["FCT-193 it gives neither units nor a factor, or both"]
    if any(one is not None and not 0 <= one <= most for one, most in ((units, MOST_UNITS), (factor, MOST_TIMES))):
        return ["FCT-194 its units or its factor are not a number of zero or more"]
    first, last = values.get("first_ds"), values.get("last_ds")
    return ["FCT-199 the last period is before the first"] if first and last and last.date() < first.date() else []


def is_nothing(value: Any, words: Collection[str] = _NOTHING) -> bool:
    """Whether a value is missing, or one of the ``words`` for nothing; by default those of events."""
    return value is None or (isinstance(value, str) and value.strip().lower() in words)


def reasons_in_order(counted: Mapping[str, int]) -> Sequence[tuple[str, int]]:
    """Reasons with their counts, the most frequent first."""
    return sorted(counted.items(), key=lambda item: (-item[1], item[0]))
