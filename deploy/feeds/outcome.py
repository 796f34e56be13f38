"""What a check of a source found, as a whole."""

from __future__ import annotations

from dataclasses import dataclass, field

from common.sources.files.locations import FoundFile
from common.sources.mapping.model import Source
from deploy.feeds.findings import Findings
from deploy.feeds.targets import Target
from deploy.feeds.verdicts import LEFT_OUT, REJECTED

_MAX_REJECTED_SHARE = 0.5


@dataclass
class Check:
    """What was looked at: files, their faults, what is wrong with the mapping, and what became of the rows."""

    source: Source
    target: Target
    findings: Findings
    files: list[FoundFile]
    bad_files: list[tuple[str, str]] = field(default_factory=list)
    unseen_files: int = 0
    problems: list[str] = field(default_factory=list)
    unmapped: list[str] = field(default_factory=list)
    needs_spark: dict[str, str] = field(default_factory=dict)
    is_all: bool = True

    @property
    def exit_code(self) -> int:
        """As the run would end: 3 for bad files, or when most rows, or all, would be rejected; 2 for a source that maps
        too little.
        """
        found = self.findings
        if self.problems:
            return 2
        share = len(self.bad_files) / len(self.files)
        if self.bad_files and (self.source.on_bad_file == "fail" or share > self.source.max_bad_share):
            return 3
        rejected, judged = found.fates[REJECTED], found.rows - found.fates[LEFT_OUT]
        return 3 if rejected and (rejected > _MAX_REJECTED_SHARE * judged or rejected == judged) else 0
