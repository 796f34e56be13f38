"""Lines of the access logs of web servers."""

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
        {"path": r"/\xe4", "user_agent": "-", "_reason": None},
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
    "a user that is empty, as of a 401": (
        'h - "" [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 401 1 "" "A"',
        {"user": None, "referer": None, "user_agent": "A", "_reason": None},
    ),
    "a user in quotes, with a comma and a bracket": (
        'h - "lee, [ann]" [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "A"',
        {"remote_host": "h", "user": "lee, [ann]", "_reason": None},
    ),
    "a user of dashes is none": (
        'h - - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "A"',
        {"remote_host": "h", "ident": None, "user": None, "_reason": None},
    ),
    "an empty agent is a field that says nothing": (
        'h - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" ""',
        {"user_agent": "-", "_reason": None},
    ),
    "a request without a protocol": (
        'h - - [17/May/2015:10:05:03 +0000] "GET /old page" 200 1 "-" "A"',
        {"method": "GET", "path": "/old page", "protocol": None, "_reason": None},
    ),
    "the request of another protocol": (
        'h - - [17/May/2015:10:05:03 +0000] "OPTIONS / RTSP/1.0" 400 1 "-" "-"',
        {"request": "OPTIONS / RTSP/1.0", "method": None, "path": None, "_reason": None},
    ),
    "a whole address as target": (
        'h - - [17/May/2015:10:05:03 +0000] "GET http://shop.example/a HTTP/1.1" 200 1 "-" "A"',
        {"path": "http://shop.example/a", "protocol": "HTTP/1.1"},
    ),
    "a tunnel has no path": (
        'h - - [17/May/2015:10:05:03 +0000] "CONNECT shop.example:443 HTTP/1.1" 405 1 "-" "A"',
        {"method": "CONNECT", "path": None, "protocol": "HTTP/1.1"},
    ),
    "numbers after the bytes are passed over": (
        'h - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.0" 200 1 0.004',
        {"status": 200, "bytes": 1, "user_agent": None, "_reason": None},
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
    "a time with a fraction": (
        'h - - [17/May/2015:10:05:03.250 +0000] "GET / HTTP/1.1" 200 1 "-" "A"',
        {"path": "/", "_reason": None},
    ),
    "a line of which more is wrong than the time": (
        'h - - [yesterday] "GET / HTTP/1.1" OK 1 "-" "A"',
        {"_reason": "SRC-201 not a line of the combined log format"},
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


HOSTS = {
    # Before the time -> virtual host, visitor's host, ident, user.
    "203.0.113.1, 10.0.0.7 - -": (None, "203.0.113.1", None, None),
    "203.0.113.1,10.0.0.7,10.0.0.8 - ann": (None, "203.0.113.1", None, "ann"),
    '"203.0.113.1, 10.0.0.7" - ann lee': (None, "203.0.113.1", None, "ann lee"),
    "unknown, 203.0.113.1 - -": (None, "203.0.113.1", None, None),
    "2001:db8::1, 10.0.0.7 - -": (None, "2001:db8::1", None, None),
    # The address of the proxy after the list, and a visitor that came without one.
    "203.0.113.1, 10.0.0.7 10.0.0.9 - ann": (None, "203.0.113.1", None, "ann"),
    "- 203.0.113.5 - -": (None, "203.0.113.5", None, None),
    '"-" 203.0.113.5 - -': (None, "203.0.113.5", None, None),
    # A port differs from connection to connection.
    "203.0.113.1:51234 - -": (None, "203.0.113.1", None, None),
    "203.0.113.1:51234, 10.0.0.7:80 - -": (None, "203.0.113.1", None, None),
    "[2001:db8::1]:51234 - -": (None, "2001:db8::1", None, None),
    "2001:db8::8:80 - -": (None, "2001:db8::8:80", None, None),
    # The host that was asked, then the visitor's.
    "shop.example:443 203.0.113.1 - -": ("shop.example:443", "203.0.113.1", None, None),
    "shop.example 203.0.113.1 - ann lee": ("shop.example", "203.0.113.1", None, "ann lee"),
    "192.0.2.80:443 2001:db8::1 - ann": ("192.0.2.80:443", "2001:db8::1", None, "ann"),
    "shop.example:80 dialup.isp.example - -": ("shop.example:80", "dialup.isp.example", None, None),
    "shop.example:80 203.0.113.1, 10.0.0.7 10.0.0.9 - ann": ("shop.example:80", "203.0.113.1", None, "ann"),
    # None of these.
    "dialup.isp.example - -": (None, "dialup.isp.example", None, None),
    "203.0.113.1 id ann": (None, "203.0.113.1", "id", "ann"),
    "203.0.113.1 - ann 10.0.0.7": (None, "203.0.113.1", None, "ann 10.0.0.7"),
}


def test_the_visitor_is_the_first_address_whatever_stands_before_it(spark: SparkSession) -> None:
    rows = parsed(spark, *(f'{before} [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "A"' for before in HOSTS))
    found = [(row["virtual_host"], row["remote_host"], row["ident"], row["user"]) for row in rows]
    assert dict(zip(HOSTS, found, strict=True)) == HOSTS
    assert {row["_reason"] for row in rows} == {None}


def test_times_of_other_shapes_are_read_to_the_instant(spark: SparkSession) -> None:
    shapes = ["17/May/2015:10:05:03.250 +0200", "2015-05-17T10:05:03.250+02:00", "2015-05-17T08:05:03,250Z"]
    rows = parsed(spark, *(GOOD.replace("17/May/2015:10:05:03 +0200", shape) for shape in shapes))
    assert [utc(row) for row in rows] == [datetime(2015, 5, 17, 8, 5, 3, 250_000, tzinfo=UTC)] * 3


def test_a_line_of_many_escapes_and_quotes_is_cut_without_backtracking(spark: SparkSession) -> None:
    agent = '\\"' * 40_000
    (row,) = parsed(spark, f'h - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "{agent}"')
    assert row["_reason"] is None
    assert row["user_agent"] == '"' * 40_000
    (forged,) = parsed(spark, "h - - [17/May/2015:10:05:03 +0000] " + '" 200 1 "' * 20_000)
    assert forged["_reason"] is not None
    request = ' [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 1 "-" "A"'
    befores = ["192.0.2.1, " * 40_000 + "10.0.0.7 - -", "-, " * 40_000 + "192.0.2.1 - -", "h" + " " * 40_000 + "- -"]
    rows = parsed(spark, *(before + request for before in befores))
    assert [row["remote_host"] for row in rows] == ["192.0.2.1", "192.0.2.1", "h"]


def test_a_line_that_came_with_a_reason_is_not_read(spark: SparkSession) -> None:
    rows = spark.createDataFrame([(GOOD, "SRC-221 too long")], "_raw string, _reason string")
    row = access_log.parse(rows).first()
    assert row is not None
    assert (row["_reason"], row["remote_host"]) == ("SRC-221 too long", None)
