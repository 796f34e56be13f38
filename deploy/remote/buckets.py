"""Looks whether the buckets of a target are in its region: EMR Serverless reads scripts from no other one."""

from __future__ import annotations

from collections.abc import Iterable

from common.errors import LakejobsError, UsageError
from deploy.targets.clients import ask, client, is_absent
from deploy.targets.requests import s3_logs
from deploy.targets.target import EmrTarget


def check_buckets(target: EmrTarget, lakes: Iterable[str]) -> list[str]:
    """Sentences about buckets that may not be asked. Raises UsageError SUB-008 for one elsewhere, or missing."""
    unseen = []
    s3 = client("s3", target.region)
    region = target.region or str(s3.meta.region_name)
    logs = getattr(target, "logs", None)
    named = [
        ("artifacts", target.artifacts),
        *(("lake", lake) for lake in lakes),
        ("logs", s3_logs(target, logs.s3 if logs else None)),
    ]
    asked: set[str] = set()
    for what, address in named:
        scheme, _, rest = address.partition("://")
        bucket = rest.partition("/")[0]
        if scheme not in ("s3", "s3a") or bucket in asked:
            continue
        asked.add(bucket)
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
