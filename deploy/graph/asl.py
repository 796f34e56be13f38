"""The graph as a state machine of Step Functions, in the Amazon States Language with JSONata."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from deploy.graph.asl_job import job_states
from deploy.graph.expressions import expression
from deploy.graph.work import Work, Works

_NO_NAME = "/[^A-Za-z0-9_.-]/"
_MERGED = {
    "failed": expression("[$distinct($states.result.failed)]"),
    "left": expression("[$distinct($states.result.left)]"),
}
_NOTHING: dict[str, list[str]] = {"failed": [], "left": []}
_NAME = "$exists($states.input.run) ? $states.input.run : $states.context.Execution.Name"
_RUN = expression(f'$substring($replace({_NAME}, {_NO_NAME}, "-"), 0, 80)')
# Without a day in the input it is the day before the execution: what a schedule at night means.
_DAY = expression(
    "$exists($states.input.day) ? $states.input.day : "
    '$fromMillis($toMillis($states.context.Execution.StartTime) - 86400000, "[Y0001]-[M01]-[D01]")'
)
_FAILED = "Jobs failed"


def state_machine(works: Works, *, each_day: bool = False, max_concurrency: int = 1) -> dict[str, Any]:
    """The definition. Its input is ``{"day": "2026-11-20"}``, by default yesterday, or ``{"days": [...]}``.

    Days are for ``each_day``.

    ``run`` in the input names the work, otherwise the execution does: a second execution with the same ``run`` does
    what the first one left. Jobs of one part of the graph wait for each other; parts that share no table run side by
    side.
    """
    comment = "Written by `lakejobs graph --format asl`; write it again instead of changing it."
    head = {"Comment": comment, "QueryLanguage": "JSONata", "StartAt": "Begin"}
    begin: dict[str, Any] = {"Type": "Pass", "Assign": {"run": _RUN}, "Output": _NOTHING}
    if not each_day:
        if works.day:
            begin["Assign"]["day"] = _DAY
        states = _part("Begin", begin, works.all, works.day, {"Type": "Succeed"})
        return {**head, "States": states}
    # Jobs without days run once, before the days or after them.
    last_day = max((number for number, work in enumerate(works.all) if work.job.by_day), default=-1)
    before = [work for work in works.all[: last_day + 1] if not work.job.by_day]
    daily = [work for work in works.all if work.job.by_day]
    behind = list(works.all[last_day + 1 :])
    begin["Assign"]["days"] = expression("$states.input.days")
    states = _part("Begin", begin, before, "", {"Type": "Pass", "Next": "Days"}, "before the days")
    item: dict[str, Any] = {
        "Type": "Pass",
        "Assign": {"day": expression("$states.input.day")},
        "Output": _NOTHING,
    }
    states["Days"] = {
        "Type": "Map",
        "Comment": "One day after the other: a table has one writer. A day that fails ends the backfill.",
        "Items": expression("$days"),
        "ItemSelector": {"day": expression("$states.context.Map.Item.Value")},
        "MaxConcurrency": max_concurrency,
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "INLINE"},
            "StartAt": "Begin day",
            "States": _part("Begin day", item, daily, works.day, {"Type": "Succeed"}, "of the day"),
        },
        "Output": _NOTHING,
        "Catch": [
            {
                "ErrorEquals": ["States.ALL"],
                "Assign": {"cause": expression("$states.errorOutput.Cause")},
                "Next": "Days failed",
            }
        ],
        "Next": "Begin after the days",
    }
    states["Days failed"] = {
        "Type": "Fail",
        "Error": "Lakejobs.DaysFailed",
        "Cause": expression('"A day failed, and later days were not begun. " & $cause'),
    }
    states |= _part("Begin after the days", {"Type": "Pass"}, behind, "", {"Type": "Succeed"}, "after the days")
    return {**head, "States": states}


def _part(
    first: str, begin: dict[str, Any], works: Sequence[Work], day: str, end: dict[str, Any], suffix: str = ""
) -> dict[str, Any]:
    """States that run ``works`` and end in a success, or in ``Jobs failed`` when all that could run has run."""
    names = [f"{one} {suffix}".strip() for one in ("Verdict", "Done", _FAILED)]
    verdict, done, failed = names
    run_id = '$run & "-" & $day' if day else "$run"
    # What maintains all tables waits for all other jobs: it would join parts that have nothing else in common.
    last = _sequence([work for work in works if work.job.maintains_all], run_id, day, verdict)
    others = [work for work in works if not work.job.maintains_all]
    states = {**_sequence(others, run_id, day, next(iter(last), verdict)), **last}
    start = next(iter(states), verdict)
    return {
        first: {**begin, "Next": start},
        **states,
        verdict: {
            "Type": "Choice",
            "Choices": [{"Condition": expression("$count($states.input.failed) = 0"), "Next": done}],
            "Default": failed,
        },
        done: end,
        failed: {
            "Type": "Fail",
            "Error": "Lakejobs.JobsFailed",
            "Cause": expression(
                '"Failed: " & $join($states.input.failed, ", ") & ". Left, as they need them: " '
                '& $join($states.input.left, ", ") & ". Start an execution with the same run to go on."'
            ),
        },
    }


def _sequence(works: Sequence[Work], run_id: str, day: str, behind: str) -> dict[str, Any]:
    """States that run ``works`` and go on to the state ``behind``: those that wait for nothing first."""
    if not works:
        return {}
    parts = _connected(works)
    if len(parts) > 1:
        return _side_by_side(parts, run_id, day, behind)
    here = {work.name for work in works}
    first = [work for work in works if not here & {*work.after, *work.needs}]
    rest = _sequence([work for work in works if work not in first], run_id, day, behind)
    following = next(iter(rest), behind)
    if len(first) == 1:
        return {**job_states(first[0], run_id, day, {"Next": following}), **rest}
    return {**_side_by_side([[one] for one in first], run_id, day, following), **rest}


def _side_by_side(parts: Sequence[Sequence[Work]], run_id: str, day: str, behind: str) -> dict[str, Any]:
    branches = []
    for part in parts:
        # A branch has states of its own: it ends by itself, and its last states lead to no other one.
        states = _sequence(part, run_id, day, "")
        states = {name: _ending(state) for name, state in states.items()}
        branches.append({"StartAt": next(iter(states)), "States": states})
    # A name of a state is unique in the whole machine, branches counted, and has at most 80 characters.
    whole = [work for part in parts for work in part]
    name = f"Side by side: {whole[0].name} to {whole[-1].name}, {len(whole)}"
    state = {"Type": "Parallel", "Branches": branches, "Output": _MERGED, "Next": behind}
    return {name: state}


def _ending(state: dict[str, Any]) -> dict[str, Any]:
    if state.get("Next") != "":
        return state
    return {**{key: value for key, value in state.items() if key != "Next"}, "End": True}


def _connected(works: Sequence[Work]) -> list[list[Work]]:
    """Parts of the works of which no one waits for another, each in the order of the whole."""
    part_of: dict[str, str] = {work.name: work.name for work in works}
    for work in works:
        for other in {*work.after, *work.needs} & part_of.keys():
            old, new = part_of[work.name], part_of[other]
            part_of = {name: new if part == old else part for name, part in part_of.items()}
    parts: dict[str, list[Work]] = {}
    for work in works:
        parts.setdefault(part_of[work.name], []).append(work)
    return list(parts.values())
