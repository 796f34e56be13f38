"""The findings of a check on a terminal: raw and canonical side by side, faults, and what becomes of the rows."""

from __future__ import annotations

from common.report.wording import plural
from deploy.feeds.outcome import Check
from deploy.feeds.verdicts import LEFT_OUT, PUBLISHED, REJECTED, REPEATED, reasons_in_order
from deploy.tables.masking import MASK, masked_text
from deploy.tables.printing import aligned, text_of

_MOST_REASONS = 10


def print_findings(check: Check) -> None:
    """Print all that a check found."""
    for line in _lines(check):
        print(line)


def _lines(check: Check) -> list[str]:
    found = check.findings
    some = "" if check.is_all and not check.unseen_files else "the first "
    lines = [
        f"{check.source.name} for {check.target.job}: {plural(len(check.files), 'file')}, "
        f"{some}{plural(found.rows, 'row')}."
    ]
    if check.unseen_files:
        lines.append(f"{plural(check.unseen_files, 'file')} more were not looked into.")
    lines += [f"! {problem}" for problem in check.problems]
    lines += [f"! {name}: {reason}" for name, reason in check.bad_files]
    for name, why in check.needs_spark.items():
        lines.append(f"! {name} needs Spark ({why}): run with --spark to see it.")
    lines += _side_by_side(check)
    empty = [name for name in check.source.columns if not found.filled[name] and name not in check.needs_spark]
    if found.rows and empty:
        lines += ["", f"No row has a value for {', '.join(empty)}."]
    if check.unmapped:
        lines += ["", f"Raw columns that nothing maps: {', '.join(check.unmapped)}."]
    if found.faults:
        rows = [
            [text_of(fault[name]) for name in ("file", "line", "column", "text", "reason")] for fault in found.faults
        ]
        lines += ["", "What could not be read or would be rejected:"]
        lines += aligned(("file", "line", "column", "text", "reason"), rows, numbers=("line",))
    return [*lines, "", *_fates(check)]


def _side_by_side(check: Check) -> list[str]:
    lines: list[str] = []
    for row in check.findings.first:
        lines += ["", f"{row.record.file}, line {row.record.line}"]
        cells = []
        for name in check.source.columns:
            if name in check.needs_spark:
                continue
            hide = name in check.target.personal
            given = row.given.get(name, ())
            value = row.values.get(name)
            shown = "(cannot be read)" if name in row.unread else text_of(value)
            shown = MASK if hide and value is not None else shown
            sent = ", ".join(f"{raw}={MASK if hide and text != '-' else masked_text(text)}" for raw, text in given)
            cells.append([sent, name, shown])
        lines += aligned(("as sent", "canonical", "value"), cells)
    return lines


def _fates(check: Check) -> list[str]:
    found = check.findings
    if not found.rows:
        return ["No rows."]
    rows = [
        [name, f"{found.fates[name]:,}", f"{found.fates[name] / found.rows:.1%}"]
        for name in (PUBLISHED, REPEATED, REJECTED, *([LEFT_OUT] if found.fates[LEFT_OUT] else []))
    ]
    lines = aligned(("rows that would be", "rows", "share"), rows, numbers=("rows", "share"))
    reasons = reasons_in_order(found.reasons)[:_MOST_REASONS]
    if reasons:
        cells = [[f"{count:,}", kind, found.examples[kind]] for kind, count in reasons]
        lines += ["", *aligned(("rows", "reason of rejection", "for example"), cells, numbers=("rows",))]
    if check.exit_code == 3:
        lines += ["", "A run would publish nothing: most rows would be rejected, or files cannot be read."]
    return lines
