"""Columns of periods instead of days: weeks, months, quarters and years as ERPs and spreadsheets write them.

Each is read as the first day of its period.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from deploy.suggestions.moments import TimeStyle, time_style
from deploy.suggestions.names import normal

_YEARS = range(1901, 2100)
# Six digits alone may be anything: statistics of such months are not older.
_YEARS_OF_NUMBERS = range(1950, 2050)
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec"
_FULL_MONTHS = "january february march april may june july august september october november december"  # fmt: skip
_WEEK_WORDS = re.compile(r"week|woche|kw|wk|semaine|semana|settimana|sem$|ww$|tydz|hafta|週|周", re.IGNORECASE)
# Four digits alone may be anything: the name says that they are years.
_YEAR_WORDS = re.compile(
    r"(?:^|_)(?:ds|date|day|time|period|years?|yr|jahr|annee|ano|anno|rok|jaar|vuosi|aar|yil|datum|fecha|data)(?:$|_)|year$|年|год"
)
_WEEKDAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
_FEWEST_PERIODS = 4


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
    _Form(f"{_YEAR}[- ]?M{_MONTH}", "month", sql="make_date(cast(left({c}, 4) as int), cast(right({c}, 2) as int), 1)"),
    _Form(f"{_YEAR}[- /]?Q[1-4]", "quarter", sql=_quarter("left({c}, 4)", "right({c}, 1)")),
    _Form(f"Q[1-4][- /]{_YEAR}", "quarter", sql=_quarter("right({c}, 4)", "substr({c}, 2, 1)")),
)
_MONTH_NUMBER = _Form(f"{_YEAR}{_MONTH}", "month", "yyyyMM")
_WEEK_NUMBER = _Form(rf"{_YEAR}(?P<week>0[1-9]|[1-4]\d|5[0-3])", "week", sql=_week("left({c}, 4)", "right({c}, 2)"))
_YEARS_ALONE = (
    _Form(_YEAR, "year", "yyyy"),
    _Form(rf"{_YEAR}\.0+", "year", sql="make_date(cast(left({c}, 4) as int), 1, 1)"),
)


def period_style(name: str, values: Sequence[str], enough: float = 0.95) -> TimeStyle | None:
    """The style of ``values`` (without blanks) when they are periods; ``name`` tells weeks of a year from months."""
    numbers = (_WEEK_NUMBER, _MONTH_NUMBER) if _WEEK_WORDS.search(name) else (_MONTH_NUMBER, _WEEK_NUMBER)
    alone = _YEARS_ALONE if _YEAR_WORDS.search(normal(name)) else ()
    for form in (*_FORMS, *numbers, *alone):
        shape = re.compile(form.shape, re.IGNORECASE)
        years = _YEARS_OF_NUMBERS if form in numbers else _YEARS
        share = sum(map(_reader(shape, years), values)) / len(values) if values else 0.0
        if share >= enough:
            return TimeStyle(form.pattern, has_time=False, share=share, sql=form.sql, period=form.period)
    return None


def _reader(shape: re.Pattern[str], years: range) -> Callable[[str], bool]:
    def reads(value: str) -> bool:
        match = shape.fullmatch(value)
        year = match.groupdict().get("year") if match else None
        return match is not None and (year is None or int(year) in years)

    return reads


def is_period(name: str) -> bool:
    """Whether a name is a date, a week, a month or a quarter."""
    return period_style("", [name]) is not None or ((style := time_style([name])) is not None and style.has_date)


def are_years(names: Sequence[str]) -> bool:
    """Whether names are years, one after the other: 1990, 1991, 1992, 1993."""
    years = [int(name) for name in names if re.fullmatch(r"\d{4}", name, re.ASCII)]
    if len(years) < max(len(names), _FEWEST_PERIODS) or years[0] not in _YEARS:
        return False
    return all(later == earlier + 1 for earlier, later in pairwise(years))


def cadence_of(values: Sequence[str]) -> str:
    """What ISO dates have in common that looks like sums of longer periods, in words; empty for any others."""
    days = set()
    for value in set(values):
        try:
            days.add(date.fromisoformat(value[:10]))
        except ValueError:
            return ""
    if len(days) < _FEWEST_PERIODS:
        return ""
    weekdays = {day.weekday() for day in days}
    if len(weekdays) == 1:
        return f"all dates are {_WEEKDAYS[weekdays.pop()]}: if these are sums of weeks, forecast by week"
    firsts = all(day.day == 1 for day in days)
    if not firsts and not all((day + timedelta(days=1)).day == 1 for day in days):
        return ""
    months = {day.month for day in days}
    freq, period = ("Y", "year") if len(months) == 1 else ("Q", "quarter") if _are_quarters(months) else ("M", "month")
    edge = "first" if firsts else "last"
    return f"all dates are {edge} days of {period}s: if these are sums of {period}s, forecast by {period} (freq={freq})"


def _are_quarters(months: set[int]) -> bool:
    return 1 < len(months) <= 4 and len({month % 3 for month in months}) == 1
