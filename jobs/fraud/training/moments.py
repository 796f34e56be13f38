"""The moment by which a model's labels were known: it must not score or be tested on any earlier day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from common.errors import ContractError


def start_of(day: date) -> datetime:
    """Midnight (UTC) at which ``day`` begins."""
    return datetime.combine(day, time(), tzinfo=UTC)


def ripe_at(last_day: date, *, label_delay_days: int) -> datetime:
    """The moment (UTC) at which the label delay of ``last_day`` has passed."""
    return start_of(last_day + timedelta(days=label_delay_days + 1))


def moment_of_card(card: Mapping[str, Any]) -> datetime:
    """The moment (UTC) by which the labels behind a model card were known.

    For a card of an earlier release, which lacks it: the end of its label delay; it used no later label.
    Raises ContractError FRD-024 when the card says neither.
    """
    try:
        said = card.get("labels_known_by")
        if said is None:
            last_day = date.fromisoformat(str(card["train_last_day"]))
            return ripe_at(last_day, label_delay_days=int(card["label_delay_days"]))
        moment = datetime.fromisoformat(str(said))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ContractError(
            "FRD-024",
            f"The model {card.get('version', '')} does not fit this release of the jobs.".replace("  ", " "),
            cause="Its card does not say by when its labels were known.",
            remedy="Train a model with this release, or score with the release that trained it.",
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def moment_text(moment: datetime) -> str:
    """``2018-07-08 00:00 UTC``, as pages and errors spell a moment."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
