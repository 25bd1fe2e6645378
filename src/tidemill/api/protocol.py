"""HTTP/1.1 as the clients of the API speak it: uvicorn's, but with long request lines and answers that are all JSON.

Give it to uvicorn as `http=Protocol`. Some clients put a whole workflow into the query; the parser takes request lines
of any length, but the helper that takes a URL apart stops at 64 KiB.
"""

from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tidemill.actions.perform import new_request_id
from tidemill.api.errors import WireError

MAX_HEAD = 4 * 2**20  # request line and headers together
_LONGEST_PARSED = 32_768

_UNREADABLE = WireError(400, "InvalidRequest", "The request is not HTTP/1.1 that can be read.")
_HEAD_TOO_LARGE = WireError(
    413, "RequestEntityTooLarge", f"A request line and headers of at most {MAX_HEAD} bytes are accepted."
)
_PHRASES = {400: b"Bad Request", 413: b"Content Too Large"}


class Protocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._head = 0  # bytes of the request line and headers so far
        self._in_head = True
        self._url: list[bytes] = []

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head += len(data)
            if self._head > MAX_HEAD:
                self._refuse(_HEAD_TOO_LARGE)
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True
        self._url = []

    def on_url(self, url: bytes) -> None:
        self._url.append(url)

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._head = 0
        url = b"".join(self._url)
        if len(url) <= _LONGEST_PARSED:
            self.url = url
            super().on_headers_complete()
            return
        self.url, _, query = url.partition(b"?")
        super().on_headers_complete()
        self.scope["query_string"] = query.partition(b"#")[0]  # the request's task has not begun to run yet

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_head = True

    def send_400_response(self, msg: str) -> None:
        self._refuse(_UNREADABLE)

    def _refuse(self, error: WireError) -> None:
        body = error.body("localhost", self.scheme or "http", new_request_id())
        head = (
            b"HTTP/1.1 %d %s\r\ncontent-type: application/json;charset=utf-8\r\ncontent-length: %d\r\n"
            b"connection: close\r\n\r\n"
        )
        self.transport.write(head % (error.status, _PHRASES[error.status], len(body)) + body)
        self.transport.close()
