"""Spark's SQL cut into words, names, texts, numbers and signs."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

Words = tuple[str, ...]

_TOKEN = re.compile(
    r"""(?P<text>[rR](?:'[^']*'|"[^"]*")|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
    r"""|(?P<quoted>`(?:[^`]|``)*`)"""
    r"""|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?:[lLsSyYdDfF]|[bB][dD])?(?!\w))"""
    r"""|(?P<word>\w+)|(?P<sign><=>|<>|<=|>=|==|!=|->|=>|\|\||.)""",
    re.DOTALL,
)
_OPENING = {"'", '"', "`"}


@dataclass(frozen=True)
class Token:
    """One piece; ``kind`` is ``text``, ``quoted`` (a name in back quotes), ``number``, ``word``, ``sign``, ``end``."""

    kind: str
    text: str

    @property
    def lower(self) -> str:
        """A word or sign in lower case, to be compared; empty for any other kind."""
        return self.text.lower() if self.kind in {"word", "sign"} else ""


END = Token("end", "")
"""What follows the last token."""


def is_name(token: Token) -> bool:
    """Whether a token may name a column or a field: nearly every word may."""
    return token.kind in {"word", "quoted"}


def name_of(token: Token) -> str:
    """The name in a token, without its back quotes."""
    return token.text[1:-1].replace("``", "`") if token.kind == "quoted" else token.text


def _pieces(text: str) -> list[Token]:
    pieces = []
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or "sign"
        piece = match.group()
        if piece in _OPENING:
            raise ValueError(f"a {piece} is not closed")
        if kind == "word" and not piece.isascii():
            raise ValueError(f"the name {piece} needs back quotes: `{piece}`")
        if not piece.isspace():
            pieces.append(Token(kind, piece))
    return pieces


class Tokens:
    """The tokens of a text, one after the other. Every method that cannot go on raises ValueError."""

    def __init__(self, text: str) -> None:
        self._all = _pieces(text)
        self._place = 0

    def _at(self, place: int) -> Token:
        return self._all[place] if 0 <= place < len(self._all) else END

    @property
    def token(self) -> Token:
        """The next token."""
        return self._at(self._place)

    @property
    def next(self) -> Token:
        """The one after it."""
        return self._at(self._place + 1)

    @property
    def peek(self) -> str:
        """The next token as a word or sign in lower case."""
        return self.token.lower

    @property
    def after(self) -> str:
        """The one after it, likewise."""
        return self.next.lower

    @property
    def is_name_after(self) -> bool:
        """Whether the one after the next may be a name."""
        return is_name(self.next)

    def take(self) -> Token:
        """The next token; the place moves behind it."""
        token = self.token
        if token is END:
            raise ValueError(self.missing())
        self._place += 1
        return token

    def accept(self, *words: str) -> str:
        """The next token if it is one of these words or signs, taken; otherwise empty."""
        return self.take().lower if self.peek in words and self.peek else ""

    def expect(self, *words: str) -> None:
        """Take one of these words or signs."""
        if not self.accept(*words):
            wanted = " or ".join(f"'{word}'" for word in words)
            raise ValueError(f"{wanted} is missing {self._where()}")

    def expect_text(self) -> None:
        """Take a text in quotes."""
        if self.take().kind != "text":
            raise ValueError(f"a text in quotes is missing {self._where()}")

    def expect_closed(self, opened: Token) -> None:
        """Take the bracket that closes ``opened``."""
        if self.token is END:
            raise ValueError(f"a '{opened.text}' is not closed")
        if not self.accept(")"):
            raise ValueError(self._stray())

    def expect_end(self) -> None:
        """Nothing may be left."""
        if self.token is not END:
            raise ValueError(self._stray())

    def variables(self) -> list[Token]:
        """The names of ``(a, b) ->``, if that is what comes next; nothing is taken."""
        place, found = self._place + 1, []
        while is_name(self._at(place)):
            found.append(self._at(place))
            place += 1
            if self._at(place).lower != ",":
                break
            place += 1
        closed = self._at(place).lower == ")" and self._at(place + 1).lower == "->"
        return found if found and closed else []

    def is_part_of_interval(self, units: Collection[str]) -> bool:
        """Whether a signed number with its unit comes next, as in ``interval 1 day -2 hours``."""
        signed = self.peek in {"-", "+"} and self.next.kind in {"text", "number"}
        return signed and self._at(self._place + 2).lower in units

    def missing(self) -> str:
        """A sentence about a value that should come next and does not."""
        if not self._all:
            return "the expression is empty"
        if self.token is not END and self.token.kind == "sign" and self._place == 0:
            return f"it cannot begin with '{self.token.text}'"
        return f"something is missing {self._where()}"

    def _stray(self) -> str:
        text = self.token.text
        if text == ")":
            return "a ')' has no '(' before it"
        between_names = is_name(self.token) and is_name(self._at(self._place - 1))
        hint = ": a name with blanks or signs needs back quotes" if between_names else ""
        return f"'{text}' cannot stand {self._where()}{hint}"

    def _where(self) -> str:
        if self._place == 0:
            return "at the beginning"
        return f"after '{self._at(self._place - 1).text}'"
