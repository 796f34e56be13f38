"""The heap of a local session follows the machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from common.spark import local_heap
from common.spark.local_heap import local_heap_mib, machine_bytes

pytestmark = pytest.mark.unit

GIB = 2**30


@pytest.mark.parametrize(("memory_gib", "heap_mib"), [(0, 1024), (4, 1024), (12, 2048), (24, 4096), (512, 4096)])
def test_a_sixth_of_the_memory_is_heap_within_one_and_four_gib(memory_gib: int, heap_mib: int) -> None:
    assert local_heap_mib(memory_gib * GIB) == heap_mib


@pytest.mark.parametrize(("said", "is_limited"), [(str(GIB), True), ("max", False)])
def test_a_container_has_what_its_limit_allows(
    said: str, is_limited: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = tmp_path / "memory.max"
    limit.write_text(said, encoding="ascii")
    monkeypatch.setattr(local_heap, "_LIMIT", limit)
    assert (machine_bytes() == GIB) == is_limited
