"""What Spark, py4j and other libraries may print on standard error: where something went wrong, never what a row holds.

Their own messages quote rows: PySpark logs the message of each error with a query context, the JVM the message of each
failed task. Spark's executors on other machines keep their own logs; on a cluster these are as private as its disks.
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_LOG = logging.getLogger("lakejobs.session")
# PySpark 4 gives them their own handler, and fails if they are loggers of another kind than its own.
_CONTEXT_LOGGERS = ("DataFrameQueryContextLogger", "SQLQueryContextLogger")
APPENDER = "lakejobs"
# A message is cut at the first exception class, error condition or traceback; stacks are left out, for they begin with
# the exception's message.
_CUT = r"(?s)(\b\w*(?:Exception|Error)\b|Traceback|\[[A-Z][A-Z0-9_.]+\]).*"
PATTERN = f"%d{{yy/MM/dd HH:mm:ss}} %p %c{{1}}: %replace{{%m}}{{{_CUT}}}{{$1 (message hidden)}}%n%ex{{none}}"


class ForeignLines(logging.Formatter):
    """``warning great_expectations.core.batch:91 (message hidden)``, with the class of an exception."""

    def format(self, record: logging.LogRecord) -> str:
        """Level, logger, line and class of exception: nothing that was filled in at run time."""
        error = record.exc_info[1] if record.exc_info else None
        kind = f" {type(error).__name__}" if error is not None else ""
        return f"{record.levelname.lower()} {record.name}:{record.lineno}{kind} (message hidden)"


class _StandardError(logging.StreamHandler[Any]):
    """Writes to whatever ``sys.stderr`` is at the moment."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)
        self.setFormatter(ForeignLines())
        self.setLevel(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


@contextmanager
def foreign_messages_hidden() -> Iterator[None]:
    """Have warnings and errors of other libraries' Python loggers printed without their messages.

    Their Python warnings, which are for those who write code, are not printed at all.
    """
    root = logging.getLogger()
    handler = _StandardError()
    root.addHandler(handler)
    shown = warnings.showwarning
    warnings.showwarning = _pass_over
    try:
        yield
    finally:
        warnings.showwarning = shown
        root.removeHandler(handler)


def _pass_over(*_: Any, **__: Any) -> None:
    """In place of ``warnings.showwarning``."""


def hide_messages_of_spark(spark: SparkSession, log: Path | None = None) -> None:
    """Have PySpark and the driver's JVM print no message that may quote a row; what was set up otherwise stays.

    The console of log4j keeps its level and target, or is replaced by the file ``log``. Where that cannot be done, a
    warning says so.
    """
    _silence_query_contexts()
    try:
        _cut_console_messages(spark._jvm, log)
    except Exception as error:  # another logging library, or a log4j of another make: py4j raises whatever.
        _LOG.warning("the JVM's log may quote rows: its console could not be configured (%s)", type(error).__name__)


def _silence_query_contexts() -> None:
    # PySpark 3.5 has no such loggers.
    with suppress(ImportError):
        from pyspark.logger import PySparkLogger

        for name in _CONTEXT_LOGGERS:
            PySparkLogger.getLogger(name).disabled = True


def _cut_console_messages(jvm: Any, log: Path | None) -> None:
    core = jvm.org.apache.logging.log4j.core
    context = jvm.org.apache.logging.log4j.LogManager.getContext(False)
    config = context.getConfiguration()
    layout = core.layout.PatternLayout.newBuilder().withConfiguration(config).withPattern(PATTERN).build()
    for logger in list(config.getLoggers().values()):
        for name, old in list(dict(logger.getAppenders()).items()):
            if name == APPENDER or old.getClass().getSimpleName() != "ConsoleAppender":
                continue
            if log is None:
                builder = core.appender.ConsoleAppender.newBuilder()
                builder.setTarget(old.getTarget())
            else:
                builder = core.appender.FileAppender.newBuilder()
                builder.withFileName(str(log)).withAppend(True)
            builder.setName(APPENDER)
            builder.setLayout(layout)
            # Spark's own filter keeps a session without spark-submit at warnings.
            builder.setFilter(old.getFilter())
            new = builder.build()
            new.start()
            logger.removeAppender(name)
            logger.addAppender(new, None, None)
    context.updateLoggers()
    if log is not None:
        # What Python workers write, too: under spark-submit the JVM was there before this file.
        stream = jvm.java.io.FileOutputStream(str(log), True)
        jvm.java.lang.System.setErr(jvm.java.io.PrintStream(stream, True))
