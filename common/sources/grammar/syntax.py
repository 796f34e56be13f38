"""The grammar of the SQL that a source may hold: whether an expression can be read at all, and the columns it names.

It is that of Spark (SqlBaseParser, ``expression``) without queries, windows and aliases. So a misspelt expression is
refused before Spark is there to refuse it. What the values are, and whether they fit a function, only Spark knows.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from common.sources.grammar.tokens import END, Token, Tokens, Words, is_name, name_of
from common.sources.grammar.types import parse_type

_LITERALS = {"date", "timestamp", "timestamp_ltz", "timestamp_ntz", "x", "interval"}
_UNITS = {
    *("year", "years", "quarter", "month", "months", "week", "weeks", "day", "days", "dayofyear"),
    *("hour", "hours", "minute", "minutes", "second", "seconds"),
    *("millisecond", "milliseconds", "microsecond", "microseconds"),
}
_BY_UNIT = {"timestampadd", "dateadd", "date_add", "timestampdiff", "datediff", "date_diff"}
# Spark analyses a chain of operators by as many nested calls.
_MOST_OPERANDS = 500
_COMPARISONS = {"=", "==", "<=>", "<>", "!=", "<", "<=", ">", ">="}
_OPERATORS = {*_COMPARISONS, "|", "^", "&", "+", "-", "||", "*", "/", "%", "div"}
# Before these a word is a name, whatever it means elsewhere.
_ENDS = {END, *(Token("sign", text) for text in (")", "]", ",", ".", "[", *_COMPARISONS))}


def names_in_expression(expression: str) -> list[tuple[str, ...]]:
    """The columns that an expression names, each with the fields behind it, in the order of the text.

    Variables of lambdas, names of functions, types and units are none. Raises ValueError when Spark could not parse it.
    """
    parser = _Parser(Tokens(expression))
    try:
        parser.expression()
        parser.tokens.expect_end()
    except RecursionError:
        raise ValueError("the expression is nested too deeply") from None
    return parser.names


def _names_units(token: Token) -> bool:
    """Whether a text is an interval by itself, as in ``interval '2 days 3 hours'``."""
    return token.kind == "text" and not _UNITS.isdisjoint(token.text.lower().strip("'\"").split())


class _Parser:
    """Recursive descent; each method reads one construct and leaves ``tokens`` behind it."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.names: list[tuple[str, ...]] = []
        self._variables: list[str] = []

    def expression(self) -> None:
        self._joined(self._condition, {"or", "and"})

    def _list(self) -> None:
        self.expression()
        while self.tokens.accept(","):
            self.expression()

    def _condition(self) -> None:
        while self.tokens.peek == "!" or (self.tokens.peek == "not" and self.tokens.next not in _ENDS):
            self.tokens.take()
        self._value()
        self._predicate()

    def _predicate(self) -> None:
        tokens = self.tokens
        if tokens.peek == "not" and tokens.after in {"between", "in", "like", "ilike", "rlike", "regexp"}:
            tokens.take()
        word = tokens.accept("between", "in", "like", "ilike", "rlike", "regexp", "is")
        if word == "between":
            self._value()
            tokens.expect("and")
            self._value()
        elif word == "in":
            self._listed()
        elif word in {"like", "ilike"} and tokens.peek in {"any", "some", "all"} and tokens.after == "(":
            tokens.take()
            self._listed()
        elif word in {"like", "ilike"}:
            self._value()
            if tokens.accept("escape"):
                tokens.expect_text()
        elif word in {"rlike", "regexp"}:
            self._value()
        elif word == "is":
            tokens.accept("not")
            if tokens.accept("distinct"):
                tokens.expect("from")
                self._value()
            else:
                tokens.expect("null", "true", "false", "unknown")

    def _listed(self) -> None:
        self.tokens.expect("(")
        self._list()
        self.tokens.expect(")")

    def _value(self) -> None:
        # What binds tighter than what changes neither the names nor whether there are enough values.
        self._joined(self._signed, _OPERATORS)

    def _joined(self, operand: Callable[[], None], operators: Collection[str]) -> None:
        operand()
        for _ in range(_MOST_OPERANDS):
            if not self.tokens.accept(*operators):
                return
            operand()
        raise ValueError(f"more than {_MOST_OPERANDS} values are joined by operators")

    def _signed(self) -> None:
        while self.tokens.accept("-", "+", "~"):
            pass
        self._primary()
        while True:
            if self.tokens.accept("["):
                self._value()
                self.tokens.expect("]")
            elif self.tokens.peek == "." and self.tokens.is_name_after:
                self.tokens.take()
                self.tokens.take()
            else:
                return

    def _primary(self) -> None:
        tokens = self.tokens
        token = tokens.token
        if token.kind in {"text", "number"}:
            tokens.take()
            while token.kind == "text" and tokens.token.kind == "text":
                tokens.take()
        elif tokens.peek == "(":
            self._brackets()
        elif not is_name(token):
            raise ValueError(tokens.missing())
        elif token.kind == "word" and token.lower in {"null", "true", "false"} and tokens.after != ".":
            tokens.take()
        elif token.kind == "word" and token.lower in _LITERALS and tokens.next.kind == "text":
            tokens.take()
            self._literal(token.lower)
        elif token.lower == "interval" and (tokens.next.kind == "number" or tokens.after in {"-", "+"}):
            tokens.take()
            self._literal("interval")
        elif token.kind == "word" and token.lower == "case" and tokens.next not in _ENDS:
            self._case()
        elif tokens.after == "->":
            self._lambda([token])
        elif token.kind == "word" and tokens.after == "(":
            self._call()
        else:
            self._column()

    def _column(self) -> None:
        parts = [name_of(self.tokens.take())]
        while self.tokens.peek == "." and self.tokens.is_name_after:
            self.tokens.take()
            parts.append(name_of(self.tokens.take()))
        if parts[0].lower() not in self._variables:
            self.names.append(tuple(parts))

    def _literal(self, kind: str) -> None:
        tokens = self.tokens
        if kind != "interval" or _names_units(tokens.token):
            tokens.take()
            return
        while tokens.token.kind in {"text", "number"} or tokens.is_part_of_interval(_UNITS):
            tokens.accept("-", "+")
            tokens.take()
            if tokens.token.lower not in _UNITS:
                raise ValueError("an interval needs its unit, e.g. interval 1 day")
            tokens.take()
            if tokens.accept("to"):
                tokens.take()

    def _brackets(self) -> None:
        variables = self.tokens.variables()
        if variables:
            self._lambda(variables)
            return
        opened = self.tokens.take()
        self._list()
        self.tokens.expect_closed(opened)

    def _lambda(self, variables: list[Token]) -> None:
        while self.tokens.take().lower != "->":
            pass
        own = [name_of(token).lower() for token in variables]
        self._variables += own
        self.expression()
        del self._variables[-len(own) :]

    def _case(self) -> None:
        tokens = self.tokens
        tokens.take()
        if tokens.peek != "when":
            self.expression()
        tokens.expect("when")
        while True:
            self.expression()
            tokens.expect("then")
            self.expression()
            if not tokens.accept("when"):
                break
        if tokens.accept("else"):
            self.expression()
        tokens.expect("end")

    def _call(self) -> None:
        tokens = self.tokens
        name = tokens.take().lower
        opened = tokens.take()
        if name in {"cast", "try_cast"}:
            self.expression()
            tokens.expect("as")
            parse_type(tokens)
        elif name == "extract":
            tokens.take()
            tokens.expect("from")
            self.expression()
        elif tokens.peek != ")":
            self._arguments(name)
        tokens.expect_closed(opened)

    def _arguments(self, name: str) -> None:
        tokens = self.tokens
        if name == "trim" and tokens.peek in {"both", "leading", "trailing"} and tokens.next not in _ENDS:
            tokens.take()
            if tokens.accept("from"):
                self.expression()
                return
        is_unit = name in _BY_UNIT and tokens.peek in _UNITS and tokens.after == ","
        before, count = len(self.names), 1
        self._argument(name)
        first = self.names[before:]
        words = {"position": ("in",), "overlay": ("placing", "from", "for")}.get(name, ("from", "for"))
        between: Words = (",", *words) if name in _WORDED else (",",)
        while tokens.accept(*between):
            self._argument(name)
            count += 1
        if is_unit and count == 3 and len(first) == 1:
            del self.names[before]

    def _argument(self, name: str) -> None:
        tokens = self.tokens
        if is_name(tokens.token) and tokens.after == "=>":
            tokens.take()
            tokens.take()
        if name == "position":
            self._value()  # its IN is no list
            return
        self.expression()
        if name == "struct" and (tokens.accept("as") or is_name(tokens.token)):
            tokens.take()


_WORDED = {"position", "overlay", "substring", "substr", "trim"}
