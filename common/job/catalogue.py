"""Which families and jobs the installed suite holds, found without importing them."""

from __future__ import annotations

import importlib
import re
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from common.config.params import Params
    from common.job.declaration import Job

_RUNS_A_JOB = re.compile(r"^if __name__ == .__main__.:\s*\n\s+sys\.exit\(run_job\(", re.MULTILINE)


def runs_a_job(source: str) -> bool:
    """Whether the text of a module ends by running a job: an entry file does."""
    return _RUNS_A_JOB.search(source) is not None


def families() -> list[str]:
    """The names of the job families, sorted."""
    found = [folder.name for folder in resources.files("jobs").iterdir() if (folder / "__init__.py").is_file()]
    return sorted(found)


def job_names(family: str) -> list[str]:
    """The jobs of a family sorted: the modules whose last lines run a job; none of an unknown family."""
    folder = resources.files("jobs") / family
    if not folder.is_dir():
        return []
    files = [file for file in folder.iterdir() if file.name.endswith(".py")]
    return sorted(file.name.removesuffix(".py") for file in files if runs_a_job(file.read_text(encoding="utf-8")))


def load_job(family: str, name: str) -> Job:
    """The declaration (``JOB``) of one entry module."""
    job: Job = importlib.import_module(f"jobs.{family}.{name}").JOB
    return job


def params_of(family: str, name: str) -> type[Params]:
    """The parameters of one job; its entry module imports no PySpark."""
    return load_job(family, name).params
