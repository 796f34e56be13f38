"""A report is one safe, stable file that a person understands without explanation."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from common.report.builder import ReportBuilder
from common.report.index import render_index

pytestmark = pytest.mark.unit
Parsed = Callable[[bytes], Any]
HOSTILE = "\"><script src='https://evil.example/x.js'></script><img src=//evil.example onerror=x> {{7*7}} \x00"


def full_report(word: str = "plain") -> ReportBuilder:
    report = ReportBuilder(f"Sessions {word}")
    report.headline(f"Sessions {word}", f"48,210 {word}", f"more {word}")
    report.text(f"Words {word}", [word, "second"])
    report.table(f"Longest {word}", ["session", f"note {word}"], [["s-1", word], ["s-2", None]], note=word)
    report.bars(
        f"Sources {word}", [word, "b"], [3, 2], unit=word, label_name=word, text_alternative=f"Most {word}.", note=word
    )
    report.line(
        f"Days {word}",
        [word, "x"],
        {word: [1, 2], "other": [2, 1]},
        band=(word, [0, 1], [2, 3]),
        text_alternative=word,
        x_name=word,
    )
    report.histogram(
        f"Lengths {word}", [0, 1, 2], [3, 4], text_alternative=word, value_name=word, unit=word, count_name=word
    )
    report.quarantine([(f"EVT-001 {word}", 3)], table=word)
    report.audit(
        SimpleNamespace(passed=True, results=[{"expectation": word, "column": word, "success": True, "observed": word}])
    )
    return report


def hostile_record(record: dict[str, Any]) -> dict[str, Any]:
    return {key: HOSTILE if isinstance(value, str) else value for key, value in record.items()} | {
        "error": {"code": HOSTILE, "message": HOSTILE, "cause": HOSTILE, "remedy": HOSTILE},
        "settings": {HOSTILE: HOSTILE},
        "origins": {HOSTILE: HOSTILE},
        "inputs": {HOSTILE: HOSTILE},
        "exit_code": 3,
    }


def outer_references(page: Any) -> list[str]:
    """Everything in a page that a browser would fetch or follow to somewhere else."""
    found = []
    for node in page.walk():
        if node.tag in {"script", "link", "iframe", "object", "embed", "base", "form", "img", "image"}:
            found.append(f"<{node.tag}>")
        for key, value in node.attributes.items():
            text = (value or "").strip().lower()
            if key in {"src", "srcset", "action", "data", "poster", "background"} or key.startswith("on"):
                found.append(f"{key}={value}")
            if key in {"href", "xlink:href"} and (":" in text or text.startswith(("//", "/", "\\"))):
                found.append(f"{key}={value}")
            if key == "style" and ("url(" in text or "@import" in text):
                found.append(f"{key}={value}")
        if node.tag == "style" and ("url(" in node.text or "@import" in node.text or "http" in node.text):
            found.append("style")
    return found


def test_a_page_reaches_nothing_outside_itself_even_when_every_value_is_hostile(
    record: dict[str, Any], parsed: Parsed
) -> None:
    for page in (
        full_report().render(record),
        full_report(HOSTILE).render(hostile_record(record)),
        render_index([record, hostile_record(record)]),
    ):
        assert outer_references(parsed(page)) == []


def test_the_check_for_outer_references_finds_them(parsed: Parsed) -> None:
    bad = b"<div><a href='https://x.example'>x</a><script>1</script><p style='background:url(x)'>x</p></div>"
    assert outer_references(parsed(bad)) == ["href=https://x.example", "<script>", "style=background:url(x)"]


def test_hostile_text_is_shown_as_text(record: dict[str, Any], parsed: Parsed) -> None:
    page = full_report(HOSTILE).render(hostile_record(record))
    shown = HOSTILE.replace("\x00", "\ufffd").strip()
    assert b"<script" not in page
    assert b"\x00" not in page
    assert parsed(page).all("h1")[0].text == f"Sessions {shown}"


def test_the_policy_forbids_everything_but_inline_styles(record: dict[str, Any], parsed: Parsed) -> None:
    for page in (full_report().render(record), render_index([record])):
        policies = [
            node.attributes["content"]
            for node in parsed(page).all("meta")
            if node.attributes.get("http-equiv") == "Content-Security-Policy"
        ]
        assert len(policies) == 1
        assert policies[0].startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")


def test_same_input_gives_the_same_bytes_whatever_the_machine_says(tmp_path: Path) -> None:
    program = (
        "import hashlib\nfrom common.report.builder import ReportBuilder\n"
        "r = ReportBuilder('x')\n"
        "r.bars('b', ['a', 'b'], [1, 2], text_alternative='t')\n"
        "r.line('l', [1, 2, 3], {'n': [1, 2, 3]}, text_alternative='t')\n"
        "r.histogram('h', [0, 1, 2], [3, 4], text_alternative='t')\n"
        "print(hashlib.sha256(r.render({'settings': {'a': {'z', 'y', 'x'}}})).hexdigest())\n"
    )
    (tmp_path / "matplotlibrc").write_text(
        "xtick.labelsize: 30\nlines.markeredgewidth: 5\naxes.linewidth: 7\n", encoding="utf-8"
    )
    digests = set()
    for seed, zone, settings in (("1", "UTC", ""), ("2", "Asia/Tokyo", str(tmp_path / "matplotlibrc"))):
        env = os.environ | {"PYTHONHASHSEED": seed, "TZ": zone} | ({"MATPLOTLIBRC": settings} if settings else {})
        root = Path(__file__).parents[3]
        done = subprocess.run(
            [sys.executable, "-c", program], env=env, cwd=root, capture_output=True, text=True, check=True
        )
        digests.add(done.stdout)
    assert len(digests) == 1


def test_a_report_rendered_twice_is_the_same(record: dict[str, Any]) -> None:
    report = full_report()
    digests = {hashlib.sha256(report.render(record)).hexdigest() for _ in range(2)}
    assert digests == {hashlib.sha256(full_report().render(record)).hexdigest()}


def test_collecting_a_report_does_not_import_the_plotting_library() -> None:
    program = (
        "import sys\nfrom common.report.builder import ReportBuilder\nr = ReportBuilder('x')\n"
        "r.bars('b', ['a'], [1], text_alternative='t')\nassert 'numpy' not in sys.modules"
        "\nassert 'matplotlib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[3], check=True)


def test_the_first_sentence_says_what_ran_for_when_and_with_what_result(record: dict[str, Any], parsed: Parsed) -> None:
    page = parsed(ReportBuilder("Sessions").render(record))
    (lead,) = page.all("p", "lead")
    assert lead.text == "done The run for 2026-11-20 is done: 281,205 rows read, 280,900 written in 2 min 12 s."
    assert page.all("title")[0].text == "Sessions, 2026-11-20"


def test_rows_are_shown_as_a_sum_that_comes_out_even(record: dict[str, Any], parsed: Parsed) -> None:
    section = parsed(ReportBuilder("x").render(record)).section("Where the rows went")
    (equation,) = section.all("div", "sum")
    assert equation.text == (
        "281,205 rows read = 280,900 written + 151 quarantined + 120 deduplicated + 34 filtered"
    ), equation.text
    assert section.all("span", "good")[0].text == "Every row is accounted for."
    assert section.cells() == [["late rows", "7"]]


def test_rows_that_are_unaccounted_for_are_called_so(record: dict[str, Any], parsed: Parsed) -> None:
    record["counts"]["rows_filtered"] = 30
    section = parsed(ReportBuilder("x").render(record)).section("Where the rows went")
    assert section.all("span", "bad")[0].text == "4 rows are unaccounted for."


def test_tables_show_their_version_before_and_after(record: dict[str, Any], parsed: Parsed) -> None:
    section = parsed(ReportBuilder("x").render(record)).section("Tables")
    written, read = section.all("table")
    assert [row[:3] for row in written.cells()] == [
        ["clickstream.sessions", "new → 0", "48,210"],
        ["clickstream.event_sessions", "11 → 12", "280,900"],
    ]
    assert read.cells() == [["clickstream.events", "41"]]


def test_settings_show_where_each_comes_from(record: dict[str, Any], parsed: Parsed) -> None:
    section = parsed(ReportBuilder("x").render(record)).section("About this run")
    settings = section.all("details")[1]
    assert settings.cells() == [["sessionise.gap_minutes", "30", "conf/clickstream.yaml [prod]"]]


def test_a_failed_run_says_what_went_wrong_and_what_to_do(record: dict[str, Any], parsed: Parsed) -> None:
    error = {
        "code": "LAK-004",
        "message": "No rows for that day.",
        "cause": "Newest is the 18th.",
        "remedy": "Run the ingest.",
    }
    page = parsed(ReportBuilder("x").render(record | {"status": "failed", "exit_code": 4, "error": error}))
    (lead,) = page.all("p", "lead")
    assert lead.text.startswith("failed, exit 4 The run for 2026-11-20 failed after 2 min 12 s. An input is missing")
    wrong = page.section("What went wrong").text
    assert wrong.endswith("LAK-004 No rows for that day. Cause: Newest is the 18th. What to do: Run the ingest.")
    assert "What to do next" not in [h.text for h in page.all("h2")]


def test_tables_without_rows_and_tables_with_too_many_say_so(parsed: Parsed) -> None:
    report = ReportBuilder("x")
    report.table("None", ["a"], [])
    report.table("Many", ["a"], [[n] for n in range(501)])
    page = parsed(report.render({}))
    assert "No rows." in page.section("None").text
    assert "The first 500 of 501 rows." in page.section("Many").text
    assert len(page.section("Many").cells()) == 500


def test_a_row_that_does_not_fit_its_columns_is_refused() -> None:
    with pytest.raises(ValueError, match="1 cells for 2 columns"):
        ReportBuilder("x").table("x", ["a", "b"], [["a"]])


def test_an_empty_record_still_gives_a_page(parsed: Parsed) -> None:
    assert parsed(ReportBuilder().render({})).all("h1")[0].text == "Report"


def test_a_stopped_run_is_not_called_a_failure(record: dict[str, Any], parsed: Parsed) -> None:
    page = parsed(ReportBuilder("x").render(record | {"status": "stopped", "exit_code": 143}))
    (lead,) = page.all("p", "lead")
    assert lead.text.startswith("stopped, exit 143 The run for 2026-11-20 was stopped after 2 min 12 s.")


def test_the_title_names_the_days_once(record: dict[str, Any], parsed: Parsed) -> None:
    days = {"first": "2026-11-01", "last": "2026-11-03"}
    titled = ReportBuilder("clickstream.sessionise 2026-11-01..2026-11-03").render(record | {"days": days})
    plain = ReportBuilder("Sessions").render(record | {"days": days})
    assert parsed(titled).all("title")[0].text == "clickstream.sessionise 2026-11-01..2026-11-03"
    assert parsed(plain).all("title")[0].text == "Sessions, 2026-11-01 to 2026-11-03"


def test_a_run_without_days_has_a_plain_title(record: dict[str, Any], parsed: Parsed) -> None:
    assert parsed(ReportBuilder("Compaction").render(record | {"days": None})).all("title")[0].text == "Compaction"
