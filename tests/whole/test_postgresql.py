"""The same server on PostgreSQL."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests.conftest import _on_server
from tests.whole.conftest import Server, task


@pytest.fixture
def database(postgresql: str) -> Iterator[str]:
    name = f"t{uuid.uuid4().hex}"
    _on_server(postgresql, f"CREATE DATABASE {name}")
    yield make_url(postgresql).set(database=name).render_as_string(hide_password=False)
    _on_server(postgresql, f"DROP DATABASE {name} WITH (FORCE)")


def test_a_killed_server_on_postgresql_goes_on_where_it_was(tmp_path: Path, database: str) -> None:
    server = Server(tmp_path / "data", "--database", database, TIDEMILL_SECRET_KEY="k")
    marks, gate = tmp_path / "marks", tmp_path / "gate"
    marks.mkdir()
    chain = [
        task(f"t{n}", f"printf x >> {marks}/{n}; until [ -e {gate} ]; do sleep 0.02; done", *([f"t{n - 1}"] * (n > 0)))
        for n in range(5)
    ]
    whole = server.run(server.create(*chain)["Id"])
    server.until(lambda: (marks / "0").exists())
    server.kill()
    gate.touch()
    server.start()
    assert server.ended(whole) == "Success"
    assert [(marks / f"{n}").read_text() for n in range(5)] == ["x"] * 5
    server.end()


def test_postgresql_needs_the_secret_key_as_a_setting(tmp_path: Path, database: str) -> None:
    with pytest.raises(AssertionError, match="set TIDEMILL_SECRET_KEY"):
        Server(tmp_path / "data", "--database", database)
