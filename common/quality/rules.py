"""Row rules: what makes a row unfit, as a reason; all rules in one pass over the rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

REASONS = "reasons"
# Between the reasons of a row while they are one text; a control character that no reason holds.
_MARK = "\x1f"


@dataclass(frozen=True)
class Rule:
    """One demand on a row.

    ``broken`` builds the condition that is true for a row that breaks the rule; null counts as not broken. ``code`` and
    ``words`` make the reason that is kept with the row: ``"<code> <words>"``. The condition is built when the rule is
    used, not when it is declared, so that rules may be module-level values.
    """

    code: str
    words: str
    broken: Callable[[], Column]

    @property
    def reason(self) -> str:
        """The text kept with a row that breaks the rule."""
        return f"{self.code} {self.words}"


def split(rows: DataFrame, rules: Sequence[Rule]) -> DataFrame:
    """``rows`` with ``reasons array<string>``: the broken rules in the order given, empty for a row that is fine.

    Reasons that the rows already carry in a column ``reasons`` come first. Raises ValueError when two rules have the
    same reason or a reason holds the control character U+001F.
    """
    texts = [rule.reason for rule in rules]
    twice = sorted({text for text in texts if texts.count(text) > 1})
    if twice:
        raise ValueError(f"two rules give the same reason: {', '.join(twice)}")
    if any(_MARK in text for text in texts):
        raise ValueError("a reason holds the control character U+001F")
    found = _found(rules)
    if REASONS in rows.columns:
        found = F.concat(F.coalesce(F.col(REASONS), _none()), found)
    return rows.withColumn(REASONS, found)


def valid(rows: DataFrame) -> DataFrame:
    """The rows of ``split`` that break no rule, without ``reasons``."""
    return rows.where(F.size(REASONS) == 0).drop(REASONS)


def rejected(rows: DataFrame) -> DataFrame:
    """The rows of ``split`` that break a rule, with their ``reasons``."""
    return rows.where(F.size(REASONS) > 0)


def _none() -> Column:
    return F.array().cast("array<string>")


def _found(rules: Sequence[Rule]) -> Column:
    if not rules:
        return _none()
    # Each condition is here once: the JVM compiles generated code only up to 8,000 bytes per method.
    broken = F.concat_ws(_MARK, *(F.when(rule.broken(), F.lit(rule.reason)) for rule in rules))
    # Built-in functions with generated code; taking out nulls from an array would need a lambda, which has none.
    return F.array_remove(F.split(broken, _MARK), "")
