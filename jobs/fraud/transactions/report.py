"""The report of an ingest: what arrived, what was set aside and why."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from common.days import DayRange
from common.intake.fates import NEW, REJECTED, REPEATED
from common.report.wording import plural
from jobs.fraud.transactions.feeds import on_two_days
from jobs.fraud.transactions.tables import TRANSACTIONS

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
    if taken.first_day and context.job.name == "fraud.ingest":
        _say_ids_on_two_days(context, taken)
    reasons = sorted(taken.reasons.items(), key=lambda item: (-item[1], item[0]))
    report.quarantine(reasons, table=f"fraud.quarantine_{context.job.short_name}")


def _say_ids_on_two_days(context: RunContext, taken: Taken) -> None:
    """A payment sent with two times, say in local time and in UTC, is two transactions around midnight."""
    days = DayRange(date.fromisoformat(taken.first_day), date.fromisoformat(taken.last_day))
    around = days.extended(before_days=1, after_days=1)
    number = on_two_days(context.lake.read(TRANSACTIONS, days=around)).count()
    if number:
        context.counts.detail("ids_on_two_days", number)
        words = (
            f"{plural(number, 'transaction')} came on two days in a row with the same id, customer, terminal and "
            "amount: check whether the feed sends one payment with two times."
        )
        context.warn(words)
        context.report.text("The same id on two days", [words])
