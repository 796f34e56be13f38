"""The pseudonym key of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from common.config.lake_settings import LakeSettings
    from common.run.context import RunContext
from common.privacy.pseudonyms import PseudonymKey

# Only for lakes on a laptop: anyone who reads this code can undo its pseudonyms.
_PUBLIC_KEY = PseudonymKey("public", b"lakejobs: no secret at all, for local lakes only")


def check_key(settings: LakeSettings, env: str) -> None:
    """Raises UsageError PRV-001 where ``pseudonym_key`` would; fetches no secret."""
    if settings.pseudonym_key is None and not (env == "local" and settings.root_is_local_folder):
        PseudonymKey.of(settings)


def pseudonym_key(context: RunContext) -> PseudonymKey:
    """The key of a run: that of the settings, or a public one, with a warning, for a lake in a folder of this machine.

    Raises UsageError PRV-001 when there is no key and the lake is elsewhere, or the environment is not ``local``; and
    what ``PseudonymKey.of`` raises.
    """
    settings = context.settings
    # The default environment alone says nothing: it is also that of a lake on S3 without --env.
    if settings.pseudonym_key is None and context.env == "local" and settings.root_is_local_folder:
        context.log.warning("no pseudonym key is set: this local lake uses a public key")
        return _PUBLIC_KEY
    return PseudonymKey.of(context.settings)
