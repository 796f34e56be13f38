"""JSONata of Step Functions: texts in which something is known only when the execution runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def expression(text: str) -> str:
    """The text as a value of a state machine."""
    return f"{{% {text} %}}"


def with_expressions(value: Any, known_later: Mapping[str, str]) -> Any:
    """A request in which each key of ``known_later`` is replaced by its expression, wherever it stands in a text."""
    if isinstance(value, dict):
        return {key: with_expressions(one, known_later) for key, one in value.items()}
    if isinstance(value, list):
        return [with_expressions(one, known_later) for one in value]
    return joined(value, known_later) if isinstance(value, str) else value


def joined(text: str, known_later: Mapping[str, str]) -> str:
    """The text, as it is or as an expression that joins its pieces."""
    pieces = pieces_of(text, known_later)
    if not any(is_expression for _, is_expression in pieces):
        # The service would take such a text for an expression.
        return expression(json.dumps(text)) if text.startswith("{%") else text
    return expression(" & ".join(one if found else json.dumps(one) for one, found in pieces if one))


def pieces_of(text: str, known_later: Mapping[str, str]) -> list[tuple[str, bool]]:
    """The text cut at the keys of ``known_later``: plain pieces, and expressions (True) in place of the keys."""
    pieces: list[tuple[str, bool]] = [(text, False)]
    for mark, what in known_later.items():
        pieces = [one for piece in pieces for one in _cut(piece, mark, what)]
    return pieces


def _cut(piece: tuple[str, bool], mark: str, what: str) -> list[tuple[str, bool]]:
    text, is_expression = piece
    if is_expression or mark not in text:
        return [piece]
    head, _, tail = text.partition(mark)
    return [(head, False), (what, True), *_cut((tail, False), mark, what)]
