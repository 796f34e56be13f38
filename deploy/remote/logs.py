"""``lakejobs logs``: what driver, executors or the step itself have written, from S3 or CloudWatch."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from time import sleep
from typing import Any

from common.errors import UsageError
from deploy.control.sequence import say
from deploy.remote.flags import Asked, parse
from deploy.remote.log_places import LogFile, Place, Stream, files_on_s3, places_of
from deploy.remote.run import SentRun
from deploy.remote.services import found_run, service_of
from deploy.remote.waiting import look
from deploy.targets.clients import ask, client, is_absent

_PAUSE_SECONDS = 15.0
# CloudWatch may bring events out of order; those of so many milliseconds are asked for again.
_LATE_MS = 60_000


def logs(words: Sequence[str]) -> int:
    """``lakejobs logs``; 4 when there are none yet, or they are off.

    Raises UsageError SUB-002 for an unknown run, SUB-010 for a run whose logs go nowhere that can be read.
    """
    more: list[tuple[str, dict[str, Any]]] = [
        ("--of", {"choices": ("driver", "executors", "step"), "default": "driver", "help": "whose (default: driver)"}),
        ("--stream", {"choices": ("stdout", "stderr", "both"), "default": "both"}),
        ("--from", {"choices": ("s3", "cloudwatch"), "dest": "source", "help": "default: where they come first"}),
        ("--follow", {"action": "store_true", "help": "until the run ends"}),
        ("--list", {"action": "store_true", "help": "where the logs are, not what is in them"}),
    ]  # fmt: skip
    asked = parse("logs", "Print the logs of a run that was sent.", words, more)
    target = asked.target
    service = service_of(target)
    run = found_run(service, asked.run_id, asked.job, asked.attempt)
    region = getattr(target, "region", None)
    places = places_of(run, service, region)
    chosen = [one for one in places if asked.more.source in (None, one.kind)]
    if not chosen:
        raise UsageError(
            "SUB-010",
            "The logs of this run go nowhere that can be read from here.",
            cause=f"They go to {', '.join(one.kind for one in places) or 'no place'}.",
            remedy="Set logs: of the target for the next run.",
        )
    wanted = Stream(asked.more.of, asked.more.stream)
    seen = Seen(asked, region)
    while True:
        # Looked at before the logs are: what comes with the end is then read too.
        run = look(service, run) if asked.more.follow else run
        for place in chosen:
            if seen.show(place, wanted):
                # The same lines lie in the other places too.
                break
        if not asked.more.follow or run.has_ended:
            break
        sleep(_PAUSE_SECONDS)
    return seen.close(chosen, run)


class Seen:
    """Prints what was not printed yet. With ``-o json`` there is one object per line: stream, text, time."""

    def __init__(self, asked: Asked, region: str | None) -> None:
        self._asked = asked
        self._region = region
        # Address of a file -> its etag, and how many of its lines were printed.
        self._files: dict[str, tuple[str, int]] = {}
        # Id of an event -> its time, as long as it may come again.
        self._events: dict[str, int] = {}
        self._latest = 0
        self._found: set[Place] = set()
        self._listed: set[str] = set()

    def show(self, place: Place, wanted: Stream) -> bool:
        """Print what is new in a place; whether anything was ever found there."""
        if place.kind == "s3":
            self._show_files(place, wanted)
        else:
            self._show_events(place, wanted)
        return place in self._found

    def close(self, places: Sequence[Place], run: SentRun) -> int:
        """The exit code: 0, or 4 when there was nothing."""
        if self._found:
            return 0
        where = " or ".join(place.shown for place in places)
        say(f"There are no such logs at {where}: they come some minutes after the start, and the run is {run.state}.")
        return 4

    def _show_files(self, place: Place, wanted: Stream) -> None:
        s3 = client("s3", self._region)
        for file in files_on_s3(s3, place, wanted):
            self._found.add(place)
            etag, printed = self._files.get(file.address, ("", 0))
            if self._asked.more.list:
                self._list(file.address)
            elif etag != file.etag:
                self._files[file.address] = (file.etag, self._print_lines(file, s3, printed))

    def _print_lines(self, file: LogFile, s3: Any, printed: int) -> int:
        """A log that has grown is written as a whole: what was printed before is passed over."""
        count = 0
        for line in file.lines(s3):
            count += 1
            if count > printed:
                self._line(file.stream, line, None)
        return count

    def _show_events(self, place: Place, wanted: Stream) -> None:
        since = max(self._latest - _LATE_MS, 0)
        self._events = {one: at for one, at in self._events.items() if at >= since}
        for event in _events(client("logs", self._region), place, since):
            name, at = event["logStreamName"], event["timestamp"]
            if event["eventId"] in self._events or not wanted.takes(name):
                continue
            self._found.add(place)
            if self._asked.more.list:
                self._list(f"{place.root} {name}")
                continue
            self._latest = max(self._latest, at)
            self._events[event["eventId"]] = at
            self._line(name.rpartition("/")[2], event["message"].rstrip("\n"), at)

    def _list(self, address: str) -> None:
        if address not in self._listed:
            self._listed.add(address)
            print(json.dumps({"address": address}) if self._asked.as_json else address)

    def _line(self, stream: str, text: str, millis: int | None) -> None:
        print(json.dumps({"stream": stream, "text": text, "timestamp_ms": millis}) if self._asked.as_json else text)
        sys.stdout.flush()


def _events(logs_client: Any, place: Place, since: int) -> Iterator[Any]:
    """The events of a log group from ``since`` on, ms; none while there is no such group."""
    request = {"logGroupName": place.root, "logStreamNamePrefix": place.prefix, "startTime": since}
    while True:
        try:
            answer = ask(logs_client, "filter_log_events", **request)
        except UsageError as error:
            if is_absent(error.__cause__):
                return
            raise
        yield from answer.get("events", [])
        if not answer.get("nextToken"):
            return
        request["nextToken"] = answer["nextToken"]
