"""What the values of one raw column look like."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from deploy.suggestions.moments import TimeStyle, time_style
from deploy.suggestions.number_styles import NumberStyle, number_style
from deploy.suggestions.periods import period_style
from deploy.tables.masking import is_card_number, looks_like_address, looks_like_email

_MOST = 500
_MOSTLY = 0.9
_NOTHING = {"", "-", "null", "none", "nan", "n/a", "na", "\\n", "(null)", "undefined"}
_AGENT = re.compile(r"^(?:Mozilla|Opera|Dalvik|curl|Wget|python-|okhttp|PostmanRuntime|Googlebot|\w+bot)\b.*[/(]", re.I)
_URL = re.compile(r"^(?:https?://|//|www\.|/[\w%~.-]*(?:/|$|\?))", re.I)
_UUID = re.compile(r"^[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}$")
_BOOLEANS = {"true", "false", "t", "f", "yes", "no", "y", "n", "0", "1", "0.0", "1.0"}
_CURRENCIES = frozenset(
    "EUR USD GBP CHF JPY BRL PLN CZK SEK NOK DKK CAD AUD INR CNY MXN HUF RON TRY KRW ZAR SGD HKD".split()  # noqa: SIM905
)
_COUNTRY = re.compile(r"^[A-Z]{2}$")


@dataclass(frozen=True)
class RawColumn:
    """One raw column of a sample: its name and values as text, None where there is none.

    ``kind`` is the type that the file itself declares: ``time`` (an instant), ``local time``, ``date``, ``number``,
    ``whole``, ``boolean``, ``nested``; empty for text. ``enough`` is the share of values that must be times, or
    numbers, for the column to be one of them.
    """

    name: str
    values: tuple[str | None, ...]
    kind: str = ""
    enough: float = 0.95

    @cached_property
    def given(self) -> list[str]:
        """The values that hold something, at most the first few hundred."""
        found = [value.strip() for value in self.values if value is not None]
        return [value for value in found if value.lower() not in _NOTHING][:_MOST]

    @cached_property
    def blank_share(self) -> float:
        """The share of rows without a value."""
        empty = sum(value is None or value.strip().lower() in _NOTHING for value in self.values)
        return empty / len(self.values) if self.values else 1.0

    @cached_property
    def time(self) -> TimeStyle | None:
        """How its times are written, if they are times."""
        if self.kind in {"time", "local time", "date"}:
            return TimeStyle(names_zone=self.kind == "time", has_time=self.kind != "date")
        if self.kind in {"boolean", "nested"}:
            return None
        return period_style(self.name, self.given, self.enough) or time_style(self.given, self.enough)

    @cached_property
    def number(self) -> NumberStyle | None:
        """How its numbers are written, if they are numbers."""
        if self.kind in {"number", "whole"}:
            return NumberStyle(is_whole=self.kind == "whole")
        return number_style(self.given, self.enough) if self.kind == "" else None

    @cached_property
    def unique_share(self) -> float:
        """Distinct values per value."""
        return len(set(self.given)) / len(self.given) if self.given else 0.0

    @cached_property
    def is_boolean(self) -> bool:
        """Whether it says yes or no."""
        found = {value.lower() for value in self.given}
        return self.kind == "boolean" or (bool(found) and found <= _BOOLEANS)

    @cached_property
    def content(self) -> str:
        """``email``, ``address``, ``agent``, ``url``, ``uuid``, ``currency``, ``country``, or nothing of these."""
        tests = (
            ("email", looks_like_email),
            ("address", lambda value: looks_like_address(value.partition(",")[0].strip())),
            ("agent", lambda value: bool(_AGENT.match(value))),
            ("url", lambda value: bool(_URL.match(value))),
            ("uuid", lambda value: bool(_UUID.match(value))),
            ("currency", lambda value: value in _CURRENCIES),
            ("country", lambda value: bool(_COUNTRY.match(value))),
        )
        return next((name for name, test in tests if self._mostly(test)), "")

    @cached_property
    def card_share(self) -> float:
        """The share of values that are payment card numbers."""
        return sum(map(is_card_number, self.given)) / len(self.given) if self.given else 0.0

    def _mostly(self, test: object) -> bool:
        return bool(self.given) and sum(map(test, self.given)) >= _MOSTLY * len(self.given)  # type: ignore[call-overload]


def columns_of(names: Sequence[str], rows: Sequence[Sequence[str]]) -> list[RawColumn]:
    """The columns of rows of text."""
    return [RawColumn(name, tuple(row[place] for row in rows)) for place, name in enumerate(names)]
