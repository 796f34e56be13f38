"""The part of docs/sources.md that lists every canonical column; ``python -m deploy.feeds.columns`` writes it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path

from pyspark.sql.types import ArrayType, StructField, StructType

from deploy.feeds.targets import JOBS, Target, target_of

_BEGIN = "<!-- Made by python -m deploy.feeds.columns of the declarations of the ingests: edit these. -->\n"
_END = "<!-- End of what is made. -->\n"
PAGE = Path(__file__).resolve().parents[2] / "docs/sources.md"


def with_columns(page: str) -> str:
    """The page with its list of columns as the code has it. Raises ValueError when it has no place for it."""
    before, begin, rest = page.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not (begin and end):
        raise ValueError("docs/sources.md has no place for the columns")
    return before + begin + "".join(f"\n{_section(target_of(job))}" for job in JOBS) + "\n" + end + after


def _section(target: Target) -> str:
    lines = [f"### {target.job}", "", f"At least {_least(target.required)}.", ""]
    lines += ["| column | type | meaning |", "| --- | --- | --- |"]
    typed = _typed_later(target)
    lines += [
        f"| `{field.name}` | {_type_of(typed.get(field.name, field))} | {field.metadata['comment']} |"
        for field in target.schema
    ]
    return "\n".join(lines) + "\n"


def _least(groups: Sequence[tuple[str, ...]]) -> str:
    choices = [tuple(dict.fromkeys(names)) for names in zip(*groups, strict=False)]
    if len(groups) > 1 and sorted(groups) == sorted(product(*choices)):
        return ", ".join(_listed(names) if len(names) == 1 else f"one of {_listed(names)}" for names in choices)
    return ", or ".join(_listed(group) for group in groups)


def _listed(names: Sequence[str]) -> str:
    return " ".join(f"`{name}`" for name in names)


def _typed_later(target: Target) -> dict[str, StructField]:
    """Events are mapped as text: what becomes of it is in their table."""
    if target.job != "clickstream.ingest":
        return {}
    from jobs.clickstream.events.tables import EVENTS

    return {field.name: field for field in EVENTS.schema}


def _type_of(field: StructField) -> str:
    kind = field.dataType
    if isinstance(kind, ArrayType) and isinstance(kind.elementType, StructType):
        return f"array of {', '.join(f'`{name}`' for name in kind.elementType.names)}"
    return kind.simpleString().replace("string", "text")


if __name__ == "__main__":
    PAGE.write_text(with_columns(PAGE.read_text("utf-8")), "utf-8")
