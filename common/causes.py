"""What may be said of an exception that is not our own: only what is known to hold no value of a row.

Messages of Spark, Delta, Python workers and libraries quote what they could not read. So nothing of a message passes
but error conditions, class names, places in our own code, and a few phrases that are listed here; the rest is ours.
"""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Iterator, Mapping
from contextlib import suppress

from common.errors import LakejobsError

_WORDS = {
    "AMBIGUOUS_REFERENCE": "a column name fits several columns",
    "ARITHMETIC_OVERFLOW": "a number is too large for its type",
    "CANNOT_PARSE_TIMESTAMP": "a text is not a time of the expected form",
    "CAST_INVALID_INPUT": "a value cannot be converted to the target type",
    "CAST_OVERFLOW": "a number is too large for the target type",
    "DATATYPE_MISMATCH": "an expression has the wrong type",
    "DELTA_CONCURRENT_APPEND": "another writer appended to the table",
    "DELTA_METADATA_CHANGED": "another writer changed the table's metadata",
    "DELTA_MISSING_DELTA_TABLE": "there is no Delta table",
    "DELTA_MULTIPLE_SOURCE_ROW_MATCHING_TARGET_ROW_IN_MERGE": "several new rows match one stored row",
    "DELTA_NOT_NULL_CONSTRAINT_VIOLATED": "a column that must not be null is null",
    "DELTA_PATH_DOES_NOT_EXIST": "the path does not exist",
    "DELTA_REPLACE_WHERE_MISMATCH": "rows are outside the range they replace",
    "DELTA_TABLE_NOT_FOUND": "there is no such table",
    "DELTA_VIOLATE_CONSTRAINT_WITH_VALUES": "a row violates a constraint of the table",
    "DIVIDE_BY_ZERO": "a division by zero",
    "DUPLICATED_MAP_KEY": "a map has a key twice",
    "FAILED_READ_FILE": "a file could not be read",
    "INVALID_ARRAY_INDEX": "an array has no such element",
    "INVALID_ARRAY_INDEX_IN_ELEMENT_AT": "an array has no such element",
    "INVALID_EXTRACT_BASE_FIELD_TYPE": "a value that has no fields is read by field",
    "MALFORMED_RECORD_IN_PARSING": "a record is malformed",
    "NUMERIC_VALUE_OUT_OF_RANGE": "a number is too large for its type",
    "PARSE_SYNTAX_ERROR": "the SQL has a syntax error",
    "PATH_NOT_FOUND": "the path does not exist",
    "TABLE_OR_VIEW_NOT_FOUND": "there is no such table",
    "UNRESOLVED_COLUMN": "there is no such column",
    "UNRESOLVED_ROUTINE": "there is no such function",
    "USER_RAISED_EXCEPTION": "an expression raised an error",
    "WRONG_NUM_ARGS": "a function has the wrong number of arguments",
}
# Parameters of Spark's messages that name things and types, never contents.
_NAMING = {
    "objectName": "name",
    "columnName": "column",
    "colName": "column",
    "fieldName": "field",
    "relationName": "table",
    "tableName": "table",
    "routineName": "function",
    "functionName": "function",
    "path": "path",
    "sourceType": "from",
    "targetType": "to",
}
_NAME = re.compile(r"[\w.`\"$:/\-=*]{1,200}")
# What Java, Hadoop and YARN say in fixed words.
_PHRASES = (
    "No space left on device",
    "Read timed out",
    "connect timed out",
    "Connection reset",
    "Connection refused",
    "Broken pipe",
    "Permission denied",
    "Too many open files",
    "Java heap space",
    "Metaspace",
    "GC overhead limit exceeded",
    "Container killed by YARN for exceeding memory limits",
    "Filesystem closed",
)
_STATUS_CODE = re.compile(r"Status Code: [45]\d\d\b")
_CONDITION = r"[A-Z][A-Z0-9_]*(?:\.[A-Z0-9_]+)*"
_JAVA_CLASS = r"(?:[a-z_]\w*\.)+[A-Z][\w$]*(?:Exception|Error)"
# The class of an exception, where Java prints one: after the call, behind "Caused by" and in the report of a lost task.
_RAISED = re.compile(
    rf"^(?:: |Caused by: |.*most recent failure: (?:Lost task .{{0,80}}?: )?)?({_JAVA_CLASS})\b(?::[ ]?(.*))?$",
    re.MULTILINE,
)
_CONDITIONED = re.compile(rf"\[({_CONDITION})\]")
_WORKER = "Traceback (most recent call last):\n"
_PYTHON_CLASS = re.compile(r"(?:\w+\.)*(\w+)(?=:|$)")
_SPARK_CONDITION = re.compile(rf"(?:pyspark|delta)\.[\w.]+: \[({_CONDITION})\]")
_PLACE = re.compile(r"(?:^|(?<!tests)[/\\])((?:common|jobs|deploy|conf)/(?:\w+/)*\w+\.py)$")
_WORKER_FRAME = re.compile(r'^\s+File "([^"\n]+)", line (\d+), in (\S+)$', re.MULTILINE)
_JAVA_FRAME = re.compile(r"^\s+at [\w.$/<>@-]+\([\w.$ -]+(?::\d+)?\)$")


def cause_of(error: BaseException) -> str:
    """The first cause in one sentence: of a chain of causes the last, of a Python worker its exception."""
    if isinstance(error, LakejobsError):
        return " ".join(part for part in (error.code, error.message, error.cause) if part)
    text = f"{text_of(error)}\n{_java_stack(error)}"
    if _WORKER in text:
        return traceback_cause(text)
    chain = [(found.group(1), found.group(2) or "") for found in _RAISED.finditer(text)]
    outer = condition_of(error)
    condition = _condition_in(*chain[-1]) if chain else ""
    if not condition and len(chain) < 2:
        condition = outer
    if condition:
        return _condition_in_words(condition, error)
    if chain:
        name, message = chain[-1]
        known = _phrase(message)
        return f"{name.rpartition('.')[2]}{f': {known}' if known else ''}{f' ({outer})' if outer else ''}."
    known, place = _system_words(error) or _phrase(text), _place_of(error)
    return f"{type(error).__name__}{f': {known}' if known else ''}{f' in {place}' if place else ''}."


def condition_of(error: BaseException) -> str:
    """Spark's error condition, such as PATH_NOT_FOUND; empty for an error that has none."""
    for getter in ("getCondition", "getErrorClass"):
        asked = _asked(error, getter)
        if isinstance(asked, str) and re.fullmatch(_CONDITION, asked):
            return asked
    if type(error).__module__.split(".")[0] in ("pyspark", "delta"):
        found = _CONDITIONED.match(text_of(error))
        return found.group(1) if found else ""
    return ""


def text_of(error: BaseException) -> str:
    """What an error says, for classification only: it may quote rows."""
    said = said_by(error)
    return f"{type(error).__name__}, which cannot be read" if said is None else said


def said_by(error: BaseException) -> str | None:
    """The message of an error; None for one of a JVM that answers no more."""
    try:
        return str(error)
    except Exception:  # str() of a Java exception asks the JVM; py4j raises various errors when it is gone.
        return None


def stack_of(error: BaseException) -> str:
    """The frames of an error and of what led to it, without messages of exceptions that are not our own."""
    return "\n".join(_frames(error, set()))


def _frames(error: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if before is not None and id(before) not in seen:
        yield from _frames(before, seen)
        yield "then"
    kind = type(error)
    ours = f": {error.code} {error.message}" if isinstance(error, LakejobsError) else ""
    yield f"{kind.__module__}.{kind.__qualname__}{ours}"
    for frame in traceback.extract_tb(error.__traceback__):
        yield f"  {frame.filename}:{frame.lineno} in {frame.name}"
    if not ours:
        yield from _frames_beyond_python(f"{text_of(error)}\n{_java_stack(error)}")


def _frames_beyond_python(text: str) -> Iterator[str]:
    """Classes and frames of the JVM and of Python workers, as Spark prints them in a message."""
    for line in text.splitlines():
        if raised := _RAISED.match(line):
            yield f"Java: {raised.group(1)}"
        elif _JAVA_FRAME.match(line):
            yield f"  {line.strip()}"
        elif worker := _WORKER_FRAME.match(line):
            yield f"  worker {worker.group(1)}:{worker.group(2)} in {worker.group(3)}"


def _condition_in(name: str, message: str) -> str:
    # A message of Spark or Delta begins with its condition; elsewhere brackets may hold anything.
    found = _CONDITIONED.match(message) if _is_library(name) else None
    return found.group(1) if found else ""


def _is_library(java_class: str) -> bool:
    return java_class.startswith(("org.apache.spark.", "io.delta.", "delta."))


def _condition_in_words(condition: str, error: BaseException) -> str:
    words = _WORDS.get(condition) or _WORDS.get(condition.partition(".")[0], "")
    known: list[str] = []
    # What else the error says belongs to its own condition, not to that of a cause.
    if condition_of(error) == condition:
        state = _asked(error, "getSqlState")
        known += [f"SQLSTATE {state}"] if isinstance(state, str) and re.fullmatch(r"[0-9A-Z]{5}", state) else []
        known += _names_given(error)
    inside = f" ({', '.join(known)})" if known else ""
    return f"{condition}{f': {words}' if words else ''}{inside}."


def _names_given(error: BaseException) -> list[str]:
    given = _asked(error, "getMessageParameters")
    if not isinstance(given, Mapping):
        return []
    found = []
    for parameter, word in _NAMING.items():
        with suppress(Exception):  # a map of the JVM, which may be gone
            value = given.get(parameter)
            if isinstance(value, str) and _NAME.fullmatch(value):
                found.append(f"{word} {value.strip(chr(34))}")
    return found


def traceback_cause(text: str) -> str:
    """``ValueError in jobs/fraud/scoring/steps.py, line 91.``: the end of a printed traceback, and where."""
    tracebacks = text.split(_WORKER)[1:]
    # The original error comes first if another was raised while it was handled.
    shown = tracebacks[0] if "During handling of the above" in text else tracebacks[-1]
    name, frames = "", []
    for line in shown.splitlines():
        frame = _WORKER_FRAME.match(line)
        if frame:
            frames.append((frame.group(1), int(frame.group(2))))
        elif line and not line[0].isspace():
            kind = _PYTHON_CLASS.match(line)
            name = kind.group(1) if kind else ""
            condition = _SPARK_CONDITION.match(line)
            name += f" {condition.group(1)}" if condition else ""
            break
    place = _last_of_ours(frames)
    return f"{name or 'A Python exception'}{f' in {place}' if place else ''}."


def _place_of(error: BaseException) -> str:
    return _last_of_ours([(frame.filename, frame.lineno or 0) for frame in traceback.extract_tb(error.__traceback__)])


def _last_of_ours(frames: list[tuple[str, int]]) -> str:
    for filename, line in reversed(frames):
        ours = _PLACE.search(filename)
        if ours and "-packages" not in filename:
            return f"{ours.group(1)}, line {line}"
    return ""


def _phrase(message: str) -> str:
    found = [phrase for phrase in _PHRASES if phrase in message]
    status = _STATUS_CODE.search(message)
    return ", ".join([*found, *([status.group(0)] if status else [])])


def _system_words(error: BaseException) -> str:
    """Words of the operating system, S3's error code, the module that is missing."""
    if isinstance(error, OSError) and isinstance(error.errno, int):
        return os.strerror(error.errno)
    if isinstance(error, ImportError) and re.fullmatch(r"[\w.]+", error.name or ""):
        return f"module {error.name}"
    return cloud_code(error)


def cloud_code(error: BaseException) -> str:
    """The error code of an AWS service, such as ``AccessDenied``; empty for another error."""
    response = getattr(error, "response", None)
    about = response.get("Error") if isinstance(response, Mapping) else None
    code = about.get("Code") if isinstance(about, Mapping) else None
    return code if isinstance(code, str) and re.fullmatch(r"[A-Za-z0-9.]{1,60}", code) else ""


def _java_stack(error: BaseException) -> str:
    stack = getattr(error, "_stackTrace", None) or getattr(error, "stackTrace", None)
    return stack if isinstance(stack, str) else ""


def _asked(error: BaseException, getter: str) -> object:
    asked = getattr(error, getter, None)
    if not callable(asked):
        return None
    try:
        return asked()
    except Exception:  # asks the JVM, which may be gone.
        return None
