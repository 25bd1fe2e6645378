"""The log of any run, wherever its runner is: from this server's directory, or from the server that has it (engine 28).

Servers that share a database share its key; a token made with it, good for a minute, names the one log that it opens.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, Request, build_opener

from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import Connection

from tidemill.domain.errors import LogUnavailable
from tidemill.runners.logs import read_log

SHARED_LOGS = "/shared-logs/"  # and the token
_GOOD_FOR = 60  # seconds
_PATIENCE = 5.0  # seconds
_LOG = re.compile(r"logs/[0-9]{8}/[0-9]+[-/][0-9]+\.log", re.ASCII)  # with / before 0022
_direct = build_opener(ProxyHandler({}))  # a proxy is for the world outside, not for the servers among themselves

Endpoint = Callable[[Connection, str], str | None]


def _nowhere(db: Connection, runner: str) -> None:
    return None


class Logs:
    """`data` is this server's directory, `name` its runner; `endpoint` gives the URL of another runner's server."""

    def __init__(self, data: Path, name: str, key: Fernet | None = None, endpoint: Endpoint = _nowhere) -> None:
        self._data = data
        self._name = name
        self._key = key
        self._endpoint = endpoint

    def read(self, db: Connection, runner: str, log: str) -> str:
        """The text of a log, at most its first and last part. Raises LogUnavailable: its server does not answer."""
        path = self._data / log
        url = None if runner == self._name or path.exists() or self._key is None else self._endpoint(db, runner)
        return read_log(path) if url is None else self._fetch(url, runner, log)

    def own(self, token: str) -> str:
        """The text of the log that a token of another server names. Raises PermissionError for one that is not ours."""
        try:
            log = self._key.decrypt(token.encode(), ttl=_GOOD_FOR).decode() if self._key is not None else ""
        except InvalidToken:
            log = ""
        if not _LOG.fullmatch(log):
            raise PermissionError("the token was not made by a server of this installation within the last minute")
        return read_log(self._data / log)

    def _fetch(self, url: str, runner: str, log: str) -> str:
        assert self._key is not None
        request = Request(f"{url}{SHARED_LOGS}{self._key.encrypt(log.encode()).decode()}")
        try:
            with _direct.open(request, timeout=_PATIENCE) as answer:
                return json.load(answer)["Log"]
        except (URLError, OSError, ValueError) as error:
            raise LogUnavailable(f"The log is with the runner {runner}; its server {url} does not answer.") from error
