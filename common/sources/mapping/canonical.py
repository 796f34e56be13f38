"""Raw rows to canonical columns, by the expressions of a source."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial, reduce
from operator import or_

from pyspark.errors import AnalysisException, ParseException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DataType, MapType, StringType, StructType, TimestampType

from common.causes import cause_of
from common.errors import UsageError
from common.sources.mapping.conversion import READS, is_date_only, is_given, steps_to
from common.sources.mapping.expressions import quoted_bare_names
from common.sources.mapping.fit import KEPT, lacking_of
from common.sources.mapping.guarded import guarded, has_raised, is_plain, opened
from common.sources.mapping.java_numbers import carried_rows
from common.sources.mapping.model import Source
from common.words import did_you_mean

_LOSSLESS: tuple[list[str], ...] = ([], ["trim({v})"])
DATE_ONLY = "_date_only"
"""Column of the names of those times whose value was a date without a time of day."""


def canonical(raw: DataFrame, source: Source, target: StructType | None = None) -> DataFrame:
    """``raw`` as the canonical columns of ``source``, then those of ``KEPT`` that ``raw`` has, then ``DATE_ONLY``.

    The ``optional`` columns of the source that ``raw`` lacks are null.
    With ``target`` each column has its type there; a time that becomes text is ISO 8601 in UTC, with ``Z``. A value
    that cannot be read, or whose expression raised, is null, and ``_reason`` names the columns (``SRC-301 cannot be
    read: a, b``) unless it holds a reason already. Nothing is rounded. Times that name no zone are local to the
    source's ``time_zone``; a date alone is the first moment of that date in this zone and in UTC, and its column is
    listed in ``_date_only array<string>``, which only a ``target`` with times brings. A text that only Java takes for a
    number (see ``java_numbers``) cannot be read as one. Rows in = rows out. Raises
    UsageError SRC-004 (an expression does not fit the raw columns) and SRC-005 (a column that ``target`` lacks), before
    anything is computed.
    """
    if target is not None:
        source.check_columns(target.names)
    raw = raw.withColumns({name: F.lit(None).cast("string") for name in lacking_of(source, raw.columns)})
    _check_names(raw, source)
    asked = {name: mapping.expr for name, mapping in source.columns.items()}
    wanted = {name: target[name].dataType if target is not None else None for name in asked}
    found = _selected(raw, source, asked, lambda: [F.expr(text).alias(name) for name, text in asked.items()]).schema
    kinds = {name: found[name].dataType for name in asked}
    for name, kind in kinds.items():
        if isinstance(wanted[name], StringType) and isinstance(kind, ArrayType | MapType | StructType):
            # What is carried on is the text that the column gets.
            asked[name], kinds[name] = f"CAST({asked[name]} AS STRING)", StringType()
    kept = [name for name in KEPT if name in raw.columns]
    careful = [name for name, text in asked.items() if not is_plain(text)]
    carried = {name: guarded(text, kinds[name]) if name in careful else text for name, text in asked.items()}
    mapped = carried_rows(
        raw,
        {_carried(name): text for name, text in asked.items()},
        {_carried(name): text for name, text in carried.items()},
        [_carried(name) for name in careful],
        kept,
    )
    given = mapped.select(
        *(
            F.expr(opened(f"`{_carried(name)}`", kinds[name]) if name in careful else f"`{_carried(name)}`").alias(
                _value(name, 0)
            )
            for name in asked
        ),
        *(F.expr(has_raised(f"`{_carried(name)}`")).alias(_raised(name)) for name in careful),
        *kept,
    )
    reads = {name: target[name].metadata.get(READS, "") if target is not None else "" for name in asked}
    steps = {
        name: steps_to(kinds[name], wanted[name], mapping, source, reads[name])
        for name, mapping in source.columns.items()
    }
    valued = given
    for number in range(max(map(len, steps.values()))):
        now = {name: _step(name, number, found[number]) for name, found in steps.items() if number < len(found)}
        valued = _selected(valued, source, now, partial(_after, number, now))
    last = {name: _value(name, len(found)) for name, found in steps.items()}
    lost = []
    for name, column in last.items():
        tests = [F.col(_raised(name))] if name in careful else []
        # Nothing is lost of a value that stays what it is.
        if steps[name] not in _LOSSLESS:
            given_and_lost = (
                f"{is_given(f'`{_value(name, 0)}`', kinds[name], wanted[name], reads[name])} AND `{column}` IS NULL"
            )
            tests.append(F.expr(given_and_lost))
        if tests:
            lost.append(F.when(reduce(or_, tests), F.lit(name)))
    return valued.select(
        *(F.col(column).alias(name) for name, column in last.items()),
        *(name for name in kept if name != "_reason"),
        _reason("_reason" in kept, lost).alias("_reason"),
        *_date_only(source, kinds, last, wanted),
    )


def _carried(name: str) -> str:
    return f"_carried_{name}"


def _value(name: str, step: int) -> str:
    return f"_value{step}_{name}"


def _raised(name: str) -> str:
    return f"_raised_{name}"


def _step(name: str, number: int, step: str) -> str:
    return step.replace("{v}", f"`{_value(name, number)}`").replace("{g}", f"`{_value(name, 0)}`")


def _date_only(
    source: Source, kinds: dict[str, DataType], last: dict[str, str], wanted: dict[str, DataType | None]
) -> list[Column]:
    times = [name for name, kind in wanted.items() if isinstance(kind, TimestampType)]
    if not times:
        return []
    tests = {name: is_date_only(f"`{_value(name, 0)}`", kinds[name], source.columns[name]) for name in times}
    names = [f"CASE WHEN {test} AND `{last[name]}` IS NOT NULL THEN '{name}' END" for name, test in tests.items()]
    return [F.expr(f"array_compact(array({', '.join(names)}))").alias(DATE_ONLY)]


def _reason(has_reason: bool, lost: list[Column]) -> Column:
    before = F.col("_reason") if has_reason else F.lit(None).cast("string")
    names = F.concat_ws(", ", *lost)
    return F.coalesce(before, F.when(names != "", F.concat(F.lit("SRC-301 cannot be read: "), names)))


def _check_names(raw: DataFrame, source: Source) -> None:
    """A quoted name of a missing column would become what Spark evaluates under that name: the clock, say."""
    there = {name.lower() for name in raw.columns}
    for column, mapping in source.columns.items():
        for name in quoted_bare_names(mapping.expr):
            if name.lower() not in there:
                raise UsageError(
                    "SRC-004",
                    f"Source {source.name}: the expression of '{column}' cannot be used.",
                    cause=f"{mapping.expr}: there is no raw column '{name}'.",
                    remedy=f"The raw columns are {', '.join(item for item in raw.columns if item not in KEPT)}.",
                )


def _after(number: int, now: dict[str, str]) -> list[Column]:
    """All columns so far, and the values after a step; Spark leaves out those that nothing reads any more."""
    return [F.col("*"), *(F.expr(text).alias(_value(name, number + 1)) for name, text in now.items())]


def _selected(rows: DataFrame, source: Source, texts: dict[str, str], columns: Callable[[], list[Column]]) -> DataFrame:
    """``rows`` as ``columns``, made of ``texts``; each text is analysed by itself when this fails, to name the one at
    fault. Nothing is computed.
    """
    try:
        return rows.select(*columns())
    except (AnalysisException, ParseException):
        for name, text in texts.items():
            _check_one(rows, source, name, text)
        raise


def _check_one(rows: DataFrame, source: Source, name: str, text: str) -> None:
    try:
        rows.select(F.expr(text))
    except (AnalysisException, ParseException) as error:
        text = str(error)
        raw_columns = [
            column for column in rows.columns if column not in KEPT and not column.startswith(("_value", "_raised_"))
        ]
        unknown = re.search(r"name `([^`]+)` cannot be resolved", text)
        hint = did_you_mean(unknown.group(1), raw_columns) if unknown else ""
        raise UsageError(
            "SRC-004",
            f"Source {source.name}: the expression of '{name}' cannot be used.{hint}",
            cause=f"{source.columns[name].expr}: {cause_of(error)}",
            remedy=f"The raw columns are {', '.join(raw_columns)}." if raw_columns else "Check its type.",
        ) from error
