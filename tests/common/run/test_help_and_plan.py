"""``--help``, ``--version`` and ``--plan``: what they say, and what they do not load."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from common.config.lake_settings import LakeSettings
from common.job.declaration import Input
from common.run.console.help import examples, help_text
from common.sources.files.locations import find_files

pytestmark = pytest.mark.unit

HEAVY = ("pyspark", "pandas", "numpy", "rich", "boto3", "matplotlib", "great_expectations", "pyarrow")
SCRIPT = """
import sys
sys.path.insert(0, {root!r})
from common.config.params import Params
from common.job.declaration import Job
from common.run.launch import run_job
code = run_job(Job("toy.run", "A toy.", Params, "no:body", by_day=False, ingests={ingests}), {arguments!r})
print(sorted(name for name in {heavy!r} if name in sys.modules), file=sys.stderr)
sys.exit(code)
"""


def in_a_process(*arguments: str, ingests: bool = False) -> subprocess.CompletedProcess[str]:
    root = str(Path(__file__).resolve().parents[3])
    text = SCRIPT.format(root=root, arguments=list(arguments), heavy=HEAVY, ingests=ingests)
    return subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["--nonsense"]])
def test_help_version_and_refusals_load_nothing_heavy(arguments: list[str]) -> None:
    done = in_a_process(*arguments)
    assert done.stderr.splitlines()[-1] == "[]"
    assert done.returncode == (2 if arguments == ["--nonsense"] else 0)


def test_a_plan_starts_no_jvm_and_loads_no_plots(tmp_path: Path) -> None:
    done = in_a_process("--plan", "--lake", str(tmp_path / "lake"))
    assert done.returncode == 0
    assert done.stderr.splitlines()[-1] == "[]"


def test_help_lists_each_parameter_with_default_bounds_and_description(toy: Any) -> None:
    text = help_text(toy.job)
    assert "gap_minutes  Longest pause inside a visit, in minutes. [integer, default 30, >= 1, <= 1440]" in text
    for flag in ("--env", "--lake", "--day", "--from", "--set", "--conf-file", "--plan", "-o json", "--debug"):
        assert flag in text
    assert "lease_seconds" in text
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert (
        "lineage.files Write the events of each run below runs/lineage of the lake. [boolean, default false]" in lines
    )


def test_help_shows_at_least_two_examples(toy: Any) -> None:
    assert len(examples(toy.job)) == 2
    with_own = type(toy.job)(**{**vars(toy.job), "examples": ("a", "b", "c")})
    assert examples(with_own) == ["a", "b", "c"]


def test_version_tells_of_spark_delta_python_and_the_release() -> None:
    said = dict(line.split(None, 1) for line in in_a_process("--version").stdout.splitlines())
    assert set(said) == {"lakejobs", "Spark", "Delta", "Python", "EMR"}
    assert said["Python"] == ".".join(str(part) for part in sys.version_info[:3])


def lake_with_commits(lake: Path, versions: list[int]) -> None:
    log = lake / "gold" / "toy" / "out" / "_delta_log"
    log.mkdir(parents=True)
    for version in versions:
        (log / f"{version:020d}.json").write_text("{}")
    (log / "00000000000000000099.crc").write_text("{}")


def planned(toy: Any, *flags: str, **changes: Any) -> dict[str, Any]:
    assert toy.run(lambda context: None, "--plan", "-o", "json", *flags, **changes) == 0
    answer: dict[str, Any] = json.loads(toy.out)
    return answer


def test_a_plan_tells_the_versions_of_the_tables(toy: Any) -> None:
    lake_with_commits(toy.lake, [8, 9, 10])
    other = SimpleNamespace(name="toy.none", relative_path="gold/toy/none", personal_columns=())
    sys.modules["toy_tables"] = SimpleNamespace(NONE=other)  # type: ignore[assignment]
    plan = planned(toy, reads=("toy_tables:NONE",), writes=("toy_module:OUT",))
    none = {"table": "toy.none", "path": "gold/toy/none", "version": None, "optional": False, "external": False}
    assert plan["reads"] == [none]
    assert plan["writes"] == [{"table": "toy.out", "path": "gold/toy/out", "version": 10}]
    assert toy.run(lambda context: None, "--plan", writes=("toy_module:OUT",)) == 0
    assert "toy.out (version 10)" in toy.out


def test_a_plan_says_which_inputs_are_optional_or_come_from_outside(toy: Any) -> None:
    lake_with_commits(toy.lake, [3])
    tables = {name.upper(): SimpleNamespace(name=f"toy.{name}", relative_path=f"gold/toy/{name}") for name in "abc"}
    sys.modules["toy_tables"] = SimpleNamespace(**tables)  # type: ignore[assignment]
    reads = (
        Input("toy_module:OUT", optional=True),
        "toy_tables:A",
        Input("toy_tables:B", external=True),
        Input("toy_tables:C", optional=True, external=True),
    )
    assert toy.run(lambda context: None, "--plan", reads=reads) == 0
    assert "toy.out (optional, version 3) at" in toy.out
    assert "toy.a (not created yet) at" in toy.out
    assert "toy.b (external, missing) at" in toy.out
    assert "toy.c (optional, external, missing) at" in toy.out
    assert "all tables" not in toy.out


def test_a_plan_says_that_a_job_works_on_all_tables(toy: Any) -> None:
    assert toy.run(lambda context: None, "--plan", maintains_all=True) == 0
    assert "works on  " in toy.out
    assert "all tables below the lake root" in toy.out


def test_a_plan_tells_days_settings_with_origin_and_the_command(toy: Any) -> None:
    plan = planned(toy, "--from", "2026-11-01", "--to", "2026-11-03", "--set", "gap_minutes=5")
    assert plan["days"] == {"first": "2026-11-01", "last": "2026-11-03", "count": 3}
    assert plan["settings"]["run.gap_minutes"] == {"value": 5, "origin": "--set"}
    assert plan["settings"]["lake.timezone"] == {"value": "UTC", "origin": "default"}
    assert plan["command"] == (
        f"spark-submit --py-files lakejobs.zip jobs/toy/run.py --lake {toy.lake} --from 2026-11-01 --to 2026-11-03 "
        "--set gap_minutes=5"
    )


def test_a_plan_counts_the_files_of_a_folder_or_a_single_file(toy: Any, tmp_path: Path) -> None:
    landing = tmp_path / "landing"
    (landing / "deep").mkdir(parents=True)
    (landing / "a.csv").write_text("12345")
    (landing / "deep" / "b.csv").write_text("123")
    (tmp_path / "landing-other").mkdir()
    (tmp_path / "landing-other" / "c.csv").write_text("1")
    plan = planned(toy, "--input", str(landing), "--source", "web", ingests=True)
    assert (plan["input"]["files"], plan["input"]["bytes"]) == (2, 8)
    plan = planned(toy, "--input", f"{landing}/a.csv", "--source", "web", ingests=True)
    assert (plan["input"]["files"], plan["input"]["sample"]) == (1, ["a.csv"])


def test_a_plan_refuses_an_input_that_is_not_there_as_the_run_would(toy: Any, tmp_path: Path) -> None:
    missing = ("--plan", "--input", str(tmp_path / "none"), "--source", "web")
    assert toy.run(lambda context: None, *missing, ingests=True) == 4
    assert "SRC-007" in toy.err


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ("landing", ["a.csv", "a.csv.gz", "b 1.csv", "deep/c.csv"]),
        ("landing/", ["a.csv", "a.csv.gz", "b 1.csv", "deep/c.csv"]),
        ("landing/*.csv", ["a.csv", "b 1.csv", "deep/c.csv"]),
        ("landing/[ab]*.csv", ["a.csv", "b 1.csv"]),
        ("landing/?.csv", ["a.csv"]),
        ("lan*/deep/*", ["landing/deep/c.csv"]),
        ("landing/a.csv", ["a.csv"]),
        ("landing/a", []),
        ("landing/_SUCCESS", []),
        ("landing/x.crc", []),
        ("landing/*.parquet", []),
    ],
)
def test_a_plan_counts_just_the_files_that_the_run_finds(
    toy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, names: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.csv", "a.csv.gz", "b 1.csv", "deep/c.csv", "_SUCCESS", ".b.csv", "_temporary/d.csv", "x.crc"):
        path = tmp_path / "landing" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("123")
    for location in (given, f"{tmp_path}/{given}", f"file://{tmp_path}/{given}"):
        if not names:
            assert toy.run(lambda context: None, "--plan", "--input", location, "--source", "web", ingests=True) == 4
            continue
        plan = planned(toy, "--input", location, "--source", "web", ingests=True)
        assert (plan["input"]["sample"], plan["input"]["files"]) == (names, len(names))
        assert plan["input"]["bytes"] == 3 * len(names)
        assert [file.path for file in find_files(location, LakeSettings(), ("*.crc",))] == names


def test_a_plan_stops_counting_at_a_bound(toy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("common.run.console.plan._MOST_FILES", 2)
    for name in "abc":
        (tmp_path / f"{name}.csv").write_text("1")
    plan = planned(toy, "--input", f"{tmp_path}/*.csv", "--source", "web", ingests=True)
    assert (plan["input"]["files"], plan["input"]["more"]) == (2, True)


def test_a_plan_of_an_ingest_loads_nothing_heavy_either(tmp_path: Path) -> None:
    (tmp_path / "day.csv").write_text("1")
    arguments = ["--plan", "--lake", str(tmp_path / "lake"), "--input", f"{tmp_path}/*.csv", "--source", "ga4"]
    done = in_a_process(*arguments, ingests=True)
    assert "*.csv: 1 file, 1 byte" in done.stdout
    assert done.stderr.splitlines()[-1] == "[]"


def test_a_plan_never_prints_a_secret(toy: Any) -> None:
    secret = "lake.spark_conf.fs.s3a.secret.key=hunter2"
    for output in ("text", "json"):
        assert toy.run(lambda context: None, "--plan", "-o", output, "--set", secret) == 0
        assert "hunter2" not in toy.out + toy.err


def test_a_plan_refuses_wrong_settings_as_a_run_does(toy: Any) -> None:
    assert toy.run(lambda context: None, "--plan", "--set", "gap_minute=5") == 2
    assert "Did you mean 'gap_minutes'?" in toy.err
