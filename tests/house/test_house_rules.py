"""The rules of the house that no off-the-shelf tool checks."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGES = ("common", "jobs", "conf", "deploy")
SHIPPED = ("common", "jobs", "conf")
MAX_LINES = 300
# Of a room's files these are the edge, the others are pure steps.
EDGE = {"body", "labels_body", "check", "report", "params", "tables", "__init__"}
# Parts of bodies: they take a run's context or lake, or bring a few summary rows to the driver for a report.
PARTS_OF_BODIES = {
    *("clickstream/sessions/gap_sensitivity", "fraud/evaluation/figures", "fraud/scoring/registry"),
    "forecast/planning/figures",
    *("maintenance/upkeep/retention", "maintenance/examination/storage", "maintenance/examination/workers"),
    *("forecast/regressors/inputs", "forecast/orders/supply_report", "forecast/replays/details"),
    "forecast/analogies/cold",
}
IMPURE_ATTRIBUTES = {"write", "writeTo", "saveAsTable", "toPandas", "collect", "toLocalIterator", "now", "today"}
IMPURE_FUNCTIONS = {"rand", "randn", "uuid", "current_timestamp", "current_date", "monotonically_increasing_id"}


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return [REPOSITORY / name for name in listed if (REPOSITORY / name).is_file()]


def modules(*packages: str) -> list[Path]:
    return [path for package in packages for path in tracked(f"{package}/*.py", f"{package}/**/*.py")]


def names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(REPOSITORY)) for path in paths]


def module_level_calls(tree: ast.Module) -> Iterator[ast.Call]:
    """Calls that run at import: everything outside function bodies."""
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.Call):
            yield node
        waiting.extend(ast.iter_child_nodes(node))


def test_the_walk_finds_the_modules_it_is_meant_to_check() -> None:
    found = names(modules(*PACKAGES))
    assert {"common/errors.py", "common/lake/table.py", "deploy/laptop/jars.py"} <= set(found)


def test_no_file_is_longer_than_300_lines() -> None:
    paths = [*modules(*PACKAGES), *tracked("tests/*.py", "tests/**/*.py", "benchmarks/*.py")]
    too_long = [path for path in paths if len(path.read_text(encoding="utf-8").splitlines()) > MAX_LINES]
    assert names(too_long) == []


def test_every_packaged_folder_is_a_package_and_no_test_folder_is() -> None:
    folders = {path.parent for path in tracked(*(f"{package}/**" for package in SHIPPED))}
    assert names([folder for folder in sorted(folders) if not (folder / "__init__.py").is_file()]) == []
    assert names(tracked("tests/**/__init__.py", "tests/__init__.py")) == []


def test_no_job_module_bears_the_name_of_a_standard_or_installed_module() -> None:
    installed = {
        name.split("/")[0].removesuffix(".py")
        for files in (distribution.files or [] for distribution in importlib.metadata.distributions())
        for name in (str(file) for file in files)
        if name.endswith(".py")
    }
    taken = installed | set(sys.stdlib_module_names)
    clashing = [path for path in modules("jobs") if path.stem != "__init__" and path.stem in taken]
    assert names(clashing) == []


def test_no_column_window_or_session_is_built_at_import() -> None:
    offenders = []
    for path in modules(*SHIPPED):
        for call in module_level_calls(ast.parse(path.read_text(encoding="utf-8"))):
            text = ast.unparse(call.func)
            if re.match(r"(F|functions|Window|SparkSession|sf)\.", text):
                offenders.append(f"{path.relative_to(REPOSITORY)}:{call.lineno} {text}")
    assert offenders == []


def test_only_the_session_module_makes_a_spark_session() -> None:
    makers = [path for path in modules(*SHIPPED) if re.search(r"SparkSession\s*\.\s*builder", path.read_text())]
    assert names(makers) == ["common/spark/session.py"]


def impure_uses(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and name of each attribute in a module that reads, writes, collects, or asks clock or chance."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute):
            continue
        owner = ast.unparse(node.value)
        is_function = owner in {"F", "functions", "sf"} and node.attr in IMPURE_FUNCTIONS | {"now"}
        is_frame = owner not in {"F", "functions", "sf"} and node.attr in IMPURE_ATTRIBUTES
        if is_function or is_frame or ast.unparse(node) in {"time.time", "spark.read"}:
            yield node.lineno, ast.unparse(node)


def test_steps_know_no_storage_clock_or_chance() -> None:
    """Bodies, their named parts, reports and entries are the edge; all else in a family is made of pure steps."""
    offenders = []
    for path in modules("jobs"):
        inner = path.relative_to(REPOSITORY / "jobs")
        is_entry = "run_job(JOB" in path.read_text(encoding="utf-8")
        if is_entry or path.stem in EDGE or inner.with_suffix("").as_posix() in PARTS_OF_BODIES:
            continue
        for line, text in impure_uses(ast.parse(path.read_text(encoding="utf-8"))):
            offenders.append(f"{path.relative_to(REPOSITORY)}:{line} {text}")
    assert offenders == []


def imports_of(path: Path, known: set[str]) -> set[str]:
    """The modules of the house that a module imports, anywhere in it and for whatever purpose."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in known else node.module)
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found & known


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Imports inside functions and for type checking count: a circle is one whoever sees it."""
    paths = {
        ".".join(path.relative_to(REPOSITORY).with_suffix("").parts).removesuffix(".__init__"): path
        for path in modules("common", "jobs", "deploy")
    }
    graph = {name: imports_of(path, set(paths)) for name, path in paths.items()}
    sorter = TopologicalSorter(graph)
    try:
        sorter.prepare()
    except CycleError as circle:
        pytest.fail(f"a circle: {' <- '.join(circle.args[1])}")


def test_a_folder_holds_fewer_than_20_modules() -> None:
    folders = Counter(path.parent for path in modules("common", "jobs", "deploy") if path.stem != "__init__")
    assert {str(folder.relative_to(REPOSITORY)): n for folder, n in folders.items() if n >= 20} == {}


def test_the_files_that_make_a_folder_a_package_are_empty() -> None:
    """So that one import brings one module: ``--help`` and ``--plan`` answer at once."""
    full = [
        path for path in modules("common", "jobs", "deploy") if path.stem == "__init__" and path.read_text().strip()
    ]
    assert names(full) == ["common/__init__.py"]


def test_configuration_is_read_through_importlib_resources_only() -> None:
    offenders = [path for path in modules("common", "jobs") if "__file__" in path.read_text(encoding="utf-8")]
    assert names(offenders) == []


def test_locks_are_hash_pinned_and_carry_no_addresses() -> None:
    for lock in tracked("requirements/*.txt", "bootstrap/*.txt"):
        text = lock.read_text(encoding="utf-8")
        pinned = re.findall(r"^[A-Za-z0-9_.\-\[\]]+==\S+ ?\\?$", text, flags=re.MULTILINE)
        requirements = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
        assert len(pinned) == len(requirements), lock.name
        assert text.count("--hash=sha256:") >= len(pinned), lock.name
        assert "://" not in text, lock.name
        assert "index-url" not in text, lock.name


def test_no_machine_path_or_secret_is_committed() -> None:
    machine = re.compile(
        "|".join(
            [
                r"/ro" + r"ot/",
                r"/wo" + r"rk/",
                r"/ho" + r"me/(?!hadoop)",
                r"AKIA[0-9A-Z]{16}",
                r"-----BEGIN [A-Z ]*PRIVATE KEY",
            ]
        )
    )
    offenders = []
    for path in tracked("*"):
        if path.suffix in {".gz", ".parquet", ".png"} or path.name == "LICENSE":
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
            if machine.search(line):
                offenders.append(f"{path.relative_to(REPOSITORY)}:{number}")
    assert offenders == []


def test_every_error_code_in_the_code_is_explained_in_the_docs() -> None:
    pattern = re.compile(r"\"([A-Z]{3}-\d{3})\"")
    used = {code for path in modules("common", "jobs") for code in pattern.findall(path.read_text(encoding="utf-8"))}
    explained = set(re.findall(r"\b[A-Z]{3}-\d{3}\b", (REPOSITORY / "docs" / "errors.md").read_text(encoding="utf-8")))
    assert sorted(used - explained) == []


def test_pages_name_files_and_folders_that_exist() -> None:
    named = re.compile(r"`((?:bootstrap|common|conf|deploy|jobs|tests|unit|flows|faults|engines|house)/[\w./-]*)`")
    offenders = []
    for page in tracked("README.md", "docs/*.md"):
        roots = (REPOSITORY, REPOSITORY / "tests") if page.name == "testing.md" else (REPOSITORY,)
        # The job shown there is written by whoever follows the page.
        text, _, _ = page.read_text(encoding="utf-8").partition("\n## Add a job")
        for path in named.findall(text):
            if not any((root / path).exists() for root in roots):
                offenders.append(f"{page.name}: {path}")
    assert offenders == []
