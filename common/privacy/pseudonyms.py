"""Personal data: keyed pseudonyms.

A pseudonym is the first 128 bits of HMAC-SHA-256 (RFC 2104, FIPS 180-4) under a secret key, as 32 hexadecimal digits.
With the key it is the same in every run and table, so rows can still be joined; without it a list of all e-mail
addresses is no help, which it would be against a plain hash. Among a thousand million values two coincide with
probability below 2e-21.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.functions import pandas_udf
from pyspark.sql.types import StringType

from common.errors import UsageError

if TYPE_CHECKING:
    from pyspark import Broadcast

    from common.config.lake_settings import LakeSettings


PSEUDONYM_HEX_DIGITS = 32


KEY_ID_COLUMN = "pseudonym_key_id"


_MIN_KEY_BYTES = 16


@dataclass(frozen=True)
class PseudonymKey:
    """A secret key and its name; only the name is ever printed, logged or stored.

    Raises UsageError PRV-002 when the key is too short.
    """

    key_id: str
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) < _MIN_KEY_BYTES:
            raise UsageError(
                "PRV-002",
                f"The pseudonym key '{self.key_id}' is too short.",
                cause=f"It has {len(self.secret)} bytes; the minimum is {_MIN_KEY_BYTES}.",
                remedy="Make one with: openssl rand -hex 32",
            )

    @classmethod
    def of(cls, settings: LakeSettings) -> PseudonymKey:
        """The key that the settings refer to, fetched now, on the driver. Raises UsageError PRV-001: none is set."""
        from common.secrets import reveal

        if settings.pseudonym_key is None:
            raise UsageError(
                "PRV-001",
                "No pseudonym key is set.",
                cause="lake.pseudonym_key is empty; only --env local with a lake in a local folder works without one.",
                remedy="Set it in conf/lake.yaml to secret://env/NAME, secret://file/PATH or secret://aws/NAME.",
            )
        return cls(settings.pseudonym_key_id, reveal(settings.pseudonym_key).encode())

    def pseudonym(self, value: str) -> str:
        """The pseudonym of one value, for look-ups on the driver."""
        return hmac.new(self.secret, value.encode(), hashlib.sha256).hexdigest()[:PSEUDONYM_HEX_DIGITS]


def pseudonymise(
    rows: DataFrame, columns: Sequence[str], key: PseudonymKey, *, key_id_column: str | None = KEY_ID_COLUMN
) -> DataFrame:
    """``rows`` with each of ``columns`` replaced by its pseudonym; null stays null.

    The id of the key is stored with them in ``key_id_column`` (none: leave it out). The key travels as a broadcast,
    so it is in no plan, no Spark UI and no event log; set ``spark.io.encryption.enabled`` where local disks are not
    trusted. Only these columns go through Python, a batch at a time, each distinct value of a batch hashed once.
    """
    keyed = pseudonym_columns(rows, columns, key)
    hidden = rows.withColumns(keyed)
    return hidden if key_id_column is None else hidden.withColumn(key_id_column, F.lit(key.key_id))


def pseudonym_columns(rows: DataFrame, columns: Sequence[str], key: PseudonymKey) -> dict[str, Column]:
    """Column name -> expression of its pseudonym, for ``columns`` of ``rows``."""
    secret = rows.sparkSession.sparkContext.broadcast(key.secret)
    hashed = pandas_udf(_hasher(secret), StringType())  # type: ignore[call-overload] # the stubs demand a deprecated argument
    return {name: hashed(F.col(name).cast("string")) for name in columns}


def _hasher(secret: Broadcast[bytes]) -> Callable[[pd.Series], pd.Series]:
    def pseudonyms(values: pd.Series) -> pd.Series:
        codes, distinct = pd.factorize(values)
        key = secret.value
        hashed = [hmac.digest(key, value.encode(), "sha256").hex()[:PSEUDONYM_HEX_DIGITS] for value in distinct]
        # Code -1 is null and takes the last element.
        return pd.Series(np.array([*hashed, None], dtype=object)[codes], index=values.index)

    return pseudonyms
