"""Who this process is to AWS: where boto3 has its credentials from, and whose they are."""

from __future__ import annotations

from dataclasses import dataclass

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from common.causes import cause_of, cloud_code

_UNKNOWN = frozenset(
    ("ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "SignatureDoesNotMatch", "UnrecognizedClient")
)


@dataclass(frozen=True)
class Caller:
    """``provider`` is boto3's name for the source of the credentials, empty without any; ``arn`` whose they are.

    Without an ARN ``problem`` says why, and ``is_unknown`` whether AWS does not know the credentials at all.
    """

    provider: str
    arn: str = ""
    problem: str = ""
    is_unknown: bool = False


def caller(region: str | None, *, seconds: int = 5) -> Caller:
    """Asks STS once, for at most a few seconds: a private subnet need not have its endpoint. Never raises."""
    try:
        session = boto3.Session(region_name=region)
        credentials = session.get_credentials()
    except BotoCoreError as error:
        return Caller("", problem=cause_of(error))
    if credentials is None:
        return Caller("")
    config = Config(connect_timeout=seconds, read_timeout=seconds, retries={"total_max_attempts": 1})
    try:
        found = session.client("sts", config=config).get_caller_identity()
    except ClientError as error:
        code = cloud_code(error)
        return Caller(credentials.method, problem=f"STS answered {code}.", is_unknown=code in _UNKNOWN)
    except BotoCoreError as error:
        return Caller(credentials.method, problem=f"STS could not be asked: {cause_of(error)}")
    return Caller(credentials.method, arn=str(found["Arn"]))


def region_of_process() -> str | None:
    """The region that boto3 takes where none is given."""
    try:
        return boto3.Session().region_name
    except BotoCoreError:
        return None
