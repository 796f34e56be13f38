"""What the tests of the laptop's commands share."""

from __future__ import annotations

import pytest


@pytest.fixture
def s3_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are no credentials, and that is known at once."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    # What an earlier test has found is kept in the default session.
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
