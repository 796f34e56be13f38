"""Words that a platform would swallow or change on their way to the job."""

from __future__ import annotations

from collections.abc import Sequence

from common.errors import UsageError

_MOST_CHARACTERS_OF_A_STEP = 10_240

# YARN replaces these in the command of every container: an opening of a variable, its end, a separator of paths.
_YARN_MARKS = ("{{", "}}", "<CPS>")
# Kubernetes expands $(NAME) in the words of a container, and makes $$ into $.
_KUBERNETES_MARKS = ("$(", "$$")


def check_yarn_words(words: Sequence[str]) -> None:
    """Raises UsageError TGT-005 for a word that YARN would change."""
    _refuse_marks(words, _YARN_MARKS, "YARN replaces it in the command of a container")


def check_step_words(words: Sequence[str]) -> None:
    """Raises UsageError TGT-005 for a word that command-runner.jar drops, or that YARN would change.

    PKG-011 for more characters than a step takes.
    """
    if any(not word.strip() for word in words):
        raise UsageError(
            "TGT-005",
            "An argument is empty.",
            cause="command-runner.jar drops empty words, and every later word would move up.",
            remedy="Leave the flag out, or give it a value.",
        )
    length = sum(map(len, words))
    if length > _MOST_CHARACTERS_OF_A_STEP:
        raise UsageError(
            "PKG-011",
            f"emr would refuse this step: its words have {length:,} characters.",
            cause=f"A step takes {_MOST_CHARACTERS_OF_A_STEP:,}.",
            remedy="Write long values into a YAML file and name that with --conf-file s3://...",
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
