"""Whether rows of fraud.features carry the free columns that a model takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from common.errors import InputMissingError
from jobs.fraud.velocity.free_features import is_carried

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from common.days import DayRange


def check_carried(rows: DataFrame, names: Sequence[str], days: DayRange, user: str) -> None:
    """Raises InputMissingError FRD-028 when no row of ``fraud.features`` carries one of the free columns ``names``.

    ``user`` takes them, as ``the model xgboost-20180731-0123456789ab``. Rows that carry one without a value are fine.
    """
    if not names:
        return
    found = rows.agg(*(F.max(is_carried(name)).alias(name) for name in names)).first()
    lacking = [name for name in names if found is None or not found[name]]
    if lacking:
        raise InputMissingError(
            "FRD-028",
            f"The features of {days} lack {', '.join(lacking)}, which {user} takes.",
            cause="They carry what extra_features of fraud.features names, as far as the transactions have it.",
            remedy=f"Run fraud.features for them with --set extra_features=[{','.join(names)}] and any others in use.",
        )
