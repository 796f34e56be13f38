"""The engine tests submit what ``lakejobs plan`` prints: what nobody else runs would prove nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from rendered import as_submitted, platform_jars, rendered, write_defaults, yarn_defaults

from common.spark.session import running_release
from deploy.package.build import Package, build

pytestmark = pytest.mark.unit

_ARTEFACTS = "hdfs://127.0.0.1:9000/artefacts"
_FLAGS = [
    "--env",
    "prod",
    "--lake",
    "s3://bucket/lake",
    "--day",
    "2026-11-20",
    "--set",
    "lake.spark_conf.spark.note=/usr/share/aws/delta/lib, a=b",
]


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """A build with a stand-in for the dependency archive."""
    archive = (
        tmp_path_factory.mktemp("build") / f"environment-{running_release('auto').lock}-x86_64-0123456789ab.tar.gz"
    )
    archive.write_bytes(b"")
    return build(archive.parent / "dist", [archive])


def test_on_yarn_the_paths_of_the_platforms_jars_are_all_that_differs(dist: Package) -> None:
    words = rendered(dist.folder, _ARTEFACTS, "fraud.score", _FLAGS)
    submitted = as_submitted(words, platform_jars())
    assert len(submitted) == len(words)
    code = f"{_ARTEFACTS}/{dist.name}/{dist.archive.name}"
    differing = [
        (before, printed, given)
        for before, printed, given in zip(["", *words], words, submitted, strict=False)
        if printed != given
    ]
    assert [(before, printed.partition("=")[0]) for before, printed, _ in differing] == [
        ("--py-files", f"{code},/usr/share/aws/delta/lib/delta-spark.jar"),
        ("--conf", "spark.jars"),
    ]
    assert [Path(jar).name.partition("_")[0] for _, _, given in differing for jar in given.split(",")[-1:]] == [
        "delta-spark",
        f"delta-storage-{running_release('auto').delta}.jar",
    ]


def test_elsewhere_the_master_takes_the_place_of_the_mode_and_the_rest_stays(dist: Package) -> None:
    words = rendered(dist.folder, _ARTEFACTS, "fraud.score", _FLAGS)
    submitted = as_submitted(words, {}, "local[2]")
    assert submitted[:3] == ["spark-submit", "--master", "local[2]"]
    assert submitted[3:] == words[5:]


def test_sizes_are_said_in_flags_of_plan(dist: Package) -> None:
    small, usual = (
        rendered(dist.folder, _ARTEFACTS, "fraud.score", _FLAGS, sizes=sizes) for sizes in (("--driver-cores", "1"), ())
    )
    assert {word for word in usual if word not in small} == {"spark.driver.cores=2"}


def test_the_platforms_settings_hold_nothing_that_a_job_needs(dist: Package, tmp_path: Path) -> None:
    write_defaults(tmp_path, yarn_defaults("hdfs://127.0.0.1:9000"))
    with pytest.raises(AssertionError, match=r"needs \['spark.yarn.maxAppAttempts'\] must get it from"):
        write_defaults(tmp_path, {"spark.yarn.maxAppAttempts": "1"})
    printed = {word.partition("=")[0] for word in rendered(dist.folder, _ARTEFACTS, "fraud.score", _FLAGS)}
    lines = (tmp_path / "spark-defaults.conf").read_text(encoding="utf-8").splitlines()
    assert {line.partition(" ")[0] for line in lines} & printed == set()
