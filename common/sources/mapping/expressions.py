"""The SQL expressions of a source: what they may hold, and how a value that cannot be cast becomes null."""

from __future__ import annotations

import re
from collections.abc import Iterator

from common.sources.mapping.functions import ALLOWED, BARE, GRAMMAR, REFUSED
from common.words import nearest

# Text and quoted names are passed over whole. A raw text, r'...', knows no escapes.
_TOKEN = re.compile(
    r"""[rR]'[^']*'|[rR]"[^"]*"|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`|--|/\*|::|\$\$|\|>|;"""
    r"""|[A-Za-z_][A-Za-z0-9_]*|\s+|.""",
    re.DOTALL,
)
_WORD = re.compile(r"[A-Za-z_]")
_MARKS = {"--", "/*", ";", "$$", "|>"}

# Under ANSI mode these raise on a bad value and stop the job; their twins give null.
_LENIENT = {
    "cast": "try_cast",
    "to_timestamp": "try_to_timestamp",
    "to_number": "try_to_number",
    "element_at": "try_element_at",
    "to_binary": "try_to_binary",
}
# They begin a query, or a script, when they come first in brackets.
_QUERIES = {"from", "map", "reduce", "table", "values", "with"}
_TIMES = {"date", "timestamp", "timestamp_ltz", "timestamp_ntz"}
_MOVING = re.compile(r"\s*(now|today|yesterday|tomorrow)\b", re.IGNORECASE)


def lenient(expression: str) -> str:
    """``expression`` with each function that raises on a bad value replaced by its ``try_`` twin.

    Raises ValueError for what an expression of a source may not hold: functions that are not in ``ALLOWED``, names that
    Spark evaluates without brackets (``current_date``, ``user``), queries, several statements, comments, and ``::``.
    """
    tokens = [match.group() for match in _TOKEN.finditer(expression)]
    pieces = []
    previous = ""
    for place, piece in enumerate(tokens):
        called = _follows(tokens, place) == "("
        try:
            _check(piece, previous, called)
        except ValueError as error:
            raise ValueError(f"{error}: {expression}") from None
        pieces.append(_LENIENT.get(piece.lower(), piece) if called else piece)
        if not piece.isspace():
            previous = piece.lower()
    return "".join(pieces)


def quoted_bare_names(expression: str) -> Iterator[str]:
    """The back-quoted names in ``expression`` that Spark evaluates by itself where no column bears them."""
    for match in _TOKEN.finditer(expression):
        name = match.group()
        if name.startswith("`") and name.strip("`").lower() in BARE:
            yield name.strip("`")


def _follows(tokens: list[str], place: int) -> str:
    return next((token for token in tokens[place + 1 :] if not token.isspace()), "")


def _check(piece: str, previous: str, called: bool) -> None:
    word = piece.lower()
    if piece in _MARKS:
        raise ValueError(f"'{piece}' is not allowed in an expression")
    if piece == "::":
        raise ValueError("write try_cast(x AS type) instead of x::type")
    if piece[0] in "'\"" and previous in _TIMES and _MOVING.match(piece[1:]):
        raise ValueError(f"'{previous} {piece}' (the clock) is not allowed in an expression")
    if piece.startswith("`"):
        if called:
            raise ValueError(f"{piece} cannot be called: write the function's name without quotes")
        return
    if not _WORD.match(piece):
        return
    if word in {"select", "using"} or (word in _QUERIES and previous == "(" and not called):
        raise ValueError(f"'{piece}' (a query) is not allowed in an expression: a column of that name needs `{piece}`")
    if called:
        _check_call(piece, previous)
    elif word in BARE and previous != ".":
        raise ValueError(
            f"'{piece}' ({BARE[word]}) is not allowed in an expression: a raw column of that name needs `{piece}`"
        )


def _check_call(piece: str, previous: str) -> None:
    word = piece.lower()
    if previous == ".":
        raise ValueError(f"'.{piece}' cannot be called: only built-in functions can, by their plain names")
    if word in {"any", "some"} and previous in {"like", "ilike"}:
        return
    if word in ALLOWED or word in GRAMMAR:
        return
    if word in REFUSED:
        raise ValueError(f"'{piece}' ({REFUSED[word]}) is not allowed in an expression")
    near = nearest(word, sorted(ALLOWED))
    hint = f"; did you mean '{near}'?" if near else ""
    raise ValueError(f"'{piece}' is not a function that a source may call{hint}")
