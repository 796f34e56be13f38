"""What a session is made of, and what is never overridden."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from common.config.lake_settings import LakeSettings
from common.errors import UsageError
from common.releases import release_of
from common.spark.conf import declared_conf, submit_args_conf
from common.spark.session import disagreements, find_jars, needed_conf, refuse_or_warn, running_release

pytestmark = pytest.mark.unit

REPOSITORY = Path(__file__).resolve().parents[3]


def test_the_session_has_what_jobs_need(spark: SparkSession) -> None:
    assert spark.conf.get("spark.sql.session.timeZone") == "UTC"
    assert spark.conf.get("spark.sql.ansi.enabled") == "true"
    assert spark.conf.get("spark.sql.execution.arrow.pyspark.enabled") == "true"
    assert spark.conf.get("spark.ui.enabled") == "false"
    assert os.environ["PYSPARK_PYTHON"]


def test_a_time_of_the_year_1_is_written_and_read_as_it_is(spark: SparkSession, tmp_path: Path) -> None:
    spark.sql("SELECT TIMESTAMP '0001-01-01 00:00:00' AS at, DATE '1582-10-04' AS day").write.parquet(f"{tmp_path}/old")
    row = spark.read.parquet(f"{tmp_path}/old").selectExpr("string(at)", "string(day)").first()
    assert row is not None
    assert tuple(row) == ("0001-01-01 00:00:00", "1582-10-04")


def test_jobs_plan_anew_after_each_shuffle() -> None:
    # The session of the tests does not: its tables have a few rows.
    assert needed_conf(LakeSettings(), running_release("auto"), local=True)["spark.sql.adaptive.enabled"] == "true"


def test_a_broadcast_may_wait_for_hours_for_what_it_sends(spark: SparkSession) -> None:
    assert int(spark.conf.get("spark.sql.broadcastTimeout")) >= 4 * 3600


def test_parameters_of_a_query_are_bound_beside_deltas_extension(spark: SparkSession) -> None:
    assert spark.sql("SELECT :number + 1 AS n", args={"number": 41}).first()["n"] == 42


def test_flags_of_a_submit_are_read() -> None:
    text = "--master local[3] --conf spark.a=1 --conf 'spark.b=x y' --jars=a.jar,b.jar --packages g:a:1 pyspark-shell"
    assert submit_args_conf(text) == {
        "spark.master": "local[3]",
        "spark.a": "1",
        "spark.b": "x y",
        "spark.jars": "a.jar,b.jar",
        "spark.jars.packages": "g:a:1",
    }


@pytest.mark.parametrize("line", ["spark.a  one two", "spark.a=one two", "spark.a = one two", "  spark.a\tone two"])
def test_a_defaults_file_is_read_in_every_spelling_that_spark_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    (tmp_path / "spark-defaults.conf").write_text(f"# comment\n\n{line}\n")
    monkeypatch.setenv("SPARK_CONF_DIR", str(tmp_path))
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", "--conf spark.b=2 pyspark-shell")
    monkeypatch.setattr("common.spark.conf.jvm_is_running", lambda: False)
    assert declared_conf() == {"spark.a": "one two", "spark.b": "2"}


def test_another_time_zone_is_refused_with_the_flag_to_change() -> None:
    wanted = needed_conf(LakeSettings(), release_of("emr-7.13.0"), local=True)
    with pytest.raises(UsageError, match="SES-001") as caught:
        refuse_or_warn(disagreements({"spark.sql.session.timeZone": "Asia/Kolkata"}, wanted))
    assert caught.value.exit_code == 2
    assert "--conf spark.sql.session.timeZone=UTC" in caught.value.remedy


def test_extensions_of_others_are_kept_beside_deltas() -> None:
    wanted = needed_conf(LakeSettings(), release_of("emr-7.13.0"), local=True)
    both = {"spark.sql.extensions": "org.example.Other, io.delta.sql.DeltaSparkSessionExtension"}
    assert disagreements(both, wanted) == {}
    with pytest.raises(UsageError) as caught:
        refuse_or_warn(disagreements({"spark.sql.extensions": "org.example.Other"}, wanted))
    flag = "--conf spark.sql.extensions=org.example.Other,io.delta.sql.DeltaSparkSessionExtension"
    assert flag in caught.value.remedy


def test_other_disagreements_are_listed_and_left(caplog: pytest.LogCaptureFixture) -> None:
    wanted = needed_conf(LakeSettings(), release_of("emr-7.13.0"), local=True)
    declared = {"spark.sql.adaptive.enabled": "false", "spark.ui.enabled": "true", "spark.driver.memory": "1g"}
    with caplog.at_level(logging.WARNING, "lakejobs.session"):
        refuse_or_warn(disagreements(declared, wanted))
    # The local tuning is only a preference: no warning.
    assert [record.getMessage() for record in caplog.records] == [
        "kept Spark settings that were already set: spark.sql.adaptive.enabled is 'false' (a job asks for 'true')"
    ]


def test_a_setting_that_is_a_secret_is_never_listed_as_a_disagreement() -> None:
    key = "spark.hadoop.fs.s3a.secret.key"
    assert disagreements({key: "in clear"}, {key: "secret://env/S3_KEY"}) == {}
    assert set(disagreements({key: "in clear"}, {key: "another"})) == {key}


def test_s3_settings_name_the_endpoint_and_leave_credentials_alone() -> None:
    settings = LakeSettings.model_validate(
        {
            "root": "s3://b/x",
            "s3_endpoint_url": "http://127.0.0.1:9000",
            "s3_path_style": True,
            "s3_region": "eu-west-1",
        }
    )
    conf = needed_conf(settings, release_of("emr-spark-8.1.0"), local=False)
    s3 = {key: value for key, value in conf.items() if ".fs.s3" in key}
    assert s3 == {
        "spark.hadoop.fs.s3a.endpoint": "http://127.0.0.1:9000",
        "spark.hadoop.fs.s3a.endpoint.region": "eu-west-1",
        "spark.hadoop.fs.s3a.path.style.access": "true",
        "spark.hadoop.fs.s3a.connection.ssl.enabled": "false",
    }


def test_the_release_is_emrs_own_word_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMR_RELEASE_LABEL", "emr-7.14.0")
    assert running_release("auto").label == "emr-7.14.0"
    assert running_release("emr-spark-8.2.0").label == "emr-spark-8.2.0"
    with pytest.raises(UsageError, match="REL-001"):
        running_release("emr-9.9.9")


def test_jars_are_searched_first_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "default" / "delta"
    folder.mkdir(parents=True)
    (folder / "mine.jar").touch()
    monkeypatch.setenv("LAKEJOBS_JARS", str(tmp_path))
    assert find_jars(release_of("emr-spark-8.1.0"), "delta") == [folder / "mine.jar"]


OPEN = """
import os, sys
from common.config.lake_settings import LakeSettings
from common.errors import LakejobsError
from common.spark.session import open_session
try:
    spark = open_session(LakeSettings(), "probe")
except LakejobsError as error:
    sys.stderr.write(str(error))
    sys.stderr.flush()
    os._exit(error.exit_code)
spark._jvm.org.apache.logging.log4j.LogManager.getLogger("probe").warn("words of the JVM")
print("partitions", spark.conf.get("spark.sql.shuffle.partitions"), spark.sparkContext.appName)
sys.stdout.flush()
os._exit(0)
"""


def spark_submit(tmp_path: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    """Run a script that opens a session, by spark-submit."""
    import pyspark

    script = tmp_path / "probe.py"
    script.write_text(OPEN)
    submit = Path(pyspark.__file__).parent / "bin" / "spark-submit"
    own = {"PYTHONPATH": str(REPOSITORY), "PYSPARK_PYTHON": sys.executable, "TMPDIR": str(tmp_path)}
    environment = {**os.environ, **own}
    environment = {key: value for key, value in environment.items() if not key.startswith("PYSPARK_GATEWAY")}
    command = [str(submit), "--master", "local[1]", "--conf", "spark.ui.enabled=false", *flags, str(script)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.engine
def test_what_spark_submit_sets_stays_and_delta_may_come_by_its_jars(tmp_path: Path) -> None:
    jars = ",".join(str(jar) for jar in find_jars(running_release("auto"), "delta"))
    run = spark_submit(tmp_path, "--jars", jars, "--conf", "spark.sql.shuffle.partitions=7", "--name", "given")
    assert run.returncode == 0, run.stderr
    assert "partitions 7 given" in run.stdout
    # What the JVM prints once a job has its session is in a file.
    (log,) = (tmp_path / "lakejobs" / "logs").glob("*.log")
    assert "words of the JVM" in log.read_text()
    assert "words of the JVM" not in run.stdout + run.stderr


@pytest.mark.engine
def test_a_submit_without_delta_learns_which_jars_to_add(tmp_path: Path) -> None:
    run = spark_submit(tmp_path)
    assert run.returncode == 2, run.stderr
    # spark-submit passes both streams of a Python driver on to its own standard output.
    assert "SES-002" in run.stdout
    assert "--jars " in run.stdout
    assert "delta-storage" in run.stdout
