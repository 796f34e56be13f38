"""The request for a cluster that is started for its steps, made as templates/emr-cluster.yaml makes one that stays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from common.errors import UsageError
from deploy.targets.target import ClusterTarget

_MOST_STEPS = 256

_CONFIGURATIONS = {
    "delta-defaults": {"delta.enabled": "true"},
    "spark-defaults": {"spark.sql.catalogImplementation": "hive", "spark.yarn.maxAppAttempts": "1"},
    "spark-hive-site": {
        "hive.metastore.client.factory.class": (
            "com.amazonaws.glue.catalog.metastore.AWSGlueDataCatalogHiveClientFactory"
        )
    },
}
_BOTH = ["STDOUT", "STDERR"]


def check_steps(steps: Sequence[dict[str, Any]]) -> None:
    """Raises UsageError PKG-011 for more steps than a cluster takes."""
    if len(steps) > _MOST_STEPS:
        raise UsageError(
            "PKG-011",
            f"emr would refuse this RunJobFlow: it has {len(steps)} steps.",
            cause=f"A cluster takes {_MOST_STEPS}.",
            remedy="Name fewer jobs, or fewer days.",
        )


def run_job_flow(
    steps: Sequence[dict[str, Any]], target: ClusterTarget, name: str, logs: str, log_group: str
) -> dict[str, Any]:
    """The request of RunJobFlow: one step after the other, then the cluster ends; so it does where one fails.

    ``logs`` is a prefix on S3, ``log_group`` of CloudWatch; empty for none.
    """
    request: dict[str, Any] = {
        "Name": name,
        "ReleaseLabel": target.release,
        "Applications": [{"Name": "Spark"}],
        "ServiceRole": target.service_role,
        "JobFlowRole": target.instance_profile,
        "SecurityConfiguration": target.security_configuration,
        "Configurations": [{"Classification": key, "Properties": one} for key, one in _CONFIGURATIONS.items()],
        "EbsRootVolumeSize": 50,
        "VisibleToAllUsers": True,
        "StepConcurrencyLevel": 1,
        "Instances": _instances(target),
        # Counted in units of a fleet, of which each node is one.
        "ManagedScalingPolicy": {
            "ComputeLimits": {
                "UnitType": "InstanceFleetUnits",
                "MinimumCapacityUnits": target.core_nodes,
                "MaximumCapacityUnits": target.max_units,
                "MaximumCoreCapacityUnits": target.core_nodes,
                "MaximumOnDemandCapacityUnits": target.core_nodes,
            }
        },
        # It ends with its last step. This ends it where nothing else would.
        "AutoTerminationPolicy": {"IdleTimeout": target.idle_seconds},
        "Tags": [
            {"Key": key, "Value": value}
            for key, value in {"for-use-with-amazon-emr-managed-policies": "true", **target.tags}.items()
        ],
        "Steps": list(steps),
    }
    if target.role_arn:
        request["StepExecutionRoleArn"] = target.role_arn
    if logs:
        request["LogUri"] = logs
    if logs and target.log_key_arn:
        request["LogEncryptionKmsKeyId"] = target.log_key_arn
    if log_group:
        types = {"STEP_LOGS": _BOTH, "SPARK_DRIVER": _BOTH, "SPARK_EXECUTOR": _BOTH}
        request["MonitoringConfiguration"] = {
            "CloudWatchLogConfiguration": {"Enabled": True, "LogGroupName": log_group, "LogTypes": types}
        }
    return request


def _instances(target: ClusterTarget) -> dict[str, Any]:
    primary, core, task = target.node_types
    found: dict[str, Any] = {
        "KeepJobFlowAliveWhenNoSteps": False,
        "TerminationProtected": False,
        "UnhealthyNodeReplacement": True,
        "Ec2SubnetIds": list(target.subnets),
        "InstanceFleets": [
            _fleet("MASTER", target, [primary], on_demand=1),
            _fleet("CORE", target, [core], on_demand=target.core_nodes),
        ],
    }
    if target.max_units > target.core_nodes:
        found["InstanceFleets"].append(_fleet("TASK", target, task, spot=1))
    if target.primary_group:
        found["EmrManagedMasterSecurityGroup"] = target.primary_group
        found["EmrManagedSlaveSecurityGroup"] = target.core_group
        found["ServiceAccessSecurityGroup"] = target.service_group
    return found


def _fleet(
    kind: str, target: ClusterTarget, types: Sequence[str], *, on_demand: int = 0, spot: int = 0
) -> dict[str, Any]:
    volume = {"VolumeSpecification": {"VolumeType": "gp3", "SizeInGB": target.node_disk_gb}, "VolumesPerInstance": 1}
    specification: dict[str, Any] = {"OnDemandSpecification": {"AllocationStrategy": "lowest-price"}}
    if spot:
        specification = {
            "SpotSpecification": {
                "AllocationStrategy": "price-capacity-optimized",
                "TimeoutDurationMinutes": 20,
                "TimeoutAction": "SWITCH_TO_ON_DEMAND",
            }
        }
    return {
        "Name": {"MASTER": "primary", "CORE": "core", "TASK": "task"}[kind],
        "InstanceFleetType": kind,
        "TargetOnDemandCapacity": on_demand,
        "TargetSpotCapacity": spot,
        "InstanceTypeConfigs": [
            {"InstanceType": one, "WeightedCapacity": 1, "EbsConfiguration": {"EbsBlockDeviceConfigs": [volume]}}
            for one in types
        ],
        "LaunchSpecifications": specification,
    }
