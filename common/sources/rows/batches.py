"""Rows of raw text on their way out of a task, before anything is parsed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from common.sources.files.cutting import KEPT_BYTES
from common.sources.mapping.model import Source

_BATCH_BYTES = 1 << 20

Row = tuple[int, str, str | None]
"""Line, text, and why it must not be parsed."""


@dataclass(frozen=True)
class Rows:
    """Some records: the line at which each begins, its text, and why it must not be parsed (null: it may)."""

    lines: pa.Int64Array
    texts: pa.StringArray
    reasons: pa.StringArray

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Rows:
        """Rows one by one: line, text, reason."""
        listed = list(rows)
        lines, texts, reasons = zip(*listed, strict=True) if listed else ((), (), ())
        return cls(pa.array(lines, pa.int64()), pa.array(texts, pa.string()), pa.array(reasons, pa.string()))


def gathered(rows: Iterable[Rows]) -> Iterator[Rows]:
    """The same rows, in batches that are worth the way to the JVM."""
    waiting: list[Rows] = []
    size = 0
    for part in rows:
        waiting.append(part)
        size += part.texts.nbytes + 100 * len(part.texts)
        if size >= _BATCH_BYTES:
            yield _joined(waiting)
            waiting, size = [], 0
    if waiting:
        yield _joined(waiting)


def _joined(parts: Sequence[Rows]) -> Rows:
    if len(parts) == 1:
        return parts[0]
    return Rows(
        pa.concat_arrays([part.lines for part in parts]),
        pa.concat_arrays([part.texts for part in parts]),
        pa.concat_arrays([part.reasons for part in parts]),
    )


def with_fault(content: bytes, fault: str | None, source: Source) -> tuple[str, str | None]:
    """The text of a record and its reason; with a fault, its first 1 kB and the SHA-256 of all of it.

    Bytes that are not in the encoding are a fault (SRC-222).
    """
    if fault is None:
        try:
            return content.decode(source.text_encoding), None
        except UnicodeDecodeError:
            fault = f"SRC-222 bytes that are not {source.encoding}"
    kept = content[:KEPT_BYTES].decode(source.text_encoding, "replace")
    return kept, f"{fault}; sha256 {hashlib.sha256(content).hexdigest()}"
