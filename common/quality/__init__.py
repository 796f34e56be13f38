"""Quality: row rules with the quarantine split, and table expectations."""

from common.quality import library
from common.quality.audit import AuditResult, audit
from common.quality.expectations import Expectation, Suite
from common.quality.gate import pass_gate
from common.quality.quarantine import to_quarantine
from common.quality.rules import REASONS, Rule, rejected, split, valid

__all__ = [
    "REASONS",
    "AuditResult",
    "Expectation",
    "Rule",
    "Suite",
    "audit",
    "library",
    "pass_gate",
    "rejected",
    "split",
    "to_quarantine",
    "valid",
]
