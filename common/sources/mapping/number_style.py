"""How a source writes numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NumberStyle:
    """The mark before decimals, and the one between groups of digits (or none)."""

    decimal: str = "."
    thousands: str = ""
