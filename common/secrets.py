"""Fetches secrets that settings only refer to; values are never stored, logged or printed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from common.causes import cause_of
from common.errors import UsageError

SCHEME = "secret://"


def is_reference(text: str) -> bool:
    """Whether a setting refers to a secret."""
    return text.startswith(SCHEME)


def reveal(reference: str, *, region: str | None = None) -> str:
    """The secret behind ``secret://env/NAME``, ``secret://file/PATH`` or ``secret://aws/NAME`` (Secrets Manager).

    One trailing newline of a file is dropped. Raises UsageError SEC-001 when it is missing, SEC-002 if malformed;
    the message names the reference, never a value.
    """
    kind, _, name = reference.removeprefix(SCHEME).partition("/")
    if not is_reference(reference) or kind not in ("env", "file", "aws") or not name:
        raise UsageError(
            "SEC-002",
            "A secret reference is malformed.",
            remedy="Write secret://env/NAME, secret://file/PATH or secret://aws/NAME.",
        )
    value = _of_environment(name) if kind == "env" else _of_file(name) if kind == "file" else _of_aws(name, region)
    if not value:
        raise _missing(reference, "it is empty")
    return value


def revealed(values: Mapping[str, str], *, region: str | None = None) -> dict[str, str]:
    """``values`` with every reference replaced by its secret, e.g. for Spark settings that must hold one."""
    return {key: reveal(value, region=region) if is_reference(value) else value for key, value in values.items()}


def _missing(reference: str, cause: str) -> UsageError:
    return UsageError(
        "SEC-001",
        f"The secret {reference} could not be read.",
        cause=cause,
        remedy="Provide it where the reference points, or change the reference in the settings.",
    )


def _of_environment(name: str) -> str:
    if name not in os.environ:
        raise _missing(f"{SCHEME}env/{name}", "the environment variable is not set")
    return os.environ[name]


def _of_file(name: str) -> str:
    # secret://file//run/secrets/key is the absolute path /run/secrets/key.
    try:
        return Path(name).read_text(encoding="utf-8").removesuffix("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise _missing(f"{SCHEME}file/{name}", type(error).__name__) from None


def _of_aws(name: str, region: str | None) -> str:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer = boto3.client("secretsmanager", region_name=region).get_secret_value(SecretId=name)
    except (BotoCoreError, ClientError) as error:
        raise _missing(f"{SCHEME}aws/{name}", cause_of(error)) from None
    return str(answer["SecretString"])
