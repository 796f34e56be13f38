"""Logs on standard error: text on a terminal, one JSON object a line elsewhere. Personal columns are masked."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TextIO

from common.causes import stack_of
from common.clock import utc_text
from common.spark.foreign_logs import foreign_messages_hidden

ROOT = "lakejobs"
MASK = "<personal>"
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_COLOURS = {logging.WARNING: "33", logging.ERROR: "31", logging.CRITICAL: "31"}


def is_terminal(stream: TextIO) -> bool:
    """Whether a person reads this stream."""
    return bool(getattr(stream, "isatty", lambda: False)()) and os.environ.get("TERM") != "dumb"


def uses_colour(stream: TextIO) -> bool:
    """Colours only on a terminal, and never when NO_COLOR is set to anything."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR")


class PersonalFields(logging.Filter):
    """Masks the named fields of a record, given as ``extra`` or as a mapping among its arguments."""

    def __init__(self) -> None:
        super().__init__()
        self.columns: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask in place; every record passes."""
        for name in self.columns & set(vars(record)):
            setattr(record, name, MASK)
        for name, value in vars(record).items():
            if name not in _STANDARD and isinstance(value, Mapping):
                setattr(record, name, self._masked(value))
        if isinstance(record.args, Mapping):
            record.args = self._masked(record.args)
        return True

    def _masked(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        return {name: MASK if name in self.columns else value for name, value in fields.items()}


class _Lines(logging.Formatter):
    """What the two forms share: the fields of a record and its moment."""

    def __init__(self, *, debug: bool) -> None:
        super().__init__()
        self._debug = debug

    @staticmethod
    def fields(record: logging.LogRecord) -> dict[str, Any]:
        return {name: value for name, value in vars(record).items() if name not in _STANDARD}

    @staticmethod
    def frames(record: logging.LogRecord) -> str:
        """The frames of the exception of a record: its message may quote rows."""
        error = record.exc_info[1] if record.exc_info else None
        return "" if error is None else stack_of(error)

    @staticmethod
    def moment(record: logging.LogRecord) -> datetime:
        return datetime.fromtimestamp(record.created, tz=UTC)


class TextLines(_Lines):
    """``06:00:00 warning  words  name=value``; stacks only with ``--debug``."""

    def format(self, record: logging.LogRecord) -> str:
        """One record for a person."""
        fields = self.fields(record)
        stack = fields.pop("stack", "")
        said = [f"{self.moment(record):%H:%M:%S} {record.levelname.lower():<7} {record.getMessage()}"]
        said += [f"{name}={value}" for name, value in fields.items()]
        line = "  ".join(said)
        if record.levelno in _COLOURS and uses_colour(sys.stderr):
            line = f"\x1b[{_COLOURS[record.levelno]}m{line}\x1b[0m"
        trace = stack or self.frames(record)
        return f"{line}\n{trace}" if trace and self._debug else line


class JsonLines(_Lines):
    """One JSON object a record: ``time, level, logger, message``, the run's own fields, then those of the record."""

    def __init__(self, run: Mapping[str, Any], *, debug: bool) -> None:
        super().__init__(debug=debug)
        self._run = dict(run)

    def format(self, record: logging.LogRecord) -> str:
        """One record for a machine; with ``--debug`` the stack is a field of it."""
        line: dict[str, Any] = {
            "time": utc_text(self.moment(record)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **self._run,
            **self.fields(record),
        }
        stack = line.pop("stack", "") or self.frames(record)
        if stack and self._debug:
            line["stack"] = stack
        return json.dumps(line, default=str, ensure_ascii=False)


class _StandardError(logging.StreamHandler[TextIO]):
    """Writes to whatever ``sys.stderr`` is at the moment, so that a progress bar can stand below the lines."""

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, value: TextIO) -> None:
        """Assigned by the base class; the stream is looked up instead."""


@contextmanager
def logging_to_stderr(run: Mapping[str, Any], *, debug: bool) -> Iterator[PersonalFields]:
    """Send the suite's loggers to standard error; yields the filter that knows personal columns."""
    logger = logging.getLogger(ROOT)
    before = (logger.level, logger.propagate)
    handler = _StandardError()
    handler.setFormatter(TextLines(debug=debug) if is_terminal(sys.stderr) else JsonLines(run, debug=debug))
    personal = PersonalFields()
    handler.addFilter(personal)
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG if debug else logging.INFO)
    logger.propagate = False
    try:
        with foreign_messages_hidden():
            yield personal
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before[0])
        logger.propagate = before[1]


def add_personal_columns(personal: PersonalFields, columns: Iterable[str]) -> None:
    """Have these columns masked from now on."""
    personal.columns.update(columns)
