"""Damage within parquet files, which their footers do not tell."""

from __future__ import annotations

import tempfile

import pyarrow.parquet as pq
from pyarrow import ArrowException

from common.sources.files.cutting import chunks_of
from common.sources.files.locations import FileOpener, FoundFile

_BATCH_ROWS = 20_000


def damage_of(file: FoundFile, opener: FileOpener) -> str | None:
    """Why the pages of a parquet file cannot be unpacked (SRC-109); None when all can.

    The file is copied to local disk first, and unpacked in batches.
    """
    with tempfile.NamedTemporaryFile() as copy:
        with opener.open(file) as stream:
            for chunk in chunks_of(stream):
                copy.write(chunk)
        copy.flush()
        try:
            for _ in pq.ParquetFile(copy.name).iter_batches(_BATCH_ROWS):
                pass
        except (ArrowException, OSError) as error:
            return f"SRC-109 the parquet data is damaged: {type(error).__name__}"
    return None
