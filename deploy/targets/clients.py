"""The one place that makes clients of AWS for the laptop's commands, and that explains what a service refuses.

Credentials, and endpoints other than AWS's own (``AWS_ENDPOINT_URL_S3`` and the like), come from boto3's own settings.
"""

from __future__ import annotations

import re
import threading
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, NoRegionError
from botocore.exceptions import ConnectionError as Unreachable

from common.causes import cause_of, cloud_code
from common.errors import LakejobsError, TransientError, UsageError

# boto3 makes clients in one thread at a time; the clients themselves may be shared.
_MAKING_CLIENTS = threading.Lock()
_LONGEST_MESSAGE = 400
_FOR_NOW = re.compile(
    r"Throttl|TooManyRequests|RequestLimitExceeded|SlowDown|ServiceUnavailable|InternalServer|InternalError|"
    r"InternalFailure|RequestTimeout|^5\d\d$"
)
_NO_RIGHT = re.compile(r"AccessDenied|Unauthorized|NotAuthorized|Forbidden|^403$")
_NOBODY = re.compile(
    r"ExpiredToken|InvalidAccessKeyId|InvalidClientTokenId|UnrecognizedClient|SignatureDoesNotMatch|MissingAuthentication"
)
_ABSENT = re.compile(r"NotFound|NoSuch|^404$")


def client(service: str, region: str | None = None, *, attempts: int = 5) -> Any:
    """A client of an AWS service that sends a throttled or broken request again, ``attempts`` times in all.

    ``region`` None stands for that of the AWS settings. Raises UsageError TGT-008 when there is none, or when the AWS
    settings cannot be read.
    """
    config = Config(
        retries={"mode": "standard", "total_max_attempts": attempts},
        connect_timeout=5,
        read_timeout=60,
        # Older S3-compatible servers know no trailing checksums.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    try:
        with _MAKING_CLIENTS:
            # The literal types of boto3's stubs name each service; which one it is depends on the target.
            make: Any = boto3.client
            return make(service, region_name=region, config=config)
    except NoRegionError as error:
        raise UsageError(
            "TGT-008",
            f"The region of {service} is not known.",
            remedy="Write region: into the target, or set AWS_REGION.",
        ) from error
    except BotoCoreError as error:
        raise UsageError(
            "TGT-008", "The AWS settings could not be read.", cause=cause_of(error), remedy="Check AWS_PROFILE."
        ) from error


def ask(service_client: Any, operation: str, **request: Any) -> Any:
    """The answer of a service to an operation by boto3's name, such as ``get_job_run``.

    Raises UsageError TGT-008 without credentials that the service knows, TGT-009 for a missing right, TGT-010 for
    another refusal, and TransientError TGT-011 when the service cannot be reached or asks for patience.
    """
    try:
        return getattr(service_client, operation)(**request)
    except (BotoCoreError, ClientError) as error:
        raise refusal(error, service_client.meta.service_model.service_name, operation) from error


def is_absent(error: BaseException | None) -> bool:
    """Whether a service says that there is no such thing."""
    return isinstance(error, ClientError) and _ABSENT.search(cloud_code(error)) is not None


def refusal(error: BotoCoreError | ClientError, service: str, operation: str) -> LakejobsError:
    """What a failed request means, with the code of the service and its own words."""
    what = f"{service} {operation}"
    if isinstance(error, ClientError):
        code = cloud_code(error) or "an error without a code"
        said = str(error.response.get("Error", {}).get("Message", ""))[:_LONGEST_MESSAGE]
        if _NOBODY.search(code):
            return UsageError(
                "TGT-008",
                f"{service} does not know these credentials ({code}).",
                remedy="Log in again: `aws sso login`.",
            )
        if _FOR_NOW.search(code):
            return TransientError(
                "TGT-011",
                f"{what} failed for now ({code}).",
                cause=said,
                remedy="Run the same command again: it is safe.",
            )
        if _NO_RIGHT.search(code):
            return UsageError(
                "TGT-009",
                f"A right is missing: {what} was denied ({code}).",
                cause=said,
                remedy="Allow it to your role.",
            )
        return UsageError(
            "TGT-010", f"{what} was refused ({code}).", cause=said, remedy="Correct the target or the flags."
        )
    if isinstance(error, Unreachable | HTTPClientError):
        return TransientError(
            "TGT-011",
            f"{service} could not be reached.",
            cause=cause_of(error),
            remedy="Check the network and the region, then run the same command again: it is safe.",
        )
    return UsageError(
        "TGT-008",
        f"No request to {service} could be sent.",
        cause=cause_of(error),
        remedy="Check the credentials: `aws sts get-caller-identity`.",
    )
