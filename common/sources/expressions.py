"""The SQL expressions of a source: what they may hold, and how a value that cannot be cast becomes null."""

from __future__ import annotations

import re

# Text and quoted names are passed over whole.
_TOKEN = re.compile(
    r"""r?'(?:[^'\\]|\\.)*'|r?"(?:[^"\\]|\\.)*"|`[^`]*`|--|/\*|::|;|[A-Za-z_][A-Za-z0-9_]*(?=\s*\()|[A-Za-z_][A-Za-z0-9_]*|.""",
    re.DOTALL,
)

# Under ANSI mode these raise on a bad value and stop the job; their twins give null.
_LENIENT = {
    "cast": "try_cast",
    "to_timestamp": "try_to_timestamp",
    "to_number": "try_to_number",
    "element_at": "try_element_at",
    "to_binary": "try_to_binary",
}
_FORBIDDEN = {
    "select": "a query",
    "explode": "a generator",
    "explode_outer": "a generator",
    "posexplode": "a generator",
    "posexplode_outer": "a generator",
    "inline": "a generator",
    "inline_outer": "a generator",
    "stack": "a generator",
    "json_tuple": "a generator",
    "reflect": "a call into Java",
    "java_method": "a call into Java",
    "try_reflect": "a call into Java",
    "rand": "chance",
    "random": "chance",
    "randn": "chance",
    "uuid": "chance",
    "now": "the clock",
    "current_timestamp": "the clock",
    "current_date": "the clock",
    "curdate": "the clock",
    "unix_timestamp": "the clock or a raising parser: use timestamp_format",
    "to_date": "a raising parser: use timestamp_format",
}


def lenient(expression: str) -> str:
    """``expression`` with each function that raises on a bad value replaced by its ``try_`` twin.

    Raises ValueError for what an expression of a source may not hold: queries, generators, several statements,
    comments, the clock, chance, calls into Java, and ``::``.
    """
    pieces = []
    for match in _TOKEN.finditer(expression):
        piece = match.group()
        word = piece.lower()
        if piece in {"--", "/*", ";"}:
            raise ValueError(f"'{piece}' may not stand in an expression: {expression}")
        if piece == "::":
            raise ValueError(f"write try_cast(x AS type) instead of x::type: {expression}")
        if word in _FORBIDDEN:
            raise ValueError(f"'{piece}' ({_FORBIDDEN[word]}) may not stand in an expression: {expression}")
        called = expression[match.end() :].lstrip().startswith("(")
        pieces.append(_LENIENT.get(word, piece) if called else piece)
    return "".join(pieces)
