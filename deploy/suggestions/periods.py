"""Columns of periods instead of days: weeks, months and quarters as ERPs and spreadsheets write them.

Each is read as the first day of its period.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from deploy.suggestions.moments import TimeStyle, time_style

_YEARS = range(1990, 2050)
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec"
_FULL_MONTHS = "january february march april may june july august september october november december"  # fmt: skip
_WEEK_WORDS = re.compile(r"week|woche|kw|wk|semaine|semana|settimana|sem$|ww$|tydz|hafta|週|周", re.IGNORECASE)
_WEEKDAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
_FEWEST_WEEKS = 4


@dataclass(frozen=True)
class _Form:
    """One way to write a period: ``shape``, and the pattern or the SQL (``{c}`` is the column) that reads it."""

    shape: str
    period: str
    pattern: str = ""
    sql: str = ""


def _week(year: str, week: str) -> str:
    # The first week of ISO 8601 is that of the 4th of January.
    first = f"trunc(make_date(cast({year} as int), 1, 4), 'week')"
    return f"date_add({first}, 7 * (cast({week} as int) - 1))"


def _quarter(year: str, quarter: str) -> str:
    return f"make_date(cast({year} as int), 3 * cast({quarter} as int) - 2, 1)"


_YEAR, _MONTH, _WEEK = r"(?P<year>\d{4})", r"(?P<month>0[1-9]|1[0-2])", r"(?P<week>0?[1-9]|[1-4]\d|5[0-3])"
_NAMED = f"(?:{'|'.join(_MONTHS.split())})"
_FULLY_NAMED = f"(?:{'|'.join(_FULL_MONTHS.split())})"
_FORMS = (
    _Form(f"{_YEAR}-{_MONTH}", "month"),
    _Form(f"{_YEAR}/{_MONTH}", "month", "yyyy/MM"),
    _Form(rf"{_YEAR}\.{_MONTH}", "month", "yyyy.MM"),
    _Form(f"{_MONTH}/{_YEAR}", "month", "MM/yyyy"),
    _Form(rf"{_MONTH}\.{_YEAR}", "month", "MM.yyyy"),
    _Form(f"{_MONTH}-{_YEAR}", "month", "MM-yyyy"),
    _Form(f"{_NAMED} {_YEAR}", "month", "MMM yyyy"),
    _Form(f"{_NAMED}-{_YEAR}", "month", "MMM-yyyy"),
    _Form(rf"{_NAMED}-\d{{2}}", "month", "MMM-yy"),
    _Form(rf"{_NAMED} \d{{2}}", "month", "MMM yy"),
    _Form(f"{_FULLY_NAMED} {_YEAR}", "month", "MMMM yyyy"),
    _Form(f"{_YEAR}-{_NAMED}", "month", "yyyy-MMM"),
    _Form(f"{_YEAR}[- /]?K?W{_WEEK}", "week", sql=_week("left({c}, 4)", "split_part({c}, 'W', 2)")),
    _Form(f"K?W{_WEEK}[- /]{_YEAR}", "week", sql=_week("right({c}, 4)", "regexp_extract({c}, 'W([0-9]+)', 1)")),
    _Form(f"{_YEAR}[- /]?Q[1-4]", "quarter", sql=_quarter("left({c}, 4)", "right({c}, 1)")),
    _Form(f"Q[1-4][- /]{_YEAR}", "quarter", sql=_quarter("right({c}, 4)", "substr({c}, 2, 1)")),
)
_MONTH_NUMBER = _Form(f"{_YEAR}{_MONTH}", "month", "yyyyMM")
_WEEK_NUMBER = _Form(rf"{_YEAR}(?P<week>0[1-9]|[1-4]\d|5[0-3])", "week", sql=_week("left({c}, 4)", "right({c}, 2)"))


def period_style(name: str, values: Sequence[str], enough: float = 0.95) -> TimeStyle | None:
    """The style of ``values`` (without blanks) when they are periods; ``name`` tells weeks of a year from months."""
    numbers = (_WEEK_NUMBER, _MONTH_NUMBER) if _WEEK_WORDS.search(name) else (_MONTH_NUMBER, _WEEK_NUMBER)
    for form in (*_FORMS, *numbers):
        shape = re.compile(form.shape, re.IGNORECASE)
        share = sum(map(_reader(shape), values)) / len(values) if values else 0.0
        if share >= enough:
            return TimeStyle(form.pattern, has_time=False, share=share, sql=form.sql, period=form.period)
    return None


def _reader(shape: re.Pattern[str]) -> Callable[[str], bool]:
    def reads(value: str) -> bool:
        match = shape.fullmatch(value)
        year = match.groupdict().get("year") if match else None
        return match is not None and (year is None or int(year) in _YEARS)

    return reads


def is_period(name: str) -> bool:
    """Whether a name is a date, a week, a month or a quarter."""
    return period_style("", [name]) is not None or ((style := time_style([name])) is not None and style.has_date)


def weekday_of(values: Sequence[str]) -> str:
    """The weekday of ISO dates that all fall on the same one, such as ``Saturdays``; empty for any others."""
    days = set()
    for value in set(values):
        try:
            days.add(date.fromisoformat(value[:10]))
        except ValueError:
            return ""
    weekdays = {day.weekday() for day in days}
    return _WEEKDAYS[weekdays.pop()] if len(days) >= _FEWEST_WEEKS and len(weekdays) == 1 else ""
