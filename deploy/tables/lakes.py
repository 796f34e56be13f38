"""The lake that a command on a laptop looks at, and its Delta tables, opened without a JVM."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from common.causes import cause_of
from common.config.lake_settings import LakeSettings
from common.errors import InputMissingError, JobFailedError, LakejobsError, UsageError
from common.job.catalogue import load_job
from common.lake.delta.log_files import table_names
from common.lake.storage.objects import ObjectStore
from common.lake.storage.open import object_store
from common.run.context import Services
from common.run.flags import parse_flags
from common.run.settings import settings_of
from common.words import did_you_mean

if TYPE_CHECKING:
    from deltalake import DeltaTable


@dataclass(frozen=True)
class LookedAt:
    """A lake: its settings and its objects."""

    settings: LakeSettings
    objects: ObjectStore

    def paths(self) -> dict[str, str]:
        """Table name -> path below the root."""
        return table_names(self.objects)

    def open(self, name: str) -> DeltaTable:
        """A table by name. Raises InputMissingError TBL-001: there is none; the errors of ``readable``."""
        paths = self.paths()
        if name not in paths:
            raise InputMissingError(
                "TBL-001",
                f"There is no table '{name}' in this lake.{did_you_mean(name, paths)}",
                cause=f"The root is {self.objects.root}.",
                remedy="`lakejobs tables` lists the tables that are there.",
            )
        return self.open_path(paths[name])

    def open_path(self, path: str) -> DeltaTable:
        """The table at a path below the root."""
        delta = delta_library()
        root = self.objects.root
        with readable(path):
            opened: DeltaTable = delta.DeltaTable(
                f"{root}/{path}", storage_options=storage_options(self.settings) if root.startswith("s3://") else None
            )
        return opened


def add_lake_flags(parser: argparse.ArgumentParser) -> None:
    """The flags that say which lake is meant: those of every job."""
    parser.add_argument("--lake", metavar="ROOT", help="the lake root; only --env local has a default")
    add_settings_flags(parser)


def add_settings_flags(parser: argparse.ArgumentParser) -> None:
    """The flags that say how storage is reached."""
    parser.add_argument("--env", metavar="NAME", help="the section of conf that holds (default: local)")
    parser.add_argument("--conf-file", metavar="URI", action="append", default=[], help="one more YAML layer")


def lake_of(options: argparse.Namespace) -> LookedAt:
    """The lake of parsed flags, resolved as any job resolves them. Raises UsageError CFG-001 to CFG-008, LAK-001."""
    settings = settings_from(options)
    return LookedAt(settings, object_store(settings.root, settings))


def settings_from(options: argparse.Namespace) -> LakeSettings:
    """The settings of parsed flags, resolved as any job resolves them. Raises UsageError CFG-001 to CFG-008."""
    given = [(name, getattr(options, name, None)) for name in ("lake", "env")]
    words = [word for name, value in given if value for word in (f"--{name}", value)]
    words += [word for uri in options.conf_file for word in ("--conf-file", uri)]
    job = load_job("maintenance", "maintain")
    return settings_of(job, parse_flags(job, words), Services()).lake


def storage_options(settings: LakeSettings) -> dict[str, str]:
    """What the library needs to reach S3 as the jobs do, credentials from the provider chain of boto3 included."""
    import boto3

    session = boto3.Session()
    region = settings.s3_region or session.region_name or ("us-east-1" if settings.s3_endpoint_url else None)
    options = {"AWS_REGION": region, "AWS_ENDPOINT_URL": settings.s3_endpoint_url}
    if settings.s3_endpoint_url:
        options["AWS_ALLOW_HTTP"] = str(settings.s3_endpoint_url.startswith("http://")).lower()
        options["AWS_VIRTUAL_HOSTED_STYLE_REQUEST"] = str(not settings.s3_path_style).lower()
    found = session.get_credentials()
    if found is not None:
        keys = found.get_frozen_credentials()
        options |= {
            "AWS_ACCESS_KEY_ID": keys.access_key,
            "AWS_SECRET_ACCESS_KEY": keys.secret_key,
            "AWS_SESSION_TOKEN": keys.token,
        }
    return {name: value for name, value in options.items() if value}


def delta_library() -> Any:
    """The module ``deltalake``. Raises UsageError TBL-004 where it is not installed."""
    try:
        import deltalake
    except ImportError as error:
        raise missing_package("deltalake", "It reads Delta tables without a JVM.") from error
    return deltalake


def missing_package(name: str, why: str) -> UsageError:
    """The error for a package that only the laptop has."""
    return UsageError(
        "TBL-004",
        f"This command needs the package {name}.",
        cause=why,
        remedy="Install the suite with its extra: pip install 'lakejobs[laptop]'. In a checkout, run make setup.",
    )


@contextmanager
def readable(what: str) -> Iterator[None]:
    """Turns a fault of the library while a table is read into TBL-003, named by its first line."""
    try:
        yield
    except LakejobsError:
        raise
    except Exception as error:  # the library raises bare exceptions for what its engine met
        raise JobFailedError(
            "TBL-003",
            f"The table at {what} could not be read without Spark.",
            cause=first_line(error),
            remedy="If its log needs a feature that this reader does not know, read it with Spark.",
        ) from error


def first_line(error: BaseException) -> str:
    """The first line of an error's message, or its class where it has none."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else cause_of(error)


def parsed(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> argparse.Namespace:
    """The flags of a command; a fault is UsageError CLI-002 instead of an exit."""
    parser.error = _refuse  # type: ignore[method-assign]
    return parser.parse_args(list(arguments))


def _refuse(message: str) -> Any:
    raise UsageError("CLI-002", f"The command line is wrong: {message}.", remedy="See --help of the command.")
