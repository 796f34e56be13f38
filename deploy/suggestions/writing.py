"""A suggested source as YAML, with what was seen and what is not certain as comments."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import yaml

from deploy.feeds.targets import Target
from deploy.suggestions.columns import RawColumn
from deploy.suggestions.layouts import Layout
from deploy.suggestions.matching import Match, parts_of_dates, says
from deploy.suggestions.moments import TimeStyle
from deploy.suggestions.periods import cadence_of

_SIMPLE = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_PLAIN_SCALAR = re.compile(r"[A-Za-z_][\w .()/-]*", re.ASCII)
# Words that SQL reads as something else than the name of a column.
_RESERVED = """
    all and array as between by case cast date desc distinct else end exists false for from group having in interval
    is join like limit map not null on or order select set table then time timestamp to true union user using values
    when where with current_date current_time current_timestamp localtimestamp current_user session_user
"""
_WIDTH = 110


@dataclass
class Suggestion:
    """A source to be: lines of YAML, the doubts in words, and which canonical columns it maps."""

    text: str = ""
    doubts: list[str] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)


def suggestion(target: Target, layout: Layout, found: Sequence[Match], heading: str) -> Suggestion:
    """The source for these matches."""
    made = Suggestion(doubts=list(layout.doubts))
    body: list[str] = []
    for match in found:
        body += _mapped(target, match, made)
    used = {one.name for match in found for one in (match.column, match.clock) if one is not None}
    left = [column for column in layout.columns if column.name not in used]
    body += _constants(target, layout, left, made)
    lacking = target.lacking(set(made.columns))
    for name in lacking:
        body.append(f"  # {name}: ?    # needed, and no column of the files looks like it")
        made.doubts.append(
            f"{name} is needed, and no column of the files looks like it{_called_so(target, name, left)}"
        )
    lines = [f"# {line}" for line in heading.splitlines()]
    lines += [f"format: {layout.format}", *_keys(layout)]
    lines += _numbers(found, made)
    lines += _zone(target, found, made)
    lines += ["columns:", *body]
    unmapped = [column.name for column in left if reference(column) not in made.columns.values()]
    if unmapped:
        lines += _comment(f"Not mapped: {', '.join(unmapped)}.")
    for column in layout.columns:
        if column.card_share > 0:
            made.doubts.append(
                f"'{column.name}' holds payment card numbers: the ingest masks them, or makes pseudonyms of them in a "
                "column of ids. Ask the sender to leave them out"
            )
    if made.doubts:
        lines[1:1] = ["#", "# Not certain:", *(line for doubt in made.doubts for line in _comment(f"- {doubt}"))]
    made.text = "\n".join(lines) + "\n"
    return made


def _called_so(target: Target, canonical: str, left: Sequence[RawColumn]) -> str:
    """What is wrong with a column that is called like a needed time; empty for any other column."""
    if canonical not in target.times:
        return ""
    parts = parts_of_dates(left)
    if parts:
        return f": its parts stand in {' and '.join(parts)}; join them in SQL, such as make_date(year, month, 1)"
    named = next((column for column in left if column.given and says(target, canonical, column)), None)
    if named is None:
        return ""
    return f": {named.name} holds {named.given[0]}, which is no date; say in SQL which day it stands for"


def reference(column: RawColumn) -> str:
    """A raw column as an expression names it, in back quotes where it must be; ``a.b`` is a field of ``a``."""
    parts = column.name.split(".") if column.kind != "quoted" else [column.name]
    return ".".join(part if _is_simple(part) else f"`{part.replace('`', '``')}`" for part in parts)


def _is_simple(name: str) -> bool:
    return _SIMPLE.fullmatch(name) is not None and name.lower() not in _RESERVED.split()


def scalar(text: str) -> str:
    """A text as a YAML value."""
    if _PLAIN_SCALAR.fullmatch(text) and yaml.safe_load(text) == text:
        return text
    return json.dumps(text, ensure_ascii=False)


def _mapped(target: Target, match: Match, made: Suggestion) -> list[str]:
    column, style = match.column, match.column.time
    expression = reference(column)
    doubts = [*match.doubts, *_doubts(target, match)]
    value, note = scalar(expression), ""
    if match.canonical in target.times and style is not None:
        expression, value, note = _moment(match, style)
    made.columns[match.canonical] = expression
    made.doubts += [f"{match.canonical}: {doubt}" for doubt in doubts]
    comment = "; ".join([*([note] if note else []), *(f"? {doubt}" for doubt in doubts)])
    line = f"  {match.canonical}: {value}"
    if comment and len(line) + len(comment) < _WIDTH:
        return [f"{line}    # {comment}"]
    return [*(f"  {one}" for one in _comment(comment)), line] if comment else [line]


def _moment(match: Match, style: TimeStyle) -> tuple[str, str, str]:
    """Expression, YAML value and example of a time."""
    column, clock = match.column, match.clock
    expression, pattern = reference(column), style.pattern
    if style.sql:
        expression = style.sql.replace("{c}", expression)
    example = column.given[0] if column.given and column.kind == "" else ""
    if clock is not None and clock.time is not None:
        expression = f"concat({expression}, ' ', {reference(clock)})"
        pattern = f"{style.pattern or 'yyyy-MM-dd'} {clock.time.pattern}"
        example += f" {clock.given[0]}" if clock.given else ""
    return expression, _time_value(expression, pattern, style.epoch), f"e.g. {example}" if example else ""


def _doubts(target: Target, match: Match) -> list[str]:
    column, found = match.column, []
    if not column.given:
        found.append("it has no value in the sample")
    if match.canonical in target.times and column.time is not None:
        if column.time.other:
            found.append(f"day or month first? {column.time.other} reads the sample as well")
        if column.time.period:
            found.append(f"the values are {column.time.period}s: each counts on its first day")
            found += [by] if (by := _forecast_by(target, column.time.period)) else []
        elif cadence := cadence_of(column.given):
            found.append(cadence)
        if column.time.share < 1:
            found.append(f"{1 - column.time.share:.0%} of the sampled values are written in another way")
    elif match.canonical == "is_fraud" and not column.is_boolean:
        given = ", ".join(sorted(set(column.given))[:4])
        found.append(f"is it fraud? The values are {given}; only true/false, 1/0, yes/no are read")
    elif column.number is not None and match.canonical in _NUMBER_COLUMNS:
        if not column.number.certain:
            found.append(f"{column.number.example} may be read in two ways: set decimal and thousands")
        if column.number.share < 1:
            found.append(f"{1 - column.number.share:.0%} of the sampled values are no such numbers")
    if column.blank_share > 0.05 and column.given and any(match.canonical in group for group in target.required):
        found.append(f"{column.blank_share:.0%} of the sampled rows have no value: they would be rejected")
    return found


def _forecast_by(target: Target, period: str) -> str:
    if target.job != "forecast.ingest" or period == "week":
        return ""
    return f"forecast by {period} (freq={period[0].upper()})"


def _time_value(expression: str, pattern: str, epoch: str) -> str:
    if epoch:
        return f"{{expr: {_flow(expression)}, epoch: {epoch}}}"
    if pattern:
        return f"{{expr: {_flow(expression)}, timestamp_format: {json.dumps(pattern, ensure_ascii=False)}}}"
    return scalar(expression)


def _flow(expression: str) -> str:
    return expression if _SIMPLE.fullmatch(expression) else json.dumps(expression, ensure_ascii=False)


def _constants(target: Target, layout: Layout, left: Sequence[RawColumn], made: Suggestion) -> list[str]:
    """Columns that no file has, but that a feed can do without; ``left`` are raw columns not mapped so far."""
    if (
        target.job == "forecast.ingest"
        and {"item_id", "sold_at"} <= set(made.columns)
        and "quantity" not in made.columns
    ):
        named = next((column for column in left if says(target, "quantity", column)), None)
        if named is not None:
            # A quantity that cannot be read is none of one piece.
            made.columns["quantity"] = reference(named)
            doubt = "its values do not look like numbers: say in SQL how they are read"
            made.doubts.append(f"quantity: {doubt}")
            return [f"  quantity: {scalar(reference(named))}    # ? {doubt}"]
        made.columns["quantity"] = "1"
        made.doubts.append("quantity: no column looks like it, so each row counts as one piece sold")
        return ['  quantity: "1"    # ? no column looks like it: each row counts as one piece sold']
    if target.job == "clickstream.ingest" and "platform" not in made.columns and layout.format != "access_log":
        made.columns["platform"] = "'web'"
        return ["  platform: \"'web'\""]
    return []


def _keys(layout: Layout) -> list[str]:
    lines = []
    for key, value in layout.keys.items():
        if isinstance(value, dict):
            inner = ", ".join(f"{name}: {json.dumps(text)}" for name, text in value.items())
            lines.append(f"{key}: {{{inner}}}")
        else:
            lines.append(f"{key}: {scalar(str(value))}")
    return lines


def _numbers(found: Sequence[Match], made: Suggestion) -> list[str]:
    """``decimal`` and ``thousands`` of the columns that are numbers."""
    styles = [
        (match.canonical, style)
        for match in found
        if (style := match.column.number) is not None and match.canonical in _NUMBER_COLUMNS and match.column.kind == ""
    ]
    odd = [(name, style) for name, style in styles if not style.is_plain]
    if not odd:
        return []
    decimals = {style.decimal for _, style in styles if not style.is_whole or style.thousands}
    thousands = sorted({style.thousands for _, style in odd if style.thousands})
    decimal = odd[0][1].decimal
    if len(decimals) > 1 or len(thousands) > 1:
        made.doubts.append(f"numbers are written in different ways: {', '.join(name for name, _ in styles)}")
    lines = [f'decimal: "{decimal}"    # e.g. {odd[0][1].example}']
    if thousands:
        lines.append(f'thousands: "{thousands[0]}"')
    return lines


_NUMBER_COLUMNS = frozenset({"quantity", "y", "unit_price", "price", "tx_amount"})


def _zone(target: Target, found: Sequence[Match], made: Suggestion) -> list[str]:
    local = [
        match
        for match in found
        if match.canonical in target.times
        and (style := match.column.time) is not None
        and not style.names_zone
        and (style.has_time or match.clock is not None)
    ]
    if not local:
        return []
    name = local[0].canonical
    made.doubts.append(f"time_zone: the times of {name} name no zone; UTC is assumed")
    return [
        "# ? The times name no zone. UTC is assumed; if they are those of a shop's own clock, name its zone,",
        "# for example Europe/Berlin, America/New_York or Asia/Tokyo.",
        "time_zone: UTC",
    ]


def _comment(text: str) -> list[str]:
    """Comment lines of bounded width."""
    lines, line = [], "#"
    for word in text.split(" "):
        if len(line) + len(word) > _WIDTH and line != "#":
            lines.append(line)
            line = "#  "
        line += f" {word}"
    return [*lines, line]
