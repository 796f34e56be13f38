"""The heap of a local session: Spark's own default of 1 GiB is too little for millions of rows on a laptop."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

# The workers of Python, the operating system and other programs want memory as well.
_SHARE: Final = 6
_LEAST_MIB, _MOST_MIB = 1024, 4096
_LIMIT = Path("/sys/fs/cgroup/memory.max")


def local_heap_mib(memory_bytes: int | None = None) -> int:
    """A sixth of ``memory_bytes`` (None: of this machine or container), at least 1 and at most 4 GiB, in MiB."""
    have = machine_bytes() if memory_bytes is None else memory_bytes
    return max(_LEAST_MIB, min(_MOST_MIB, have // _SHARE // 2**20))


def machine_bytes() -> int:
    """The memory of the machine, or what its container may use of it; 0 where the system does not say."""
    found = 0
    with suppress(OSError, ValueError, AttributeError):
        found = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):  # no file, or no limit: the word max
        limit = int(_LIMIT.read_text(encoding="ascii"))
        found = min(found or limit, limit)
    return found
