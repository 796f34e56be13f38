"""How a source writes numbers."""

from __future__ import annotations

from dataclasses import dataclass

CURRENCY_WORDS = "(?:Kč|zł|kr|Ft|Rs|lei|лв|руб|р)[.]?"  # noqa: RUF001 - Cyrillic
"""Pattern of the words, other than codes and signs, that stand around amounts."""


@dataclass(frozen=True)
class NumberStyle:
    """The mark before decimals, and the one between groups of digits (or none)."""

    decimal: str = "."
    thousands: str = ""
