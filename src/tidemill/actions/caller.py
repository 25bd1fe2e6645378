"""Who calls an action."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """An account that proved who it is; `nonce` marks its request ("" where nothing was signed, as in the console)."""

    account_id: str
    access_key_id: str = ""
    nonce: str = ""
    nonce_time: int = 0
