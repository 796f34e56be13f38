"""A tiny Step Functions: runs a definition against services that are functions, one state after the other.

It also refuses what CreateStateMachine would: a state that leads nowhere, that nothing leads to, or whose name is
taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from small_jsonata import NOTHING, evaluate

_ENDS = {"Succeed", "Fail"}
_FIELDS = {
    "Task": {"Resource", "Arguments", "Retry", "Catch"},
    "Parallel": {"Branches", "Catch", "Retry"},
    "Map": {"Items", "ItemSelector", "ItemProcessor", "MaxConcurrency", "Catch", "Retry"},
    "Choice": {"Choices", "Default"},
    "Wait": {"Seconds"},
    "Pass": set(),
    "Succeed": set(),
    "Fail": {"Error", "Cause"},
}


class StateError(Exception):
    """An error as a state machine sees it."""

    def __init__(self, error: str, cause: str = "") -> None:
        super().__init__(error, cause)
        self.error, self.cause = error, cause


@dataclass
class Execution:
    """One execution. ``services`` maps the end of a resource to a function of the arguments."""

    services: Mapping[str, Callable[[dict[str, Any]], Any]]
    name: str = "night"
    redrives: int = 0
    started: str = "2026-11-21T03:00:00Z"
    waited: list[int] = field(default_factory=list)

    def run(self, definition: Mapping[str, Any], given: Any) -> Any:
        """The output. Raises StateError when the execution fails."""
        assert definition["QueryLanguage"] == "JSONata"
        check(definition)
        return self._machine(definition, given, {}, {})

    def _machine(self, machine: Mapping[str, Any], given: Any, outer: dict[str, Any], more: dict[str, Any]) -> Any:
        variables, name = dict(outer), machine["StartAt"]
        while True:
            state = machine["States"][name]
            given, following = self._state(state, given, variables, outer, more)
            if following is None:
                return given
            name = following

    def _state(
        self,
        state: Mapping[str, Any],
        given: Any,
        variables: dict[str, Any],
        outer: dict[str, Any],
        more: dict[str, Any],
    ) -> tuple[Any, str | None]:
        context = {"Execution": {"Name": self.name, "RedriveCount": self.redrives, "StartTime": self.started}, **more}
        states: dict[str, Any] = {"input": given, "context": context}
        kind = state["Type"]
        if kind == "Choice":
            rules = [rule for rule in state["Choices"] if _filled(rule["Condition"], states, variables) is True]
            chosen = rules[0] if rules else {"Next": state["Default"]}
            return given, chosen["Next"]
        if kind == "Fail":
            raise StateError(*(_filled(state[one], states, variables) for one in ("Error", "Cause")))
        try:
            states["result"] = self._result(state, states, variables)
        except StateError as error:
            states["errorOutput"] = {"Error": error.error, "Cause": error.cause}
            for catch in state.get("Catch", []):
                if error.error in catch["ErrorEquals"] or "States.ALL" in catch["ErrorEquals"]:
                    return self._left(catch, states, variables, outer, states["errorOutput"]), catch["Next"]
            raise
        default = given if kind in ("Pass", "Wait", "Succeed") else states["result"]
        return self._left(state, states, variables, outer, default), state.get("Next")

    def _left(
        self,
        of: Mapping[str, Any],
        states: dict[str, Any],
        variables: dict[str, Any],
        outer: dict[str, Any],
        default: Any,
    ) -> Any:
        output = _filled(of["Output"], states, variables) if "Output" in of else default
        assigned = {name: _filled(value, states, variables) for name, value in of.get("Assign", {}).items()}
        assert not outer.keys() & assigned.keys(), "a variable of an outer scope is assigned"
        variables.update(assigned)
        return output

    def _result(self, state: Mapping[str, Any], states: dict[str, Any], variables: dict[str, Any]) -> Any:
        kind = state["Type"]
        if kind == "Wait":
            self.waited.append(_filled(state["Seconds"], states, variables))
        if kind == "Task":
            return self._task(state, _filled(state["Arguments"], states, variables))
        if kind == "Parallel":
            return [self._machine(branch, states["input"], variables, {}) for branch in state["Branches"]]
        if kind == "Map":
            found = []
            for item in _filled(state["Items"], states, variables):
                more = {"Map": {"Item": {"Value": item}}}
                here = {**states, "context": {**states["context"], **more}}
                selected = _filled(state["ItemSelector"], here, variables)
                found.append(self._machine(state["ItemProcessor"], selected, variables, more))
            return found
        return None

    def _task(self, state: Mapping[str, Any], arguments: dict[str, Any]) -> Any:
        service = self.services[state["Resource"].removeprefix("arn:aws:states:::")]
        tries = 0
        while True:
            try:
                return service(arguments)
            except StateError as error:
                allowed = [one for one in state.get("Retry", []) if error.error in one["ErrorEquals"]]
                if not allowed or tries == allowed[0]["MaxAttempts"]:
                    raise
                tries += 1


def _filled(value: Any, states: dict[str, Any], variables: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(one, states, variables) for key, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, states, variables) for one in value]
    if isinstance(value, str) and value.startswith("{%"):
        assert value.endswith("%}")
        found = evaluate(value[2:-2], {**variables, "states": states})
        if found is NOTHING:
            raise StateError("States.QueryEvaluationError", value)
        return found
    return value


def check(machine: Mapping[str, Any], taken: set[str] | None = None) -> None:
    """Asserts what the language asks of a machine and of all that are in it."""
    names = set() if taken is None else taken
    states = machine["States"]
    reached = {machine["StartAt"]}
    for name, state in states.items():
        assert name not in names, f"{name} is taken"
        assert len(name) <= 80, name
        names.add(name)
        kind = state["Type"]
        known = _FIELDS[kind] | {"Type", "Comment", "Next", "End", "Output", "Assign"}
        assert not state.keys() - known, f"{name}: {state.keys() - known}"
        ways = [state, *state.get("Choices", []), *state.get("Catch", [])]
        reached |= {way["Next"] for way in ways if "Next" in way} | {state[one] for one in ("Default",) if one in state}
        if kind not in _ENDS | {"Choice"}:
            assert ("Next" in state) != (state.get("End") is True), f"{name} has no end"
        for inner in [*state.get("Branches", []), *filter(None, [state.get("ItemProcessor")])]:
            check(inner, names)
    assert reached == set(states), f"{reached ^ set(states)} are not reached, or not there"
