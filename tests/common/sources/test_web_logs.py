"""Access logs of load balancers, of CloudFront and of IIS, each by the preset that ships for it."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame

from common.sources.files.inventory import FileInventory
from common.sources.files.log_kinds import BALANCER, fields_of, kind_of
from common.sources.mapping.canonical import canonical
from common.sources.mapping.model import Source
from jobs.clickstream.events.columns import TARGET

pytestmark = pytest.mark.unit

Read = Callable[[Path, Source], DataFrame]
Look = Callable[[Path, Source], FileInventory]
SHOWN = ("collector_tstamp", "user_ipaddress", "http_method", "page_url", "http_status", "bytes", "useragent")


def mapped(read: Read, inbox: Path, name: str, *more: str) -> list[tuple[Any, ...]]:
    source = Source.load(name)
    rows = canonical(read(inbox, source), source, TARGET).orderBy("_line").collect()
    shown = ("_line", *SHOWN, *more)
    return [(*(row[one] for one in shown), (row["_reason"] or "")[:7]) for row in rows]


ARN = "arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/shop/73e2d6bc24d8a067"
TIMES = "0.000 0.001 0.000"
REST = f'- - {ARN} "Root=1-58337262-36d228ad5d99923122bbe354" "-" "-" 0 2026-05-06T10:00:00.100000Z "forward" "-" "-"'


def test_a_load_balancer_writes_whole_addresses_and_an_answer_that_may_be_none(inbox: Path, read: Read) -> None:
    lines = [
        f"http 2026-05-06T10:00:00.186641Z app/shop/50dc 203.0.113.7:2817 10.0.0.1:80 {TIMES} 200 200 34 366 "
        f'"GET http://www.example.com:80/a HTTP/1.1" "curl/7.46.0" {REST} "10.0.0.1:80" "200" "-" "-"',
        # HTTP/2 over IPv6, an agent with a quote, and the fields that later years added.
        f"h2 2026-05-06T10:00:01.000000Z app/shop/50dc [2001:db8::1]:48160 10.0.0.1:9000 {TIMES} 404 404 5 257 "
        rf'"GET https://www.example.com:443/p?x=1&y=%20 HTTP/2.0" "Agent \"One\"/1.0 (X11; Linux)" {REST} "-" "-" "-"'
        " TID_dc57cebed65b444ebc8177bb698fe166",
        # The client went away before anything was asked or answered.
        f"https 2026-05-06T10:00:02.000000Z app/shop/50dc 203.0.113.8:2817 - -1 -1 -1 460 - 0 0 "
        f'"- http://www.example.com:443- -" "-" {REST} "-" "-" "-" "-"',
        # A Classic Load Balancer, of before there were types.
        f"2026-05-06T10:00:03.943945Z shop 203.0.113.9:2817 10.0.0.1:80 {TIMES} 200 200 0 29 "
        '"GET http://www.example.com:80/ HTTP/1.1" "curl/7.38.0" - -',
        # A TCP connection of a classic one: no request, no answer.
        f'2026-05-06T10:00:04Z shop 203.0.113.9:2817 10.0.0.1:80 {TIMES} - - 82 305 "- - - " "-" - -',
        "http 2026-05-06T10:00:05Z app/shop/50dc 203.0.113.7:2817 cut off",
        f'http 2026-13-06T10:00:06Z app/shop/50dc 203.0.113.7:1 - {TIMES} 200 - 0 0 "GET http://e:80/ HTTP/1.1" "a"',
        f'http 2026-05-06T10:00:07Z app/shop/50dc 203.0.113.7:1 - {TIMES} 200 - 0 0 "GET http://e:80/ HTTP/1.1',
    ]
    (inbox / "123456789012_elasticloadbalancing_us-east-2_app.shop.log.gz").write_bytes(
        gzip.compress("\n".join(lines).encode())
    )
    day = "2026-05-06T10:00:"
    assert mapped(read, inbox, "aws_alb") == [
        (1, f"{day}00.186641Z", "203.0.113.7", "GET", "http://www.example.com:80/a", "200", "366", "curl/7.46.0", ""),
        (
            *(2, f"{day}01.000000Z", "2001:db8::1", "GET", "https://www.example.com:443/p?x=1&y=%20", "404", "257"),
            *('Agent "One"/1.0 (X11; Linux)', ""),
        ),
        (3, f"{day}02.000000Z", "203.0.113.8", None, None, "460", "0", "-", ""),
        (4, f"{day}03.943945Z", "203.0.113.9", "GET", "http://www.example.com:80/", "200", "29", "curl/7.38.0", ""),
        (5, f"{day}04.000000Z", "203.0.113.9", None, None, None, "305", "-", ""),
        (6, *[None] * 7, "SRC-201"),
        (7, *[None] * 7, "SRC-203"),
        (8, *[None] * 7, "SRC-202"),
    ]


CLOUDFRONT = (
    "#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) "
    "cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes "
    "time-taken x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type cs-protocol-version fle-status "
    "fle-encrypted-fields c-port time-to-first-byte x-edge-detailed-result-type sc-content-type sc-content-len "
    "sc-range-start sc-range-end"
)


def hit(second: str, **fields: str) -> str:
    given = {
        "date": "2026-05-06",
        "time": f"10:00:{second}",
        "sc-bytes": "2390",
        "c-ip": "203.0.113.7",
        "cs-method": "GET",
        "cs(host)": "d111111abcdef8.cloudfront.net",
        "cs-uri-stem": "/a.html",
        "sc-status": "200",
        "x-host-header": "www.example.com",
        "cs-protocol": "https",
        "cs-protocol-version": "HTTP/2.0",
        **{name.replace("_", "-"): value for name, value in fields.items()},
    }
    given |= {"cs(user-agent)": given.pop("agent", "-"), "cs(referer)": given.pop("referer", "-")}
    return "\t".join(given.get(name, "-") for name in fields_of(CLOUDFRONT))


def test_cloudfront_names_its_fields_and_encodes_them(inbox: Path, read: Read) -> None:
    lines = [
        "#Version: 1.0",
        CLOUDFRONT,
        hit("00", agent="Mozilla/5.0%20(X11;%20Linux)%20A+B/1.0", referer="https://r.example/?q=a%2520b"),
        hit("01", agent="Mozilla/5.0%2520(X11)", cs_uri_stem="/a%2520b", cs_uri_query="x=1&y=9%25", c_ip="2001:db8::1"),
        hit("02", x_forwarded_for="203.0.113.9,%2010.0.0.1", sc_status="000", x_host_header="-", cs_protocol="http"),
        hit("03").removesuffix("\t-"),
        hit("04", date="06.05.2026"),
    ]
    (inbox / "E1.2026-05-06-10.abcd.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    day, page = "2026-05-06T10:00:", "https://www.example.com/a.html"
    assert mapped(read, inbox, "aws_cloudfront", "page_referrer") == [
        (
            *(3, f"{day}00.000000Z", "203.0.113.7", "GET", page, "200", "2390"),
            *("Mozilla/5.0 (X11; Linux) A+B/1.0", "https://r.example/?q=a%20b", ""),
        ),
        (
            *(4, f"{day}01.000000Z", "2001:db8::1", "GET", "https://www.example.com/a%20b?x=1&y=9%25", "200", "2390"),
            *("Mozilla/5.0 (X11)", None, ""),
        ),
        (
            *(5, f"{day}02.000000Z", "203.0.113.9", "GET", "http://d111111abcdef8.cloudfront.net/a.html", "0", "2390"),
            *("-", None, ""),
        ),
        (6, *[None] * 8, "SRC-201"),
        (7, *[None] * 8, "SRC-203"),
    ]


def test_iis_parts_its_fields_by_blanks_and_says_when_they_change(inbox: Path, read: Read, look: Look) -> None:
    fields = "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query cs-username c-ip cs(User-Agent) sc-status"
    lines = [
        "#Software: Microsoft Internet Information Services 10.0",
        fields,
        "2026-05-06 10:00:00 10.0.0.1 GET /a.aspx id=7 - 203.0.113.7 Mozilla/5.0+(Windows+NT+10.0;+Win64) 200",
        fields,
        "2026-05-06 10:00:01 10.0.0.1 POST / - SHOP\\ann 203.0.113.8 - 302",
    ]
    (inbox / "u_ex260506.log").write_bytes("\r\n".join(lines).encode())
    assert mapped(read, inbox, "iis", "user_id") == [
        (
            *(3, "2026-05-06T10:00:00.000000Z", "203.0.113.7", "GET", "/a.aspx?id=7", "200", None),
            *("Mozilla/5.0 (Windows NT 10.0; Win64)", None, ""),
        ),
        (5, "2026-05-06T10:00:01.000000Z", "203.0.113.8", "POST", "/", "302", None, "-", "SHOP\\ann", ""),
    ]
    # Half of such a file would be read by the wrong names.
    changed = [*lines, "#Fields: time date s-ip cs-method cs-uri-stem cs-uri-query cs-username c-ip cs(User-Agent)"]
    (inbox / "u_ex260506.log").write_bytes("\r\n".join(changed).encode())
    (file,) = look(inbox, Source.load("iis")).files
    assert file.reason == "SRC-115 its #Fields change from one place to another: split it there"


def test_the_kind_of_a_log_is_seen_in_its_first_lines() -> None:
    combined = '203.0.113.7 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 5 "-" "A"'
    balancer = (
        f'h2 2026-05-06T10:00:01Z app/shop/50dc [2001:db8::1]:48160 - {TIMES} 404 - 5 257 "GET https://e/ HTTP/2.0"'
    )
    assert kind_of([combined, balancer]) == BALANCER
    assert [kind_of([line]) for line in (combined, "", "{}", "time")] == ["", "", "", ""]
    assert kind_of(["", "#Version: 1.0", "#Fields: date time c-ip "]) == "#Fields: date time c-ip"
    assert fields_of("#Fields: date time cs(User-Agent)") == ["date", "time", "cs(user-agent)"]
