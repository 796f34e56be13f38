"""Everything that lies below a lake root, as text: to look for what must not be there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from pyarrow import parquet


def texts_below(root: Path) -> Iterator[tuple[str, str]]:
    """Path and text of each file: the decoded values of Parquet, other files as they are."""
    for path in sorted(root.rglob("*")):
        if not path.is_file():
            continue
        if path.suffix == ".parquet":
            values = [batch.to_pylist() for batch in parquet.ParquetFile(path).iter_batches()]
            yield str(path.relative_to(root)), json.dumps(values, default=str)
        else:
            yield str(path.relative_to(root)), path.read_bytes().decode("utf-8", "replace")


def places_of(root: Path, *needles: str) -> list[str]:
    """The files below ``root`` whose text holds one of ``needles``, blanks and hyphens left out of account."""
    return [path for path, text in texts_below(root) if any(one in _plain(text) for one in map(_plain, needles))]


def _plain(text: str) -> str:
    return text.replace(" ", "").replace("-", "")
