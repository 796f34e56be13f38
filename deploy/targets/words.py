"""Words that a platform would swallow or change on their way to the job."""

from __future__ import annotations

from collections.abc import Sequence

from common.errors import UsageError

# YARN replaces these in the command of every container: an opening of a variable, its end, a separator of paths.
_YARN_MARKS = ("{{", "}}", "<CPS>")
# Kubernetes expands $(NAME) in the words of a container, and makes $$ into $.
_KUBERNETES_MARKS = ("$(", "$$")


def check_yarn_words(words: Sequence[str]) -> None:
    """Raises UsageError TGT-005 for a word that YARN would change."""
    _refuse_marks(words, _YARN_MARKS, "YARN replaces it in the command of a container")


def check_step_words(words: Sequence[str]) -> None:
    """Raises UsageError TGT-005 for a word that command-runner.jar drops, or that YARN would change."""
    if any(not word.strip() for word in words):
        raise UsageError(
            "TGT-005",
            "An argument is empty.",
            cause="command-runner.jar drops empty words, and every later word would move up.",
            remedy="Leave the flag out, or give it a value.",
        )
    check_yarn_words(words)


def check_kubernetes_words(words: Sequence[str]) -> None:
    """Raises UsageError TGT-005 for a word that Kubernetes would change."""
    _refuse_marks(words, _KUBERNETES_MARKS, "Kubernetes replaces it in the command of a container")


def _refuse_marks(words: Sequence[str], marks: Sequence[str], why: str) -> None:
    for word in words:
        for mark in marks:
            if mark in word:
                raise UsageError(
                    "TGT-005",
                    f"An argument holds '{mark}', which would not reach the job.",
                    cause=f"{why}. It is part of {word.partition('=')[0] if word.startswith('--') else 'a value'}.",
                    remedy="Write the value into a YAML file and name that with --conf-file s3://...",
                )
