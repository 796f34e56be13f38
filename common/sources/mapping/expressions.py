"""The SQL expressions of a source: what they may hold."""

from __future__ import annotations

import re
from collections.abc import Iterator

from common.sources.grammar.syntax import names_in_expression
from common.sources.mapping.functions import ALLOWED, BARE, GRAMMAR, REFUSED
from common.words import nearest

# Text and quoted names are passed over whole. A raw text, r'...', knows no escapes.
_TOKEN = re.compile(
    r"""[rR]'[^']*'|[rR]"[^"]*"|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`|--|/\*|::|\$\$|\|>|;"""
    r"""|[A-Za-z_][A-Za-z0-9_]*|\s+|.""",
    re.DOTALL,
)
# As above, with words of any letters.
_WIDE_TOKEN = re.compile(
    r"""[rR]'[^']*'|[rR]"[^"]*"|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`|([^\W\d]\w*)|.""", re.DOTALL
)
_WORD = re.compile(r"[A-Za-z_]")
_MARKS = {"--", "/*", ";", "$$", "|>"}

# They begin a query, or a script, when they come first in brackets.
_QUERIES = {"from", "map", "reduce", "table", "values", "with"}
_TIMES = {"date", "timestamp", "timestamp_ltz", "timestamp_ntz"}
_MOST_SHOWN = 200
_MOVING = re.compile(r"\s*(now|today|yesterday|tomorrow)\b", re.IGNORECASE)


def checked(expression: str) -> str:
    """``expression`` itself, when a source may hold it.

    Raises ValueError for what it may not hold: functions that are not in ``ALLOWED``, names that Spark evaluates
    without brackets (``current_date``, ``user``), queries, several statements, comments, ``::``, and what is no
    expression at all.
    """
    tokens = tokens_of(expression)
    previous = ""
    for place, piece in enumerate(tokens):
        try:
            _check(piece, previous, _follows(tokens, place) == "(")
        except ValueError as error:
            raise ValueError(f"{error}: {_shown(expression)}") from None
        if not piece.isspace():
            previous = piece.lower()
    try:
        names_in_expression(expression)
    except ValueError as error:
        raise ValueError(f"{error}: {_shown(expression)}") from None
    return expression


def _shown(expression: str) -> str:
    return expression if len(expression) <= _MOST_SHOWN else f"{expression[:_MOST_SHOWN]} ..."


def tokens_of(expression: str) -> list[str]:
    """The texts, quoted names, words, blanks and marks of an expression: joined, they are the expression."""
    return [match.group() for match in _TOKEN.finditer(expression)]


def quoted_bare_names(expression: str) -> Iterator[str]:
    """The back-quoted names in ``expression`` that Spark evaluates by itself where no column bears them."""
    for match in _TOKEN.finditer(expression):
        name = match.group()
        if name.startswith("`") and name.strip("`").lower() in BARE:
            yield name.strip("`")


def with_quoted_names(expression: str) -> str:
    """``expression`` with words of letters beyond ASCII in back quotes, without which Spark knows no such names."""
    return _WIDE_TOKEN.sub(
        lambda match: match[0] if not match[1] or match[1].isascii() else f"`{match[1]}`", expression
    )


def _follows(tokens: list[str], place: int) -> str:
    return next((token for token in tokens[place + 1 :] if not token.isspace()), "")


def _check(piece: str, previous: str, called: bool) -> None:
    word = piece.lower()
    if piece in _MARKS:
        raise ValueError(f"'{piece}' is not allowed in an expression")
    if piece == "::":
        raise ValueError("write cast(x AS type) instead of x::type")
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
