"""Which release a label or a version of Spark stands for, also where a platform has patched it."""

from __future__ import annotations

import pytest

from common.errors import UsageError
from common.releases import release_of, release_of_spark

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("version", "delta", "lock", "label"),
    [
        ("4.1.1", "4.2.0", "default", "emr-spark-8.1.0"),
        ("4.1.1-amzn-0", "4.2.0", "default", "emr-spark-8.1.0"),
        ("4.1.1+amzn.0", "4.2.0", "default", "emr-spark-8.1.0"),
        ("4.1.3+amzn.0", "4.2.0", "default", "emr-spark-8.2.0"),
        ("3.5.6-amzn-2", "3.3.2", "emr-7.13.0", "emr-7.14.0"),
        ("3.5.6.dev0", "3.3.2", "emr-7.13.0", "emr-7.14.0"),
    ],
)
def test_a_patched_spark_is_that_spark(version: str, delta: str, lock: str, label: str) -> None:
    release = release_of_spark(version)
    assert (release.delta, release.lock, release.label, release.warning) == (delta, lock, label, "")


@pytest.mark.parametrize(
    ("version", "taken_for"),
    [
        ("3.5.9-amzn-0", "emr-7.14.0"),
        ("3.5", "emr-7.14.0"),
        ("4.1.12+amzn.3", "emr-spark-8.2.0"),
        ("4.2.0", "emr-spark-8.1.0"),
    ],
)
def test_another_patch_of_a_known_line_goes_on_with_a_warning(version: str, taken_for: str) -> None:
    release = release_of_spark(version)
    assert release.warning == (
        f"The release 'Spark {version}' is not in the table of releases: it is taken for {taken_for}."
    )


@pytest.mark.parametrize("version", ["3.4.4", "5.0.0", "2.4.8-amzn-1", "13.5.6", "", "four"])
def test_a_spark_of_no_known_line_is_refused_with_the_known_ones(version: str) -> None:
    with pytest.raises(UsageError, match="REL-002") as refused:
        release_of_spark(version)
    assert refused.value.remedy == "Use Spark 3.5 or 4.1."


@pytest.mark.parametrize(
    ("label", "taken_for", "lock"),
    [
        ("emr-7.15.0", "emr-7.14.0", "emr-7.13.0"),
        ("emr-7.13.1", "emr-7.13.0", "emr-7.13.0"),
        ("emr-7.12.0", "emr-7.13.0", "emr-7.13.0"),
        ("emr-spark-8.1.2-20270101", "emr-spark-8.1.0", "default"),
        ("emr-spark-8.10.0", "emr-spark-8.2.0", "default"),
    ],
)
def test_an_unknown_label_of_a_known_line_goes_on_with_a_warning(label: str, taken_for: str, lock: str) -> None:
    release = release_of(label)
    assert f"is taken for {taken_for}." in release.warning
    assert release.lock == lock
    assert label.startswith(release.label)


@pytest.mark.parametrize("label", ["emr-6.15.0", "emr-spark-9.0.0", "emr-spark-8.1", "emr-8.1.0", "7.13.0", ""])
def test_a_label_of_no_known_line_is_refused(label: str) -> None:
    with pytest.raises(UsageError, match="REL-001"):
        release_of(label)
