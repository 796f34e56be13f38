"""A Spark session for tables of a few rows: nothing in it that pays only for many."""

from __future__ import annotations

from contextlib import suppress
from functools import wraps
from tempfile import NamedTemporaryFile
from typing import Any

import pyarrow as pa
import pyspark
from py4j.java_gateway import JavaClass, JavaMember, JVMView
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType, _parse_datatype_string

from common.config.lake_settings import LakeSettings
from common.spark.few_rows import arrow_rows
from common.spark.session import open_session

# Code made for plans that see five rows is a quarter of the CPU of a job on them, and planning anew after each shuffle
# a tenth. The packaged jobs on real engines run with both, and hold their rows against those of this session.
INTERPRETED = {
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
}
# Hadoop without its native library starts two processes for each file that it renames by its newer interface, eight
# hundred for a few ingests. Both of these rename by the older one. They exclude the writers of one JVM alone:
# races and killed writers, which are several, keep what Delta takes by itself.
_MANAGERS = "org.apache.spark.sql.execution.streaming" + ("" if pyspark.__version__ < "4" else ".checkpointing")
_RENAMING = {
    "spark.delta.logStore.file.impl": "io.delta.storage.LocalLogStore",
    "spark.sql.streaming.checkpointFileManagerClass": f"{_MANAGERS}.FileSystemBasedCheckpointFileManager",
}
_SETTINGS = {
    "spark.master": "local[2]",
    # A young generation large enough to be copied seldom, no collection of everything because classes are many, and
    # processes that are started without a helper that starts them.
    "spark.driver.defaultJavaOptions": "-Xmn512m -XX:MetaspaceSize=256m -Djdk.lang.Process.launchMechanism=VFORK",
    # The plan of each query is told to a page that nobody looks at.
    "spark.sql.ui.explainMode": "simple",
    **_RENAMING,
    # One JVM for hundreds of tests: what Delta and the plans of many lakes hold on to outgrows the default of 1 GiB.
    "spark.driver.memory": "2g",
    "spark.default.parallelism": "2",
    "spark.sql.shuffle.partitions": "2",
    "spark.databricks.delta.snapshotPartitions": "2",
    **INTERPRETED,
}


def interpreted_process() -> dict[str, str]:
    """The environment that makes the session of a job in a process of its own like that, a fifth sooner done."""
    flags = " ".join(f"--conf {key}={value}" for key, value in INTERPRETED.items())
    return {"PYSPARK_SUBMIT_ARGS": f"{flags} pyspark-shell"}


def small_session(warehouse: str) -> SparkSession:
    """The session, with its warehouse in that folder."""
    _remember_java_classes()
    session = open_session(LakeSettings(), "lakejobs tests", {**_SETTINGS, "spark.sql.warehouse.dir": warehouse})
    _keep_small_frames_in_the_plan(session)
    return session


def _remember_java_classes() -> None:
    """PySpark asks the JVM for a class and its method by name at each function call; a sixth of a small job's work."""
    for holder in (JVMView, JavaClass):
        plain = holder.__getattr__
        if hasattr(plain, "__wrapped__"):
            continue

        @wraps(plain)
        def remembered(self: Any, name: str, plain: Any = plain) -> Any:
            found = plain(self, name)
            if isinstance(found, JavaClass | JavaMember):
                self.__dict__[name] = found
            return found

        holder.__getattr__ = remembered


def _keep_small_frames_in_the_plan(session: SparkSession) -> None:
    """Lists of rows become relations of the plan: Spark would run tasks to read them, in each query."""
    plain = session.createDataFrame

    def create(data: Any, schema: Any = None, *more: Any, **options: Any) -> DataFrame:
        if isinstance(data, list) and isinstance(schema, StructType | str):
            with suppress(pa.ArrowException, TypeError, ValueError):
                typed = _parse_datatype_string(schema) if isinstance(schema, str) else schema
                table = arrow_rows(data, typed)
                return plain(table, typed) if session.version >= "4" else _relation_of_spark_3(session, table, typed)
        return plain(data, schema, *more, **options)

    session.createDataFrame = create  # type: ignore[method-assign]


def _relation_of_spark_3(spark: SparkSession, table: pa.Table, schema: StructType) -> DataFrame:
    """Spark 3.5 takes no Arrow table, though it makes such a relation of the Arrow form of a pandas frame."""
    if any(table[field.name].null_count for field in schema if not field.nullable):
        raise ValueError("a null in a column that allows none")
    jvm: Any = spark._jvm
    java_spark: Any = spark._jsparkSession
    with NamedTemporaryFile() as file:
        with pa.ipc.new_stream(file, table.schema) as stream:
            stream.write_table(table.combine_chunks())
        file.flush()
        batches = jvm.PythonSQLUtils.readArrowStreamFromFile(file.name)
        return DataFrame(jvm.PythonSQLUtils.toDataFrame(batches, schema.json(), java_spark), spark)
