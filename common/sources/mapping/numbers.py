"""Numbers as people and programs write them, to the numbers of a table: exactly, or not at all.

Steps are as in ``times``.
"""

from __future__ import annotations

from pyspark.sql.types import DataType, DecimalType, DoubleType, FloatType

from common.sources.mapping.options import CURRENCY_WORDS, NumberStyle

PLAIN = "^[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]{1,3})?$"
"""Pattern of a number as programs write it."""
_CURRENCY = rf"(?:[A-Z]{{0,3}}\\p{{Sc}}|[A-Z]{{3}}|{CURRENCY_WORDS})"
# Blanks that stand between groups of digits: no-break, thin, narrow no-break.
_BLANKS = "\u00a0\u2009\u202f"


def number_text(style: NumberStyle | None) -> list[str]:
    """Steps from a trimmed text to the number in it as ``-1234.5`` or ``1e-5``; null when it is none.

    Without a style only that plain form is a number. With one, the source's marks are read, and with them a currency
    sign or code, brackets for a negative amount, and a minus at the end or as typographers set it (U+2212). Groups of
    digits must be whole: ``12,50`` is not a number where the comma parts thousands.
    """
    if style is None:
        return [f"CASE WHEN {{v}} RLIKE '{PLAIN}' THEN {{v}} END"]
    number = f"CASE WHEN {{v}} RLIKE '{_styled(style)}' THEN {{v}} END"
    if style.thousands:
        number = f"replace({number}, '{_quoted(style.thousands)}', '')"
    if style.decimal != ".":
        number = f"replace({number}, '{style.decimal}', '.')"
    return [
        f"translate({{v}}, '{_BLANKS}\u2019\u2212', '   \\'-')",
        # (12.00) is a debit; with a sign inside it could mean two things.
        "CASE WHEN {v} LIKE '(%)' THEN CASE WHEN NOT {v} RLIKE '[+-]' "
        "THEN concat('-', substring({v}, 2, length({v}) - 2)) END ELSE {v} END",
        f"trim(regexp_replace(regexp_replace({{v}}, '^([+-]?) *{_CURRENCY} *', '$1'), ' *{_CURRENCY}(-?)$', '$1'))",
        # A minus behind a mark is none: 12,- is a price without cents.
        "regexp_replace({v}, '^([^+-].*[0-9]) *-$', '-$1')",
        number,
    ]


def _styled(style: NumberStyle) -> str:
    mark = f"[{style.decimal}]"
    digits = "[0-9]+"
    if style.thousands:
        group = f"[{_quoted(style.thousands)}]"
        # In India the groups before the last are of two digits.
        digits = f"(?:[0-9]+|[0-9]{{1,3}}(?:{group}[0-9]{{2,3}})*{group}[0-9]{{3}})"
    return f"^[+-]?(?:{digits}(?:{mark}[0-9]*)?|{mark}[0-9]+)(?:[eE][+-]?[0-9]{{1,3}})?$"


def _quoted(mark: str) -> str:
    return "\\'" if mark == "'" else mark


def exact_number(wanted: DataType, number: str = "{v}") -> str:
    """SQL of a plain number text as type ``wanted``; null where it would be rounded or overflow."""
    if isinstance(wanted, DoubleType | FloatType):
        value = f"try_cast({number} AS {wanted.simpleString()})"
        # An integer beyond 2^53 would become another one.
        whole, back = f"try_cast({number} AS DECIMAL(38,0))", f"try_cast({value} AS DECIMAL(38,0))"
        return f"CASE WHEN length({number}) < 15 OR {number} RLIKE '[.eE]' OR {whole} = {back} THEN {value} END"
    if isinstance(wanted, DecimalType):
        scale, value = wanted.scale, f"try_cast({number} AS {wanted.simpleString()})"
    else:
        scale, value = 0, f"try_cast(try_cast({number} AS DECIMAL(38,0)) AS {wanted.simpleString()})"
    short = f"(instr({number}, '.') = 0 OR length({number}) - instr({number}, '.') <= {scale})"
    plain = f"NOT {number} LIKE '%e%' AND NOT {number} LIKE '%E%'"
    return f"CASE WHEN {short} AND {plain} OR {_decimals(number)} <= {scale} THEN {value} END"


def exact_float(found: DataType, wanted: DataType) -> list[str]:
    """Steps from a double or float to ``wanted``, a decimal or an integer; null where it would be rounded.

    What lies beyond 15 significant digits (of a float 7) is noise of binary arithmetic, not sent: 36.900000000000006
    is 36.9.
    """
    fits = exact_number(wanted, "CAST({v} AS STRING)")
    noiseless = f"format_string('%.{6 if isinstance(found, FloatType) else 14}e', CAST({{v}} AS DOUBLE))"
    finite = "abs({v}) < 1e38D"
    return [
        f"CASE WHEN {finite} THEN CASE WHEN {fits} IS NULL THEN {noiseless} ELSE CAST({{v}} AS STRING) END END",
        exact_number(wanted),
    ]


def float_text(found: DataType) -> list[str]:
    """Steps from a double or float to its text (``plain_float``) for a family that types it later.

    Noise (see ``exact_float``) is left out where four decimals hold the rest, which no amount has more of.
    """
    money = "trim(TRAILING '.' FROM trim(TRAILING '0' FROM CAST({v} AS STRING)))"
    return [*exact_float(found, DecimalType(18, 4)), f"coalesce({money}, {plain_float('{g}')})"]


def plain_float(value: str = "{v}") -> str:
    """SQL of the text of a double or float without an exponent: ``10``, not ``1.0E1``; an id that became a float.

    Null for NaN and infinity, and for what a double does not hold exactly: from 2^53 on two ids may be one number.
    """
    whole = f"{value} = floor({value}) AND abs({value}) < 9007199254740992"
    short = f"CAST({value} AS STRING)"
    places = f"try_cast({short} AS DECIMAL(38,18))"
    plain = f"trim(TRAILING '.' FROM trim(TRAILING '0' FROM CAST({places} AS STRING)))"
    fits = f"{_decimals(short)} <= 18"
    return (
        f"CASE WHEN {whole} THEN CAST(try_cast({value} AS BIGINT) AS STRING) "
        f"WHEN abs({value}) < 9007199254740992 THEN CASE WHEN {fits} THEN {plain} ELSE {short} END END"
    )


def _decimals(number: str) -> str:
    """SQL of how many decimal places a plain number text needs: 2 for 1.50e0 is 1, for 1e3 is -3."""
    fraction = f"length(trim(TRAILING '0' FROM regexp_extract({number}, '[.]([0-9]*)', 1)))"
    exponent = f"CAST(regexp_extract({number}, '[eE]([+-]?[0-9]{{1,3}})$', 1) AS INT)"
    return f"({fraction} - CASE WHEN {number} RLIKE '[eE][+-]?[0-9]{{1,3}}$' THEN {exponent} ELSE 0 END)"
