"""Looks whether the buckets of a target are in its region: EMR Serverless reads scripts from no other one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from common.errors import LakejobsError, UsageError
from deploy.targets.clients import ask, client, is_absent
from deploy.targets.requests import s3_logs
from deploy.targets.target import EmrTarget


def check_buckets(target: EmrTarget, lakes: Iterable[str]) -> list[str]:
    """Sentences about buckets that may not be asked. Raises UsageError SUB-008 for one elsewhere, or missing."""
    s3 = client("s3", target.region)
    region = target.region or str(s3.meta.region_name)
    named = buckets_of(target, lakes)
    return [sentence for bucket, what in named.items() for sentence in check_bucket(s3, region, bucket, what[0])]


def buckets_of(target: EmrTarget, lakes: Iterable[str]) -> dict[str, list[str]]:
    """The buckets of a target -> what they are for: ``artifacts``, ``lake``, ``logs``."""
    logs = getattr(target, "logs", None)
    named = [
        ("artifacts", target.artifacts),
        *(("lake", lake) for lake in lakes),
        ("logs", s3_logs(target, logs.s3 if logs else None)),
    ]
    found: dict[str, list[str]] = {}
    for what, address in named:
        scheme, _, rest = address.partition("://")
        if scheme in ("s3", "s3a"):
            uses = found.setdefault(rest.partition("/")[0], [])
            uses += [] if what in uses else [what]
    return found


def check_bucket(s3: Any, region: str, bucket: str, what: str) -> list[str]:
    """As ``check_buckets``, of one bucket and what it is for."""
    unseen = []
    try:
        found = ask(s3, "head_bucket", Bucket=bucket).get("BucketRegion")
    except LakejobsError as error:
        if is_absent(error.__cause__):
            raise UsageError(
                "SUB-008", f"There is no bucket {bucket}.", remedy=f"Correct {what} of the target, or create it."
            ) from error
        # S3 answers a wrong region with a redirection, and 403 to whoever has no right to list.
        headers = getattr(error.__cause__, "response", {}).get("ResponseMetadata", {}).get("HTTPHeaders", {})
        found = headers.get("x-amz-bucket-region")
        if not found:
            unseen.append(f"the region of the bucket {bucket} ({error.code})")
    if found and found != region:
        raise UsageError(
            "SUB-008",
            f"The bucket {bucket} is in {found}, the target in {region}.",
            remedy=f"Use a bucket in {region} for {what}, or correct region: of the target.",
        )
    return unseen
