"""The syntax of a source's expressions, as sqlglot parses it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import sqlglot
from sqlglot.dialects.spark import Spark

from deploy.feeds.casts import NeedsSparkError

_TOKEN = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`[^`]*`|[A-Za-z_]\w*|\s+|.""", re.DOTALL)


class _Strict(Spark):
    """Spark under ANSI: a plain cast raises, so it must stay apart from try_cast."""

    class Parser(Spark.Parser):  # type: ignore[misc, valid-type] # a class that its metaclass sets
        """See sqlglot."""

        STRICT_CAST = True


def tree_of(expression: str, known: Mapping[str, str]) -> Any:
    """The syntax tree of an expression over columns (``known``, by their names in lower case).

    Words that Spark, other than sqlglot, takes for columns (``when``, ``end``) are put in quotes. Raises
    NeedsSparkError when it cannot be parsed.
    """
    quoted = _quoted(expression, known)
    for text in dict.fromkeys([quoted if expression.strip().lower() in known else expression, quoted]):
        try:
            return sqlglot.parse_one(text, dialect=_Strict)
        except sqlglot.errors.SqlglotError:
            continue
    raise NeedsSparkError("it could not be parsed here")


def _quoted(expression: str, known: Mapping[str, str]) -> str:
    pieces: list[str] = []
    tokens = _TOKEN.findall(expression)
    for place, token in enumerate(tokens):
        after = next((one for one in tokens[place + 1 :] if not one.isspace()), "")
        is_column = token.lower() in known and after != "(" and not (pieces and pieces[-1].endswith("."))
        pieces.append(f"`{token}`" if is_column else token)
    return "".join(pieces)


def literal_of(node: Any) -> Any:
    """The value of a literal: text, a whole number, an exact one, or a double where it has an exponent."""
    text = str(node.this)
    if node.is_string:
        return text
    if re.fullmatch(r"\d+", text):
        return int(text)
    return float(text) if "e" in text.lower() else Decimal(text)


def type_name(node: Any) -> str:
    """The type of a cast, as Spark writes it. Raises NeedsSparkError for a cast with a format."""
    if node.args.get("format"):
        raise NeedsSparkError("a cast with a format")
    return str(node.to.sql("spark")).lower()
