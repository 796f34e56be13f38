"""Public holidays of a country, by the library ``holidays`` (MIT): how many there are in each period."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jobs.forecast.demand.periods import Periods


def is_place(place: str) -> bool:
    """Whether ``place`` (``GB``, or with a subdivision ``GB-SCT``) has public holidays that are known here."""
    import holidays

    country, _, subdivision = place.partition("-")
    places = holidays.list_supported_countries(include_aliases=True)
    return country in places and (not subdivision or subdivision in places[country])


def public_holidays(place: str, years: Iterable[int]) -> set[date]:
    """The public holidays of ``place``, without those that were proclaimed for one year alone.

    Those are known only once they are proclaimed, and nobody says here when that was: an origin before would see the
    future. A calendar has them with ``known_at``.
    """
    import holidays

    country, _, subdivision = place.partition("-")
    found = holidays.country_holidays(country, subdiv=subdivision or None, years=list(years), language="en_US")
    names = (name for name in dir(found) if name.startswith("special_") and name.endswith("public_holidays"))
    once = {day for name in names for day in _special(getattr(found, name) or {})}
    return {day for day in found if day not in once}


def _special(kept: dict[int, Any]) -> Iterator[date]:
    for year, one in kept.items():
        for month, day, *_ in [one] if isinstance(one[0], int) else one:
            yield date(year, month, day)


def holidays_of_periods(place: str, starts: Iterable[date], periods: Periods) -> list[tuple[date, float]]:
    """Each of the periods that begin on ``starts``, with how many days of it are public holidays."""
    spans = [(start, periods.day(start), periods.last_day(start)) for start in starts]
    found = public_holidays(place, range(spans[0][1].year, spans[-1][2].year + 1))
    counted = []
    for start, first, last in spans:
        days = (first + timedelta(days=n) for n in range((last - first).days + 1))
        counted.append((start, float(sum(day in found for day in days))))
    return counted
