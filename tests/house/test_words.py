"""Plain English in what people read: docs, help, errors, reports and logs."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

REPOSITORY = Path(__file__).resolve().parents[2]
# Habits of translated English, and what to write instead.
FOREIGN = {
    r"\btold\b": "reported, described, given: say what happens",
    r"\banew\b": "again, or rebuild",
    r"\bwhoever\b": "anyone who",
    r"\bunless said\b": "by default",
    r"\ba row a (line|series|file|day)\b": "one row per line",
    r"\bone (row|entry|line|file|folder|model|flow|section|object) an? \w+": "one row per line",
    r"\bcannot be had\b": "could not be read",
    r"\bjob broke\b": "the job failed",
    r"\bsaid no\b": "refused, failed",
    r"\bgave up for now\b": "failed for now",
    r"\bis no (number|family|JSON)\b": "is not a number",
    r"\b(mend|mended)\b": "correct, repair",
}


def foreign_words(text: str) -> list[str]:
    return [found.group(0) for pattern in FOREIGN for found in re.finditer(pattern, text)]


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return [REPOSITORY / name for name in listed if (REPOSITORY / name).is_file()]


def texts_of(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and text of every string in a module, f-strings in pieces, docstrings included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def names_of(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and name of every function, class and parameter in a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg


def test_docs_use_plain_english() -> None:
    pages = tracked("README.md", "docs/*.md", "samples/*.md")
    assert len(pages) > 10
    offenders = [
        f"{path.relative_to(REPOSITORY)}:{number} {words}"
        for path in pages
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if (words := foreign_words(line))
    ]
    assert offenders == []


def test_help_errors_reports_and_logs_use_plain_english() -> None:
    offenders = []
    for path in tracked("common/*.py", "jobs/*.py", "deploy/*.py"):
        for line, text in texts_of(ast.parse(path.read_text(encoding="utf-8"))):
            offenders += [f"{path.relative_to(REPOSITORY)}:{line} {word}" for word in foreign_words(text)]
    assert offenders == []


def test_names_say_what_the_thing_is() -> None:
    vague = re.compile(r"(^|_)(told|anew|whoever|utils|helpers?|manager|stuff)(_|$)")
    offenders = [
        f"{path.relative_to(REPOSITORY)}:{line} {name}"
        for path in tracked("common/*.py", "jobs/*.py", "deploy/*.py")
        for line, name in names_of(ast.parse(path.read_text(encoding="utf-8")))
        if vague.search(name)
    ]
    assert offenders == []


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ("The secret X cannot be had.", ["cannot be had"]),
        ("One file, one row a line.", ["one row a line"]),
        ("warn: it is told", ["told"]),
        ("The secret X could not be read; one row per line.", []),
    ],
)
def test_the_check_knows_foreign_habits(sentence: str, found: list[str]) -> None:
    assert foreign_words(sentence) == found
