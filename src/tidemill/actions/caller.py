"""Who calls an action."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """An account that proved who it is.

    `nonce` marks the request that it signed at `signed` (epoch ms); "" where nothing was signed, as in the console.
    """

    account_id: str
    access_key_id: str = ""
    nonce: str = ""
    signed: int = 0
