"""Trust policies: who may take the role of a job."""

from __future__ import annotations

import re
from typing import Any

from common.errors import UsageError
from deploy.policies.place import partition_of
from deploy.policies.statements import VERSION, Policy

KINDS = ("emr-ec2", "emr-step", "emr-serverless", "emr-eks")

_APPLICATION = re.compile(r"^[0-9a-z]{1,64}$")
_ROLE_ARN = re.compile(r"^arn:aws[a-z-]*:iam::\d{12}:role/[A-Za-z0-9+=,.@_/-]+$")
_ROLE_NAME = re.compile(r"^[A-Za-z0-9+=,.@_-]{1,64}$")
_OIDC = re.compile(r"^oidc\.eks\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/id/[A-Z0-9]+$")
_NAMESPACE = re.compile(r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def instance_profile_trust() -> Policy:
    """The nodes of a cluster take the role of its instance profile."""
    return _policy({"Service": "ec2.amazonaws.com"}, ["sts:AssumeRole"])


def step_trust(instance_profile_role: str) -> Policy:
    """A step's runtime role is taken by the role of the cluster's instance profile, given by its ARN.

    The cluster needs a security configuration with EnableApplicationScopedIAMRole. Raises UsageError IAM-004.
    """
    role = _checked(_ROLE_ARN, "--instance-profile-role", instance_profile_role, "the ARN of a role")
    return _policy({"AWS": role}, ["sts:AssumeRole", "sts:TagSession"])


def serverless_trust(region: str, account: str, application: str) -> Policy:
    """EMR Serverless takes the role, for one application of this account only. Raises UsageError IAM-004."""
    found = _checked(_APPLICATION, "--application-id", application, "the id of the application")
    arn = f"arn:{partition_of(region)}:emr-serverless:{region}:{account}:/applications/{found}"
    condition = {"StringEquals": {"aws:SourceAccount": account}, "ArnLike": {"aws:SourceArn": f"{arn}*"}}
    return _policy({"Service": "emr-serverless.amazonaws.com"}, ["sts:AssumeRole"], condition)


def eks_trust(region: str, account: str, oidc_provider: str, namespace: str, role_name: str) -> Policy:
    """Pods of EMR on EKS take the role by the OIDC provider of the EKS cluster, for one namespace and this role alone.

    ``oidc_provider`` is the issuer without https://. The names of the service accounts hold the role's name in base 36:
    see `aws emr-containers update-role-trust-policy help`. Raises UsageError IAM-004.
    """
    issuer = _checked(_OIDC, "--oidc-provider", oidc_provider.removeprefix("https://"), "the issuer of the EKS cluster")
    space = _checked(_NAMESPACE, "--namespace", namespace, "the Kubernetes namespace of the virtual cluster")
    name = _checked(_ROLE_NAME, "--role-name", role_name, "the name of the job's role")
    subject = f"system:serviceaccount:{space}:emr-containers-sa-*-*-{account}-{base36(name)}"
    federated = f"arn:{partition_of(region)}:iam::{account}:oidc-provider/{issuer}"
    conditions = {
        "StringEquals": {f"{issuer}:aud": "sts.amazonaws.com"},
        "StringLike": {f"{issuer}:sub": subject},
    }
    return _policy({"Federated": federated}, ["sts:AssumeRoleWithWebIdentity"], conditions)


def base36(text: str) -> str:
    """The bytes of a text, read as one number, in base 36: how EMR on EKS writes the name of a role."""
    number, digits = int.from_bytes(text.encode("ascii"), "big"), ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"


def _policy(principal: dict[str, str], actions: list[str], condition: dict[str, Any] | None = None) -> Policy:
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": principal, "Action": actions}
    if condition:
        statement["Condition"] = condition
    return {"Version": VERSION, "Statement": [statement]}


def _checked(pattern: re.Pattern[str], flag: str, text: str, wanted: str) -> str:
    if not text:
        raise UsageError("IAM-004", f"This trust policy needs {flag}.", remedy=f"Add {flag}: {wanted}.")
    if not pattern.match(text):
        raise UsageError("IAM-004", f"{flag} {text!r} cannot stand in a trust policy.", remedy=f"Give {wanted}.")
    return text
