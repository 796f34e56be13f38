"""Runs packaged jobs one after another in one driver, up to the first that fails.

Each argument is a JSON list: the name of a job, then its command line. A job is run as its entry file is.
"""

from __future__ import annotations

import json
import runpy
import sys


def main(steps: list[str]) -> None:
    """Becomes each job in turn."""
    for step in steps:
        job, *arguments = json.loads(step)
        sys.argv = [job, *arguments]
        try:
            runpy.run_module(f"jobs.{job}", run_name="__main__", alter_sys=True)
        except SystemExit as ended:
            if ended.code:
                raise


if __name__ == "__main__":
    main(sys.argv[1:])
