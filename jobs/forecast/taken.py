"""The beginning of every ingest's report in this family: what was new, sent twice, rejected, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.intake.fates import NEW, REJECTED, REPEATED
from common.report.wording import plural

if TYPE_CHECKING:
    from common.intake.feed import Taken
    from common.report.builder import ReportBuilder


def report_taken(
    report: ReportBuilder, taken: Taken, *, title: str, new: str, repeated: str, table: str, days: str = ""
) -> None:
    """Fill ``report``. ``new`` and ``repeated`` say what such rows are; ``days``, with places for the first and the
    last day, is a sentence; ``table`` is the quarantine.
    """
    report.title = title
    report.headline(new, f"{taken.fates.get(NEW, 0):,}", f"from {plural(taken.files, 'new file')}")
    report.headline("Sent twice", f"{taken.fates.get(REPEATED, 0):,}", repeated)
    report.headline("Rejected", f"{taken.fates.get(REJECTED, 0):,}", "kept in the quarantine")
    if days and taken.first_day:
        report.text("Days", [days.format(taken.first_day, taken.last_day)])
    if taken.reasons:
        ranked = sorted(taken.reasons.items(), key=lambda pair: (-pair[1], pair[0]))
        report.quarantine(ranked, table=table)
