"""The page over all runs of a lake: the newest first, each with its state and a link to its report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from common.report.blocks import chip, code, data_table, page, paragraph, section
from common.report.markup import Html, element, join
from common.report.run_facts import OUTCOMES, counts_of, days_text, ended_badly, exit_code, outcome
from common.report.wording import MISSING, format_seconds, plural

SHOWN_RUNS = 200


def render_index(records: Sequence[Mapping[str, Any]]) -> bytes:
    """One HTML file over the run records: the latest 200 runs, and how the last run of each job ended.

    Same records in any order, same bytes. Fields of a record: docs/reports.md.
    """
    newest = sorted(records, key=lambda r: (str(r.get("started_at") or ""), str(r.get("run_id") or "")), reverse=True)
    latest: dict[str, Mapping[str, Any]] = {}
    for record in newest:
        latest.setdefault(str(record.get("job") or "unknown"), record)
    header = element(
        "header", element("h1", "Runs of this lake"), paragraph(_lead(newest, latest), class_="lead"), class_="broad"
    )
    if not newest:
        hint = paragraph("A run appears here when it ends, whether it succeeded or failed.")
        return page("Runs of this lake", header, element("main", section("No runs yet", hint)))
    failing = [section("Jobs that need a look", _failing(latest), class_="notice")] if _failing(latest) else []
    main = element("main", *failing, _by_job(newest, latest), _latest_runs(newest), class_="broad")
    return page(
        "Runs of this lake", header, main, element("footer", paragraph("Days and times are UTC."), class_="broad")
    )


def _lead(newest: Sequence[Mapping[str, Any]], latest: Mapping[str, Mapping[str, Any]]) -> str:
    if not newest:
        return "Nothing has run yet."
    failing = [job for job, record in latest.items() if ended_badly(record)]
    if not failing:
        return f"The last run of every job succeeded ({plural(len(latest), 'job')}, {plural(len(newest), 'run')})."
    jobs = f"{plural(len(failing), 'job')} out of {len(latest)}"
    return f"The last run of {jobs} did not succeed: {', '.join(sorted(failing))}."


def _failing(latest: Mapping[str, Mapping[str, Any]]) -> Html:
    items = []
    for job, record in sorted(latest.items()):
        if ended_badly(record):
            remedy = _error(record).get("remedy")
            todo = f" What to do: {remedy}" if remedy else ""
            items.append(paragraph(element("b", job), f" {_why(record)}{todo} ", _link(record)))
    return Html("".join(items))


def _by_job(newest: Sequence[Mapping[str, Any]], latest: Mapping[str, Mapping[str, Any]]) -> Html:
    runs = Counter(str(r.get("job") or "unknown") for r in newest)
    failed = Counter(str(r.get("job") or "unknown") for r in newest if ended_badly(r))
    rows = [
        [code(job), chip(*outcome(latest[job])), _when(latest[job]), runs[job], failed[job]] for job in sorted(latest)
    ]
    return section(
        "Jobs",
        data_table(["job", "last run", "started", "runs", "failed"], rows, name="Jobs", stack=True, class_="runs"),
    )


def _latest_runs(newest: Sequence[Mapping[str, Any]]) -> Html:
    shown = newest[:SHOWN_RUNS]
    heads = ("job", "result", "started", "days", "rows written", "time", "report")
    rest = f"The latest {len(shown)} of {len(newest):,} runs; all are in the table ops.runs."
    note = paragraph(rest, class_="note") if len(newest) > len(shown) else ""
    rows = [_run_line(record) for record in shown]
    return section("Latest runs", note, data_table(heads, rows, name="Latest runs", stack=True, class_="runs"))


def _run_line(record: Mapping[str, Any]) -> list[object]:
    word, tone = outcome(record)
    why = element("div", _why(record), class_="note") if ended_badly(record) else ""
    seconds = record.get("seconds")
    first, _, last = days_text(record).partition(" to ")
    days = [element("span", day, class_="d") for day in (first, last) if day]
    return [
        join([code(record.get("job") or "unknown"), why]),
        chip(word, tone),
        _when(record),
        join(days, " to ") if days else MISSING,
        counts_of(record).get("rows_written"),
        element("span", MISSING if seconds is None else format_seconds(seconds), class_="d"),
        _link(record),
    ]


def _link(record: Mapping[str, Any]) -> Html:
    address = report_link(record)
    return element("a", "report", href=address) if address else element("span", "none", class_="note")


def report_link(record: Mapping[str, Any]) -> str:
    """The address of the report relative to the index, empty when there is none or it would lead elsewhere."""
    path = str(record.get("report") or "")
    path = path.rpartition("/reports/")[2] if "/reports/" in path else path.removeprefix("reports/")
    parts = path.split("/")
    safe = path.isprintable() and all(part not in {"", ".", ".."} for part in parts) and not set(path) & set(":\\?#%")
    return path if safe else ""


def _error(record: Mapping[str, Any]) -> Mapping[str, Any]:
    error = record.get("error") or {}
    return error if isinstance(error, Mapping) else {"message": str(error)}


def _why(record: Mapping[str, Any]) -> str:
    error = _error(record)
    words = " ".join(str(error[key]) for key in ("code", "message") if error.get(key))
    return words or OUTCOMES.get(exit_code(record), "It failed without leaving a message.")


def _when(record: Mapping[str, Any]) -> str:
    return str(record.get("started_at") or MISSING).replace("T", " ")[:16]
