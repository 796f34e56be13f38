"""Makes a submission into the exact request of each place where jobs run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from common.errors import UsageError
from deploy.targets.request_check import check_request
from deploy.targets.submission import Submission


@dataclass(frozen=True)
class Place:
    """Identifiers of the place: a cluster, application or virtual cluster, the role of the run, and where logs go."""

    identifier: str = ""
    role_arn: str = ""
    log_uri: str = ""
    timeout_minutes: int = 720


def _conf_words(conf: Mapping[str, str]) -> list[str]:
    return [word for key, value in conf.items() for word in ("--conf", f"{key}={value}")]


def _parameters(conf: Mapping[str, str]) -> str:
    # The service splits this text at blanks by rules that it does not document; so nothing in it may hold one.
    for key, value in conf.items():
        if any(character.isspace() or character in "\"'\\" for character in value):
            raise UsageError(
                "PKG-011",
                f"{key} cannot be sent.",
                cause=f"Its value '{value}' contains a blank, a quote or a backslash.",
                remedy="Use an --artifacts prefix without them.",
            )
    return " ".join(_conf_words(conf))


def spark_submit(submission: Submission, _place: Place) -> list[str]:
    """The words of a spark-submit command, for a YARN client or an EMR primary node."""
    conf = submission.spark_conf(submission.release.delta_jars)
    conf |= {
        "spark.yarn.appMasterEnv.PYSPARK_PYTHON": submission.python,
        "spark.executorEnv.PYSPARK_PYTHON": submission.python,
        # YARN would start a refused job a second time, to be refused again: whether to retry is for the scheduler,
        # which knows what the exit code means.
        "spark.yarn.maxAppAttempts": "1",
    }
    shipped = ["--py-files", conf.pop("spark.submit.pyFiles")]
    if "spark.archives" in conf:
        shipped += ["--archives", conf.pop("spark.archives")]
    mode = ["--deploy-mode", "cluster", "--name", submission.name]
    return ["spark-submit", *mode, *shipped, *_conf_words(conf), submission.entry, *submission.arguments]


def emr_step(submission: Submission, place: Place) -> dict[str, Any]:
    """The request of AddJobFlowSteps."""
    step: dict[str, Any] = {
        "Name": submission.name,
        "ActionOnFailure": "CONTINUE",
        "HadoopJarStep": {"Jar": "command-runner.jar", "Args": spark_submit(submission, place)},
    }
    if place.log_uri:
        step["StepMonitoringConfiguration"] = {"S3MonitoringConfiguration": {"LogUri": place.log_uri}}
    request: dict[str, Any] = {"JobFlowId": place.identifier, "Steps": [step]}
    if place.role_arn:
        request["ExecutionRoleArn"] = place.role_arn
    check_request("emr", "AddJobFlowSteps", request)
    return request


def emr_serverless(submission: Submission, place: Place) -> dict[str, Any]:
    """The request of StartJobRun on EMR Serverless."""
    conf = submission.spark_conf(submission.release.delta_jars)
    conf |= {
        "spark.emr-serverless.driverEnv.PYSPARK_DRIVER_PYTHON": submission.python,
        "spark.emr-serverless.driverEnv.PYSPARK_PYTHON": submission.python,
        "spark.executorEnv.PYSPARK_PYTHON": submission.python,
    }
    request: dict[str, Any] = {
        "applicationId": place.identifier,
        "clientToken": submission.client_token,
        "executionRoleArn": place.role_arn,
        "name": submission.name,
        "mode": "BATCH",
        "executionTimeoutMinutes": place.timeout_minutes,
        "jobDriver": {
            "sparkSubmit": {
                "entryPoint": submission.entry,
                "entryPointArguments": list(submission.arguments),
                "sparkSubmitParameters": _parameters(conf),
            }
        },
        "tags": {"lakejobs:job": submission.job},
    }
    if place.log_uri:
        monitoring = {"s3MonitoringConfiguration": {"logUri": place.log_uri}}
        request["configurationOverrides"] = {"monitoringConfiguration": monitoring}
    check_request("emr-serverless", "StartJobRun", request)
    return request


def emr_eks(submission: Submission, place: Place) -> dict[str, Any]:
    """The request of StartJobRun on EMR on EKS."""
    conf = submission.spark_conf(tuple(f"local://{jar}" for jar in submission.release.delta_jars))
    conf |= {"spark.pyspark.python": submission.python, "spark.pyspark.driver.python": submission.python}
    label = submission.release_label
    request: dict[str, Any] = {
        "virtualClusterId": place.identifier,
        "clientToken": submission.client_token,
        "executionRoleArn": place.role_arn,
        "name": submission.name,
        # On EKS a label is one of an image; the bare label is not.
        "releaseLabel": label if label != submission.release.label else f"{label}-latest",
        "jobDriver": {
            "sparkSubmitJobDriver": {
                "entryPoint": submission.entry,
                "entryPointArguments": list(submission.arguments),
                "sparkSubmitParameters": _parameters(conf),
            }
        },
        "tags": {"lakejobs:job": submission.job},
    }
    if place.log_uri:
        monitoring = {"s3MonitoringConfiguration": {"logUri": place.log_uri}}
        request["configurationOverrides"] = {"monitoringConfiguration": monitoring}
    check_request("emr-containers", "StartJobRun", request)
    return request


TARGETS: dict[str, Callable[[Submission, Place], Any]] = {
    "emr-step": emr_step,
    "emr-serverless": emr_serverless,
    "emr-eks": emr_eks,
    "spark-submit": spark_submit,
}
