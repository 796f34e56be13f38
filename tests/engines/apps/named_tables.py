"""Takes a sales file into a lake whose tables are registered in a Hive metastore, or reads them there by name.

Arguments: ``ingest``, then the command line of forecast.ingest; or ``read``, the file for the answer and the folder of
the metastore. Each has a JVM of its own, so that nothing but the metastore knows the names.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path


def ingest(arguments: list[str]) -> int:
    """Run the job."""
    from common.run.launch import run_job
    from jobs.forecast.ingest import JOB

    return run_job(JOB, arguments)


def read(answer: str, conf: str) -> int:
    """Rows and location of the table, by name alone."""
    from common.config.lake_settings import LakeSettings
    from common.spark.session import open_session

    settings = LakeSettings(spark_conf=json.loads(conf))
    spark = open_session(settings, "named-tables")
    rows = spark.sql("SELECT item_id, CAST(sold_day AS STRING) AS day, quantity FROM forecast.sales").collect()
    details = spark.sql("DESCRIBE EXTENDED forecast.sales").where("col_name = 'Location'").collect()
    found = {"rows": sorted(tuple(row) for row in rows), "location": details[0]["data_type"]}
    Path(answer).write_text(json.dumps(found), encoding="utf-8")
    return 0


if __name__ == "__main__":
    verb, *rest = sys.argv[1:]
    sys.exit(ingest(rest) if verb == "ingest" else read(*rest))
