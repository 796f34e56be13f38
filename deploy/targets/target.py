"""What a target is: where jobs run, with which rights, on which lake, and how large. One model for each kind."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from common.config.params import Params
from common.releases import DEFAULT_RELEASE
from deploy.targets.sizes import ServerlessSize, Size

OFF = "off"
INSTANCE_TYPES = {"x86_64": "m5.xlarge", "aarch64": "m6g.xlarge"}
"""Processor -> the type of nodes that is taken where none is declared."""

NODE_TYPES = {
    "x86_64": ("m6i.xlarge", "m6i.2xlarge", "m5.2xlarge", "r6i.2xlarge", "r5.2xlarge"),
    "aarch64": ("m7g.xlarge", "m7g.2xlarge", "m6g.2xlarge", "r7g.2xlarge", "r6g.2xlarge"),
}
"""Processor -> types of the nodes of a cluster that is started: primary, core, then more for task nodes."""

_ROLE = r"^arn:aws[a-zA-Z0-9-]*:iam::\d{12}:role/[\w+=,.@/-]+$"
_ROLE_NAME = r"^(arn:aws[a-zA-Z0-9-]*:iam::\d{12}:(role|instance-profile)/)?[\w+=,.@/-]+$"
_GROUP = r"^sg-[0-9a-f]{8,17}$"
_BUCKET = r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
_S3_PREFIX = rf"^{_BUCKET}(/[^\s\"'\\?#]*)?$"
_S3_OR_OFF = rf"^(off|{_BUCKET}(/[^\s\"'\\]*)?)$"
# Of a plain cluster: what Hadoop opens by itself, or a folder of the machine that submits.
_HADOOP_PREFIX = r"^(s3a|hdfs|viewfs|gs|abfss?|wasbs?|ofs|o3fs|maprfs|file)://[^\s\"'\\]+$|^/[^\s\"'\\]*$"


class Logs(Params):
    """Where a run's logs go: by default below the artefact prefix, and to the log group /lakejobs/<target>."""

    s3: str | None = Field(None, pattern=_S3_OR_OFF, description="S3 prefix, or off; default: <artifacts>/logs/.")
    cloudwatch: str | None = Field(
        None, pattern=r"^(off|[.\-_/#A-Za-z0-9]{1,512})$", description="Log group, or off; default: /lakejobs/<target>."
    )


class _EventLogs(Params):
    """Spark's event logs, for a history server of one's own; EMR Serverless keeps them itself."""

    s3: str | None = Field(None, pattern=_S3_OR_OFF, description="S3 prefix, or off; default: <artifacts>/logs/.")
    events: bool = Field(False, description="Spark's event logs below that prefix, in spark-events/.")

    @field_validator("events")
    @classmethod
    def _have_a_place(cls, events: bool, info: ValidationInfo) -> bool:
        if events and info.data.get("s3") == OFF:
            raise PydanticCustomError("no_place", "needs logs on S3, which are off")
        return events


class StepLogs(_EventLogs):
    """Where a step's logs go. CloudWatch is a matter of the cluster: its MonitoringConfiguration."""


class EksLogs(_EventLogs, Logs):
    """Where the logs of a run on EKS go."""


class Target(Params):
    """What every target says."""

    identifier_key: ClassVar[str] = ""

    kind: Literal["emr-step", "emr-cluster", "emr-serverless", "emr-eks", "yarn"]
    artifacts: str = Field(description="Prefix that builds are uploaded below.")
    env: str | None = Field(None, description="--env of the jobs.")
    lake: str | None = Field(None, description="--lake of the jobs.")
    architecture: Literal["x86_64", "aarch64"] = Field("x86_64", description="Processor of the nodes.")
    node_python: str | None = Field(
        None, pattern=r"^/\S+$", description="Interpreter on the nodes; no dependency archive is shipped then."
    )
    size: Size = Field(default_factory=Size)
    conf: dict[str, str] = Field(default_factory=dict, description="More Spark properties.")

    @property
    def identifier(self) -> str:
        """The id of the cluster, application or virtual cluster; empty for plain YARN."""
        return str(getattr(self, self.identifier_key)) if self.identifier_key else ""


class EmrTarget(Target):
    """What every target on EMR says."""

    artifacts: str = Field(pattern=_S3_PREFIX, description="S3 prefix that builds are uploaded below.")
    region: str | None = Field(
        None, pattern=r"^[a-z]{2}(-[a-z]+)+-\d$", description="Region of the service; default: of your AWS settings."
    )
    release: str = Field(DEFAULT_RELEASE, min_length=1, description="EMR release label.")


class StepTarget(EmrTarget):
    """A cluster of EMR on EC2."""

    identifier_key: ClassVar[str] = "cluster_id"

    kind: Literal["emr-step"]
    cluster_id: str = Field(pattern=r"^j-[0-9A-Z]{5,20}$", description="Id of the cluster.")
    role_arn: str | None = Field(None, pattern=_ROLE, description="Runtime role of the step, if the cluster has them.")
    keeps_running: bool = Field(False, description="The cluster may go on without work: it has no auto-termination.")
    instance_type: str | None = Field(
        None, description="Type of the nodes; default: m5.xlarge, m6g.xlarge with architecture aarch64."
    )
    node_cores: int | None = Field(None, ge=1, description="Cores of a node, instead of the instance type.")
    node_memory_mb: int | None = Field(None, ge=1_024, description="YARN's memory on a node, MB; instead of the type.")
    logs: StepLogs = Field(default_factory=StepLogs)


class ClusterTarget(EmrTarget):
    """A cluster of EMR on EC2 that is started for its steps, and ends with them."""

    kind: Literal["emr-cluster"]
    service_role: str = Field(pattern=_ROLE_NAME, description="Role of the service, name or ARN.")
    instance_profile: str = Field(pattern=_ROLE_NAME, description="Instance profile of the nodes, name or ARN.")
    role_arn: str | None = Field(None, pattern=_ROLE, description="Runtime role of the steps; default: the nodes'.")
    security_configuration: str = Field(min_length=1, max_length=10_280, description="Name of its encryption and IAM.")
    subnets: tuple[Annotated[str, Field(pattern=r"^subnet-[0-9a-f]{8,17}$")], ...] = Field(
        min_length=1, max_length=16, description="Private subnets; EMR chooses one by its capacity."
    )
    primary_group: str | None = Field(None, pattern=_GROUP, description="Security group of the primary node.")
    core_group: str | None = Field(None, pattern=_GROUP, description="Security group of core and task nodes.")
    service_group: str | None = Field(
        None, pattern=_GROUP, validate_default=True, description="Security group of EMR's own access."
    )
    log_key_arn: str | None = Field(
        None, pattern=r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/.+$", description="Key of the logs on S3."
    )
    primary_type: str | None = Field(None, description="Type of the primary node; default: m6i.xlarge, m7g.xlarge.")
    instance_type: str | None = Field(None, description="Type of the core nodes; default: m6i.2xlarge, m7g.2xlarge.")
    task_types: tuple[str, ...] = Field(
        (), max_length=29, description="More types of spot task nodes; default: as large, of other families."
    )
    node_disk_gb: int = Field(100, ge=32, le=16_384, description="Disk of each node, GB.")
    core_nodes: int = Field(2, ge=1, le=1_000, description="Core nodes: on-demand, never scaled.")
    max_units: int = Field(ge=1, le=4_000, description="Core and task nodes together, at most.")
    idle_seconds: int = Field(1_800, ge=60, le=604_800, description="Seconds without work that end the cluster.")
    logs: EksLogs = Field(default_factory=EksLogs)
    tags: dict[str, str] = Field(default_factory=dict, max_length=48, description="Tags of the cluster.")

    @field_validator("service_group")
    @classmethod
    def _is_with_others(cls, group: str | None, info: ValidationInfo) -> str | None:
        given = {bool(group), bool(info.data.get("primary_group")), bool(info.data.get("core_group"))}
        if len(given) > 1:
            raise PydanticCustomError("some_groups", "goes with primary_group and core_group: all three, or none")
        return group

    @field_validator("max_units")
    @classmethod
    def _hold_core_nodes(cls, units: int, info: ValidationInfo) -> int:
        if units < info.data.get("core_nodes", 1):
            raise PydanticCustomError("below_core", "should be core_nodes or more")
        return units

    @property
    def node_types(self) -> tuple[str, str, tuple[str, ...]]:
        """Types of the primary, of the core, and of the task nodes, whose first one is that of the core."""
        primary, core, *more = NODE_TYPES[self.architecture]
        others = tuple(more) if self.instance_type is None and not self.task_types else self.task_types
        first = self.instance_type or core
        return self.primary_type or primary, first, tuple(dict.fromkeys((first, *others)))


class ServerlessTarget(EmrTarget):
    """An application of EMR Serverless."""

    identifier_key: ClassVar[str] = "application_id"

    kind: Literal["emr-serverless"]
    application_id: str = Field(pattern=r"^[0-9a-z]{1,64}$", description="Id of the application.")
    role_arn: str = Field(pattern=_ROLE, description="Role of the run.")
    # Ten thousand and eighty minutes are a week.
    timeout_minutes: int = Field(720, ge=1, le=10_080, description="Minutes after which the service cancels a run.")
    max_attempts: int = Field(1, ge=1, le=10, description="Attempts that the service makes by itself.")
    flex_execution: bool = Field(False, description="Wait for spare capacity instead of failing for want of it.")
    size: ServerlessSize = Field(default_factory=ServerlessSize)
    logs: Logs = Field(default_factory=Logs)
    tags: dict[str, str] = Field(default_factory=dict, max_length=197, description="Tags of each run.")


class EksTarget(EmrTarget):
    """A virtual cluster of EMR on EKS."""

    identifier_key: ClassVar[str] = "virtual_cluster_id"

    kind: Literal["emr-eks"]
    virtual_cluster_id: str = Field(pattern=r"^[0-9a-z]{1,64}$", description="Id of the virtual cluster.")
    role_arn: str = Field(pattern=_ROLE, description="Role of the run.")
    max_attempts: int = Field(1, ge=1, le=10, description="Attempts that the service makes by itself.")
    instance_type: str | None = Field(None, description="Type of the nodes, if the pods are to be checked against it.")
    logs: EksLogs = Field(default_factory=EksLogs)
    tags: dict[str, str] = Field(default_factory=dict, max_length=47, description="Tags of each run.")


class YarnTarget(Target):
    """A YARN that is not EMR's: on premises, Dataproc, HDInsight, Cloudera."""

    kind: Literal["yarn"]
    artifacts: str = Field(
        pattern=_HADOOP_PREFIX, description="Prefix that builds are uploaded below: hdfs://, s3a://, gs://, a folder."
    )
    spark_version: str = Field("4.1.1", min_length=1, description="Version of the cluster's Spark.")
    delta_jars: tuple[str, ...] = Field((), description="Delta's jars, delta-spark first; default: --packages.")
    node_cores: int | None = Field(None, ge=1, description="Cores of a node.")
    node_memory_mb: int | None = Field(None, ge=1_024, description="YARN's memory on a node, MB.")


KINDS: dict[str, type[Target]] = {
    "emr-step": StepTarget,
    "emr-cluster": ClusterTarget,
    "emr-serverless": ServerlessTarget,
    "emr-eks": EksTarget,
    "yarn": YarnTarget,
}
"""Kind -> its model."""
