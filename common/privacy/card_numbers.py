"""Payment card numbers in text: finding and masking them, by built-in functions only.

A card number is 13 to 19 digits with an issuer's prefix and length whose Luhn sum is right (ISO/IEC 7812-1). The digits
stand in one piece, or in groups of three and more (the first of four and more) parted by a blank, a hyphen or a plus
sign, also where JSON or a URL escapes it. Digits that touch a letter, the digits of a UUID and the fraction of a
decimal number are none. One in ten numbers of that shape has a right sum by chance.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

_VISA = "4[0-9]{3}"
_MASTERCARD = "5[1-5][0-9]{2}|2[2-7][0-9]{2}"
_AMERICAN_EXPRESS = "3[47][0-9]{2}"
_DINERS = "3(?:0[0-5]|[689][0-9])[0-9]"
_JCB = "35[0-9]{2}"
_DISCOVER_OR_UNIONPAY = "6(?:011|4[4-9][0-9]|[25][0-9]{2})"
# Length -> first four digits, the commonest first.
_HEADS = {
    16: f"{_VISA}|{_MASTERCARD}|{_DISCOVER_OR_UNIONPAY}|{_JCB}",
    15: _AMERICAN_EXPRESS,
    14: _DINERS,
    19: f"{_VISA}|{_DISCOVER_OR_UNIONPAY}",
    18: _DISCOVER_OR_UNIONPAY,
    17: _DISCOVER_OR_UNIONPAY,
    13: _VISA,
}

_SEPARATOR = r"(?:[ +\u00a0-]|%20|%2[BbDd]|%[Cc]2%[Aa]0|\\u0020|\\u002[BbDd]|\\u00[Aa]0)"
_DIGIT = f"(?:{_SEPARATOR}(?=[0-9]{{3}}))?[0-9]"
_UUID = "[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}"
# The cheap look ahead comes first: it settles nearly every position of a text.
_START = (
    r"(?=[2-6][0-9]{3})"
    r"(?:(?<![0-9A-Za-z])|(?<=\\[bfnrt])|(?<=\\u[0-9A-Fa-f]{4})|(?<=%[0-9A-Fa-f]{2}))(?<![0-9]\.)"
    f"(?!{_UUID})"
)
_END = "(?![0-9A-Za-z])"
_SHAPES = {length: f"(?:{heads})(?:{_DIGIT}){{{length - 4}}}" for length, heads in _HEADS.items()}
_ANY_SHAPE = f"{_START}(?:{'|'.join(_SHAPES.values())}){_END}"

_SHOWN_FIRST, _SHOWN_LAST = 6, 4
# A masked number that was the bare value of a JSON key needs quotes, or the record is no JSON any more.
_BARE_IN_JSON = r'(?<=[0-9A-Za-z_]":)(\s{0,3})([0-9]{6}\*{3,9}[0-9]{4})(?=\s{0,3}[,}])'


def has_card_shape(text: Column) -> Column:
    """True when ``text`` holds digits with the prefix and length of a card number, whatever their sum; null for null.

    One regular expression: what it denies needs no closer look.
    """
    return text.rlike(_ANY_SHAPE)


def is_bare_number(text: Column) -> Column:
    """True when ``text`` is digits and their separators and nothing else; null for null."""
    return text.rlike(f"^\\s*[0-9](?:{_SEPARATOR}?[0-9])*\\s*$")


def holds_card_number(text: Column) -> Column:
    """True when ``text`` holds a payment card number. Null for null."""
    return has_card_shape(text) & F.exists(_shaped(text), _is_card)


def with_masked_cards(text: Column, spared: Column | None = None) -> Column:
    """``text`` with each card number cut to its first six and last four digits: ``411111******1111``.

    PCI DSS 4.0, 3.4.1, allows these to be shown. Everything else stays as it is; a number that was the bare value of a
    JSON key is put in quotes. Numbers that are also in ``spared`` are left. Null for null.
    """

    def is_to_mask(number: Column) -> Column:
        if spared is None:
            return _is_card(number)
        return _is_card(number) & ~F.coalesce(F.contains(spared, number), F.lit(False))

    cards = F.filter(_shaped(text), is_to_mask)
    masked = F.aggregate(cards, text, lambda rest, number: F.replace(rest, number, _masked(number)))
    quoted = F.regexp_replace(masked, _BARE_IN_JSON, '$1"$2"')
    return F.when(has_card_shape(text), F.when(F.size(cards) > 0, quoted).otherwise(text)).otherwise(text)


def _shaped(text: Column) -> Column:
    """Every stretch of ``text`` with the shape of a card number, those that overlap included.

    A number next to the card must not hide it: ``4111 1111 1111 1111 123`` is a card and its security code.
    """
    found = [F.regexp_extract_all(text, F.lit(f"{_START}(?=({shape}){_END})"), F.lit(1)) for shape in _SHAPES.values()]
    return F.array_distinct(F.flatten(F.array(*found)))


def _digits(number: Column) -> Column:
    return F.regexp_replace(number, _SEPARATOR, "")


def _masked(number: Column) -> Column:
    digits = _digits(number)
    hidden = F.length(digits) - (_SHOWN_FIRST + _SHOWN_LAST)
    stars = F.rpad(F.lit(""), 9, "*")
    return F.concat(
        F.substring(digits, 1, _SHOWN_FIRST),
        F.substr(stars, F.lit(1), hidden),
        F.substring(digits, -_SHOWN_LAST, _SHOWN_LAST),
    )


def _is_card(number: Column) -> Column:
    # Not among the functions of Python.
    return F.call_function("luhn_check", _digits(number))
