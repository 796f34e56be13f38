"""Makes a submission into the exact request of each place where jobs run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deploy.targets.cluster import run_job_flow
from deploy.targets.request_check import check_request
from deploy.targets.submission import Submission
from deploy.targets.target import (
    OFF,
    ClusterTarget,
    EksTarget,
    EmrTarget,
    ServerlessTarget,
    StepTarget,
    Target,
    YarnTarget,
)
from deploy.targets.words import check_kubernetes_words, check_step_words, check_yarn_words

_KUBERNETES_NAMES = {"x86_64": "amd64", "aarch64": "arm64"}
JOB_TAG, RUN_ID_TAG, ATTEMPT_TAG = "lakejobs:job", "lakejobs:run-id", "lakejobs:attempt"
"""What a run carries at the service, so that any laptop finds it there by its run id."""

# What the services split at blanks by rules that they do not document.
_UNFIT_IN_PARAMETERS = "\"'\\"


@dataclass(frozen=True)
class Request:
    """What would be sent: ``service`` and ``operation`` of AWS with ``body``, or the words of a command."""

    service: str
    operation: str
    body: dict[str, Any] | list[str]


def request_of(submission: Submission, target: Target, target_name: str) -> Request:
    """The request that runs a submission on a target.

    Raises UsageError TGT-005 for words that would not arrive, PKG-011 for what the service would refuse.
    """
    if isinstance(target, StepTarget):
        service, operation, body = "emr", "AddJobFlowSteps", emr_step(submission, target)
    elif isinstance(target, ClusterTarget):
        service, operation, body = "emr", "RunJobFlow", emr_cluster(submission, target, target_name)
    elif isinstance(target, ServerlessTarget):
        service, operation, body = "emr-serverless", "StartJobRun", emr_serverless(submission, target, target_name)
    elif isinstance(target, EksTarget):
        service, operation, body = "emr-containers", "StartJobRun", emr_eks(submission, target, target_name)
    elif isinstance(target, YarnTarget):
        return Request("", "", plain_yarn(submission, target))
    else:
        raise TypeError(f"no request for {type(target).__name__}")
    check_request(service, operation, body)
    return Request(service, operation, body)


def delta_package(submission: Submission) -> str:
    """Delta's Maven coordinates for the release; from Delta 4.1 on they name the line of Spark."""
    release = submission.release
    major, minor = (int(part) for part in release.delta.split(".")[:2])
    line = f"_{release.spark.rpartition('.')[0]}" if (major, minor) >= (4, 1) else ""
    return f"io.delta:delta-spark{line}_{release.scala}:{release.delta}"


def s3_logs(target: EmrTarget, said: str | None) -> str:
    """Where the service writes logs; empty when they are off. By default below the artefact prefix."""
    return "" if said == OFF else said or f"{target.artifacts.rstrip('/')}/logs/"


def event_logs(target: Target) -> str:
    """The folder of Spark's event logs; empty where none are asked for, or the service keeps its own."""
    if isinstance(target, StepTarget | ClusterTarget | EksTarget) and target.logs.events:
        return f"{s3_logs(target, target.logs.s3).rstrip('/')}/spark-events"
    return ""


def _event_log_conf(target: Target) -> dict[str, str]:
    folder = event_logs(target)
    # In pieces: S3 has a file only when it is closed, and a driver that is lost closes none.
    rolling = {"spark.eventLog.rolling.enabled": "true"}
    return {"spark.eventLog.enabled": "true", "spark.eventLog.dir": folder, **rolling} if folder else {}


def log_group(target: ServerlessTarget | EksTarget | ClusterTarget, target_name: str) -> str:
    """The log group of CloudWatch; empty when it is off. By default that of the target."""
    said = target.logs.cloudwatch
    return "" if said == OFF else said or f"/lakejobs/{target_name}"


def _conf_words(conf: Mapping[str, str]) -> list[str]:
    return [word for key, value in conf.items() for word in ("--conf", f"{key}={value}")]


def _parameters(conf: Mapping[str, str]) -> tuple[str, list[dict[str, Any]]]:
    """The text of sparkSubmitParameters, and a classification with the properties that cannot stand in it."""
    unfit = {k: v for k, v in conf.items() if any(c.isspace() or c in _UNFIT_IN_PARAMETERS for c in v)}
    fit = {key: value for key, value in conf.items() if key not in unfit}
    overrides = [{"classification": "spark-defaults", "properties": unfit}] if unfit else []
    return " ".join(_conf_words(fit)), overrides


def _submit_words(submission: Submission, conf: dict[str, str], *before: str) -> list[str]:
    conf = {
        **conf,
        "spark.yarn.appMasterEnv.PYSPARK_PYTHON": submission.python,
        "spark.executorEnv.PYSPARK_PYTHON": submission.python,
        # YARN would start a refused job a second time, to be refused again: whether to retry is for the scheduler,
        # which knows what the exit code means.
        "spark.yarn.maxAppAttempts": "1",
    }
    shipped = ["--py-files", conf.pop("spark.submit.pyFiles")]
    if "spark.archives" in conf:
        shipped += ["--archives", conf.pop("spark.archives")]
    mode = [*before, "--deploy-mode", "cluster", "--name", submission.name]
    return ["spark-submit", *mode, *shipped, *_conf_words(conf), submission.entry, *submission.arguments]


def plain_yarn(submission: Submission, target: YarnTarget) -> list[str]:
    """The words of a spark-submit command for a YARN that is not EMR's: Delta is fetched, or named by the target."""
    conf = submission.with_more(submission.spark_conf(target.delta_jars), on_emr=False)
    packages = [] if target.delta_jars else ["--packages", delta_package(submission)]
    check_yarn_words(submission.arguments)
    return _submit_words(submission, conf, "--master", "yarn", *packages)


def emr_step(submission: Submission, target: StepTarget) -> dict[str, Any]:
    """The request of AddJobFlowSteps."""
    step = _step(submission, target, "CONTINUE")
    logs = s3_logs(target, target.logs.s3)
    if logs:
        step["StepMonitoringConfiguration"] = {"S3MonitoringConfiguration": {"LogUri": logs}}
    request: dict[str, Any] = {"JobFlowId": target.cluster_id, "Steps": [step]}
    if target.role_arn:
        request["ExecutionRoleArn"] = target.role_arn
    return request


def emr_cluster(submission: Submission, target: ClusterTarget, target_name: str) -> dict[str, Any]:
    """The request of RunJobFlow: a cluster for this one step, which ends with it."""
    # What comes after a failed step may need its tables, and has them from an earlier day: it would run on old rows.
    step = _step(submission, target, "TERMINATE_CLUSTER")
    logs = s3_logs(target, target.logs.s3)
    return run_job_flow([step], target, f"lakejobs-{target_name}", logs, log_group(target, target_name))


def _step(submission: Submission, target: StepTarget | ClusterTarget, on_failure: str) -> dict[str, Any]:
    conf = submission.with_more(submission.spark_conf(submission.release.delta_jars) | _event_log_conf(target))
    words = _submit_words(submission, conf)
    check_step_words(words)
    return {
        "Name": submission.name,
        "ActionOnFailure": on_failure,
        "HadoopJarStep": {"Jar": "command-runner.jar", "Args": words},
    }


def emr_serverless(submission: Submission, target: ServerlessTarget, target_name: str) -> dict[str, Any]:
    """The request of StartJobRun on EMR Serverless."""
    conf = submission.spark_conf(submission.release.delta_jars)
    conf |= {
        "spark.emr-serverless.driverEnv.PYSPARK_DRIVER_PYTHON": submission.python,
        "spark.emr-serverless.driverEnv.PYSPARK_PYTHON": submission.python,
        "spark.executorEnv.PYSPARK_PYTHON": submission.python,
    }
    parameters, overrides = _parameters(submission.with_more(conf))
    request: dict[str, Any] = {
        "applicationId": target.application_id,
        "clientToken": submission.client_token(target.application_id),
        "executionRoleArn": target.role_arn,
        "name": submission.name,
        "mode": "BATCH",
        "executionTimeoutMinutes": target.timeout_minutes,
        "jobDriver": {
            "sparkSubmit": {
                "entryPoint": submission.entry,
                "entryPointArguments": list(submission.arguments),
                "sparkSubmitParameters": parameters,
            }
        },
        "tags": _tags(submission, target.tags),
    }
    if target.max_attempts > 1:
        request["retryPolicy"] = {"maxAttempts": target.max_attempts}
    if target.flex_execution:
        request["flexExecution"] = {"enabled": True}
    monitoring: dict[str, Any] = {}
    if logs := s3_logs(target, target.logs.s3):
        monitoring["s3MonitoringConfiguration"] = {"logUri": logs}
    if group := log_group(target, target_name):
        both = ["STDOUT", "STDERR"]
        monitoring["cloudWatchLoggingConfiguration"] = {
            "enabled": True,
            "logGroupName": group,
            "logStreamNamePrefix": submission.job,
            "logTypes": {"SPARK_DRIVER": both, "SPARK_EXECUTOR": both},
        }
    return _with_overrides(request, overrides, monitoring)


def emr_eks(submission: Submission, target: EksTarget, target_name: str) -> dict[str, Any]:
    """The request of StartJobRun on EMR on EKS."""
    check_kubernetes_words(submission.arguments)
    conf = submission.spark_conf(tuple(f"local://{jar}" for jar in submission.release.delta_jars))
    conf |= {
        "spark.pyspark.python": submission.python,
        "spark.pyspark.driver.python": submission.python,
        # The dependency archive is for one processor, and a node group may hold both.
        "spark.kubernetes.node.selector.kubernetes.io/arch": _KUBERNETES_NAMES[target.architecture],
        **_event_log_conf(target),
    }
    parameters, overrides = _parameters(submission.with_more(conf))
    label = submission.release_label
    request: dict[str, Any] = {
        "virtualClusterId": target.virtual_cluster_id,
        "clientToken": submission.client_token(target.virtual_cluster_id),
        "executionRoleArn": target.role_arn,
        "name": submission.name,
        # On EKS a label is one of an image; the bare label is not.
        "releaseLabel": label if label != submission.release.label else f"{label}-latest",
        "jobDriver": {
            "sparkSubmitJobDriver": {
                "entryPoint": submission.entry,
                "entryPointArguments": list(submission.arguments),
                "sparkSubmitParameters": parameters,
            }
        },
        "tags": _tags(submission, target.tags),
    }
    if target.max_attempts > 1:
        request["retryPolicyConfiguration"] = {"maxAttempts": target.max_attempts}
    # The service's own history server reads the event logs where it has Spark write them.
    monitoring: dict[str, Any] = {"persistentAppUI": "DISABLED" if event_logs(target) else "ENABLED"}
    if logs := s3_logs(target, target.logs.s3):
        monitoring["s3MonitoringConfiguration"] = {"logUri": logs}
    if group := log_group(target, target_name):
        monitoring["cloudWatchMonitoringConfiguration"] = {
            "logGroupName": group,
            "logStreamNamePrefix": submission.job,
        }
    return _with_overrides(request, overrides, monitoring)


def _tags(submission: Submission, more: Mapping[str, str]) -> dict[str, str]:
    return {**more, JOB_TAG: submission.job, RUN_ID_TAG: submission.run_id, ATTEMPT_TAG: str(submission.attempt)}


def _with_overrides(
    request: dict[str, Any], classifications: list[dict[str, Any]], monitoring: dict[str, Any]
) -> dict[str, Any]:
    overrides: dict[str, Any] = {}
    if classifications:
        overrides["applicationConfiguration"] = classifications
    if monitoring:
        overrides["monitoringConfiguration"] = monitoring
    return {**request, "configurationOverrides": overrides} if overrides else request
