"""Whose credentials boto3 has here, and in which region. Spark has its own: the line of the Delta table shows them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from common.lake.storage.caller import caller, region_of_process
from common.run.findings import Finding

if TYPE_CHECKING:
    from common.config.lake_settings import LakeSettings

_ENDPOINTS = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS")


def account_findings(settings: LakeSettings) -> list[Finding]:
    """Two lines: credentials and region. A lake that is not on S3 needs neither."""
    if not settings.root.startswith(("s3://", "s3a://", "s3n://")):
        return [Finding.unchecked(check, "the lake is not on S3") for check in ("credentials", "region")]
    region = settings.s3_region or region_of_process()
    is_aws = not (settings.s3_endpoint_url or os.environ.get("AWS_ENDPOINT_URL_S3"))
    return [_credentials(region, is_aws=is_aws), _region(region, is_aws=is_aws)]


def _credentials(region: str | None, *, is_aws: bool) -> Finding:
    check = "credentials"
    if not is_aws and not any(os.environ.get(name) for name in _ENDPOINTS):
        # Credentials of another server are not shown to AWS.
        return Finding.unchecked(check, "the lake is on an S3 of its own, which has no STS")
    found = caller(region or "us-east-1")
    if found.arn:
        return Finding.ok(check, f"{found.arn}, from boto3's provider {found.provider}")
    if not found.provider:
        return Finding.wrong(
            check,
            f"boto3 finds none. {found.problem}".strip(),
            "Give the run a role: the cluster's instance profile, role_arn of the target; on EKS its trust policy.",
        )
    if found.is_unknown:
        return Finding.wrong(
            check, f"{found.problem} boto3 has them from {found.provider}.", "Remove them from where boto3 finds them."
        )
    return Finding.unchecked(
        check,
        f"boto3 has some from {found.provider}; {found.problem}",
        "Nothing, if the rights below are ok; an interface endpoint for STS would answer.",
    )


def _region(region: str | None, *, is_aws: bool) -> Finding:
    check = "region"
    if region:
        return Finding.ok(check, region)
    if not is_aws:
        return Finding.unchecked(check, "the lake is on an S3 of its own")
    return Finding.wrong(check, "none is set", "Set AWS_REGION, or lake.s3_region.", stops=False)
