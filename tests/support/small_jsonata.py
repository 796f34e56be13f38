"""As much of JSONata as the exported state machines use: enough to rehearse them. What it does not know, it refuses."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

NOTHING = object()
_TOKEN = re.compile(
    r'\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<number>\d+)|(?P<regex>/(?:[^/\\]|\\.)+/)|(?P<name>\$?[A-Za-z_]\w*)'
    r"|(?P<sign>>=|[-+*&=<?:.,()\[\]]))"
)
_BINDING = {
    "?": 5,
    "or": 10,
    "and": 15,
    "in": 20,
    "=": 20,
    "<": 20,
    ">=": 20,
    "&": 30,
    "+": 30,
    "-": 30,
    "*": 40,
    ".": 80,
}


def evaluate(text: str, variables: Mapping[str, Any]) -> Any:
    """The value of an expression; NOTHING where there is none."""
    reader = _Reader(text, variables)
    value = reader.value(0)
    if reader.kind != "end":
        raise SyntaxError(f"{reader.word!r} in {text}")
    return value


class _Reader:
    """Reads and evaluates at once. Both sides of a choice are evaluated: a missing field is NOTHING, no error."""

    def __init__(self, text: str, variables: Mapping[str, Any]) -> None:
        self.text, self.at, self.variables = text, 0, variables
        self.kind = self.word = ""
        self.step()

    def step(self) -> None:
        found = _TOKEN.match(self.text, self.at)
        if found:
            self.kind, self.at = str(found.lastgroup), found.end()
            self.word = found[str(found.lastgroup)]
        elif self.text[self.at :].strip():
            raise SyntaxError(self.text[self.at :])
        else:
            self.kind, self.word = "end", ""

    def take(self, word: str) -> None:
        if self.word != word or self.kind == "text":
            raise SyntaxError(f"{word!r} expected, not {self.word!r}, in {self.text}")
        self.step()

    def value(self, binding: int) -> Any:
        left = self.operand()
        while self.kind in ("sign", "name") and _BINDING.get(self.word, 0) > binding:
            sign = self.word
            self.step()
            if sign == ".":
                left = _field(left, self.word)
                self.step()
            elif sign == "?":
                chosen = self.value(0)
                self.take(":")
                other = self.value(0)
                left = chosen if left is not NOTHING and left else other
            else:
                left = _applied(sign, left, self.value(_BINDING[sign]))
        return left

    def operand(self) -> Any:
        kind, word = self.kind, self.word
        self.step()
        if kind == "text":
            return json.loads(word)
        if kind == "number":
            return int(word)
        if kind == "regex":
            return re.compile(word[1:-1])
        if word == "(":
            inner = self.value(0)
            self.take(")")
            return inner
        if word == "[":
            return [one for value in self.several("]") for one in _listed(value)]
        if kind == "name" and word.startswith("$"):
            if self.word == "(" and self.kind == "sign":
                self.step()
                return _FUNCTIONS[word](*self.several(")"))
            return self.variables.get(word[1:], NOTHING)
        raise SyntaxError(f"{word!r} in {self.text}")

    def several(self, end: str) -> list[Any]:
        found = []
        while self.word != end:
            found.append(self.value(0))
            if self.word != end:
                self.take(",")
        self.take(end)
        return found


def _listed(value: Any) -> list[Any]:
    return [] if value is NOTHING else value if isinstance(value, list) else [value]


def _field(value: Any, name: str) -> Any:
    if isinstance(value, list):
        found = [one for item in value for one in _listed(_field(item, name))]
        return found or NOTHING
    return value.get(name, NOTHING) if isinstance(value, dict) else NOTHING


def _text(value: Any) -> str:
    return "" if value is NOTHING else value if isinstance(value, str) else json.dumps(value)


def _applied(sign: str, left: Any, right: Any) -> Any:
    if sign == "&":
        return _text(left) + _text(right)
    if sign == "in":
        return left in _listed(right)
    if sign == "or":
        return bool(left is not NOTHING and left) or bool(right is not NOTHING and right)
    if sign == "and":
        return bool(left is not NOTHING and left) and bool(right is not NOTHING and right)
    if sign == "=":
        return left is not NOTHING and left == right
    if left is NOTHING or right is NOTHING:
        return NOTHING
    signs = {
        ">=": lambda: left >= right,
        "<": lambda: left < right,
        "+": lambda: left + right,
        "-": lambda: left - right,
        "*": lambda: left * right,
    }
    return signs[sign]()


def _millis(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def _day(millis: int, picture: str) -> str:
    assert picture == "[Y0001]-[M01]-[D01]"
    return datetime.fromtimestamp(millis / 1000, UTC).strftime("%Y-%m-%d")


_FUNCTIONS: dict[str, Any] = {
    "$exists": lambda value: value is not NOTHING,
    "$count": lambda value: len(_listed(value)),
    "$distinct": lambda value: list(dict.fromkeys(_listed(value))),
    "$join": lambda values, sign: sign.join(_listed(values)),
    "$string": _text,
    "$replace": lambda text, pattern, new: pattern.sub(new, text),
    "$substring": lambda text, start, length: text[start : start + length],
    "$parse": json.loads,
    "$hash": lambda text, kind: hashlib.new(kind.replace("-", ""), text.encode()).hexdigest(),
    "$toMillis": _millis,
    "$fromMillis": _day,
}
