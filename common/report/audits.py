"""The results of table expectations in words."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from common.report.blocks import chip, data_table, paragraph, section
from common.report.markup import Html, element, join
from common.report.wording import format_number, format_value, plural

_FRACTION = re.compile(r"-?\d+\.\d+(?:[eE][-+]?\d+)?")
_ORDER = {"failed": 0, "warning": 1, "passed": 2}
# Arguments that say where to look rather than what to find.
_IMPLIED = {"column", "column_A", "column_B", "column_list", "column_set", "or_equal", "batch_id", "severity"}
# The expectations that people meet most, as what is said of a column; others are spelled out from their names.
_PHRASES = {
    "expect_column_values_to_be_between": "is in its range",
    "expect_column_values_to_be_in_set": "has only known values",
    "expect_column_values_to_be_unique": "is unique",
    "expect_column_values_to_match_regex": "has its pattern",
    "expect_column_values_to_not_be_null": "is never null",
    "expect_column_mean_to_be_between": "has its mean in a range",
    "expect_compound_columns_to_be_unique": "are unique together",
    "expect_table_row_count_to_be_between": "The number of rows is in its range",
}
_TONE = {"failed": "bad", "warning": "warn", "passed": "good"}


def audit_section(passed: bool, results: Sequence[Mapping[str, Any]], table: str = "") -> Html:
    """All expectations, the broken ones first, with what was observed and what was expected."""
    states = [_state(row) for row in results]
    failed, warned = states.count("failed"), states.count("warning")
    if not results:
        words = "This table has no expectations."
    elif not passed and not failed:
        words = "The checks could not be completed, so the rows were not published."
    elif failed:
        words = f"{plural(failed, 'check')} failed, so the rows were not published."
    elif warned:
        words = f"The rows may be published; {plural(warned, 'check')} of {len(results)} gave a warning."
    else:
        words = f"All {plural(len(results), 'check')} passed."
    ordered = sorted(zip(states, results, strict=True), key=lambda pair: _ORDER[pair[0]])
    rows = [[chip(state, _TONE[state]), _described(row), _observed(row), _expected(row)] for state, row in ordered]
    columns = ["result", "check", "observed", "expected"]
    listed = data_table(columns, rows, name="Quality checks", stack=True) if rows else ""
    return section(f"Quality checks of {table}" if table else "Quality checks", paragraph(words), listed)


def recorded_audits(record: Mapping[str, Any]) -> list[Html]:
    """The audits in the run record, one section per table."""
    return [
        audit_section(bool(audit.get("passed")), audit.get("results") or [], str(audit.get("table") or ""))
        for audit in record.get("quality") or []
    ]


def _state(row: Mapping[str, Any]) -> str:
    if bool(row.get("success")):
        return "passed"
    return "warning" if str(row.get("severity", "error")).startswith("warn") else "failed"


def _described(row: Mapping[str, Any]) -> Html:
    """The column, the expectation in words, and why it is held."""
    expectation = str(_first(row, "expectation", "expectation_type") or "")
    asked = row.get("kwargs") or {}
    where = join([element("code", row["column"]), " "]) if row.get("column") else ""
    named: Html | str
    if expectation == "expect_column_pair_values_a_to_be_greater_than_b" and {"column_A", "column_B"} <= asked.keys():
        where = join([element("code", asked["column_A"]), " "])
        named = join(["is at least " if asked.get("or_equal") else "is above ", element("code", asked["column_B"])])
    else:
        named = _PHRASES.get(expectation, expectation.removeprefix("expect_").replace("_", " "))
    why = element("div", row["why"], class_="note") if row.get("why") else ""
    return join([where, named, why])


def _observed(row: Mapping[str, Any]) -> str:
    """What was found; when the expectation could not be evaluated, why not."""
    value = _first(row, "observed", "observed_value")
    if value is None and row.get("unexpected_count") is not None:
        return plural(int(row["unexpected_count"]), "unexpected row")
    trouble = row.get("detail") if row.get("detail") != row.get("why") else None
    if isinstance(value, str) and _FRACTION.fullmatch(value):
        # Great Expectations gives a mean with all its digits.
        return format_number(float(value))
    return format_value(trouble if value is None else value)


def _expected(row: Mapping[str, Any]) -> str:
    """What was asked for in words: ``expected`` as given, otherwise the arguments of the expectation."""
    if row.get("expected") is not None:
        return format_value(row["expected"])
    asked = {
        key: value for key, value in (row.get("kwargs") or {}).items() if value is not None and key not in _IMPLIED
    }
    low, high, mostly = asked.pop("min_value", None), asked.pop("max_value", None), asked.pop("mostly", None)
    words = []
    if low is not None and high is not None:
        words.append(f"between {format_value(low)} and {format_value(high)}")
    elif low is not None:
        words.append(f"at least {format_value(low)}")
    elif high is not None:
        words.append(f"at most {format_value(high)}")
    if "value_set" in asked:
        words.append(f"one of {format_value(asked.pop('value_set'))}")
    words += [f"{key.replace('_', ' ')} {format_value(value)}" for key, value in asked.items()]
    if mostly is not None and float(mostly) < 1:
        words.append(f"in at least {format_value(float(mostly) * 100)} % of the rows")
    return ", ".join(words)


def _first(row: Mapping[str, Any], *keys: str) -> Any:
    return next((row[key] for key in keys if row.get(key) is not None), None)
