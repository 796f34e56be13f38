"""All that leans on private parts of Spark, Delta and PySpark, each with a public way behind it.

EMR ships patched builds, in which a private class may bear another name or take other arguments. Where a private way
fails for such a reason the public one is taken, which gives the same rows and costs more. With ``LAKEJOBS_PUBLIC_ONLY``
set to anything only the public ways are taken.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_LOG = logging.getLogger("lakejobs.session")
_Result = TypeVar("_Result")

PUBLIC_ONLY = "LAKEJOBS_PUBLIC_ONLY"
_CHECKPOINT_INTERVAL = "delta.checkpointInterval"
_warned: set[str] = set()


def _or_public(use: str, private: Callable[[], _Result], public: Callable[[], _Result]) -> _Result:
    """What ``private`` gives, or ``public`` where Spark or Delta has no such part; a warning says so once a process."""
    from py4j.protocol import Py4JError, Py4JNetworkError

    if os.environ.get(PUBLIC_ONLY):
        return public()
    try:
        return private()
    except Py4JNetworkError:
        raise
    except (Py4JError, AttributeError, TypeError) as error:
        if use not in _warned:
            _warned.add(use)
            _LOG.warning("this Spark has no private way to %s: using the public one (%s)", use, type(error).__name__)
        return public()


def scan_of(cached: DataFrame) -> DataFrame | None:
    """The rows of a persisted frame with a plan of one scan, which reads the columns asked for.

    A lost block is computed again. Publicly there is no such plan (the cached frame itself is planned in each query
    together with all that led to it, which took an ingest six times as long): None, and the rows are put into files.
    """

    def private() -> DataFrame | None:
        from pyspark.sql import DataFrame

        spark: Any = cached.sparkSession
        jvm: Any = spark._jvm
        frame: Any = cached._jdf
        held = frame.queryExecution().withCachedData()
        # Without the order of the rows: Spark 4.1 cannot plan a sorted relation that a query reads twice.
        relation = held.copy(held.output(), held.cacheBuilder(), held.outputOrdering().take(0))
        getattr(relation, "statsOfPlanToCache_$eq")(held.stats())
        package = jvm.org.apache.spark.sql.classic if spark.version >= "4" else jvm.org.apache.spark.sql
        return DataFrame(package.Dataset.ofRows(spark._jsparkSession, relation), spark)

    return _or_public("scan staged rows alone", private, lambda: None)


def planned_alone(cached: DataFrame) -> DataFrame:
    """The rows of a persisted frame, by ``scan_of`` where there is one: queries on them plan nothing that led to them.

    What is persisted is ``cached``: that is to be unpersisted.
    """
    scan = scan_of(cached)
    return cached if scan is None else scan


def has_transaction(spark: SparkSession, path: str, app_id: str) -> bool | None:
    """Whether the latest snapshot of a Delta table, as Delta has loaded it, knows a write of this ``txnAppId``.

    None where it cannot be asked: then only a write tells, which Delta skips by itself.
    """

    def private() -> bool | None:
        return bool(_delta_log(spark, path).unsafeVolatileSnapshot().transactions().contains(app_id))

    return _or_public("ask a table for a batch", private, lambda: None)


def write_checkpoint(spark: SparkSession, path: str) -> None:
    """Have Delta write a checkpoint of a table's latest version; Delta says only in its log when it could not.

    Publicly a checkpoint follows a commit: two commits that change no row set its interval to one and back.
    """

    def private() -> None:
        _delta_log(spark, path).checkpoint()

    def public() -> None:
        table = f"delta.`{path}`"
        before = spark.sql(f"SHOW TBLPROPERTIES {table}").where(f"key = '{_CHECKPOINT_INTERVAL}'").collect()
        spark.sql(f"ALTER TABLE {table} SET TBLPROPERTIES ('{_CHECKPOINT_INTERVAL}' = '1')")
        if before:
            spark.sql(f"ALTER TABLE {table} SET TBLPROPERTIES ('{_CHECKPOINT_INTERVAL}' = '{before[0]['value']}')")
        else:
            spark.sql(f"ALTER TABLE {table} UNSET TBLPROPERTIES ('{_CHECKPOINT_INTERVAL}')")

    _or_public("write a checkpoint", private, public)


def _delta_log(spark: SparkSession, path: str) -> Any:
    jvm: Any = spark._jvm
    java_spark: Any = spark._jsparkSession
    return jvm.org.apache.spark.sql.delta.DeltaLog.forTable(java_spark, path)


def has_class(name: str) -> bool | None:
    """Whether the driver's JVM can load a class; None where it cannot be asked, or does not run."""

    def private() -> bool | None:
        from py4j.protocol import Py4JJavaError
        from pyspark import SparkContext

        jvm: Any = SparkContext._jvm
        try:
            # The loader of the thread knows the jars of --jars, that of Py4J does not.
            jvm.java.lang.Thread.currentThread().getContextClassLoader().loadClass(name)
        except Py4JJavaError:
            return False
        return True

    return _or_public("look for a class", private, lambda: None)


def has_session() -> bool:
    """True when a session is open in this process."""
    from pyspark.sql import SparkSession

    return "pyspark" in sys.modules and SparkSession.getActiveSession() is not None


def start_jvm(options: Mapping[str, str], log: Path) -> None:
    """Start the JVM that the next session will use, with what it prints appended to a file.

    Publicly a JVM starts with the session alone, and prints to the console.
    """

    def private() -> None:
        from pyspark import SparkConf, SparkContext
        from pyspark.java_gateway import launch_gateway

        conf = SparkConf()
        for key, value in options.items():
            conf.set(key, value)
        with log.open("ab") as stream:
            launch: Any = launch_gateway
            gateway = launch(conf, {"stdout": stream, "stderr": stream})
        SparkContext._ensure_initialized(gateway=gateway)

    _or_public("have the JVM print to a file", private, lambda: None)


def jvm_is_running() -> bool:
    """True when spark-submit started this process, or a session was opened in it before."""
    if "PYSPARK_GATEWAY_PORT" in os.environ:
        return True
    if "pyspark" not in sys.modules:
        # Nothing has opened a session; a plan asks too, and is not to wait for the import.
        return False
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    def public() -> bool:
        return SparkSession.getActiveSession() is not None

    return _or_public("see the JVM", lambda: SparkContext._gateway is not None, public)


def driver_jvm() -> Any | None:
    """The driver's JVM, for Hadoop's own interfaces; None where neither spark-submit nor a session has started one."""
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    def private() -> Any | None:
        SparkContext._ensure_initialized()
        return SparkContext._jvm

    def public() -> Any | None:
        session = SparkSession.getActiveSession()
        return None if session is None else session._jvm

    return _or_public("use the JVM", private, public) if jvm_is_running() else None


def jvm_conf() -> dict[str, str]:
    """The properties of the running JVM: those of its context, else those that spark-submit has set."""
    from pyspark import SparkConf, SparkContext
    from pyspark.sql import SparkSession

    def private() -> dict[str, str]:
        active = SparkContext._active_spark_context
        if active is not None:
            return dict(active.getConf().getAll())
        SparkContext._ensure_initialized()
        return dict(SparkConf().getAll())

    def public() -> dict[str, str]:
        session = SparkSession.getActiveSession()
        return dict((SparkConf() if session is None else session.sparkContext.getConf()).getAll())

    return _or_public("read the settings of the JVM", private, public)


def stop_context() -> None:
    """Stop the process's Spark context, if there is one."""
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    def private() -> None:
        if SparkContext._active_spark_context is not None:
            SparkContext._active_spark_context.stop()

    def public() -> None:
        session = SparkSession.getActiveSession()
        if session is not None:
            session.stop()

    _or_public("stop the context", private, public)


class ExecutorLife(NamedTuple):
    """An executor as Spark's status store knows it: seconds since 1970, ``removed`` None while it lives."""

    cores: int
    added: float
    removed: float | None
    peak_heap_bytes: int | None


def executor_lives(spark: SparkSession) -> list[ExecutorLife] | None:
    """The executors of the status store, also those gone; in local Spark the driver is one. Publicly: None."""

    def private() -> list[ExecutorLife] | None:
        context: Any = spark.sparkContext
        found = context._jsc.sc().statusStore().executorList(False)
        return [life(found.apply(number)) for number in range(found.size())]

    def life(one: Any) -> ExecutorLife:
        removed, peaks = one.removeTime(), one.peakMemoryMetrics()
        end = removed.get().getTime() / 1_000 if removed.isDefined() else None
        peak = peaks.get().getMetricValue("JVMHeapMemory") if peaks.isDefined() else None
        return ExecutorLife(one.totalCores(), one.addTime().getTime() / 1_000, end, peak)

    lives = _or_public("ask for executors", private, lambda: None)
    # On a cluster the driver is listed too, without cores.
    return None if lives is None else [life for life in lives if life.cores > 0]


def stage_times(spark: SparkSession, *, since: float) -> tuple[float, float] | None:
    """Seconds that tasks ran, and of JVM CPU, in the stages begun ``since``; None when the store may have dropped some.

    Publicly only the REST interface of the Spark UI says this and the lives, and it may be off: None.
    """

    def private() -> tuple[float, float] | None:
        context: Any = spark.sparkContext
        doubles, tasks = context._gateway.new_array(context._jvm.double, 0), context._jvm.java.util.ArrayList()
        found = context._jsc.sc().statusStore().stageList(None, False, False, doubles, tasks)
        # Beyond so many Spark drops the oldest stages.
        if found.size() >= int(context.getConf().get("spark.ui.retainedStages", "1000")):
            return None
        ran = cpu = 0.0
        for stage in (found.apply(number) for number in range(found.size())):
            submitted = stage.submissionTime()
            if submitted.isDefined() and submitted.get().getTime() / 1_000 >= since:
                ran += stage.executorRunTime() / 1_000
                cpu += stage.executorCpuTime() / 1_000_000_000
        return ran, cpu

    return _or_public("ask for stages", private, lambda: None)


def driver_process() -> int | None:
    """The process id of the driver's JVM; None where none was started or where it cannot be known."""
    if "PYSPARK_GATEWAY_PORT" in os.environ:
        # spark-submit's JVM starts the Python of the driver.
        return os.getppid()
    if "pyspark" not in sys.modules:
        return None

    def private() -> int | None:
        from pyspark import SparkContext

        gateway: Any = SparkContext._gateway
        return None if gateway is None else int(gateway.proc.pid)

    return _or_public("know the JVM's process", private, lambda: None)
