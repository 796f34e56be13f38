"""Tables are registered in a real Hive metastore, on Derby: another session finds them by name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from small_session import interpreted_process
from submit import clean_environment

from common.lake.delta.create import catalogue_location
from deploy.package.build import REPOSITORY

_APP = Path(__file__).parent / "apps" / "named_tables.py"
_SOURCE = {"name": "till", "format": "csv", "columns": {"sold_at": "when", "item_id": "item", "quantity": "units"}}


@pytest.mark.engine
@pytest.mark.timeout(300)
def test_a_registered_table_is_read_by_name_in_another_session(tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_text("when,item,units\n2024-05-06,A1,3\n2024-05-07,A2,1\n", encoding="utf-8")
    conf = {
        "spark.sql.catalogImplementation": "hive",
        "spark.sql.warehouse.dir": f"{tmp_path}/warehouse",
        "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={tmp_path}/metastore;create=true",
        "spark.hadoop.datanucleus.schema.autoCreateAll": "true",
        "spark.hadoop.hive.metastore.schema.verification": "false",
    }
    layer = {"lake": {"spark_conf": conf, "register_tables": True}}
    for name, content in {"source": _SOURCE, "layer": layer}.items():
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    paths = {"lake": "lake", "source": "source.yaml", "input": "sales.csv", "conf-file": "layer.yaml"}
    flags = [word for flag, path in paths.items() for word in (f"--{flag}", str(tmp_path / path))]
    answer = tmp_path / "answer.json"
    for arguments in (["ingest", *flags], ["read", str(answer), json.dumps(conf)]):
        environment = clean_environment(tmp_path, PYTHONPATH=str(REPOSITORY), PYSPARK_PYTHON=sys.executable)
        done = subprocess.run(
            [sys.executable, str(_APP), *arguments],
            cwd=tmp_path,
            env={**environment, **interpreted_process(), "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-4000:]
    found = json.loads(answer.read_text(encoding="utf-8"))
    assert found["rows"] == [["A1", "2024-05-06", 3.0], ["A2", "2024-05-07", 1.0]]
    assert found["location"] == f"file:{tmp_path}/lake/silver/forecast/sales"


@pytest.mark.unit
def test_glue_has_tables_at_s3_which_is_all_that_athena_reads_and_another_metastore_where_spark_finds_them() -> None:
    glue = "com.amazonaws.glue.catalog.metastore.AWSGlueDataCatalogHiveClientFactory"
    assert catalogue_location("s3a://shop-lake/gold/forecast/orders", glue) == "s3://shop-lake/gold/forecast/orders"
    assert catalogue_location("s3a://shop-lake/gold/forecast/orders", "") == "s3a://shop-lake/gold/forecast/orders"
