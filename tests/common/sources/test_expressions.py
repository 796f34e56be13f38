"""What an expression of a source may hold: reviewed functions of the row's own values, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from common.sources.mapping.expressions import checked, with_quoted_names
from common.sources.mapping.functions import ALLOWED

pytestmark = pytest.mark.unit

# What Spark's own lists do not tell: these give another result in another run, session or place.
CHANGING = {
    *("rand", "randn", "random", "uniform", "randstr", "uuid", "shuffle", "aes_encrypt"),
    *("now", "curdate", "current_date", "current_time", "current_timestamp", "localtimestamp", "unix_timestamp"),
    *("current_user", "session_user", "user", "version", "current_timezone"),
    *("current_catalog", "current_database", "current_schema", "python_worker_logs"),
    *("input_file_name", "input_file_block_start", "input_file_block_length"),
    *("monotonically_increasing_id", "spark_partition_id", "reflect", "java_method", "try_reflect"),
    *("window", "session_window", "range", "sql_keywords", "json_tuple"),
}
MANY_ROWS = {"agg_funcs", "window_funcs", "generator_funcs"}
# Forms of the grammar, which Spark lists as no functions.
GRAMMAR_CALLS = {"try_cast", "timestampadd", "timestampdiff"}


def functions_of(spark: SparkSession) -> dict[str, str]:
    """Each function that Spark lists, with the group in its documentation."""
    jvm: Any = spark._jvm
    session: Any = spark._jsparkSession
    registry = session.sessionState().functionRegistry()
    names = [row[0] for row in spark.sql("SHOW SYSTEM FUNCTIONS").collect() if row[0].isidentifier()]
    found = {}
    for name in names:
        info = registry.lookupFunction(jvm.org.apache.spark.sql.catalyst.FunctionIdentifier(name))
        found[name] = info.get().getGroup() if info.isDefined() else ""
    return found


def test_no_function_of_spark_that_changes_between_runs_or_reads_many_rows_is_let_through(spark: SparkSession) -> None:
    groups = functions_of(spark)
    refused = {name for name, group in groups.items() if group in MANY_ROWS or name in CHANGING}
    assert {"rand", "sum", "explode", "row_number", "now"} <= refused
    for name in sorted(refused):
        for form in (f"{name}()", f"{name.upper()} (a, b)", f"concat(a, {name}(b))"):
            with pytest.raises(ValueError, match=f"(?i)'{name}'"):
                checked(form)


def test_every_function_of_the_list_is_one_of_this_spark(spark: SparkSession) -> None:
    assert set(functions_of(spark)) | GRAMMAR_CALLS >= ALLOWED


@given(st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True).filter(lambda name: name not in ALLOWED))
def test_a_function_that_nobody_has_reviewed_is_refused_whatever_its_name(name: str) -> None:
    from common.sources.mapping.functions import GRAMMAR

    if name not in GRAMMAR:
        with pytest.raises(ValueError, match=name):
            checked(f"{name}(a)")


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("current_date", "the clock"),
        ("LocalTimestamp", "the clock"),
        ("coalesce(a, current_user)", "needs `current_user`"),
        ("user", "needs `user`"),
        ("timestamp 'now'", "the clock"),
        ("DATE'today'", "the clock"),
        ("`rand`()", "cannot be called"),
        ("builtin.now()", "cannot be called"),
        ("identifier('rand')()", "identifier"),
        ("(table secrets)", "a query"),
        ("(VALUES (1))", "a query"),
        ("exists(select 1)", "a query"),
        ("(map a using 'cat')", "a query"),
        (r"r'\' || now() || r'\'", "the clock"),
        ("$$'$$ || now() || $$'$$", r"\$\$"),
        ("sum(a) over (order by b)", "many rows"),
        ("frobnicate(a)", "not a function that a source may call"),
        ("uper(a)", "did you mean 'upper'"),
    ],
)
def test_what_does_not_come_from_the_row_is_refused_with_the_reason(expression: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        checked(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "case when a in (1, 2) and (b or not (c)) then 'x' else (d) end",
        "a like any ('x%', 'y%') or a rlike ('z') or b between (1) and (2)",
        "extract(year from t) + position('a' in b)",
        "trim(both 'x' from a)",
        "try_cast(a as decimal(18, 4)) / 100",
        "filter(params, p -> p.user = 'current_date()')",
        "`user`",
        "geo.user",
        "date '2020-01-01'",
    ],
)
def test_what_comes_from_the_row_alone_is_let_through(expression: str) -> None:
    assert checked(expression) == expression


def test_names_of_letters_beyond_ascii_need_no_quotes() -> None:
    found = with_quoted_names("concat(Größe, 'Größe', `Größe`, 品名.größe, a1_b, \"ä\") like 'é%'")
    assert found == "concat(`Größe`, 'Größe', `Größe`, `品名`.`größe`, a1_b, \"ä\") like 'é%'"
