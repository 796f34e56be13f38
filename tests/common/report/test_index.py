"""The index answers first what needs a look, then lists runs, and stays small."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from common.report.index import render_index, report_link

pytestmark = pytest.mark.unit
Parsed = Callable[[bytes], Any]


def run(record: dict[str, Any], number: int, **fields: Any) -> dict[str, Any]:
    stamp = f"2026-11-{1 + number // 1440:02d}T{number // 60 % 24:02d}:{number % 60:02d}:00+00:00"
    return record | {"run_id": f"r{number:05d}", "started_at": stamp} | fields


def test_runs_are_listed_newest_first_with_their_state_days_rows_time_and_report(
    record: dict[str, Any], parsed: Parsed
) -> None:
    older, newer = run(record, 1), run(record, 2, job="fraud.score", days="2026-11-01..2026-11-03")
    section = parsed(render_index([older, newer])).section("Latest runs")
    assert section.cells() == [
        ["fraud.score", "done", "2026-11-01 00:02", "2026-11-01 to 2026-11-03", "280,900", "2 min 12 s", "report"],
        ["clickstream.sessionise", "done", "2026-11-01 00:01", "2026-11-20", "280,900", "2 min 12 s", "report"],
    ]
    assert section.all("a")[0].attributes["href"] == "clickstream/sessionise/20261121T031500Z-4f2a.html"


def test_a_failed_run_shows_its_error_and_exit_code(record: dict[str, Any], parsed: Parsed) -> None:
    error = {"code": "LEA-001", "message": "Another run holds the table.", "remedy": "Wait for it."}
    page = parsed(render_index([run(record, 1, status="failed", exit_code=5, error=error, counts={}, report="")]))
    assert page.section("Latest runs").cells()[0][:2] == [
        "clickstream.sessionise LEA-001 Another run holds the table.",
        "failed, exit 5",
    ]
    look = page.section("Jobs that need a look").text
    assert "LEA-001 Another run holds the table. What to do: Wait for it." in look
    assert "The last run of 1 job out of 1 did not succeed" in page.all("p", "lead")[0].text


def test_a_job_that_recovered_needs_no_look(record: dict[str, Any], parsed: Parsed) -> None:
    page = parsed(render_index([run(record, 1, status="failed", exit_code=75), run(record, 2)]))
    assert page.all("p", "lead")[0].text == "The last run of every job succeeded (1 job, 2 runs)."
    assert page.section("Jobs").cells() == [["clickstream.sessionise", "done", "2026-11-01 00:02", "2", "1"]]


def test_ten_thousand_runs_give_a_small_page_of_the_latest_200(record: dict[str, Any], parsed: Parsed) -> None:
    page = render_index([run(record, n, job=f"fraud.job{n % 7}") for n in range(10_000)])
    assert len(page) < 150_000
    tree = parsed(page)
    assert "The latest 200 of 10,000 runs" in tree.section("Latest runs").text
    assert len(tree.section("Latest runs").cells()) == 200
    assert sum(int(row[3].replace(",", "")) for row in tree.section("Jobs").cells()) == 10_000


def test_the_order_of_the_records_does_not_matter(record: dict[str, Any]) -> None:
    records = [run(record, n, job=f"fraud.job{n % 3}") for n in range(30)]
    shuffled = random.Random(7).sample(records, len(records))
    assert render_index(shuffled) == render_index(records)


def test_an_empty_lake_says_that_nothing_has_run(parsed: Parsed) -> None:
    assert "Nothing has run yet." in parsed(render_index([])).text


@pytest.mark.parametrize(
    ("report", "link"),
    [
        ("reports/fraud/score/r1.html", "fraud/score/r1.html"),
        ("s3://bucket/lake/reports/fraud/score/r1.html", "fraud/score/r1.html"),
        ("fraud/score/r1.html", "fraud/score/r1.html"),
        ("", ""),
        ("https://evil.example/x.html", ""),
        ("javascript:alert(1)", ""),
        ("//evil.example/x", ""),
        ("reports/../../secret.html", ""),
        ("..\\secret.html", ""),
    ],
)
def test_links_stay_among_the_reports_of_the_lake(report: str, link: str) -> None:
    assert report_link({"report": report}) == link
