"""The expressions of a source evaluated row by row without Spark: the common ones, with Spark's results.

Expressions are parsed by sqlglot in Spark's dialect. What is not known here raises ``NeedsSparkError`` when the
expression is compiled, never a guess. A value for which Spark would raise under ANSI raises ``BadValueError``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlglot import expressions as ast

from deploy.feeds.casts import BadValueError, NeedsSparkError, cast, words_of
from deploy.feeds.operations import (
    ARITHMETIC,
    COMPARISONS,
    FUNCTIONS,
    compared,
    constant,
    field_of,
    is_like,
    joined,
    made_date,
    number_of,
    text_of_value,
)
from deploy.feeds.syntax import literal_of, tree_of, type_name

# Arguments that sqlglot adds without changing what a function gives.
_UNSAID = {"None", "[]", "False", "DAY"}
Row = Mapping[str, Any]
Evaluator = Callable[[Row], Any]


def compiled(expression: str, columns: Sequence[str]) -> tuple[Evaluator, set[str]]:
    """The evaluator of an expression over these raw columns, and the columns it reads, in lower case.

    Raises NeedsSparkError, and KeyError with the name of a column that is not there.
    """
    known = {name.lower(): name for name in columns}
    compiler = _Compiler(known)
    return compiler.compile(tree_of(expression, known)), compiler.read


class _Compiler:
    def __init__(self, columns: Mapping[str, str]) -> None:
        self._columns = columns
        self._variables: set[str] = set()
        self.read: set[str] = set()

    def compile(self, node: Any) -> Evaluator:
        known = {
            ast.Paren: lambda one: self.compile(one.this),
            ast.Literal: lambda one: constant(literal_of(one)),
            ast.Boolean: lambda one: constant(bool(one.this)),
            ast.Null: lambda _: constant(None),
            ast.Column: self._column,
            ast.Dot: self._dot,
            ast.Neg: lambda one: self._strict(lambda value: -number_of(value), one.this),
            ast.Not: lambda one: self._strict(lambda value: not value, one.this),
            ast.And: self._and,
            ast.Or: self._or,
            ast.Is: self._is,
            ast.In: self._in,
            ast.Between: self._between,
            ast.Like: lambda one: self._strict(is_like, one.this, one.expression),
            ast.Cast: self._cast,
            ast.TryCast: self._try_cast,
            ast.Case: self._case,
            ast.If: self._if,
            ast.Coalesce: lambda one: self._coalesce([one.this, *one.expressions]),
            ast.Nullif: self._nullif,
            ast.Concat: lambda one: self._strict(joined, *one.expressions),
            ast.ConcatWs: lambda one: self._concat_ws(one.expressions),
            ast.DPipe: lambda one: self._strict(joined, one.this, one.expression),
            ast.Trim: self._trim,
            ast.Bracket: self._bracket,
            ast.ArrayFilter: self._filter,
            ast.Identifier: lambda one: self._named([one.name]),
            ast.Anonymous: self._anonymous,
        }
        kind = type(node)
        if kind in known:
            return known[kind](node)
        if kind in COMPARISONS:
            return self._strict(compared(COMPARISONS[kind]), node.this, node.expression)
        if kind in ARITHMETIC:
            return self._strict(ARITHMETIC[kind], node.this, node.expression)
        if kind in FUNCTIONS:
            return self._function(node, *FUNCTIONS[kind])
        raise NeedsSparkError(
            f"{node.sql_name() if isinstance(node, ast.Func) else kind.__name__.lower()} is not known here"
        )

    def _column(self, node: Any) -> Evaluator:
        return self._named([part.name for part in node.parts])

    def _named(self, parts: Sequence[str]) -> Evaluator:
        if parts[0] in self._variables:
            return _path(f"\0{parts[0]}", parts[1:])
        name = self._columns.get(parts[0].lower())
        if name is None:
            raise KeyError(parts[0])
        self.read.add(name.lower())
        return _path(name, parts[1:])

    def _dot(self, node: Any) -> Evaluator:
        inner, field = self.compile(node.this), node.expression.name
        return lambda row: field_of(inner(row), field)

    def _strict(self, function: Callable[..., Any], *nodes: Any) -> Evaluator:
        """Null when any argument is null."""
        arguments = [self.compile(node) for node in nodes]

        def call(row: Row) -> Any:
            values = [argument(row) for argument in arguments]
            return None if any(value is None for value in values) else function(*values)

        return call

    def _function(self, node: Any, function: Callable[..., Any], names: Sequence[str]) -> Evaluator:
        extra = {name for name, value in node.args.items() if str(value) not in _UNSAID and name not in names}
        if extra - {"safe", "coerce", "null_if_pos_overflow"}:
            raise NeedsSparkError(f"{node.sql_name()} with {', '.join(sorted(extra))} is not known here")
        return self._strict(function, *(node.args[name] for name in names if node.args.get(name) is not None))

    def _and(self, node: Any) -> Evaluator:
        left, right = self.compile(node.this), self.compile(node.expression)

        def both(row: Row) -> bool | None:
            one, other = left(row), right(row)
            return False if one is False or other is False else None if one is None or other is None else True

        return both

    def _or(self, node: Any) -> Evaluator:
        left, right = self.compile(node.this), self.compile(node.expression)

        def either(row: Row) -> bool | None:
            one, other = left(row), right(row)
            return True if one is True or other is True else None if one is None or other is None else False

        return either

    def _is(self, node: Any) -> Evaluator:
        value = self.compile(node.this)
        wanted = node.expression
        if isinstance(wanted, ast.Null):
            return lambda row: value(row) is None
        if isinstance(wanted, ast.Boolean):
            return lambda row: value(row) is bool(wanted.this)
        raise NeedsSparkError("this IS is not known here")

    def _in(self, node: Any) -> Evaluator:
        if not node.expressions:
            raise NeedsSparkError("this IN is not known here")
        value, items = self.compile(node.this), [self.compile(one) for one in node.expressions]
        equal = compared(lambda one, other: one == other)

        def among(row: Row) -> bool | None:
            found = value(row)
            return None if found is None else any(equal(found, item(row)) for item in items)

        return among

    def _between(self, node: Any) -> Evaluator:
        inside = compared(lambda one, other: one <= other)
        return self._strict(
            lambda value, low, high: inside(low, value) and inside(value, high),
            node.this,
            node.args["low"],
            node.args["high"],
        )

    def _cast(self, node: Any) -> Evaluator:
        kind = type_name(node)
        return self._strict(lambda value: cast(value, kind), node.this)

    def _try_cast(self, node: Any) -> Evaluator:
        kind, value = type_name(node), self.compile(node.this)

        def tried(row: Row) -> Any:
            given = value(row)
            try:
                return None if given is None else cast(given, kind)
            except BadValueError:
                return None

        return tried

    def _case(self, node: Any) -> Evaluator:
        subject = node.this
        branches = []
        for branch in node.args["ifs"]:
            condition = ast.EQ(this=subject.copy(), expression=branch.this.copy()) if subject else branch.this
            branches.append((self.compile(condition), self.compile(branch.args["true"])))
        default = self.compile(node.args["default"]) if node.args.get("default") else constant(None)

        def chosen(row: Row) -> Any:
            return (
                next((value(row) for condition, value in branches if condition(row) is True), None)
                if any(condition(row) is True for condition, _ in branches)
                else default(row)
            )

        return chosen

    def _if(self, node: Any) -> Evaluator:
        condition, yes = self.compile(node.this), self.compile(node.args["true"])
        no = self.compile(node.args["false"]) if node.args.get("false") else constant(None)
        return lambda row: yes(row) if condition(row) is True else no(row)

    def _coalesce(self, nodes: Sequence[Any]) -> Evaluator:
        values = [self.compile(node) for node in nodes]
        return lambda row: next((found for value in values if (found := value(row)) is not None), None)

    def _nullif(self, node: Any) -> Evaluator:
        value, other = self.compile(node.this), self.compile(node.expression)
        equal = compared(lambda one, two: one == two)

        def unless(row: Row) -> Any:
            found, bad = value(row), other(row)
            return None if found is None or (bad is not None and equal(found, bad)) else found

        return unless

    def _concat_ws(self, nodes: Sequence[Any]) -> Evaluator:
        separator, *others = [self.compile(node) for node in nodes]

        def joined(row: Row) -> str | None:
            mark = separator(row)
            texts = [words_of(value) for one in others if (value := one(row)) is not None]
            return None if mark is None else mark.join(str(text) for text in texts)

        return joined

    def _trim(self, node: Any) -> Evaluator:
        side = str(node.args.get("position") or "BOTH").upper()
        strip = {"BOTH": str.strip, "LEADING": str.lstrip, "TRAILING": str.rstrip}[side]
        if node.expression is not None:
            return self._strict(lambda value, signs: strip(text_of_value(value), signs), node.this, node.expression)
        return self._strict(lambda value: strip(text_of_value(value), " "), node.this)

    def _bracket(self, node: Any) -> Evaluator:
        inner = self.compile(node.this)
        (index,) = [self.compile(one) for one in node.expressions]
        offset = int(node.args.get("offset") or 0)

        def at(row: Row) -> Any:
            value, place = inner(row), index(row)
            if value is None or place is None:
                return None
            if isinstance(value, Mapping):
                return value.get(place)
            place -= offset
            if not 0 <= place < len(value):
                raise BadValueError
            return value[place]

        return at

    def _filter(self, node: Any) -> Evaluator:
        items, function = self.compile(node.this), node.expression
        if not isinstance(function, ast.Lambda) or len(function.expressions) != 1:
            raise NeedsSparkError("this filter is not known here")
        variable = function.expressions[0].name
        self._variables.add(variable)
        condition = self.compile(function.this)
        self._variables.discard(variable)

        def kept(row: Row) -> Any:
            found = items(row)
            return None if found is None else [one for one in found if condition({**row, f"\0{variable}": one}) is True]

        return kept

    def _anonymous(self, node: Any) -> Evaluator:
        name = str(node.this).lower()
        if name == "get" and len(node.expressions) == 2:
            return self._strict(
                lambda items, place: items[place] if 0 <= place < len(items) else None, *node.expressions
            )
        if name == "make_date" and len(node.expressions) == 3:
            return self._strict(made_date, *node.expressions)
        raise NeedsSparkError(f"{name} is not known here")


def _path(name: str, fields: Sequence[str]) -> Evaluator:
    if not fields:
        return lambda row: row.get(name)

    def inner(row: Row) -> Any:
        value = row.get(name)
        for field in fields:
            value = field_of(value, field)
        return value

    return inner
