"""Intake: from raw files to bronze and silver, safe to repeat from any point."""

from common.intake.batches import Batch, BatchLog, digest_of
from common.intake.cards import without_card_numbers
from common.intake.fates import FATE, NEW, REJECTED, REPEATED, with_read_error
from common.intake.feed import PROVENANCE, Feed, Taken, take_in

__all__ = [
    "FATE",
    "NEW",
    "PROVENANCE",
    "REJECTED",
    "REPEATED",
    "Batch",
    "BatchLog",
    "Feed",
    "Taken",
    "digest_of",
    "take_in",
    "with_read_error",
    "without_card_numbers",
]
