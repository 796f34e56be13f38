"""The settings that every job shares: where the lake is and how it is written (conf/lake.yaml)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from common.config.lineage_settings import LineageSettings
from common.config.params import Params, SecretRef


class LakeSettings(Params):
    """Where the lake is, which release the job runs on, and how storage behaves."""

    root: str = Field("", description="Lake root: s3://bucket/prefix, or a folder if Spark is local; empty: none.")
    shared_folder: bool = Field(
        False, description="The root is a folder that every node mounts (NFS, FSx), so a cluster may use it."
    )
    release: str = Field(
        "auto", min_length=1, description="EMR release label; auto: detect it from Spark and the platform."
    )
    timezone: Literal["UTC"] = Field("UTC", description="Time zone of the session; days are UTC days.")

    s3_endpoint_url: str | None = Field(None, description="Endpoint of an S3-compatible server; null: AWS.")
    s3_region: str | None = Field(None, description="Region of the bucket; null: from the environment.")
    s3_path_style: bool = Field(False, description="Address buckets by path; most S3-compatible servers need it.")
    s3_kms_key: str | None = Field(
        None,
        pattern=r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(key/[A-Za-z0-9-]+|alias/[A-Za-z0-9/_-]+)$",
        description="ARN of the KMS key that Spark and the jobs' own puts name; null: the bucket's own encryption.",
    )
    s3_scheme: Literal["s3", "s3a"] = Field("s3a", description="Scheme of the S3 paths passed to Spark.")

    lease_seconds: int = Field(60, ge=5, le=3600, description="Seconds until a table lease expires without renewal.")
    lease_wait_seconds: int = Field(
        0, ge=0, le=86_400, description="Seconds to wait for a lease that another run holds; 0: exit at once."
    )
    conflict_retries: int = Field(5, ge=0, le=50, description="Retries after a commit conflict that Delta names.")
    storage_deadline_seconds: int = Field(
        120, ge=1, le=3600, description="Seconds for all retries of one storage request."
    )

    staging: Literal["cache", "files"] = Field(
        "cache", description="Where rows wait for their audit: cached by the executors, or written below the root."
    )
    metrics: Literal["auto", "on", "off"] = Field(
        "auto", description="Print a line of CloudWatch metrics at the end of a run; auto: where Spark is EMR's."
    )
    lineage: LineageSettings = Field(
        default_factory=LineageSettings, description="Run events for lineage (OpenLineage); by default none."
    )
    data_docs_folder: str | None = Field(
        None,
        pattern="^[^:]+$",
        description="Folder on the driver for Great Expectations' own pages of each audit; null: none.",
    )
    target_file_bytes: int | None = Field(
        None, ge=1_048_576, le=4_294_967_296, description="Size of data files in bytes; null: as the table declares."
    )
    register_tables: bool = Field(
        False, description="Register new tables in the session's catalogue (Glue on EMR) as <family>.<table>."
    )
    shuffle_partitions: int | None = Field(
        None, ge=1, le=100_000, description="spark.sql.shuffle.partitions; null: leave it to Spark."
    )
    spark_conf: dict[str, str] = Field(
        default_factory=dict,
        description="Spark settings for sessions that the job opens itself; a value may refer to a secret.",
    )

    days_late_allowed: int = Field(
        3, ge=0, le=400, description="Days that a row may be late and still be merged; later rows are set aside."
    )
    first_days: int = Field(
        1,
        ge=1,
        le=4000,
        description="How many of the latest days a first --changed takes where each day is a run of its own.",
    )
    heartbeat_seconds: float = Field(
        30, gt=0, le=3600, description="Longest time without a log line while the job works, in seconds."
    )

    pseudonym_key: SecretRef | None = Field(None, description="Reference to the pseudonym key.")
    pseudonym_key_id: str = Field(
        "k1", min_length=1, max_length=40, description="Name of that key, stored with each pseudonym."
    )

    @property
    def root_is_local_folder(self) -> bool:
        """Whether the root is a folder that only this machine is known to see; ``file:`` addresses are folders too."""
        is_folder = "://" not in self.root or self.root.startswith("file:")
        return bool(self.root) and is_folder and not self.shared_folder
