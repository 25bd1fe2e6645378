"""The nonces that this process has seen, of reading and writing requests alike, in bounded memory."""

import heapq
import threading
from collections.abc import Iterable

from tidemill.domain.errors import AuthenticationFailed
from tidemill.store import nonces

CAPACITY = 200_000


class Nonces:
    """Remembers nonces until their requests are two windows old; times are epoch milliseconds.

    `window` is how far a client's clock may be off. When the memory is full, those signed first are forgotten early,
    and requests signed no later than they were are refused as expired: a request is never accepted twice.
    """

    def __init__(self, window: int, capacity: int = CAPACITY) -> None:
        self._kept_for = 2 * window
        self._capacity = capacity
        self._lock = threading.Lock()
        self._used: set[int] = set()
        self._by_age: list[tuple[int, int]] = []  # a heap: when it was signed, and the nonce's hash
        self._forgotten = -1  # the latest moment of which one was forgotten early

    def load(self, used: Iterable[tuple[str, str, int]]) -> None:
        """Take over what an earlier process knew: (access key id, nonce, when it was signed)."""
        with self._lock:
            for access_key_id, nonce, signed in used:
                self._remember(hash((access_key_id, nonce)), signed)

    def use(self, access_key_id: str, nonce: str, signed: int, now: int) -> None:
        """Count a nonce as used. Raises AuthenticationFailed if it was, or if that is no longer known."""
        # 64 bits under a secret of this process: nobody can aim at a collision, and by chance there is none.
        entry = hash((access_key_id, nonce))
        with self._lock:
            while self._by_age and self._by_age[0][0] < now - self._kept_for:
                self._forget()
            if entry in self._used:
                raise nonces.used()
            if signed <= self._forgotten:
                raise AuthenticationFailed(
                    "InvalidTimeStamp.Expired",
                    "Specified time stamp or date value is expired: under this load, only younger requests are taken.",
                )
            self._remember(entry, signed)

    def _remember(self, entry: int, signed: int) -> None:
        self._used.add(entry)
        heapq.heappush(self._by_age, (signed, entry))
        if len(self._by_age) > self._capacity:
            self._forgotten = max(self._forgotten, self._forget())

    def _forget(self) -> int:
        signed, entry = heapq.heappop(self._by_age)
        self._used.discard(entry)
        return signed
