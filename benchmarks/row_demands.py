"""Twenty demands on events, each written three times: as a row rule, as an expectation, and as SQL for DuckDB."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.events import write_events
from common.quality import library
from common.quality.rules import Rule

ROW = "row_number"
DAYS = 30
_FIRST, _LAST = date(2026, 3, 1), date(2026, 3, 30)
_START, _END = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 31, tzinfo=UTC)
# Each rule is broken on purpose in so many rows; some rules are broken by the wrong values of others too.
_BROKEN_SHARE = 0.0015
_BLANK = r"(?i)^[\s\u00a0\u200b\ufeff]*(null|none|nan|n/a|undefined|\(null\))?[\s\u00a0\u200b\ufeff]*$"
_BLANK_SQL = "lower(trim({0})) IN ('', 'null', 'none', 'nan', 'n/a', 'undefined', '(null)')"


@dataclass(frozen=True)
class Demand:
    """One demand: our rule, the expectation of the same meaning, SQL that holds where it is broken, a wrong value."""

    rule: Rule
    column: str
    expectation: str
    arguments: Mapping[str, Any]
    sql: str
    wrong: Any


def _given(code: str, column: str) -> Demand:
    rule = Rule(code, f"no {column}", library.is_null(column))
    return Demand(rule, column, "expect_column_values_to_not_be_null", {}, f"{column} IS NULL", None)


def _not_blank(code: str, column: str, wrong: str) -> Demand:
    rule = Rule(code, f"blank {column}", library.is_blank(column))
    kind = "expect_column_values_to_not_match_regex"
    return Demand(rule, column, kind, {"regex": _BLANK}, _BLANK_SQL.format(column), wrong)


def _one_of(code: str, column: str, *values: str) -> Demand:
    rule = Rule(code, f"unknown {column}", library.not_in(column, values))
    listed = ", ".join(f"'{value}'" for value in values)
    kind = "expect_column_values_to_be_in_set"
    return Demand(rule, column, kind, {"value_set": list(values)}, f"{column} NOT IN ({listed})", "no such value")


def _between(code: str, column: str, low: Any, high: Any, wrong: Any) -> Demand:
    rule = Rule(code, f"{column} out of range", library.out_of_range(column, low=low, high=high))
    bounds = (f"'{bound}'" if isinstance(bound, date) else str(bound) for bound in (low, high))
    sql = f"{column} NOT BETWEEN {' AND '.join(bounds)}"
    kind = "expect_column_values_to_be_between"
    return Demand(rule, column, kind, {"min_value": low, "max_value": high}, sql, wrong)


def _at_most(code: str, column: str, characters: int) -> Demand:
    rule = Rule(code, f"{column} too long", library.too_long(column, characters))
    kind = "expect_column_value_lengths_to_be_between"
    sql = f"length({column}) > {characters}"
    return Demand(rule, column, kind, {"max_value": characters}, sql, "/" + "x" * characters)


def _like(code: str, column: str, pattern: str, wrong: str) -> Demand:
    rule = Rule(code, f"{column} not well formed", library.not_matching(column, pattern))
    sql = f"NOT regexp_matches({column}, '{pattern}')"
    return Demand(rule, column, "expect_column_values_to_match_regex", {"regex": pattern}, sql, wrong)


DEMANDS = (
    _not_blank("Q-01", "event_id", " NULL "),
    _like("Q-02", "event_id", "^e-[0-9]{15}-[0-9]{16}$", "e1"),
    _given("Q-03", "event_name"),
    _one_of("Q-04", "event_name", "page_view", "purchase", "scroll"),
    _given("Q-05", "event_date"),
    _between("Q-06", "event_date", _FIRST, _LAST, date(1970, 1, 1)),
    _given("Q-07", "derived_tstamp"),
    _between("Q-08", "derived_tstamp", _START, _END, datetime(2062, 1, 1, tzinfo=UTC)),
    _not_blank("Q-09", "domain_userid", "undefined"),
    _at_most("Q-10", "domain_userid", 64),
    _one_of("Q-11", "page_urlhost", "shop.example", "www.shop.example"),
    _like("Q-12", "page_urlpath", "^/", "page/1"),
    _at_most("Q-13", "page_urlpath", 200),
    _at_most("Q-14", "refr_urlhost", 100),
    _one_of("Q-15", "refr_medium", "search", "social", "internal", "unknown", "email"),
    _one_of("Q-16", "device_category", "desktop", "mobile", "tablet"),
    _like("Q-17", "geo_country", "^[A-Z]{2}$", "Germany"),
    _between("Q-18", "quantity", 1, 100, Decimal(0)),
    _between("Q-19", "price", 0, 10_000, Decimal(-1)),
    _one_of("Q-20", "currency", "EUR", "GBP", "INR"),
)


def flawed_events(folder: Path, rows: int) -> Path:
    """Parquet files of made-up events, numbered by ``row_number``, of which a few in a hundred break a rule."""
    made = folder / f"flawed-{rows}"
    if (made / "_DONE").exists():
        return made
    shutil.rmtree(made, ignore_errors=True)
    write_events(made, rows=rows, days=DAYS)
    rng, done = np.random.default_rng(20261121), 0
    for path in sorted(made.glob("*.parquet")):
        table = pq.read_table(path)
        table = table.append_column(ROW, pa.array(np.arange(done, done + len(table))))
        done += len(table)
        for demand in DEMANDS:
            place = table.schema.get_field_index(demand.column)
            field = table.schema.field(place)
            hit = pa.array(rng.random(len(table)) < _BROKEN_SHARE)
            table = table.set_column(
                place, field, pc.if_else(hit, pa.scalar(demand.wrong, field.type), table.column(place))
            )
        pq.write_table(table, path, compression="snappy")
    (made / "_DONE").touch()
    return made


def counted_by_duckdb(events: Path) -> dict[str, int]:
    """Rows per broken rule, and in all under ``rows`` and ``bad``, by DuckDB on the same files."""
    import duckdb

    sums = [f"count(*) FILTER (WHERE {demand.sql})" for demand in DEMANDS]
    broken = " OR ".join(f"coalesce({demand.sql}, false)" for demand in DEMANDS)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        row = connection.execute(
            f"SELECT count(*), count(*) FILTER (WHERE {broken}), {', '.join(sums)} FROM '{events}/*.parquet'"
        ).fetchone()
    if row is None:
        raise SystemExit("DuckDB gave no counts")
    names = ["rows", "bad", *(demand.rule.reason for demand in DEMANDS)]
    return dict(zip(names, row, strict=True))
