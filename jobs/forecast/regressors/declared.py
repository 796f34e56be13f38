"""What is declared of a backtest's regressors: which there are, and what may be known of each ahead of time."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

Kind = Literal["lagged", "known_ahead"]

LAGGED: Final = "lagged"
"""Past values only: a forecast sees those that are known at its origin."""

KNOWN_AHEAD: Final = "known_ahead"
"""Planned: a forecast sees the values of its own period, as they were known at its origin."""

HOLIDAYS, PRICE, PROMOTION, STOCK, VIEWS = "holidays", "price", "promotion", "stock", "views"
OF_LINES: Final = (PRICE, PROMOTION, STOCK)
"""Regressors that are columns of a sales line; any other name of a lagged one is a free number (extra_numbers)."""

WITH_REGRESSORS: Final = {"lightgbm_x": "lightgbm", "lightgbm_diff_x": "lightgbm_diff"}
"""A model with regressors, and the one that is the same without."""

COUNTRY: Final = "country"
"""The column of a sales line that says whose holidays count, unless another one is named."""

_PAST_ONLY: Final = (STOCK, VIEWS)
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


@dataclass(frozen=True)
class Declared:
    """Regressors by name, and the place (``GB``, ``US-CA``) whose public holidays are one more; none by default.

    Where each series has the holidays of its own place, ``holidays_of`` is the place of each value of the column
    ``holidays_by``.
    """

    kinds: Mapping[str, Kind] = field(default_factory=dict)
    holidays_of: str | Mapping[str, str] | None = None
    holidays_by: str = COUNTRY

    def __bool__(self) -> bool:
        return bool(self.kinds) or self.holidays_of is not None

    def names(self, kind: Kind) -> tuple[str, ...]:
        """The names of one kind, holidays aside."""
        return tuple(name for name, one in sorted(self.kinds.items()) if one == kind)

    @property
    def by_name(self) -> dict[str, Kind]:
        """All names with their kinds, holidays among them."""
        holidays: dict[str, Kind] = {HOLIDAYS: KNOWN_AHEAD} if self.holidays_of else {}
        return {**holidays, **dict(sorted(self.kinds.items()))}

    def as_map(self) -> dict[str, str]:
        """As ``forecast.trials`` keeps it: the kind of each name, and of holidays the place, or all of them as JSON."""
        places = self.holidays_of
        if isinstance(places, Mapping):
            places = json.dumps({self.holidays_by: dict(sorted(places.items()))}, ensure_ascii=False)
        return {**self.kinds, **({HOLIDAYS: places} if places else {})}

    @classmethod
    def of_map(cls, kept: Mapping[str, str] | None) -> Declared:
        """What ``as_map`` made."""
        kinds: dict[str, Kind] = {}
        for name, kind in (kept or {}).items():
            if name != HOLIDAYS:
                kinds[name] = LAGGED if kind == LAGGED else KNOWN_AHEAD
        places = (kept or {}).get(HOLIDAYS)
        if places is None or not places.startswith("{"):
            return cls(kinds, places)
        ((by, of),) = json.loads(places).items()
        return cls(kinds, of, by)


def refusals(declared: Declared) -> list[str]:
    """Why a declaration cannot be, in words; empty when it can."""
    found = []
    for name, kind in declared.kinds.items():
        if not _NAME.fullmatch(name):
            found.append("the name of a regressor is a letter, then letters, digits and underscores, 64 at most")
        elif name == HOLIDAYS:
            found.append("holidays are declared by holidays_of, with the country")
        elif kind == KNOWN_AHEAD and name in _PAST_ONLY:
            found.append(f"nobody knows {name} ahead of time: declare {name} as lagged")
    return found
