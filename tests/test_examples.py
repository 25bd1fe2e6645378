"""Every worked example of the scheduling semantics is a test that names it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
_NAMED = re.compile(r"(?<![A-Za-z0-9])([CGTPDXBMVK]\d\d)(?![A-Za-z0-9])", re.IGNORECASE)


def listed() -> dict[str, str]:
    """Example: why no test covers it, "" for those that one must."""
    lines = (HERE / "data" / "examples.txt").read_text().splitlines()
    pairs = (line.partition(" ") for line in lines if line and not line.startswith("#"))
    return {id: reason.strip() for id, _, reason in pairs}


@pytest.fixture(scope="module")
def named() -> set[str]:
    """The ids that the names of all tests hold."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-o", "addopts=", "-p", "no:cacheprovider"]
    done = subprocess.run([*command, str(HERE)], capture_output=True, text=True, cwd=HERE.parent, check=True)
    tests = [line for line in done.stdout.splitlines() if "::" in line and "test_examples" not in line]
    return {id.upper() for line in tests for id in _NAMED.findall(line)}


def test_every_example_is_the_name_of_a_test(named: set[str]) -> None:
    missing = [id for id, reason in listed().items() if id not in named and not reason]
    assert missing == []


def test_a_reason_stands_only_where_it_is_needed(named: set[str]) -> None:
    assert [id for id, reason in listed().items() if id in named and reason] == []
