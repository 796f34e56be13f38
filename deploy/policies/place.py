"""The place that a policy is for: buckets and prefixes, account, key, secrets and logs, each checked before use."""

from __future__ import annotations

import re
from dataclasses import dataclass

from common.errors import UsageError

_LOCATION = re.compile(r"^s3[an]?://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?$", re.DOTALL)
_REGION = re.compile(r"^[a-z]{2}(-[a-z]+)+-\d$")
_ACCOUNT = re.compile(r"^\d{12}$")
_KEY = re.compile(r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+$")
# In a policy these stand for any text, or for a variable.
_SPECIAL = re.compile(r"[*?$]")
_GLOB = re.compile(r"[*?\[]")
_SECRET = re.compile(r"^[A-Za-z0-9/_+=.@-]+$")
_SECRET_ARN = re.compile(r"^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[A-Za-z0-9/_+=.@-]+$")
_LOG_GROUP = re.compile(r"^[A-Za-z0-9_./#-]{1,512}$")


@dataclass(frozen=True)
class Location:
    """A bucket and a prefix in it, without slashes at its ends; empty: the whole bucket."""

    bucket: str
    prefix: str

    def below(self, pattern: str) -> str:
        """The keys that a pattern below the prefix stands for."""
        return f"{self.prefix}/{pattern}" if self.prefix else pattern


@dataclass(frozen=True)
class Place:
    """Where jobs run. ``inputs`` are pairs of bucket and key pattern; ``glue`` puts tables in its catalogue.

    ``secrets`` are for jobs that make pseudonyms, ``lineage_token`` for every job.
    """

    lake: Location
    artefacts: Location
    region: str
    account: str
    key_arn: str = ""
    secrets: tuple[str, ...] = ()
    lineage_token: str = ""
    inputs: tuple[tuple[str, str], ...] = ()
    logs: Location | None = None
    event_logs: Location | None = None
    log_group: str = ""
    glue: bool = False

    @property
    def partition(self) -> str:
        """``aws``, or that of China or of a government Region."""
        return partition_of(self.region)

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource in this Region and account."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def objects(self, bucket: str, key: str) -> str:
        """The ARN of objects."""
        return f"arn:{self.partition}:s3:::{bucket}/{key}"


def partition_of(region: str) -> str:
    """The ARN partition of a Region."""
    return "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"


def location_of(flag: str, text: str, *, needs_prefix: bool = False) -> Location:
    """The location that a flag gives. Raises UsageError IAM-001 when it is not on S3, or holds a wildcard."""
    found = _LOCATION.match(text)
    prefix = (found.group(2) or "").strip("/") if found else ""
    if found is None or _SPECIAL.search(prefix) or (needs_prefix and not prefix):
        raise _refused(flag, text, "s3://bucket/prefix, without *, ? or $")
    return Location(found.group(1), prefix)


def input_of(text: str) -> tuple[str, ...]:
    """Bucket and key patterns of raw files, a source or a conf file; a pattern is cut at its first special character.

    Raises UsageError IAM-001 for a text that is not on S3.
    """
    found = _LOCATION.match(text)
    if found is None or "$" in text:
        raise _refused("--input", text, "s3://bucket/folder, or s3://bucket/folder/*.csv")
    key = (found.group(2) or "").strip("/")
    glob = _GLOB.search(key)
    if glob:
        return found.group(1), f"{key[: glob.start()]}*"
    return (found.group(1), key, f"{key}/*") if key else (found.group(1), "*")


def checked_region(text: str) -> str:
    """A Region such as us-east-1. Raises UsageError IAM-001."""
    return _matching(_REGION, "--region", text, "a Region such as us-east-1")


def checked_account(text: str) -> str:
    """An account id. Raises UsageError IAM-001."""
    return _matching(_ACCOUNT, "--account", text, "the twelve digits of an account")


def checked_key(text: str) -> str:
    """The ARN of a key. Raises UsageError IAM-001: an alias is no resource of a policy."""
    return _matching(_KEY, "--kms-key", text, "the ARN of a key, arn:aws:kms:REGION:ACCOUNT:key/ID, no alias")


def checked_secret(text: str, flag: str = "--secret") -> str:
    """The name or ARN of a secret. Raises UsageError IAM-001."""
    pattern = _SECRET_ARN if text.startswith("arn:") else _SECRET
    return _matching(pattern, flag, text.removeprefix("secret://aws/"), "the name or the ARN of a secret")


def checked_log_group(text: str) -> str:
    """The name of a log group. Raises UsageError IAM-001."""
    return _matching(_LOG_GROUP, "--log-group", text, "the name of a log group, such as /lakejobs/prod")


def _matching(pattern: re.Pattern[str], flag: str, text: str, wanted: str) -> str:
    if not pattern.match(text):
        raise _refused(flag, text, wanted)
    return text


def _refused(flag: str, text: str, wanted: str) -> UsageError:
    return UsageError("IAM-001", f"{flag} {text!r} cannot stand in a policy.", remedy=f"Give {wanted}.")
