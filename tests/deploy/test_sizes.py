"""Sizes that a place cannot give are refused before anything is sent."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from common.errors import UsageError
from deploy.targets.instances import Instance, processor_of, under_kubernetes, under_yarn
from deploy.targets.sizes import (
    ServerlessSize,
    Size,
    check_executors,
    check_node,
    check_serverless,
    serverless_worker_gb,
)

pytestmark = pytest.mark.unit


def refusal(check, *arguments) -> str:
    with pytest.raises(UsageError) as refused:
        check(*arguments)
    assert refused.value.code == "TGT-004"
    return str(refused.value)


def test_the_default_executor_leaves_768_mb_for_each_python_worker() -> None:
    executor = Size().executor
    # 8 GB heap: the JVM takes 10 % of 8,192 MB beside it, 820 MB; 4 workers have 3,072 MB.
    assert (executor.overhead_mb, executor.python_mb, executor.total_mb) == (3_892, 3_072, 12_084)
    assert "Python has 3,072 MB: 768 MB for each of 4 workers" in executor.text
    driver = Size().driver
    # 6 GB heap: 615 MB for the JVM, 1,280 MB for the driver's Python.
    assert (driver.overhead_mb, driver.python_mb, driver.total_mb) == (1_895, 1_280, 8_039)


def test_an_overhead_that_is_given_is_sent_and_what_it_leaves_is_said() -> None:
    size = Size(executor_memory_gb=2, executor_overhead_mb=500, executor_cores=1)
    assert size.conf()["spark.executor.memoryOverhead"] == "500m"
    # A heap of 2 GB: the JVM takes its least, 384 MB.
    assert size.executor.python_mb == 116
    assert size.executor.text == "1 core, 2 GB heap + 500 MB overhead; Python has 116 MB"


def test_the_defaults_fit_everywhere() -> None:
    check_serverless(ServerlessSize())
    check_node(Size(), under_yarn("m5.xlarge"), "YARN")
    assert serverless_worker_gb(ServerlessSize().executor) == 12
    assert serverless_worker_gb(ServerlessSize().driver) == 8


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"executor_cores": 3}, "no worker of 3 cores"),
        ({"driver_cores": 6}, "no worker of 6 cores"),
        ({"executor_cores": 32}, "no worker of 32 cores"),
        ({"executor_memory_gb": 40}, "cannot have 47 GB"),
        # 27 GB + 10 % is within 30 GB, and Python has nothing: 24 GB is what leaves 768 MB for each of 4 workers.
        ({"executor_memory_gb": 27}, "Give --executor-memory-gb 24 or less."),
        ({"executor_memory_gb": 28, "executor_overhead_mb": 2_868}, "cannot have 30.8 GB"),
        ({"executor_memory_gb": 29, "executor_overhead_mb": 1_024}, "too small for a heap of 29 GB"),
        ({"driver_cores": 1, "driver_memory_gb": 7}, "A driver of 1 core on EMR Serverless cannot have 9 GB"),
        ({"executor_memory_gb": 1}, "has at least 8 GB"),
        ({"executor_cores": 16, "executor_memory_gb": 120}, "16 vCPU come with 32 to 120 GB in steps of 8"),
    ],
)
def test_serverless_has_fixed_pairs_of_cores_and_memory(given: dict[str, int], said: str) -> None:
    assert said in refusal(check_serverless, ServerlessSize(**given))


def test_a_large_worker_is_given_the_next_step_of_its_pair() -> None:
    # 16 GB heap + 1,639 MB + 8 x 768 MB = 23.6 GB, in steps of 4 GB.
    size = ServerlessSize(executor_cores=8, executor_memory_gb=16)
    check_serverless(size)
    assert serverless_worker_gb(size.executor) == 24
    edge = ServerlessSize(executor_memory_gb=27, executor_overhead_mb=2_765)
    check_serverless(edge)
    assert serverless_worker_gb(edge.executor) == 30


def test_fewer_executors_than_serverless_starts_with_are_refused() -> None:
    assert "Give --max-executors 3 or more, or --initial-executors 2." in refusal(
        check_serverless, ServerlessSize(max_executors=2)
    )
    check_serverless(ServerlessSize(max_executors=2, initial_executors=2))
    check_serverless(ServerlessSize(max_executors=3))
    assert "above the bound of 5" in refusal(check_executors, Size(max_executors=5, initial_executors=6))


@pytest.mark.parametrize(
    "given",
    [
        {"max_executors": -1},
        {"max_executors": 0},
        {"initial_executors": -3},
        {"executor_cores": 0},
        {"executor_memory_gb": -8},
        {"driver_memory_gb": 0},
        {"executor_overhead_mb": 0},
    ],
)
def test_no_size_is_negative_or_nothing(given: dict[str, int]) -> None:
    with pytest.raises(ValidationError, match="greater than or equal to"):
        Size(**given)


@pytest.mark.parametrize("disk", [0, 19, 201])
def test_a_disk_of_serverless_has_20_to_200_gb(disk: int) -> None:
    with pytest.raises(ValidationError):
        ServerlessSize(disk_gb=disk)
    assert ServerlessSize(disk_gb=50).conf()["spark.emr-serverless.executor.disk"] == "50g"


@pytest.mark.parametrize(
    ("name", "cores", "memory_mb"),
    [
        ("m5.large", 2, 6_144),
        ("m5.xlarge", 4, 12_288),
        ("m6g.2xlarge", 8, 24_576),
        ("m5.4xlarge", 16, 57_344),
        ("r5.xlarge", 4, 24_576),
        ("r5.4xlarge", 16, 122_880),
        ("c5.xlarge", 4, 6_144),
    ],
)
def test_yarn_has_what_emr_leaves_to_it(name: str, cores: int, memory_mb: int) -> None:
    assert under_yarn(name) == Instance(f"a node {name}", cores, memory_mb)


def test_an_executor_that_an_m5_xlarge_cannot_hold_is_refused() -> None:
    # 14 GB heap + 1,434 MB + 3,072 MB.
    message = refusal(check_node, Size(executor_memory_gb=14), under_yarn("m5.xlarge"), "YARN")
    assert "An executor of 18.4 GB does not fit a node m5.xlarge" in message
    assert "YARN has 12,288 MB there" in message
    assert "--executor-memory-gb 8 or less" in message
    check_node(Size(executor_memory_gb=14), under_yarn("m5.2xlarge"), "YARN")
    assert "of 8 cores" in refusal(check_node, Size(executor_cores=8), under_yarn("m5.xlarge"), "YARN")
    assert "driver of" in refusal(check_node, Size(driver_memory_gb=16), under_yarn("m5.xlarge"), "YARN")


def test_a_pod_of_all_cores_of_its_node_would_wait_for_ever() -> None:
    # The kubelet and the pods of the node itself need a part of one.
    assert "3 or fewer" in refusal(check_node, Size(), under_kubernetes("m5.xlarge"), "A pod")
    check_node(Size(), under_kubernetes("m5.2xlarge"), "A pod")


def test_an_instance_type_tells_its_processor_or_is_refused() -> None:
    assert (processor_of("m5.xlarge"), processor_of("m7gd.2xlarge")) == ("x86_64", "aarch64")
    for unknown in ("m5", "m5.tiny", "z9.xlarge", "p4d.24xlarge", ""):
        with pytest.raises(UsageError, match="TGT-003"):
            processor_of(unknown)
