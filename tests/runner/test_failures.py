"""Exceptions of Spark, Delta, storage and Python as exit codes and single sentences."""

from __future__ import annotations

import pytest

from common.failures import explain, hidden_values, root_cause
from common.signals import Stopped

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
  File "/env/job.py", line 7, in batches
    raise ValueError("bad batch")
ValueError: bad batch

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


def test_the_last_cause_of_a_chain_is_the_one_that_is_told() -> None:
    assert (
        root_cause(aborted("java.io.IOException: No space left on device")) == "IOException: No space left on device."
    )


def test_of_a_python_worker_its_own_exception_is_told() -> None:
    assert root_cause(spark_error(WORKER, "PythonException", "pyspark.errors")) == "ValueError: bad batch."


def test_without_causes_the_line_after_the_call_is_told() -> None:
    text = "An error occurred while calling o1.load.\n: java.lang.IllegalStateException: closed\n\tat x.y(z.java:1)"
    assert root_cause(spark_error(text)) == "IllegalStateException: closed."


def test_values_that_spark_quotes_are_hidden() -> None:
    text = '[CAST_INVALID_INPUT] The value \'ann@example.org\' of the type "STRING" cannot be cast to "INT".'
    failure = explain(spark_error(text, "NumberFormatException", CAPTURED))
    assert "ann@example.org" not in failure.text() + str(failure.as_dict())
    assert "The value <hidden> of the type" in failure.cause
    assert "ann@example.org" not in hidden_values(text)


def test_a_very_long_cause_is_cut() -> None:
    assert len(explain(RuntimeError("x" * 5000)).cause) < 450


def test_the_stack_is_kept_aside_of_what_is_recorded() -> None:
    failure = explain(KeyError("x"))
    assert "KeyError" in failure.stack
    assert "stack" not in failure.as_dict()


def test_an_error_that_cannot_even_be_printed_is_still_told() -> None:
    def broken(self: object) -> str:
        raise ConnectionRefusedError

    assert explain(spark_error("x", "Py4JJavaError", "py4j.protocol", __str__=broken)).exit_code == 1
