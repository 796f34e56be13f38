"""The parts of a report that come from the run record: outcome, counts, tables, settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from common.report.blocks import chip, code, data_table, details, paragraph, section
from common.report.markup import Html, element
from common.report.wording import format_number, format_seconds, format_value, is_number, plural

Record = Mapping[str, Any]

OUTCOMES = {
    1: "The job failed.",
    2: "The command line or a setting is wrong; nothing was started.",
    3: "A contract or a quality check failed; nothing was published.",
    4: "An input is missing or too old.",
    5: "Another run holds the table.",
    75: "Storage or the network failed for now; run the same command again: it is safe.",
    130: "It was stopped with Ctrl-C. Run it again: it is safe.",
    143: "The system stopped it. Run it again: it is safe.",
}
STOPPED = (130, 143)
_FACTS = {
    "job": "job",
    "run_id": "run id",
    "attempt": "attempt",
    "started_at": "started (UTC)",
    "ended_at": "ended (UTC)",
    "env": "environment",
    "lake": "lake",
    "source": "source",
    "input_path": "input",
    "release": "EMR release",
    "spark_version": "Spark",
    "delta_version": "Delta",
    "code_version": "code version",
}
_PARTS = (
    ("rows_written", "written"),
    ("rows_quarantined", "quarantined"),
    ("rows_deduplicated", "deduplicated"),
    ("rows_filtered", "filtered"),
)


def days_text(record: Record) -> str:
    """The day or days of the run, empty when it has none: from a DayRange, its text, a pair or {first, last}."""
    days = record.get("days")
    if not days:
        return ""
    if isinstance(days, Mapping):
        first, last = (days.get(a) or days.get(b) for a, b in (("first", "from"), ("last", "to")))
    elif isinstance(days, (list, tuple)):
        first, last = days[0], days[-1]
    else:
        first, _, last = str(days).partition("..")
    return str(first) if not last or first == last else f"{first} to {last}"


def outcome(record: Record) -> tuple[str, str]:
    """State of the run in a word or two, and its tone: ``good``, ``warn``, ``bad`` or none while it runs."""
    code = exit_code(record)
    status = str(record.get("status") or "")
    if status == "stopped" or code in STOPPED:
        return f"stopped, exit {code}" if code else "stopped", "warn"
    if code or status == "failed":
        return f"failed, exit {code}" if code else "failed", "bad"
    return ("done", "good") if status in {"", "done", "succeeded"} else (status, "")


def ended_badly(record: Record) -> bool:
    """Whether the run failed or was stopped."""
    return outcome(record)[1] in {"warn", "bad"}


def exit_code(record: Record) -> int:
    """The exit code, 0 while the run has none."""
    return int(record.get("exit_code") or 0)


def counts_of(record: Record) -> dict[str, int]:
    """The counts of the record that are whole numbers."""
    counts = record.get("counts") or {}
    return {str(k): v for k, v in counts.items() if isinstance(v, int) and not isinstance(v, bool)}


def lead_sentence(record: Record) -> str:
    """The first sentence of a report: what ran, for when, with what result."""
    days = days_text(record)
    where = f" for {days}" if days else ""
    took = f" in {format_seconds(record['seconds'])}" if record.get("seconds") is not None else ""
    word, tone = outcome(record)
    if ended_badly(record):
        after = f" after {format_seconds(record['seconds'])}" if took else ""
        verb = "was stopped" if tone == "warn" else "failed"
        return f"The run{where} {verb}{after}. {OUTCOMES.get(exit_code(record), '')}".strip()
    counts = counts_of(record)
    if "rows_written" not in counts:
        return f"The run{where} is {word}{took}."
    read = f"{plural(counts['rows_read'], 'row')} read, " if "rows_read" in counts else ""
    return f"The run{where} is {word}: {read}{counts['rows_written']:,} written{took}."


def failure(record: Record) -> Html:
    """What went wrong and what to do, nothing for a run that went well."""
    error = record.get("error") or {}
    if not error:
        return Html("")
    if not isinstance(error, Mapping):
        error = {"message": str(error)}
    title = " ".join(str(error[key]) for key in ("code", "message") if error.get(key))
    parts = [paragraph(element("b", title))]
    if error.get("cause"):
        parts.append(paragraph(element("b", "Cause: "), str(error["cause"])))
    if error.get("remedy"):
        parts.append(paragraph(element("b", "What to do: "), str(error["remedy"])))
    return section("What went wrong", *parts, class_="notice")


def warnings(record: Record) -> Html:
    """What the run wants a person to know although it went on."""
    listed = record.get("warnings") or []
    if not listed:
        return Html("")
    return section("Worth knowing", element("ul", *(element("li", format_value(words)) for words in listed)))


def rows_equation(record: Record) -> Html:
    """Where every row that was read has gone, as a sum that must come out even."""
    counts = counts_of(record)
    if "rows_read" not in counts:
        return Html("")
    parts: list[object] = [_term(counts["rows_read"], "rows read"), element("i", "=")]
    for n, (key, word) in enumerate(_PARTS):
        if n:
            parts.append(element("i", "+"))
        parts.append(_term(counts.get(key, 0), word))
    gap = counts["rows_read"] - sum(counts.get(key, 0) for key, _ in _PARTS)
    verdict = (
        chip("Every row is accounted for.", "good")
        if gap == 0
        else chip(f"{plural(abs(gap), 'row')} {'is' if abs(gap) == 1 else 'are'} unaccounted for.", "bad")
    )
    words = paragraph(
        "Written rows are in the table. Quarantined rows broke a rule and are kept with the reason. "
        "Deduplicated rows came more than once. Filtered rows were left out on purpose.",
        class_="note",
    )
    others = [[key.replace("_", " "), value] for key, value in _other_counts(record)]
    more = details("More counts", data_table(["count", "value"], others, name="More counts")) if others else ""
    return section("Where the rows went", element("div", *parts, class_="sum"), verdict, words, more)


def _other_counts(record: Record) -> list[tuple[str, object]]:
    """Named numbers outside the sum, from ``details`` of the record or of its counts."""
    counts = record.get("counts") or {}
    known = {"rows_read", *(key for key, _ in _PARTS)}
    named = {key: value for key, value in counts.items() if key not in known and is_number(value)}
    for details_of in (counts.get("details"), record.get("details")):
        named.update({key: value for key, value in (details_of or {}).items() if is_number(value)})
    return sorted(named.items())


def _term(count: int, word: str) -> Html:
    return element("div", element("b", format_number(count)), element("span", word))


def tables_touched(record: Record) -> Html:
    """Table versions read, and written before -> after."""
    parts = []
    outputs = _listed(record.get("outputs"), "version_after")
    if outputs:
        rows = [
            [
                code(row.get("table", "")),
                _versions(row),
                row.get("rows_written"),
                row.get("rows_updated"),
                row.get("rows_deleted"),
            ]
            for row in outputs
        ]
        parts.append(
            data_table(
                ["table written", "version before → after", "rows written", "updated", "deleted"],
                rows,
                name="Tables written",
                stack=True,
            )
        )
    inputs = [
        [code(row.get("table", "")), str(row.get("version", ""))] for row in _listed(record.get("inputs"), "version")
    ]
    if inputs:
        parts.append(data_table(["table read", "version"], inputs, name="Tables read", stack=True))
    if not parts:
        return Html("")
    words = "Each version can be read later, so this result can be reproduced."
    return section("Tables", paragraph(words, class_="note"), *parts)


def _versions(row: Mapping[str, Any]) -> str:
    if row.get("skipped"):
        return f"{row.get('version_after')} (already written by an earlier attempt)"
    before = row.get("version_before")
    return f"{'new' if before is None else before} → {row.get('version_after')}"


def _listed(value: object, version_key: str) -> list[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        return [{"table": k, **(v if isinstance(v, Mapping) else {version_key: v})} for k, v in value.items()]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [row for row in value if isinstance(row, Mapping)]
    return []


def about(record: Record) -> Html:
    """Run id, versions and settings, folded away."""
    facts: list[list[object]] = []
    for key, words in _FACTS.items():
        if record.get(key) not in (None, ""):
            facts.append([words, code(format_value(record[key]))])
    parts = (
        [details("Run id and versions", data_table(["what", "value"], facts, name="Run id and versions", stack=True))]
        if facts
        else []
    )
    settings = record.get("settings") or {}
    origins = record.get("origins") or {}
    if settings:
        rows = [[code(key), code(format_value(value)), origins.get(key, "")] for key, value in sorted(settings.items())]
        parts.append(
            details(
                f"Settings ({len(rows)}) and where each comes from",
                data_table(["setting", "value", "from"], rows, name="Settings", stack=True),
            )
        )
    return section("About this run", *parts) if parts else Html("")


def next_step(record: Record) -> Html:
    """The command that comes next, if the record names one; after a failure the remedy says what to do."""
    command = record.get("next_command") if not ended_badly(record) else None
    return section("What to do next", element("pre", str(command))) if command else Html("")
