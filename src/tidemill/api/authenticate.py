"""Who calls: the checks of a signed request, in the order of wire protocol 7."""

import threading
from collections import deque

from tidemill.actions.caller import Caller
from tidemill.api.request import Incoming
from tidemill.api.signature import Claim, claim, fail
from tidemill.store import nonces
from tidemill.store.accounts import Keys
from tidemill.store.engine import Database


class Nonces:
    """Nonces used within the last two windows, of reading and writing actions alike; times are epoch milliseconds.

    Those of writing actions are in the database too, so that a restart forgets none.
    """

    def __init__(self, database: Database, window: int, now: int) -> None:
        self._kept_for = 2 * window * 1000
        self._lock = threading.Lock()
        self._used: set[tuple[str, str]] = set()
        self._order: deque[tuple[int, tuple[str, str]]] = deque()
        with database.read() as db:
            for key, nonce, time in nonces.since(db, now - self._kept_for):
                self._used.add((key, nonce))
                self._order.append((time, (key, nonce)))

    def use(self, access_key_id: str, nonce: str, now: int) -> bool:
        """Count a nonce as used; False if it was already."""
        entry = (access_key_id, nonce)
        with self._lock:
            while self._order and self._order[0][0] < now - self._kept_for:
                self._used.discard(self._order.popleft()[1])
            if entry in self._used:
                return False
            self._used.add(entry)
            self._order.append((now, entry))
            return True


class Authenticator:
    """Turns a request into its caller, or raises AuthenticationFailed."""

    def __init__(self, database: Database, keys: Keys, skew: int, now: int) -> None:
        self._keys = keys
        self._skew = skew * 1000
        self._nonces = Nonces(database, skew, now)

    def caller(self, incoming: Incoming, now: int) -> Caller:
        claimed = claim(incoming)
        if abs(claimed.time - now) > self._skew:
            raise fail("InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")
        key = self._keys.find(claimed.access_key_id)
        if key is None:
            self._refuse_unknown(claimed)
            raise fail("InvalidAccessKeyId.NotFound", "Specified access key is not found.", 404)
        if not key.active:
            raise fail("InvalidAccessKeyId.Inactive", "Specified access key is disabled.")
        claimed.check(key.secret)
        if not claimed.nonce:
            raise fail("MissingSignatureNonce", "SignatureNonce is mandatory for this action.")
        if not self._nonces.use(claimed.access_key_id, claimed.nonce, now):
            raise fail("SignatureNonceUsed", "Specified signature nonce was used already.")
        return Caller(key.account_id, claimed.access_key_id, claimed.nonce, now)

    @staticmethod
    def _refuse_unknown(claimed: Claim) -> None:
        """Temporary keys come from a token service that this server has not."""
        if claimed.access_key_id.startswith("STS."):
            if not claimed.security_token:
                raise fail("MissingSecurityToken", "SecurityToken is mandatory for this action.")
            raise fail("InvalidSecurityToken.Malformed", "Specified SecurityToken is malformed: none is issued here.")
