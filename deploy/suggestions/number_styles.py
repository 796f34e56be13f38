"""How numbers are written in a column: which sign parts the decimals, which the thousands, and what stands around."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from common.sources.mapping.options import CURRENCY_WORDS

_AROUND = re.compile(
    r"[€$£¥₹₽₺]|R\$|\b(?:EUR|USD|GBP|CHF|JPY|BRL|PLN|CZK|SEK|NOK|DKK|CAD|AUD|INR|CNY|MXN|Ft|Rs|lei)\b|" + CURRENCY_WORDS
)
_APOSTROPHE = "\u2019"
_NUMBER = re.compile(r"[+-]?\d[\d.,'\u2019 \u00a0\u202f]*(?:[eE][+-]?\d+)?|[+-]?[.,]\d+")
_PARTS = re.compile(r"[.,'\u2019 \u00a0\u202f]")
_SPACES = " \u00a0\u202f"


@dataclass(frozen=True)
class NumberStyle:
    """``decimal`` (``.`` or ``,``) and ``thousands`` (empty: none), and marks around the digits.

    ``certain`` is false where ``1,234`` could be read in two ways and no value decides. ``has_marks``: a currency sign
    or code; ``has_brackets``: ``(12.00)`` for negative ones; ``trailing_minus``: ``12.50-``. A ``share`` of the
    values is written like this.
    """

    decimal: str = "."
    thousands: str = ""
    certain: bool = True
    is_whole: bool = False
    has_marks: bool = False
    has_brackets: bool = False
    trailing_minus: bool = False
    example: str = ""
    share: float = 1.0

    @property
    def is_plain(self) -> bool:
        """Whether a cast reads the numbers as they are."""
        return self.decimal == "." and not (
            self.thousands or self.has_marks or self.has_brackets or self.trailing_minus
        )


def number_style(values: Sequence[str], enough: float = 0.95) -> NumberStyle | None:
    """The style of ``values`` (without blanks); None unless a share of ``enough`` of them are numbers in it."""
    cores: list[str] = []
    marks = brackets = trailing = False
    for value in values:
        core, has_mark, has_bracket, has_minus = _core(value)
        if core is None:
            continue
        cores.append(core)
        marks, brackets, trailing = marks or has_mark, brackets or has_bracket, trailing or has_minus
    if not cores or len(cores) < enough * len(values):
        return None
    decimal, thousands, certain = _signs(cores)
    share = _read(cores, decimal, thousands) / len(values)
    if share < enough:
        return None
    example = max(values, key=lambda value: len(_PARTS.findall(value)))
    whole = not any(decimal in core or "e" in core.lower() for core in cores)
    return NumberStyle(decimal, thousands, certain, whole, marks, brackets, trailing, example, share)


def _core(value: str) -> tuple[str | None, bool, bool, bool]:
    text = value.strip()
    plain = _AROUND.sub("", text).strip()
    has_mark = plain != text
    has_bracket = plain.startswith("(") and plain.endswith(")")
    plain = plain[1:-1].strip() if has_bracket else plain
    has_minus = plain.endswith("-") and len(plain) > 1
    plain = plain[:-1].strip() if has_minus else plain
    if plain[:1] in "+-":
        plain = plain[:1] + plain[1:].strip()
    return (plain if _NUMBER.fullmatch(plain) else None), has_mark, has_bracket, has_minus


def _signs(cores: Sequence[str]) -> tuple[str, str, bool]:
    """The decimal sign, the thousands sign, and whether the values leave no doubt."""
    spaces = (
        "'" if any("'" in core for core in cores) else " " if any(set(core) & set(_SPACES) for core in cores) else ""
    )
    both = [core for core in cores if "." in core and "," in core]
    if both:
        last = max(both[0].rfind("."), both[0].rfind(","))
        decimal = both[0][last]
        return decimal, "," if decimal == "." else ".", True
    for sign, other in ((",", "."), (".", ",")):
        having = [core for core in cores if sign in core]
        if not having:
            continue
        if any(core.count(sign) > 1 for core in having):
            return other, sign, True
        tails = [core.rpartition(sign)[2] for core in having]
        heads = [core.partition(sign)[0].lstrip("+-") for core in having]
        groups = all(len(tail) == 3 for tail in tails) and all(1 <= len(head) <= 3 and head != "0" for head in heads)
        if not groups:
            return sign, spaces, True
        # 1.234 is a plain number to every reader; 1,234 is not.
        return (".", spaces, False) if sign == "." else (".", ",", False)
    return ".", spaces, True


def _read(cores: Sequence[str], decimal: str, thousands: str) -> int:
    """How many of the numbers are written with these signs, their groups of digits whole."""
    split = {" ": f"[{_SPACES}]", "'": f"['{_APOSTROPHE}]"}.get(thousands, re.escape(thousands))
    # In India the groups before the last are of two digits.
    whole = rf"\d{{1,3}}(?:{split}\d{{2,3}})*{split}\d{{3}}|\d+" if thousands else r"\d+"
    shape = re.compile(rf"[+-]?(?:(?:{whole})(?:{re.escape(decimal)}\d*)?|{re.escape(decimal)}\d+)(?:[eE][+-]?\d+)?")
    return sum(shape.fullmatch(core) is not None for core in cores)
