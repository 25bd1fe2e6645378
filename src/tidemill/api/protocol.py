"""HTTP/1.1 as the clients of the API speak it: uvicorn's, but with long request lines, limits, and answers all in JSON.

Give `protocol_with(Connections(…))` to uvicorn as `http`. Some clients put a whole workflow into the query; the parser
takes request lines of any length, but the helper that takes a URL apart stops at 64 KiB.
"""

import logging
from time import monotonic
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tidemill.actions.perform import new_request_id
from tidemill.api.connections import MAX_LONG_HEADS, SLOWEST, Connection, Connections
from tidemill.api.errors import WireError

MAX_HEAD = 4 * 2**20  # request line and headers together
MAX_HEADERS = 500
MAX_PIPELINED = 100
_LONG_HEAD = 64 * 1024
_PIECE = 64 * 1024  # what comes after a frame's end in the same piece is not counted
_LONGEST_PARSED = 32_768
_RETRY_AFTER = 1_000  # ms

_UNREADABLE = WireError(400, "InvalidRequest", "The request is not HTTP/1.1 that can be read.")
_HEAD_TOO_LARGE = WireError(
    413,
    "RequestEntityTooLarge",
    f"A request line and at most {MAX_HEADERS} headers of at most {MAX_HEAD} bytes together are accepted.",
)
_TRAILERS_TOO_LARGE = WireError(
    413, "RequestEntityTooLarge", f"Trailers, or extensions of chunks, of at most {_LONG_HEAD} bytes are accepted."
)
_PIPELINED = WireError(400, "InvalidRequest", f"At most {MAX_PIPELINED} requests may wait for answers on a connection.")
_UPGRADE = WireError(400, "InvalidRequest", "No other protocol is spoken here: send this without an Upgrade header.")
_TOO_SLOW = WireError(408, "RequestTimeout", f"The request came at less than {SLOWEST} bytes a second.")
_FULL = WireError(503, "ServiceUnavailable", "Too many connections are open: try again later.", _RETRY_AFTER)
_PHRASES = {
    400: b"Bad Request", 408: b"Request Timeout", 413: b"Content Too Large", 503: b"Service Unavailable",
}  # fmt: skip


class Refused(Exception):
    """What the client sends is not read further."""

    def __init__(self, error: WireError) -> None:
        self.error = error
        super().__init__(error.message)


class Protocol(HttpToolsProtocol):
    """One connection."""

    others = Connections()  # with the limits that hold for all

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._unframed = 0  # bytes since the last whole head or piece of a body
        self._in_request = False
        self._in_head = False
        self._has_long_head = False  # and is counted among those
        self._url: list[bytes] = []
        self._is_fresh = True  # nothing was answered yet
        self._unanswered = 0
        self._received = 0  # bytes since `_since`, the monotonic moment from which the client's speed is measured
        self._since = 0.0
        self._unsent = 0  # bytes of answers that the client had not taken at `_unsent_since`
        self._unsent_since = 0.0

    # --- the connection ----------------------------------------------------------------------------------------

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if self.others.add(self):
            self._place()
        else:
            self._refuse(_FULL)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.others.remove(self)
        self._end_long_head()

    def dismiss(self) -> None:
        """Close it: another one needs its place."""
        if self.transport.get_write_buffer_size():  # closing would wait for a client that may never take its answer
            self._forget_answers()
            self.transport.abort()
        elif self._in_request:
            self._refuse(_FULL)
        else:
            self.transport.close()

    def cut_if_slow(self, now: float, patience: float) -> None:
        """Close it if its client has had `patience` seconds and sent, or taken, too little; `now` is monotonic."""
        enough = SLOWEST * patience
        unsent = self.transport.get_write_buffer_size()
        if not (unsent and self._unsent) or unsent <= self._unsent - enough:
            self._unsent, self._unsent_since = unsent, now
        elif now - self._unsent_since >= patience:
            self._forget_answers()
            self.transport.abort()
            return
        if self not in self.others.reading or self.flow.read_paused or self._received >= enough:
            self._received, self._since = 0, now
        elif now - self._since >= patience:
            if self._in_request:
                self._refuse(_TOO_SLOW)
            else:
                self.transport.close()

    def _forget_answers(self) -> None:
        """What is being answered ends as if the client had left."""
        self.pipeline.clear()
        if self._unanswered:
            self.cycle.disconnected = True
            self.cycle.message_event.set()

    @property
    def _is_in_body(self) -> bool:
        return self._in_request and not self._in_head

    @property
    def _owes_an_earlier_answer(self) -> bool:
        """Whether a request before the one that is being read is not answered yet."""
        return self._unanswered > self._is_in_body

    def _place(self) -> None:
        """Say whether we wait for the client, and for what."""
        if self._owes_an_earlier_answer:
            self._wait_for(None)
        elif self._in_request or self._is_fresh:
            self._wait_for(self.others.reading)
        else:
            self._wait_for(self.others.idle)

    def _wait_for(self, what: dict[Connection, None] | None) -> None:
        self.others.place(self, what)
        self._received, self._since = 0, monotonic()

    # --- what the client sends ---------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        self._received += len(data)
        try:
            for start in range(0, len(data), _PIECE):
                self._count_and_feed(data[start : start + _PIECE])
        except Refused as refused:
            self._refuse(refused.error)
        except httptools.HttpParserError as error:
            reason = error.__context__
            self._refuse(reason.error if isinstance(reason, Refused) else _UNREADABLE)
        else:
            if self in self.others.idle and not self._in_request:
                self._wait_for(self.others.reading)  # blank lines between requests: not for long

    def _count_and_feed(self, data: bytes) -> None:
        self._unframed += len(data)
        self._feed(data)
        if self._unframed > (MAX_HEAD if self._in_head else _LONG_HEAD):
            raise Refused(_HEAD_TOO_LARGE if self._in_head else _TRAILERS_TOO_LARGE)
        if self._in_head and self._unframed > _LONG_HEAD:
            self._begin_long_head()

    def _feed(self, data: bytes) -> None:
        while data and self.parser is not None:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                data = data[upgrade.args[0] :]  # as if nothing had been asked
            else:
                return

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = self._in_request = True
        self._url = []
        self._place()

    def on_url(self, url: bytes) -> None:
        self._url.append(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:
            return  # a trailer
        if len(self.headers) == MAX_HEADERS:
            raise Refused(_HEAD_TOO_LARGE)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self._unanswered > MAX_PIPELINED:
            raise Refused(_PIPELINED)
        has_body = {b"content-length", b"transfer-encoding"} & dict(self.headers).keys()
        if has_body and self.parser is not None and self.parser.should_upgrade():
            raise Refused(_UPGRADE)  # the parser would take its body for the next request
        url = b"".join(self._url)
        if len(url) > _LONG_HEAD:
            self._begin_long_head()
        if len(url) <= _LONGEST_PARSED:
            self.url = url
            super().on_headers_complete()
        else:
            self.url, _, query = url.partition(b"?")
            super().on_headers_complete()
            self.scope["query_string"] = query.partition(b"#")[0]  # the request's task has not begun to run yet
        self._in_head = False  # only now: a URL that cannot be read is refused above
        self._unframed = 0
        self._unanswered += 1

    def on_body(self, body: bytes) -> None:
        self._unframed = 0
        super().on_body(body)

    def on_chunk_header(self) -> None:
        self._unframed = 0

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._unframed = 0
        self._in_request = False
        self._place()

    def on_response_complete(self) -> None:
        self._unanswered -= 1
        self._is_fresh = False
        self._end_long_head()
        super().on_response_complete()
        if not self.transport.is_closing():
            self._place()

    def _begin_long_head(self) -> None:
        if not self._has_long_head:
            if self.others.long_heads == MAX_LONG_HEADS:
                raise Refused(_FULL)
            self._has_long_head = True
            self.others.long_heads += 1

    def _end_long_head(self) -> None:
        if self._has_long_head:
            self._has_long_head = False
            self.others.long_heads -= 1

    # --- what it is told ---------------------------------------------------------------------------------------

    def _refuse(self, error: WireError) -> None:
        """Answer the request that is being read, unless its answer has begun or an earlier one is due, and close."""
        in_answer = self._is_in_body and self.cycle.response_started
        if not (in_answer or self._owes_an_earlier_answer or self.flow.write_paused):
            body = error.body("localhost", self.scheme or "http", new_request_id())
            head = (
                b"HTTP/1.1 %d %s\r\ncontent-type: application/json;charset=utf-8\r\ncontent-length: %d\r\n"
                b"%bconnection: close\r\n\r\n"
            )
            more = b"".join(b"%b: %b\r\n" % header for header in error.headers)
            self.transport.write(head % (error.status, _PHRASES[error.status], len(body), more) + body)
        self._forget_answers()
        self.transport.close()


def protocol_with(others: Connections) -> type[Protocol]:
    """The protocol of a server with these limits."""
    return type("Protocol", (Protocol,), {"others": others})


def not_of_a_client_that_left(record: logging.LogRecord) -> bool:
    """For uvicorn's log: uvloop closes a connection that was reset before it says so, and an answer comes between."""
    error = record.exc_info[1] if record.exc_info else None
    return not (isinstance(error, RuntimeError) and "the handler is closed" in str(error))
