"""Runs that fail on rows full of canary values, each through another path; run as a program, with a lake as argument.

A process of its own, so that standard error is all that PySpark, the JVM and Python workers print.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from datetime import date
from types import SimpleNamespace
from typing import Any

from audited import passed
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as sf
from pyspark.sql.types import DateType, LongType, StringType, StructField, StructType
from small_session import small_session

from common.config.params import Params
from common.job.declaration import Job
from common.lake.table import Table
from common.quality.audit import audit
from common.quality.expectations import Expectation, Suite
from common.run.context import RunContext, Services
from common.run.launch import run_job
from common.sources.mapping.canonical import canonical
from common.sources.mapping.model import Source

# A mail address, a name, a card number of a test range, a telephone number.
CANARIES = ("ann.kanari@example.org", "Kanarienvogel", "4111111111111111", "+44 20 7946 0018")
DAY = date(2026, 11, 20)
PEOPLE = Table(
    "toy.people",
    "gold",
    StructType(
        [
            StructField("person_id", LongType(), nullable=False),
            StructField("contact", StringType()),
            StructField("card", LongType()),
            StructField("day", DateType(), nullable=False),
        ]
    ),
    keys=("person_id",),
    day_column="day",
)
JOB = Job("toy.count", "Counts.", Params, "toy_canaries:run", writes=("toy_canaries:PEOPLE",))


def people(spark: SparkSession) -> DataFrame:
    """One row for each canary, and the card number as a number too."""
    rows = [(n, canary, int(CANARIES[2]), DAY) for n, canary in enumerate(CANARIES)]
    return spark.createDataFrame(rows, PEOPLE.schema)


def cast(context: RunContext) -> None:
    people(context.spark).select(sf.col("contact").cast("date")).collect()


def cast_in_a_write(context: RunContext) -> None:
    rows = people(context.spark).withColumn("card", sf.expr("CAST(contact AS BIGINT)"))
    context.lake.replace_days(passed(PEOPLE, rows), days=context.days)


def worker(context: RunContext) -> None:
    def broken(batches: Any) -> Any:
        for batch in batches:
            raise ValueError(f"cannot read {batch.to_pylist()}")
        yield

    people(context.spark).mapInArrow(broken, "id long").collect()


def chained_in_worker(context: RunContext) -> None:
    def broken(batches: Any) -> Any:
        for batch in batches:
            contacts = batch.column("contact").to_pylist()
            try:
                yield int(f"no number {contacts[0]}")
            except ValueError as error:
                raise RuntimeError(f"no number:\n{contacts}\n{contacts[0]}") from error

    people(context.spark).mapInArrow(broken, "id long").collect()


def driver(context: RunContext) -> None:
    for row in people(context.spark).collect():
        raise KeyError(row.contact, row.card, *CANARIES)


def raised_by_an_expression(context: RunContext) -> None:
    people(context.spark).select(sf.raise_error(sf.col("contact"))).collect()


def refused_expression(context: RunContext) -> None:
    text = "{format: json, raw_schema: contact string, columns: {who: {expr: 'no_such_name'}}}"
    canonical(people(context.spark), Source.parse(text, name="toy"))


def constraint(context: RunContext) -> None:
    context.lake.replace_days(passed(PEOPLE, people(context.spark).limit(0)), days=context.days)
    path = context.lake.path(PEOPLE)
    context.spark.sql(f"ALTER TABLE delta.`{path}` ADD CONSTRAINT whole CHECK (length(contact) < 3)")
    context.lake.replace_days(passed(PEOPLE, people(context.spark)), days=context.days)


def null(context: RunContext) -> None:
    rows = people(context.spark).withColumn("person_id", sf.expr("nullif(person_id, 1)"))
    context.lake.replace_days(passed(PEOPLE, rows), days=context.days)


def key_twice(context: RunContext) -> None:
    rows = people(context.spark).withColumn("person_id", sf.lit(1).cast("long"))
    context.lake.replace_days(passed(PEOPLE, rows.limit(1)), days=context.days)
    context.lake.upsert(passed(PEOPLE, rows))


def audited(context: RunContext) -> None:
    def asked(name: str, **kwargs: Any) -> Expectation:
        return Expectation(expectation=name, kwargs=kwargs)

    suite = Suite(
        table=PEOPLE.name,
        expectations=(
            asked("expect_column_max_to_be_between", column="card", max_value=1),
            asked("expect_column_distinct_values_to_be_in_set", column="contact", value_set=["a"]),
            asked("expect_column_most_common_value_to_be_in_set", column="contact", value_set=["a"]),
            asked("expect_column_values_to_be_in_set", column="contact", value_set=["a"]),
            asked("expect_column_sum_to_be_between", column="contact", max_value=1),
        ),
    )
    result = audit(people(context.spark), PEOPLE, suite=suite)
    context.report.audit(result)
    result.raise_if_failed()


def raised_in_the_log(context: RunContext) -> None:
    import logging

    try:
        raise ValueError(CANARIES)
    except ValueError:
        logging.getLogger("some_library").exception("cannot read %s", CANARIES)
        raise


CASES = (
    cast,
    cast_in_a_write,
    worker,
    chained_in_worker,
    driver,
    raised_by_an_expression,
    refused_expression,
    constraint,
    null,
    key_twice,
    audited,
    raised_in_the_log,
)


def main(root: str) -> None:
    """Run each case in its own lake below ``root``, the record of each on standard output."""
    spark = small_session(tempfile.mkdtemp())
    services = Services(session=lambda settings, name: spark)
    for case in CASES:

        def body(context: RunContext, case: Callable[[RunContext], None] = case) -> None:
            context.report.headline("people", "4")
            case(context)

        sys.modules["toy_canaries"] = SimpleNamespace(run=body, PEOPLE=PEOPLE)  # type: ignore[assignment]
        lake = f"{root}/{case.__name__}"
        flags = ["--lake", lake, "--day", str(DAY), "--run-id", case.__name__, "-o", "json", "--debug"]
        run_job(JOB, flags, services=services)


if __name__ == "__main__":
    main(sys.argv[1])
