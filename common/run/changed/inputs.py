"""What ``--changed`` follows of a job: its inputs, their states, and the parameters that decide rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from common.errors import UsageError
from common.job.catalogue import job_names, load_job
from common.job.references import attribute
from common.lake.touched import Days, TableState, held_days, table_state

if TYPE_CHECKING:
    from common.config.params import Params
    from common.job.declaration import Job
    from common.lake.delta.commits import Commit
    from common.lake.storage.objects import ObjectStore
    from common.lake.table import Table


@dataclass(frozen=True)
class Followed:
    """An input that counts. Without a ``day_column`` its rows have no days, or the job reads it whole.

    A day D of it is read by the runs of the days D to D + ``later_days``.
    """

    table: Table
    day_column: str
    later_days: int
    is_required: bool


def followed(job: Job, params: Params) -> list[Followed]:
    """The inputs of a job that count: not its own tables, and not what these parameters leave alone."""
    found = []
    for one in job.inputs:
        if one.table not in job.writes and (not one.only_if or getattr(params, one.only_if)):
            table: Table = attribute(one.table)
            back = one.lookback_days
            later = int(getattr(params, back)) if isinstance(back, str) else back
            day = "" if one.all_days else one.day_column or table.day_column or ""
            found.append(Followed(table, day, later, not one.optional))
    return found


def input_states(job: Job, params: Params, objects: ObjectStore) -> dict[str, TableState | None]:
    """The state of each input that counts, by table."""
    return {one.table.name: table_state(objects, one.table.relative_path) for one in followed(job, params)}


def days_in(objects: ObjectStore, table: Table, day_column: str) -> Days:
    """The days that a table holds. Raises UsageError CLI-010 when its log does not tell them."""
    found = held_days(objects, table.relative_path, day_column)
    if found is None:
        raise UsageError(
            "CLI-010",
            f"The log of {table.name} does not tell the days of its rows.",
            cause=f"The table is not partitioned by {day_column}, and not all of its files have statistics of it.",
            remedy="Give the days: --day, or --from and --to.",
        )
    return found


def output_ids(job: Job, objects: ObjectStore) -> dict[str, str]:
    """The ids of those tables of a job that are there."""
    tables = [attribute(reference) for reference in job.writes]
    states = {table.name: table_state(objects, table.relative_path) for table in tables}
    return {name: state.table_id for name, state in states.items() if state is not None}


def row_params(params: Params) -> dict[str, Any]:
    """The parameters that can change a row, as JSON holds them."""
    return params.model_dump(mode="json", exclude=set(params.beside_rows))


def changed_params(params: Params, then: Mapping[str, Any]) -> list[str]:
    """The names of parameters whose value is another one than ``then``; one that is new since had its default."""
    defaults = row_params(type(params).model_construct())
    return [name for name, value in row_params(params).items() if then.get(name, defaults.get(name)) != value]


def is_upkeep(commit: Commit) -> bool:
    """Whether a commit deletes days past their retention: no news, later days would only see less for it."""
    return commit.info.get("operation") == "DELETE" and _maintains(str(commit.stamp.get("job", "")))


@cache
def _maintains(job: str) -> bool:
    family, _, name = job.partition(".")
    return family.isidentifier() and name in job_names(family) and load_job(family, name).maintains_all
