"""Who calls: the checks of a signed request, in their order."""

from tidemill.actions.caller import Caller
from tidemill.api.nonces import Nonces
from tidemill.api.request import Incoming
from tidemill.api.signature import Claim, claim, missing
from tidemill.domain.errors import AuthenticationFailed
from tidemill.store import nonces
from tidemill.store.accounts import Key, Keys
from tidemill.store.engine import Database

_LONGEST_NONCE = 256  # clients send 32 or 64 characters; an index of PostgreSQL takes no long texts


class Authenticator:
    """Turns a request into its caller. `skew` is in seconds."""

    def __init__(self, database: Database, keys: Keys, skew: int, now: int) -> None:
        self._keys = keys
        self._skew = skew * 1000
        self._nonces = Nonces(self._skew)
        with database.read() as db:
            self._nonces.load(nonces.since(db, now - 2 * self._skew))

    def caller(self, incoming: Incoming, now: int) -> Caller:
        """Raises InvalidRequest or AuthenticationFailed."""
        claimed = claim(incoming)
        if abs(claimed.time - now) > self._skew:
            raise AuthenticationFailed(
                "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired: check the client's clock."
            )
        key = self._key(claimed, now)
        claimed.check(key.secret)
        if not claimed.nonce:
            raise missing("SignatureNonce")
        if len(claimed.nonce) > _LONGEST_NONCE:
            raise AuthenticationFailed(
                "InvalidSignatureNonce", f"Specified signature nonce is not valid: at most {_LONGEST_NONCE} characters."
            )
        # After the signature, so that strangers cannot fill the memory.
        self._nonces.use(claimed.access_key_id, claimed.nonce, claimed.time, now)
        if claimed.security_token:
            raise AuthenticationFailed(
                "InvalidSecurityToken.MismatchWithAccessKey",
                "Specified SecurityToken mismatch with the AccessKey: this key is permanent and has none.",
            )
        return Caller(key.account_id, claimed.access_key_id, claimed.nonce, claimed.time)

    def _key(self, claimed: Claim, now: int) -> Key:
        key = self._keys.find(claimed.access_key_id, now)
        if key is not None:
            if not key.active:
                raise AuthenticationFailed("InvalidAccessKeyId.Inactive", "Specified access key is disabled.")
            return key
        if claimed.access_key_id.startswith("STS."):  # temporary keys come from a token service, which is not here
            if not claimed.security_token:
                raise missing("SecurityToken")
            raise AuthenticationFailed(
                "InvalidSecurityToken.Malformed", "Specified SecurityToken is malformed: this server issues none."
            )
        raise AuthenticationFailed("InvalidAccessKeyId.NotFound", "Specified access key is not found.")
