"""Personal data kept off a terminal: whole columns by their contract, and what looks personal inside free text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MASK = "***"
PSEUDONYM = "^[0-9a-f]{32}$"
"""What a pseudonym looks like, in the syntax of Python and of RE2."""

_PSEUDONYM = re.compile(PSEUDONYM)
_EMAIL = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
_IPV4 = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])")
_IPV6 = re.compile(r"(?<![\w:])(?:[0-9A-Fa-f]{0,4}:){3,7}[0-9A-Fa-f]{0,4}(?![\w:])")
_CARD = re.compile(r"(?<![0-9A-Za-z.])[2-6]\d{3}(?:[ -]?\d{2,6}){2,5}(?![0-9A-Za-z])")
_CARD_LENGTHS = range(13, 20)


@dataclass
class Mask:
    """Hides the values of personal columns; ``used`` are those in which something was hidden.

    Where persons stand as pseudonyms (``has_pseudonyms``), a pseudonym is nobody's name and is shown.
    """

    personal: frozenset[str] = frozenset()
    has_pseudonyms: bool = False
    used: set[str] = field(default_factory=set)

    def applied(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """``row`` with personal values as ``***``; null stays null."""
        return {name: self._shown(name, value) for name, value in row.items()}

    def _shown(self, name: str, value: Any) -> Any:
        if name not in self.personal or value is None:
            return value
        if self.has_pseudonyms and isinstance(value, str) and _PSEUDONYM.fullmatch(value):
            return value
        self.used.add(name)
        return MASK


def masked_text(text: str) -> str:
    """``text`` with email addresses, IP addresses and payment card numbers hidden."""
    text = _EMAIL.sub(MASK, text)
    for pattern in (_IPV6, _IPV4):
        # A time of day looks like an address too.
        text = pattern.sub(lambda found: MASK if looks_like_address(found.group()) else found.group(), text)
    return _CARD.sub(lambda found: MASK if is_card_number(found.group()) else found.group(), text)


def is_card_number(text: str) -> bool:
    """Whether ``text`` is 13 to 19 digits, blanks and hyphens aside, with a right Luhn sum (ISO/IEC 7812-1)."""
    digits = re.sub(r"[ -]", "", text)
    if not digits.isdecimal() or len(digits) not in _CARD_LENGTHS or digits[0] not in "23456":
        return False
    doubled = [int(digit) * (1 + position % 2) for position, digit in enumerate(reversed(digits))]
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0


def looks_like_email(text: str) -> bool:
    """Whether the whole text is one email address."""
    return _EMAIL.fullmatch(text) is not None


def looks_like_address(text: str) -> bool:
    """Whether the whole text is one IP address, of either version."""
    import ipaddress

    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
