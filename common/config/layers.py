"""The files that settings come from: packaged ones with a section per environment, and conf files from outside."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel, ValidationError

from common.causes import cause_of
from common.config.entries import Entry, mapping, overlay, parse_yaml
from common.config.explain import unknown_names_error
from common.config.lake_settings import LakeSettings
from common.errors import UsageError
from common.words import did_you_mean


class Suite(Protocol):
    """The families, jobs and parameters that settings may name; ``common.job.catalogue`` is one."""

    def families(self) -> list[str]:
        """The names of all families."""
        ...

    def job_names(self, family: str) -> list[str]:
        """The jobs of a family."""
        ...

    def params_of(self, family: str, name: str) -> type[BaseModel]:
        """The parameters of a job."""
        ...


class Layers:
    """Reads ``lake.yaml``, ``<family>.yaml`` and conf files as one tree ``{lake: .., family: {job: ..}}``.

    Without a ``suite`` no family and job is known but those of the run.
    """

    def __init__(self, folder: Traversable, family: str, job: str, suite: Suite | None = None) -> None:
        self._folder = folder
        self._family = family
        self._job = job
        self._suite = suite

    def packaged(self, env: str) -> Entry:
        """The default section, the one of ``env`` over it. Raises UsageError CFG-004 for an unknown environment."""
        files = {name: self._read(name) for name in ("lake", self._family)}
        self._check_environment(env, files)
        tree = mapping()
        for section in ("default", env):
            for name, file in files.items():
                part = file.at(section)
                if part is None or part.value is None:
                    continue
                self._check_jobs(name, part)
                tree = overlay(tree, mapping({name: part.labelled(f"conf/{name}.yaml [{section}]")}))
        return tree

    def conf_file(
        self, address: str, settings: LakeSettings, fetch: Callable[[str, LakeSettings], str] | None
    ) -> Entry:
        """A file from outside: ``lake:`` and one mapping per family, without environment sections.

        Raises UsageError CFG-005 when it cannot be read and CFG-002 for an unknown family, job, or parameter of another
        job; those of the run's own job are validated with all layers.
        """
        tree = parse_yaml(_text_of(address, settings, fetch), address)
        families = self._families()
        for name, part in _children(tree, address).items():
            if name not in families:
                raise UsageError(
                    "CFG-002",
                    f"'{name}' ({part.where}) is not a family.{did_you_mean(name, families)}",
                    remedy=f"The top-level keys of a conf file are {', '.join(sorted(families))}.",
                )
            if part.value is not None:
                self._check_jobs(name, part)
                self._check_parameters(name, part)
        kept = {name: part for name, part in _children(tree, address).items() if part.value is not None}
        return mapping(kept).labelled(address)

    def _read(self, name: str) -> Entry:
        file = self._folder / f"{name}.yaml"
        if not file.is_file():
            return mapping()
        entry = parse_yaml(file.read_text(encoding="utf-8"), f"conf/{name}.yaml")
        _children(entry, f"conf/{name}.yaml")
        return entry

    def _families(self) -> set[str]:
        # Not the names of the files in conf/: not all of them are families.
        return {*(self._suite.families() if self._suite else ()), "lake", self._family}

    def _jobs_of(self, family: str) -> set[str]:
        jobs = set(self._suite.job_names(family)) if self._suite else set()
        return jobs | {self._job} if family == self._family else jobs

    def _check_environment(self, env: str, files: dict[str, Entry]) -> None:
        sections = {section for name, file in files.items() for section in _children(file, name)}
        known = sorted((sections | {"local"}) - {"default"})
        if env not in known:
            raise UsageError(
                "CFG-004",
                f"There is no environment '{env}'.{did_you_mean(env, known)}",
                remedy=f"Known: {', '.join(known)}. A new one is a section of conf/lake.yaml.",
            )

    def _check_jobs(self, name: str, part: Entry) -> None:
        jobs = _children(part, part.where)
        if name == "lake":
            return
        known = self._jobs_of(name)
        for job, params in jobs.items():
            if job not in known:
                raise UsageError(
                    "CFG-002",
                    f"'{job}' ({params.where}) is not a job of {name}.{did_you_mean(job, known)}",
                    remedy=f"Known jobs: {', '.join(sorted(known))}.",
                )
            if params.value is not None:
                _children(params, params.where)

    def _check_parameters(self, name: str, part: Entry) -> None:
        """Refuse unknown names in sections of other jobs; their values are judged where the job runs."""
        if name == "lake" or self._suite is None:
            return
        for job, params in _children(part, part.where).items():
            if params.value is None or (name, job) == (self._family, self._job):
                continue
            model = self._suite.params_of(name, job)
            try:
                model.model_validate(params.plain())
            except ValidationError as error:
                unknown = unknown_names_error(error, model, f"{name}.{job}", params)
                if unknown is not None:
                    raise unknown from error


def _children(entry: Entry, name: str) -> dict[str, Entry]:
    if not isinstance(entry.value, dict):
        raise UsageError("CFG-001", f"{entry.where or name} must hold a mapping.", remedy="Write `name: value` lines.")
    return entry.value


def _text_of(address: str, settings: LakeSettings, fetch: Callable[[str, LakeSettings], str] | None) -> str:
    try:
        if "://" in address and not address.startswith("file://"):
            if fetch is None:
                raise OSError("only local files can be read")
            return fetch(address, settings)
        return Path(address.removeprefix("file://")).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            "CFG-005",
            f"The conf file {address} could not be read.",
            cause=cause_of(error),
            remedy="Give --conf-file a readable YAML file, local or s3://.",
        ) from error
