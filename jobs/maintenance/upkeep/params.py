"""Parameters of maintenance.maintain."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from common.config.params import Params


class MaintainParams(Params):
    """Which tables are maintained, and from what point it is worthwhile."""

    tables: tuple[str, ...] = Field(
        (), description="Tables such as clickstream.events; default: all below the lake root."
    )
    compact: bool = Field(True, description="Rewrite small files of a partition into fewer large ones.")
    retention: bool = Field(True, description="Delete days older than their table's retention_days.")
    retention_layers: tuple[Literal["bronze", "silver", "gold", "quarantine"], ...] = Field(
        ("bronze", "quarantine"),
        description="Layers in which old days are deleted; the defaults contain personal data.",
    )
    vacuum: bool = Field(True, description="Delete files that no version within the table's own retention needs.")
    checkpoint: bool = Field(True, description="Write a checkpoint of the latest version.")
    small_file_bytes: int = Field(
        33_554_432, ge=1024, le=1_073_741_824, description="A file below this many bytes is small."
    )
    least_small_files: int = Field(
        8, ge=2, le=100_000, description="A partition with fewer small files than this is left alone."
    )
    target_file_bytes: int = Field(
        134_217_728, ge=65_536, le=4_294_967_296, description="Target file size of compaction in bytes."
    )
    staged_days: int = Field(7, ge=1, le=365, description="Days after which staged rows of a failed audit are deleted.")
