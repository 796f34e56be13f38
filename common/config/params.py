"""The base class of all parameters, and the type of a reference to a secret."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

_REFERENCE = re.compile(r"^secret://(env|file|aws)/\S+$")


class Params(BaseModel):
    """Frozen parameters of a job or of the lake: unknown names are refused, each field has bounds and a description.

    Fields that are themselves models should derive from this class too. Values arrive as text from YAML and from
    ``--set`` and are parsed by the field's own type, so avoid strict types.
    ``beside_rows`` names those that change no row of any table, only reports and proofs: another value is no reason
    for ``--changed`` to compute days again.
    """

    beside_rows: ClassVar[tuple[str, ...]] = ()
    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False)


class SecretRef(str):
    """Where a secret is, never the secret: ``secret://env/NAME``, ``secret://file/PATH`` or ``secret://aws/NAME``.

    ``common.secrets.reveal`` fetches the value when it is needed.
    """

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[Any], handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        """Accept text of the three forms; the message never repeats what was given, it may be the secret itself."""
        return core_schema.no_info_after_validator_function(
            cls._checked,
            core_schema.str_schema(metadata={"pydantic_js_extra": {"format": "secret-reference"}}),
            serialization=core_schema.to_string_ser_schema(),
        )

    @classmethod
    def _checked(cls, text: str) -> SecretRef:
        if not _REFERENCE.match(text):
            raise PydanticCustomError(
                "secret_reference", "must be a reference such as secret://env/NAME, never the secret itself"
            )
        return cls(text)
