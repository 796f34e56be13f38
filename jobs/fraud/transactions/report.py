"""The report of an ingest: what arrived, what was set aside and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from common.intake.fates import NEW, REJECTED, REPEATED
from common.report.wording import plural

if TYPE_CHECKING:
    from common.intake.feed import Taken
    from common.run.context import RunContext


def write_report(context: RunContext, taken: Taken, *, noun: str) -> None:
    """Fill the run's report; counts and reasons only."""
    report = context.report
    read = sum(taken.fates.values())
    report.headline(
        f"New {noun}", f"{taken.fates.get(NEW, 0):,}", f"of {plural(read, 'row')} in {plural(taken.files, 'new file')}"
    )
    report.headline("Set aside", f"{taken.fates.get(REJECTED, 0):,}", "rows in the quarantine, with their reasons")
    report.headline("Repeated", f"{taken.fates.get(REPEATED, 0):,}", "rows already known")
    if taken.first_day:
        report.text("Days", [f"The new {noun} belong to transactions of {taken.first_day} to {taken.last_day}."])
    reasons = sorted(taken.reasons.items(), key=lambda item: (-item[1], item[0]))
    report.quarantine(reasons, table=f"fraud.quarantine_{context.job.short_name}")
