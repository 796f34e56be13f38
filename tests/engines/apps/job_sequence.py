"""Runs packaged jobs one after another in one driver, up to the first that fails, and writes where all of that ran.

The first argument is the file for the answer; the second an address, at which each run is announced before it begins
and the end of all, or nothing; each other one a JSON list: the name of a job, then its command line. A job is run as
its entry file is.
"""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pyarrow
from pyspark.sql import SparkSession

import common


def main(answer: str, announced_at: str, steps: list[str]) -> None:
    """Becomes each job in turn."""
    path = list(sys.path)
    for step in steps:
        job, *arguments = json.loads(step)
        sys.argv = [job, *arguments]
        announce(announced_at, job)
        try:
            runpy.run_module(f"jobs.{job}", run_name="__main__", alter_sys=True)
        except SystemExit as ended:
            if ended.code:
                raise
    announce(announced_at, "")
    # On YARN an application has one context: this is the one that the jobs ran in.
    spark = SparkSession.builder.getOrCreate()
    rows = spark.range(0, 4, 1, 4).mapInArrow(places, "code string, python string").distinct().collect()
    found = {
        "driver": [common.__file__, sys.executable],
        "executors": sorted([row["code"], row["python"]] for row in rows),
        "path": path,
    }
    Path(answer).write_text(json.dumps(found), encoding="utf-8")


def announce(address: str, job: str) -> None:
    """Says whose run begins; an empty name: nobody's."""
    if address:
        urlopen(address + job, timeout=30).close()


def places(batches: Iterator[pyarrow.RecordBatch]) -> Iterator[pyarrow.RecordBatch]:
    """Where each task ran."""
    import common as shipped

    for batch in batches:
        code = pyarrow.array([shipped.__file__] * batch.num_rows, pyarrow.string())
        python = pyarrow.array([sys.executable] * batch.num_rows, pyarrow.string())
        yield pyarrow.RecordBatch.from_arrays([code, python], ["code", "python"])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
