"""A tiny Airflow: reads a DAG file as Airflow would, keeps its tasks, and fills in their templates.

What the real operators take is in tests/deploy/graph/airflow_operators.yaml; `make airflow` proves that it is true.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any
from unittest import mock

import jinja2
import yaml

OPERATORS = yaml.safe_load(
    (Path(__file__).parents[1] / "deploy" / "graph" / "airflow_operators.yaml").read_text(encoding="utf-8")
)["operators"]
_TASKS: list[Any] = []


class FinalError(Exception):
    """Airflow tries the task no other time."""


class Task:
    """An operator with its arguments; ``ending`` is what its execution does."""

    template_fields: tuple[str, ...] = ()
    template_ext: tuple[str, ...] = (".json",)
    taken: frozenset[str] = frozenset({"task_id", "trigger_rule"})
    ending: Callable[[], Any] = staticmethod(lambda: None)

    def __init__(self, **arguments: Any) -> None:
        assert not arguments.keys() - self.taken, arguments.keys() - self.taken
        self.arguments, self.before = arguments, set[str]()
        self.task_id, self.rule = arguments["task_id"], arguments.get("trigger_rule", "all_success")
        self.aws_conn_id, self.region_name = "aws_default", arguments.get("region_name")
        self.log = mock.Mock()
        _TASKS.append(self)

    def __rshift__(self, other: Task) -> Task:
        other.before.add(self.task_id)
        return other

    def __rrshift__(self, others: Iterable[Task]) -> Task:
        self.before |= {one.task_id for one in others}
        return self

    def execute(self, _context: Any) -> Any:
        """End as it is meant to."""
        return self.ending()

    def resume_execution(self, _method: str, _words: Any, _context: Any) -> Any:
        """Go on after the wait."""
        return self.ending()


class Dag:
    """The DAG of a file: its arguments, its tasks by id, and the names that its file defines."""

    def __init__(self, **arguments: Any) -> None:
        self.arguments, self.tasks, self.file = arguments, dict[str, Any](), dict[str, Any]()

    def __enter__(self) -> Dag:
        _TASKS.clear()
        return self

    def __exit__(self, *_: object) -> None:
        self.tasks = {task.task_id: task for task in _TASKS}
        assert len(self.tasks) == len(_TASKS)

    def filled(self, task_id: str, **context: Any) -> dict[str, Any]:
        """The arguments of a task as its operator sees them when it runs."""
        task = self.tasks[task_id]
        environment = jinja2.Environment()
        environment.globals |= self.arguments["user_defined_macros"]
        known = {"ti": SimpleNamespace(task_id=task_id, try_number=1), **context}

        def fill(value: Any) -> Any:
            if isinstance(value, str):
                assert not value.endswith(task.template_ext or "\0"), "taken for the name of a template"
                return environment.from_string(value).render(known)
            if isinstance(value, dict):
                return {key: fill(one) for key, one in value.items()}
            return [fill(one) for one in value] if isinstance(value, list) else value

        return {key: fill(one) if key in task.template_fields else one for key, one in task.arguments.items()}


def read_dag(text: str, read_key: Callable[[str, str], str]) -> Dag:
    """The DAG of a file; ``read_key`` is S3 for its tasks, by key and bucket."""
    kinds = {
        name: type(
            name,
            (Task,),
            {"taken": frozenset(one["arguments"]), "template_fields": tuple(one["templates"])},
        )
        for name, one in OPERATORS.items()
    }
    found: list[Dag] = []

    def dag(**arguments: Any) -> Dag:
        found.append(Dag(**arguments))
        return found[-1]

    hook = SimpleNamespace(read_key=read_key)
    contents: Mapping[str, dict[str, Any]] = {
        "airflow.providers.amazon.aws.operators.emr": kinds,
        "airflow.providers.amazon.aws.hooks.s3": {"S3Hook": lambda **_: hook},
        "airflow.providers.common.compat.sdk": {"AirflowFailException": FinalError},
        "airflow.providers.standard.operators.empty": {"EmptyOperator": type("EmptyOperator", (Task,), {})},
        "airflow.sdk": {"DAG": dag, "CronDataIntervalTimetable": lambda cron, timezone: (cron, timezone)},
    }
    modules = {}
    for name, content in contents.items():
        modules[name] = ModuleType(name)
        vars(modules[name]).update(content)
    namespace: dict[str, Any] = {"__name__": "dag"}
    with mock.patch.dict(sys.modules, modules):
        exec(compile(text, "dag.py", "exec"), namespace)
    found[0].file = namespace
    return found[0]
