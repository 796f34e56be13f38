"""Quality: row rules with the quarantine split, and table expectations."""

from common.quality.rules import REASONS, Rule, rejected, split, valid

__all__ = ["REASONS", "Rule", "rejected", "split", "valid"]
