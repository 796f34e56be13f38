"""What the tests of sending and watching share: a build, targets, a stand-in for the service, a lake in a folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_serverless import FakeServerless

from deploy.cli import main
from deploy.package.build import Package, build

_ENVIRONMENT = "environment-default-x86_64-0123456789ab.tar.gz"


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """A build with a stand-in for the dependency archive."""
    folder = tmp_path_factory.mktemp("build")
    (folder / _ENVIRONMENT).write_bytes(b"")
    return build(folder / "dist", [folder / _ENVIRONMENT])


@pytest.fixture
def emr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeServerless:
    """The service; the lake of its target is a folder, as one that every node mounts."""
    (tmp_path / "targets.yaml").write_text(
        "night:\n  kind: emr-serverless\n  application_id: 00example\n  region: eu-west-1\n"
        "  role_arn: arn:aws:iam::000000000000:role/example\n  artifacts: s3://example-artifacts/lakejobs\n"
        f"  env: prod\n  lake: {tmp_path / 'lake'}\n",
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    service = FakeServerless()
    monkeypatch.setattr("deploy.remote.services.client", lambda *_, **__: service)
    # What is asked before sending has tests of its own.
    monkeypatch.setattr("deploy.remote.submit.check_before", lambda *_: [])
    return service


@pytest.fixture
def lakejobs(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs the command: exit code, standard output, standard error."""

    def run(*words: str) -> tuple[int, str, str]:
        code = main(list(words))
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


@pytest.fixture
def submit(dist: Package, lakejobs: Callable[..., tuple[int, str, str]]) -> Callable[..., tuple[int, str, str]]:
    """``lakejobs submit`` of one day of sessions, with more flags of its own."""

    def run(*more: str, job: str = "clickstream.sessionise", arguments=("--day", "2026-11-20")) -> tuple[int, str, str]:
        manifest = ["--manifest", str(dist.folder / "manifest.json")]
        shared = ["--set", "lake.shared_folder=true"]
        return lakejobs("submit", job, "--target", "night", *manifest, *more, "--", *shared, *arguments)

    return run


@pytest.fixture
def record(tmp_path: Path) -> Callable[..., None]:
    """Leaves the record of a run in the lake."""

    def leave(run_id: str, status: str, exit_code: int | None, **more: Any) -> None:
        path = tmp_path / "lake" / "runs" / "clickstream" / "sessionise" / f"{run_id}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        times = {"started_at": "2026-11-20T23:00:00.000Z", "ended_at": "2026-11-20T23:10:00.000Z"}
        path.write_text(
            json.dumps({"status": status, "exit_code": exit_code, "attempt": 1, "error": None, **times, **more}),
            encoding="utf-8",
        )

    return leave
