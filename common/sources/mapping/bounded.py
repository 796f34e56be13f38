"""Calls that one value could make too large: within an expression they raise where they would exhaust memory.

``repeat('x', n)`` of a wrong ``n`` fills the memory of an executor, which no catch of an error mends; ``element_at`` at
the smallest integer crashes the JVM (Spark 3.5 and 4.1). Such a call gets its argument from a test that raises first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from common.sources.mapping.expressions import tokens_of

LARGEST = 1_000_000
"""Most characters of a text, and most elements of an array, that one call may make."""

_RAISE = "raise_error('larger than an expression may make')"
_SMALLEST_INT = "'-2147483648'"


def bounded(expression: str) -> str:
    """``expression`` with its calls bounded; the same value for every call that stays within ``LARGEST``."""
    tokens = tokens_of(expression)
    written, place = [], 0
    while place < len(tokens):
        opening = _bracket_after(tokens, place)
        change = _BOUNDED.get(tokens[place].lower())
        if change is None or opening is None:
            written.append(tokens[place])
            place += 1
            continue
        arguments, end = _arguments(tokens, opening)
        inner = [bounded(argument) for argument in arguments]
        written.append(f"{tokens[place]}({', '.join(change(inner))})")
        place = end + 1
    return "".join(written)


def _bracket_after(tokens: Sequence[str], place: int) -> int | None:
    following = place + 1
    while following < len(tokens) and tokens[following].isspace():
        following += 1
    return following if following < len(tokens) and tokens[following] == "(" else None


def _arguments(tokens: Sequence[str], opening: int) -> tuple[list[str], int]:
    """The arguments of the call whose bracket opens at ``opening``, and the place of the one that closes it."""
    found: list[str] = [""]
    depth, place = 0, opening
    while place < len(tokens):
        piece = tokens[place]
        depth += (piece in "([") - (piece in ")]")
        if depth == 0:
            break
        if piece == "," and depth == 1:
            found.append("")
        elif place > opening:
            found[-1] += piece
        place += 1
    return found, place


def _unless(test: str, value: str) -> str:
    return f"CASE WHEN {test} THEN {_RAISE} ELSE {value} END"


def _length_of(value: str) -> str:
    return f"greatest(coalesce(length(CAST(({value}) AS STRING)), 1), 1)"


def _times(given: list[str]) -> list[str]:
    """``f(value, times)``."""
    if len(given) < 2:
        return given
    test = f"CAST(({given[1]}) AS BIGINT) * {_length_of(given[0])} > {LARGEST}"
    return [given[0], _unless(test, given[1]), *given[2:]]


def _size_at(place: int) -> Callable[[list[str]], list[str]]:
    def change(given: list[str]) -> list[str]:
        if len(given) <= place:
            return given
        size = given[place]
        test = f"CAST(({size}) AS BIGINT) NOT BETWEEN -{LARGEST} AND {LARGEST}"
        return [*given[:place], _unless(test, size), *given[place + 1 :]]

    return change


def _index(given: list[str]) -> list[str]:
    """``element_at(array or map, index or key)``: the type is not known here, so it is looked at as text."""
    if len(given) != 2:
        return given
    return [given[0], _unless(f"CAST(({given[1]}) AS STRING) = {_SMALLEST_INT}", given[1])]


def _range(given: list[str]) -> list[str]:
    """``sequence(first, last[, step])``, of numbers, or of times with a step; days alone cannot be that many."""
    if len(given) == 2:
        first, last = (f"try_cast(CAST(({value}) AS STRING) AS DECIMAL(20,0))" for value in given)
        return [given[0], _unless(f"abs({last} - {first}) > {LARGEST}", given[1])]
    if len(given) != 3:
        return given
    first, last, step = (f"({value})" for value in given)
    reached = f"{first} + {step} * {LARGEST}"
    test = f"CASE WHEN {last} >= {first} THEN {reached} < {last} ELSE {reached} > {last} END"
    return [given[0], _unless(test, given[1]), given[2]]


def _pattern(given: list[str]) -> list[str]:
    """``format_string(pattern, ...)``: a width of seven digits."""
    return [_unless(f"({given[0]}) RLIKE '%[^a-zA-Z]*[0-9]{{7}}'", given[0]), *given[1:]]


_BOUNDED: dict[str, Callable[[list[str]], list[str]]] = {
    "repeat": _times,
    "array_repeat": _times,
    "space": _size_at(0),
    "lpad": _size_at(1),
    "rpad": _size_at(1),
    "format_number": lambda given: given if _is_text(given[1:2]) else _size_at(1)(given),
    "array_insert": _size_at(1),
    "element_at": _index,
    "try_element_at": _index,
    "sequence": _range,
    "format_string": _pattern,
    "printf": _pattern,
}


def _is_text(arguments: list[str]) -> bool:
    """``format_number`` takes a pattern in place of a number of decimals."""
    return any(argument.strip()[:1] in ("'", '"') for argument in arguments)
