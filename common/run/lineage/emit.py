"""What a run says of itself for lineage: as files, over HTTP, both or not at all. It never fails a run."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from common.run.failures import explain
from common.run.lineage.events import Event, end_event, start_event
from common.run.lineage.posts import Posts

if TYPE_CHECKING:
    from common.job.declaration import Job
    from common.run.context import RunContext

FOLDER = "runs/lineage"
"""Where the events lie, below the lake root."""


def event_folder(job: Job) -> str:
    """Where the events of a job lie, relative to the lake root."""
    return f"{FOLDER}/{job.family}/{job.short_name}"


class Lineage:
    """The events of one run. What cannot be kept or sent is said in the log, and nothing else happens."""

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._settings = context.settings.lineage
        self._posts: Posts | None = None
        self._has_begun = False

    def begin(self) -> None:
        """The run has started."""
        if self._is_off:
            return
        self._has_begun = True
        self._emit("start", lambda: start_event(self._context))

    def end(self, record: Mapping[str, Any]) -> None:
        """The run has ended as ``record`` says; waits for the server no longer than the settings allow."""
        if self._is_off:
            return
        if not self._has_begun:
            self.begin()
        self._emit("end", lambda: end_event(self._context, record))
        for problem in self._posts.finish() if self._posts is not None else ():
            self._warn(problem)

    @property
    def _is_off(self) -> bool:
        return not self._settings.files and self._settings.url is None

    def _emit(self, moment: str, make: Callable[[], Event]) -> None:
        context = self._context
        try:
            event = make()
            if self._settings.url is not None:
                self._posts = self._posts or Posts(self._settings.url, self._settings, context.settings.s3_region)
                self._posts.put(event)
            if self._settings.files:
                name = f"{event_folder(context.job)}/{context.run_id}-{context.attempt}-{moment}.json"
                context.objects.write(name, (json.dumps(event, indent=1) + "\n").encode())
        except Exception as error:  # a by-product never turns a run into a failure.
            failure = explain(error)
            self._warn(f"{failure.code} {failure.message} {failure.cause}".rstrip())

    def _warn(self, problem: str) -> None:
        self._context.log.warning("lineage is incomplete", extra={"cause": problem})
