"""The buckets and the log group of a target: where they are, how they keep what is put there, and for how long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from common.errors import UsageError
from common.run.findings import Finding
from deploy.remote.buckets import buckets_of, check_bucket
from deploy.targets.clients import ask, client, is_absent
from deploy.targets.requests import log_group
from deploy.targets.target import ClusterTarget, EksTarget, EmrTarget, ServerlessTarget

Asked = Callable[[str, Callable[[], list[str]], str], Finding]


def bucket_findings(target: EmrTarget, lake: str, asked: Asked) -> Iterator[Finding]:
    """Lines on region and encryption of each bucket, and on old versions and unfinished uploads in that of the lake."""
    s3 = client("s3", target.region)
    region = target.region or str(s3.meta.region_name)
    for bucket, what in buckets_of(target, [lake]).items():
        where = f"of {', '.join(what)}, in {region}"
        yield asked(f"bucket {bucket}", partial(check_bucket, s3, region, bucket, what[0]), where)
        yield _encryption(s3, bucket, asked)
        if "lake" in what:
            yield _lifecycle(s3, bucket, asked)


def _encryption(s3: Any, bucket: str, asked: Asked) -> Finding:
    check, said = f"encryption of {bucket}", list[str]()

    def look() -> list[str]:
        rules = ask(s3, "get_bucket_encryption", Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
        for rule in rules:
            default = rule.get("ApplyServerSideEncryptionByDefault") or {}
            said.append(" ".join(filter(None, (default.get("SSEAlgorithm"), default.get("KMSMasterKeyID")))))
        return []

    found = _never_stops(asked(check, look, ""))
    return Finding.ok(check, ", ".join(said)) if said else found


def _lifecycle(s3: Any, bucket: str, asked: Asked) -> Finding:
    check, lacking = f"lifecycle of {bucket}", list[str]()

    def look() -> list[str]:
        versioned = ask(s3, "get_bucket_versioning", Bucket=bucket).get("Status") == "Enabled"
        rules = [rule for rule in _rules(s3, bucket) if rule.get("Status") == "Enabled"]
        if versioned and not any("NoncurrentVersionExpiration" in rule for rule in rules):
            lacking.append("versions of deleted files stay for ever")
        if not any("AbortIncompleteMultipartUpload" in rule for rule in rules):
            lacking.append("unfinished uploads stay for ever")
        return []

    found = _never_stops(asked(check, look, "old versions and unfinished uploads go by themselves"))
    if not lacking:
        return found
    remedy = "Add rules to the bucket, as `lakejobs infra bucket` has them: what nobody can see costs money."
    return Finding.wrong(check, "; ".join(lacking), remedy, stops=False)


def _rules(s3: Any, bucket: str) -> list[dict[str, Any]]:
    try:
        rules: list[dict[str, Any]] = ask(s3, "get_bucket_lifecycle_configuration", Bucket=bucket)["Rules"]
    except UsageError as error:
        if is_absent(error.__cause__):
            return []
        raise
    return rules


def log_group_finding(target: EmrTarget, name: str, asked: Asked) -> Iterator[Finding]:
    """A line on the log group of a run, where it has one."""
    group = log_group(target, name) if isinstance(target, ServerlessTarget | EksTarget | ClusterTarget) else ""
    if not group:
        return

    def look() -> list[str]:
        logs = client("logs", target.region)
        there = ask(logs, "describe_log_groups", logGroupNamePrefix=group)["logGroups"]
        if group not in [one["logGroupName"] for one in there]:
            raise UsageError(
                "SUB-011",
                f"There is no log group {group}.",
                remedy="`lakejobs infra logs` makes one; or logs.cloudwatch of the target names another, or off.",
            )
        return []

    yield _never_stops(asked("log group", look, group))


def _never_stops(found: Finding) -> Finding:
    return replace(found, stops=False)
