"""The days of a job that are due: those that commits on its inputs touched since the job computed them.

A touched day D of an input makes due the days D to D + ``lookback_days`` of it: the days whose runs read D. Of these
are kept the days that the first input with days, or a table of the job, holds; on others there is nothing to compute
and nothing to take away. Tables without days touch none: a new model is no reason to score old days again.
Where ``days_alone``, days before the first that the job has computed are left alone, too.

Where each day is a run of its own, a first run takes those of the latest ``first_days`` days that were never computed:
of earlier days there may be nothing known to compute with, and thousands of runs are nobody's first wish.

A job as of a day is due on each day on which its inputs with days were touched, once all that it needs hold the day.
What has no days, or is read whole, makes its latest day due. A job whose ``days_are_one`` is due on all days or none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from common.errors import InputMissingError, UsageError
from common.job.references import attribute
from common.lake.touched import Days, LogGoneError, TableState, Touch, touches
from common.report.wording import plural
from common.run.changed.blocks import Due, blocks_of
from common.run.changed.inputs import (
    Followed,
    changed_params,
    days_in,
    followed,
    input_states,
    is_upkeep,
    output_ids,
    row_params,
)
from common.run.changed.ledger import Known, Ledger, read_ledger

if TYPE_CHECKING:
    from common.config.params import Params
    from common.job.declaration import Job
    from common.lake.storage.objects import ObjectStore

_NONE: Days = frozenset()


def due_days(job: Job, params: Params, objects: ObjectStore, *, first_days: int = 1) -> Due:
    """The days that are due; see the module for ``first_days``.

    Raises InputMissingError LAK-004 when there is no input yet, UsageError CLI-009 for a job without inputs with days,
    CLI-010 when a table's log does not tell its days.
    """
    return _Search(job, params, objects, read_ledger(objects, job.name) or Ledger(), first_days).due()


@dataclass
class _Search:
    job: Job
    params: Params
    objects: ObjectStore
    ledger: Ledger
    first_days: int
    reasons: dict[str, None] = field(default_factory=dict)
    read: dict[tuple[str, int], Sequence[Touch]] = field(default_factory=dict)

    def due(self) -> Due:
        self._check_inputs()
        days = self._whole() if self.job.days_are_one else self._by_day()
        now = Known("", row_params(self.params), self.now, self.outputs)
        seen = frozenset(one.attempt_id for one in self.ledger.entries)
        return Due(
            tuple(blocks_of(self.job, days, self.computable)), self.ledger.last_run, tuple(self.reasons), now, seen
        )

    # -- what there is -----------------------------------------------------------------------------------------------

    @cached_property
    def inputs(self) -> list[Followed]:
        return followed(self.job, self.params)

    @cached_property
    def dated(self) -> list[Followed]:
        return [one for one in self.inputs if one.day_column]

    @cached_property
    def now(self) -> dict[str, TableState | None]:
        return input_states(self.job, self.params, self.objects)

    @cached_property
    def outputs(self) -> dict[str, str]:
        return output_ids(self.job, self.objects)

    def _check_inputs(self) -> None:
        if not self.dated:
            raise UsageError(
                "CLI-009",
                f"{self.job.name} takes no --changed: none of its inputs has days.",
                remedy="Give --day, or --from and --to.",
            )
        needed = self.dated if self.job.days_are_one else self.dated[:1]
        if all(self.now[one.table.name] is None for one in needed):
            table = needed[0].table
            raise InputMissingError(
                "LAK-004",
                f"The table {table.name} does not exist yet.",
                cause=f"There is no Delta log in {table.relative_path}.",
                remedy="Run the job that writes it first, or check the lake root.",
            )

    def _held_by(self, some: Iterable[Followed]) -> list[Days]:
        """The days of each table; none of a table that is not there."""
        return [days_in(self.objects, one.table, one.day_column) if self.now[one.table.name] else _NONE for one in some]

    @cached_property
    def held_in(self) -> Days:
        """The days that can be computed."""
        if self.job.days_are_one:
            return _NONE.union(*self._held_by(self.dated))
        if self.job.as_of_day:
            first, *others = self._held_by(one for one in self.dated if one.is_required)
            return first.intersection(*others)
        return self._held_by(self.dated[:1])[0]

    @cached_property
    def held_out(self) -> Days:
        """The days that the job's own tables hold."""
        tables = [attribute(reference) for reference in self.job.writes]
        dated = [(table, table.day_column) for table in tables if table.day_column and table.name in self.outputs]
        return _NONE.union(*(days_in(self.objects, table, column) for table, column in dated))

    @cached_property
    def computable(self) -> Days:
        """The days of which a run would change anything."""
        if self.job.days_alone:
            first = min(self.held_out, default=date.max)
            known = frozenset(day for day in self.held_in | self.held_out if day >= first)
            return known | self.latest if self.held_out else self.first
        return self.held_in if self.job.as_of_day else self.held_in | self.held_out

    @cached_property
    def latest(self) -> Days:
        return frozenset([max(self.held_in)]) if self.held_in else _NONE

    @cached_property
    def first(self) -> Days:
        """What a first run takes where each day is a run of its own."""
        latest = sorted(self.held_in)[-self.first_days :]
        return frozenset(day for day in latest if day not in self.held_out) | self.latest

    def _first_time(self) -> tuple[str, Days]:
        """Why days are due of which nothing is known, and which."""
        why = "there is no earlier run to start from"
        if not self.job.as_of_day and (not self.job.days_alone or self.held_out):
            return why, self.everything
        left = len(self.held_in - self.held_out - self.first)
        return f"{why}; {plural(left, 'earlier day')} left alone: lake.first_days" if left else why, self.first

    @cached_property
    def everything(self) -> Days:
        """What is due when the logs do not tell: all days of the input; as of a day the latest, since what was said of
        earlier days was said with what was known then.
        """
        return self.latest if self.job.as_of_day else self.held_in & self.computable

    # -- what is due -------------------------------------------------------------------------------------------------

    def _by_day(self) -> Days:
        entries = self.ledger.entries
        found = self._due_of(self.ledger.base, lambda day: not any(day in one.days for one in entries))
        for entry in entries:
            if entry.known is None:
                # Days that a run has begun and not finished: that they hold rows is enough.
                broken = frozenset(day for day in self.computable if day in entry.days)
                found |= self._because("a run on them did not end well", broken)
            else:
                found |= self._due_of(entry.known, entry.days.__contains__)
        return found

    def _due_of(self, known: Known | None, is_within: Callable[[date], bool]) -> Days:
        """The due days of those that were computed from ``known``."""
        if known is None:
            why, found = self._first_time()
            return self._because(why, frozenset(filter(is_within, found)))
        lost = self._why_lost(known)
        touched = _NONE if lost else self._touched_since(known)
        if touched is None:
            lost, touched = "a commit does not tell which days it touched", _NONE
        # Touched days count beside all days: among them may be some that have lost all their rows.
        found = frozenset(day for day in touched & self.computable if is_within(day))
        why = lost or self._why_other(known)
        return found | self._because(why, frozenset(day for day in self.everything if why and is_within(day)))

    def _because(self, why: str, days: Days) -> Days:
        if days:
            self.reasons[why] = None
        return days

    def _touched_since(self, known: Known) -> Days | None:
        """The days made due by all that happened since ``known``, None when a commit does not tell its days."""
        found = _NONE
        for one in self.inputs:
            then = known.inputs.get(one.table.name)
            if not one.day_column:
                found |= self.everything if self.job.as_of_day and self._is_news(one, then) else _NONE
                continue
            if then is None:
                days = self._held_by([one])[0]
            else:
                touched = self._touches(one, then)
                if any(touch.days is None for touch in touched):
                    return None
                days = _NONE.union(*(touch.days or _NONE for touch in touched))
            found |= {day + timedelta(days=n) for day in days for n in range(one.later_days + 1)}
        return found

    def _whole(self) -> Days:
        days = sorted(self.held_in)
        if not days:
            return _NONE
        states = [self.ledger.of(day) for day in days]
        known = states[0]
        if any(one != known for one in states):
            return self._because("some days were computed by themselves", self.held_in)
        why = self._why_lost(known) or self._why_other(known)
        if why or known is None:
            return self._because(why, self.held_in)
        is_due = any(self._is_news(one, known.inputs.get(one.table.name)) for one in self.inputs)
        return self.held_in if is_due else _NONE

    def _is_news(self, one: Followed, then: TableState | None) -> bool:
        return self.now[one.table.name] is not None if then is None else bool(self._touches(one, then))

    def _touches(self, one: Followed, then: TableState) -> Sequence[Touch]:
        now = self.now[one.table.name]
        key = one.table.name, then.version
        if key not in self.read:
            self.read[key] = touches(
                self.objects,
                one.table.relative_path,
                after=then.version,
                until=then.version if now is None else now.version,
                day_column=one.day_column,
                is_upkeep=is_upkeep,
            )
        return self.read[key]

    def _why_lost(self, known: Known | None) -> str:
        """Why the logs do not tell what was touched since ``known``, empty when they do."""
        if known is None:
            return "there is no earlier run to start from"
        counting = self.inputs if self.job.days_are_one or self.job.as_of_day else self.dated
        return next((why for one in counting if (why := self._why_gone(one, known.inputs.get(one.table.name)))), "")

    def _why_gone(self, one: Followed, then: TableState | None) -> str:
        name, now = one.table.name, self.now[one.table.name]
        if then is None:
            return ""
        if now is None or now.table_id != then.table_id or now.version < then.version:
            return f"{name} is not the table that was read then"
        try:
            self._touches(one, then)
        except LogGoneError:
            return f"the log of {name} no longer has the commits since version {then.version}"
        return ""

    def _why_other(self, known: Known | None) -> str:
        """Why what was computed from ``known`` is not what a run would compute now, touched or not."""
        if known is None:
            return ""
        other = changed_params(self.params, known.params)
        if other:
            return f"other parameters than then: {', '.join(other)}"
        gone = [name for name, table_id in known.outputs.items() if self.outputs.get(name) != table_id]
        return f"{gone[0]} is not the table that was written then" if gone else ""
