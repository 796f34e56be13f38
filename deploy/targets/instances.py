"""What one EC2 instance gives to YARN or to pods: cores and memory, by its type."""

from __future__ import annotations

import re
from dataclasses import dataclass

from common.errors import UsageError

# GB of memory for each vCPU, by the letters of the family before its generation, and after it where those change it.
_GB_PER_CORE = {"c": 2.0, "m": 4.0, "r": 8.0, "i": 8.0}
_EXCEPTIONS = {"c5n": 2.625, "i3": 7.625}
_TYPE = re.compile(r"([a-z]+)(\d+)([a-z-]*)\.(large|(\d*)xlarge)")
# EMR leaves a quarter of a node, and at most 8 GB, to everything that is not YARN (its task configuration lists
# 12,288 MB for m5.xlarge, 24,576 for m5.2xlarge, 57,344 for m5.4xlarge, 122,880 for r5.4xlarge).
_KEPT_SHARE, _KEPT_MOST_GB = 0.25, 8
# A kubelet keeps 255 MiB and 11 MiB for each pod, 100 MiB before it evicts; and a part of a core.
_KUBELET_MB, _PODS, _POD_MB, _EVICTION_MB = 255, 58, 11, 100


@dataclass(frozen=True)
class Instance:
    """What a node has for a driver or an executor; ``name`` is how messages call it."""

    name: str
    cores: int
    memory_mb: int


def _measures(name: str) -> tuple[int, float, str]:
    """vCPU, GB and processor of an instance type. Raises UsageError TGT-003 for one that is not known."""
    found = _TYPE.fullmatch(name)
    family = f"{found[1]}{found[2]}{found[3]}" if found else ""
    ratio = _EXCEPTIONS.get(family, _GB_PER_CORE.get(found[1])) if found else None
    if found is None or ratio is None:
        raise UsageError(
            "TGT-003",
            f"The instance type '{name}' is not known.",
            remedy=f"Known are the families {', '.join(sorted(_GB_PER_CORE))}, e.g. m5.xlarge. "
            "For another one leave instance_type out, and declare node_cores and node_memory_mb of a step's cluster.",
        )
    cores = 2 if found[4] == "large" else 4 * int(found[5] or 1)
    return cores, cores * ratio, "aarch64" if "g" in found[3] else "x86_64"


def processor_of(name: str) -> str:
    """x86_64 or aarch64. Raises UsageError TGT-003 for an unknown type."""
    return _measures(name)[2]


def under_yarn(name: str) -> Instance:
    """What EMR gives to YARN on a node of that type. Raises UsageError TGT-003 for an unknown type."""
    cores, memory_gb, _ = _measures(name)
    kept = min(memory_gb * _KEPT_SHARE, _KEPT_MOST_GB)
    return Instance(f"a node {name}", cores, int((memory_gb - kept) * 1_024))


def under_kubernetes(name: str) -> Instance:
    """What a kubelet leaves for pods of whole cores on a node of that type. Raises UsageError TGT-003."""
    cores, memory_gb, _ = _measures(name)
    kept = _KUBELET_MB + _PODS * _POD_MB + _EVICTION_MB
    return Instance(f"a node {name}", cores - 1, int(memory_gb * 1_024) - kept)
