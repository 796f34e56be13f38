"""Lines of the combined log format."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from common.sources.rows import access_log

pytestmark = pytest.mark.unit

GOOD = (
    r'203.0.113.7 - ann [17/May/2015:10:05:03 +0200] "GET /a?x=1 HTTP/1.1" 200 512 "http://r.example/" "Agent/1.0 (X)"'
)


def parsed(spark: SparkSession, *lines: str) -> list[Row]:
    rows = spark.createDataFrame([(line, None) for line in lines], "_raw string, _reason string")
    by_line = {row["_raw"]: row for row in access_log.parse(rows).collect()}
    return [by_line[line] for line in lines]


def utc(row: Row) -> datetime:
    return row["time"].astimezone(UTC) if row["time"].tzinfo else row["time"].astimezone().astimezone(UTC)


def test_each_field_of_a_line_is_read(spark: SparkSession) -> None:
    (row,) = parsed(spark, GOOD)
    expected: dict[str, Any] = {
        "remote_host": "203.0.113.7",
        "ident": None,
        "user": "ann",
        "request": "GET /a?x=1 HTTP/1.1",
        "method": "GET",
        "path": "/a?x=1",
        "protocol": "HTTP/1.1",
        "status": 200,
        "bytes": 512,
        "referer": "http://r.example/",
        "user_agent": "Agent/1.0 (X)",
        "_reason": None,
    }
    assert {name: row[name] for name in expected} == expected
    # 10:05:03 two hours east of Greenwich.
    assert utc(row) == datetime(2015, 5, 17, 8, 5, 3, tzinfo=UTC)


def test_every_month_is_read(spark: SparkSession) -> None:
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    rows = parsed(spark, *(GOOD.replace("May", month) for month in months))
    assert [utc(row).month for row in rows] == list(range(1, 13))


KINDS = {
    "the common format has neither referrer nor agent": (
        'h - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.0" 304 -',
        {"status": 304, "bytes": None, "referer": None, "user_agent": None, "_reason": None},
    ),
    "escaped quotes belong to the field": (
        r'h - - [17/May/2015:10:05:03 +0000] "GET /\"q\" HTTP/1.1" 200 1 "-" "say \"hi\" \\ now"',
        {"path": '/"q"', "user_agent": 'say "hi" \\ now', "_reason": None},
    ),
    "an escaped backslash before the closing quote": (
        'h - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "dir C:\\\\"',
        {"user_agent": "dir C:\\", "_reason": None},
    ),
    "hexadecimal escapes stay as sent": (
        r'h - - [17/May/2015:10:05:03 +0000] "GET /\xe4 HTTP/1.1" 200 1 "-" "-"',
        {"path": r"/\xe4", "user_agent": None, "_reason": None},
    ),
    "fields after the agent are passed over": (
        'h - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "A" "198.51.100.2" 0.004',
        {"user_agent": "A", "_reason": None},
    ),
    "a path may hold blanks": (
        'h - - [17/May/2015:10:05:03 +0000] "GET /a b HTTP/1.1" 200 1 "-" "A"',
        {"method": "GET", "path": "/a b", "protocol": "HTTP/1.1"},
    ),
    "a user may hold blanks": (
        'h - ann lee [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "A"',
        {"user": "ann lee", "_reason": None},
    ),
    "a request that is none is kept as sent": (
        r'h - - [17/May/2015:10:05:03 +0000] "\x16\x03\x01" 400 226 "-" "-"',
        {"request": r"\x16\x03\x01", "method": None, "path": None, "protocol": None, "status": 400, "_reason": None},
    ),
    "an empty request": (
        'h - - [17/May/2015:10:05:03 +0000] "-" 408 - "-" "-"',
        {"request": None, "method": None, "status": 408, "_reason": None},
    ),
    "an IPv6 host": (
        '2001:db8::1 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "A"',
        {"remote_host": "2001:db8::1", "_reason": None},
    ),
    "an agent without its closing quote": (
        'h - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "Mozilla/5.0 (bot.html',
        {"remote_host": None, "user_agent": None, "_reason": "SRC-202 a quoted field of the log line is not closed"},
    ),
    "prose": ("Apache License, Version 2.0", {"_reason": "SRC-201 not a line of the combined log format"}),
    "a status that is no number": (
        'h - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" OK 1 "-" "A"',
        {"status": None, "_reason": "SRC-201 not a line of the combined log format"},
    ),
    "an impossible day": (
        'h - - [31/Feb/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "A"',
        {"time": None, "_reason": "SRC-203 the time of the log line cannot be read"},
    ),
    "a month that is none": (
        'h - - [17/Mai/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "A"',
        {"_reason": "SRC-203 the time of the log line cannot be read"},
    ),
    "a time without its offset": (
        'h - - [17/May/2015:10:05:03] "GET / HTTP/1.1" 200 1 "-" "A"',
        {"_reason": "SRC-203 the time of the log line cannot be read"},
    ),
    "nothing but quotes": ('""""""""', {"_reason": "SRC-201 not a line of the combined log format"}),
}


def test_unusual_lines_are_read_or_kept_with_a_reason(spark: SparkSession) -> None:
    rows = parsed(spark, *(line for line, _ in KINDS.values()))
    found = {
        kind: {name: row[name] for name in expected}
        for (kind, (_, expected)), row in zip(KINDS.items(), rows, strict=True)
    }
    assert found == {kind: expected for kind, (_, expected) in KINDS.items()}


def test_a_line_of_many_escapes_and_quotes_is_cut_without_backtracking(spark: SparkSession) -> None:
    agent = '\\"' * 40_000
    (row,) = parsed(spark, f'h - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "{agent}"')
    assert row["_reason"] is None
    assert row["user_agent"] == '"' * 40_000
    (forged,) = parsed(spark, "h - - [17/May/2015:10:05:03 +0000] " + '" 200 1 "' * 20_000)
    assert forged["_reason"] is not None


def test_a_line_that_came_with_a_reason_is_not_read(spark: SparkSession) -> None:
    rows = spark.createDataFrame([(GOOD, "SRC-221 too long")], "_raw string, _reason string")
    row = access_log.parse(rows).first()
    assert row is not None
    assert (row["_reason"], row["remote_host"]) == ("SRC-221 too long", None)
