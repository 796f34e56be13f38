"""The moment by which a model's labels were known: it must not score or be tested on any earlier day."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from common.errors import ContractError, InputMissingError

if TYPE_CHECKING:
    from common.run.context import RunContext


def start_of(day: date) -> datetime:
    """Midnight (UTC) at which ``day`` begins."""
    return datetime.combine(day, time(), tzinfo=UTC)


def ripe_at(last_day: date, *, label_delay_days: int) -> datetime:
    """The moment (UTC) at which the label delay of ``last_day`` has passed."""
    return start_of(last_day + timedelta(days=label_delay_days + 1))


def check_ripe(context: RunContext, label_delay_days: int, *, is_allowed: bool, what: str) -> None:
    """Raises InputMissingError FRD-027 when the delay of the run's days has not passed as the run begins.

    Where that ``is_allowed`` it is counted, and warned of. ``what`` is done with the labels: to train or to test.
    """
    ripe, clock = ripe_at(context.days.last, label_delay_days=label_delay_days), moment_text(context.started_at)
    if context.started_at >= ripe:
        return
    if not is_allowed:
        raise InputMissingError(
            "FRD-027",
            f"The labels of {context.days} are not complete yet.",
            cause=f"Their delay of {label_delay_days} days ends at {moment_text(ripe)}; the run began {clock}.",
            remedy=f"{what.capitalize()} on earlier days or run again then; --set allow_unripe_labels=true goes by "
            "what is known now, and counts transactions without a report as honest.",
        )
    context.warn(f"Labels of the last days are incomplete: they are known by {clock}, and ripe at {moment_text(ripe)}.")
    context.counts.detail(f"{what}ed_on_unripe_labels", 1)


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
