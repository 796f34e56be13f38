"""Exceptions of Spark, Delta, storage and Python as exit codes and single sentences."""

from __future__ import annotations

import re

import pytest

from common.causes import cause_of, stack_of
from common.errors import UsageError
from common.run.failures import explain
from common.run.signals import Stopped

pytestmark = pytest.mark.unit

JOB_ABORTED = """An error occurred while calling o123.save.
: org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 in stage 1.0 failed 4 times
\tat org.apache.spark.scheduler.DAGScheduler.abort(DAGScheduler.scala:1)
Caused by: org.apache.spark.SparkException: Task failed while writing rows
\tat org.apache.spark.sql.errors.X(X.scala:1)
Caused by: {root}
\tat java.base/java.lang.Thread.run(Thread.java:840)
"""

CAPTURED = "pyspark.errors.exceptions.captured"
THROTTLED = "software.amazon.awssdk.services.s3.model.S3Exception: Slow (Service: S3, Status Code: 503)"
NO_PATH = "[PATH_NOT_FOUND] Path does not exist: file:/x. SQLSTATE: 42K03"

WORKER = """Job aborted due to stage failure: Task 0 in stage 3.0 failed 1 times, most recent failure: \
org.apache.spark.api.python.PythonException: Traceback (most recent call last):
  File "/env/worker.py", line 1, in main
    process()
  File "/env/lakejobs.zip/jobs/fraud/scoring/steps.py", line 7, in batches
    raise ValueError(name)
  File "/env/lib/site-packages/common/scoring.py", line 9, in score
    raise ValueError(name)
ValueError: ann@example.org

\tat org.apache.spark.api.python.BasePythonRunner(PythonRunner.scala:1)
"""


def spark_error(text: str, name: str = "Py4JJavaError", module: str = "py4j.protocol", **methods: object) -> Exception:
    """An exception such as PySpark raises, made without a JVM."""
    kind = type(name, (Exception,), {"__module__": module, **methods})
    error: Exception = kind(text)
    return error


def aborted(root: str) -> Exception:
    return spark_error(JOB_ABORTED.format(root=root))


@pytest.mark.parametrize(
    ("error", "code", "exit_code"),
    [
        (spark_error("x", "ConcurrentAppendException", "delta.exceptions.base"), "SPK-002", 5),
        (spark_error("x", "MetadataChangedException", "delta.exceptions"), "SPK-002", 5),
        (aborted("io.delta.exceptions.ConcurrentDeleteReadException: [DELTA_CONCURRENT]"), "SPK-002", 5),
        (aborted("java.net.SocketTimeoutException: Read timed out"), "SPK-003", 75),
        (aborted("java.net.SocketException: Connection reset"), "SPK-003", 75),
        (aborted(THROTTLED), "SPK-003", 75),
        (RuntimeError("An error occurred (SlowDown) when calling PutObject"), "SPK-003", 75),
        (ConnectionResetError(104, "Connection reset by peer"), "SPK-003", 75),
        (aborted("java.nio.file.AccessDeniedException: s3a://b/k: Status Code: 403"), "SPK-005", 1),
        (spark_error(NO_PATH, "AnalysisException", CAPTURED), "SPK-004", 4),
        (aborted("java.io.FileNotFoundException: No such file: s3a://b/part-0.parquet"), "SPK-004", 4),
        (aborted("java.lang.OutOfMemoryError: Java heap space"), "SPK-006", 1),
        (spark_error("[DIVIDE_BY_ZERO] Division by zero.", "ArithmeticException", CAPTURED), "SPK-001", 1),
        (spark_error("Answer from Java side is empty", "Py4JNetworkError"), "RUN-004", 1),
        (spark_error("Job 1 cancelled because SparkContext was shut down"), "RUN-004", 1),
        (KeyError("x"), "RUN-003", 1),
        (KeyboardInterrupt(), "RUN-005", 130),
        (Stopped(), "RUN-005", 143),
    ],
)  # fmt: skip
def test_each_kind_of_failure_has_its_exit_code(error: BaseException, code: str, exit_code: int) -> None:
    failure = explain(error)
    assert (failure.code, failure.exit_code) == (code, exit_code)
    assert failure.message.endswith(".")


def test_an_error_that_lies_in_a_jvm_that_has_ended_says_so() -> None:
    def asks_the_jvm(_self: object) -> str:
        raise ConnectionRefusedError(111, "Connection refused")

    assert explain(spark_error("x", __str__=asks_the_jvm)).code == "RUN-004"


def test_a_plain_concurrent_modification_of_java_is_no_commit_conflict() -> None:
    assert explain(aborted("java.util.ConcurrentModificationException")).code == "SPK-001"


def test_the_last_cause_of_a_chain_is_the_one_that_is_shown() -> None:
    assert cause_of(aborted("java.io.IOException: No space left on device")) == "IOException: No space left on device."


def test_of_a_python_worker_its_exception_and_its_place_in_our_code_are_shown() -> None:
    assert cause_of(spark_error(WORKER, "PythonException", "pyspark.errors")) == (
        "ValueError in jobs/fraud/scoring/steps.py, line 7."
    )


def test_without_causes_the_class_after_the_call_is_shown() -> None:
    text = "An error occurred while calling o1.load.\n: java.lang.IllegalStateException: closed\n\tat x.y(z.java:1)"
    assert cause_of(spark_error(text)) == "IllegalStateException."


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (
            spark_error(
                "[CAST_INVALID_INPUT] The value 'ann@example.org' of the type \"STRING\" cannot be cast to \"INT\".",
                "NumberFormatException",
                CAPTURED,
                getCondition=lambda _: "CAST_INVALID_INPUT",
                getSqlState=lambda _: "22018",
                getMessageParameters=lambda _: {
                    "expression": "'ann@example.org'", "sourceType": '"STRING"', "targetType": '"INT"'
                },
            ),
            "CAST_INVALID_INPUT: a value cannot be converted to the target type (SQLSTATE 22018, from STRING, to INT).",
        ),
        (
            spark_error(
                "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column `mail` is not there. Do you mean [`ann@example.org`]?",
                "AnalysisException",
                CAPTURED,
                getErrorClass=lambda _: "UNRESOLVED_COLUMN.WITH_SUGGESTION",
                getMessageParameters=lambda _: {"objectName": "`mail`", "proposal": "`ann@example.org`"},
            ),
            "UNRESOLVED_COLUMN.WITH_SUGGESTION: there is no such column (name `mail`).",
        ),
        (
            aborted("org.apache.spark.SparkNumberFormatException: [CAST_INVALID_INPUT] The value 'ann@example.org'"),
            "CAST_INVALID_INPUT: a value cannot be converted to the target type.",
        ),
        (
            spark_error(
                "[DELTA_VIOLATE_CONSTRAINT_WITH_VALUES] CHECK constraint violated by row with values: ann@example.org",
                "InvariantViolationException",
                "delta.exceptions.captured",
            ),
            "DELTA_VIOLATE_CONSTRAINT_WITH_VALUES: a row violates a constraint of the table.",
        ),
        (spark_error("[NEW_IN_SPARK_9] ann@example.org", "SparkRuntimeException", CAPTURED), "NEW_IN_SPARK_9."),
        (aborted("java.lang.RuntimeException: [ANN_SMITH] ann@example.org"), "RuntimeException."),
        (aborted('java.lang.NumberFormatException: For input string: "ann@example.org"'), "NumberFormatException."),
        (ValueError("Could not convert 'ann@example.org' to int"), "ValueError."),
        (KeyError("ann@example.org"), "KeyError."),
        (OSError(28, "ann@example.org"), "OSError: No space left on device."),
        (ModuleNotFoundError("ann@example.org", name="xgboost"), "ModuleNotFoundError: module xgboost."),
    ],
)  # fmt: skip
def test_conditions_classes_names_and_types_pass_and_no_word_of_a_message(error: Exception, cause: str) -> None:
    assert explain(error).cause == cause
    assert "ann@example.org" not in stack_of(error)


def test_an_exception_of_our_own_code_names_its_place() -> None:
    import common.days

    with pytest.raises(Exception) as caught:  # noqa: PT011 - whichever it is
        common.days.DayRange(None, None).extended(before_days="ann@example.org")  # type: ignore[arg-type]
    assert re.fullmatch(r"TypeError in common/days\.py, line \d+\.", cause_of(caught.value))


def test_the_stack_is_kept_aside_of_what_is_recorded() -> None:
    failure = explain(KeyError("x"))
    assert "KeyError" in failure.stack
    assert "stack" not in failure.as_dict()


def test_a_stack_has_frames_of_python_java_and_worker_and_no_message() -> None:
    error = UsageError("TOY-001", "It broke.", cause="A cause.")
    error.__cause__ = spark_error(
        f"{WORKER}\nCaused by: java.io.IOException: ann@example.org\n\tat a.b.C.run(C.java:1)"
    )
    assert stack_of(error).splitlines() == [
        "py4j.protocol.Py4JJavaError",
        "Java: org.apache.spark.api.python.PythonException",
        "  worker /env/worker.py:1 in main",
        "  worker /env/lakejobs.zip/jobs/fraud/scoring/steps.py:7 in batches",
        "  worker /env/lib/site-packages/common/scoring.py:9 in score",
        "  at org.apache.spark.api.python.BasePythonRunner(PythonRunner.scala:1)",
        "Java: java.io.IOException",
        "  at a.b.C.run(C.java:1)",
        "then",
        "common.errors.UsageError: TOY-001 It broke.",
    ]


def test_an_error_that_cannot_even_be_printed_is_still_explained() -> None:
    def broken(self: object) -> str:
        raise ConnectionRefusedError

    assert explain(spark_error("x", "Py4JJavaError", "py4j.protocol", __str__=broken)).exit_code == 1
