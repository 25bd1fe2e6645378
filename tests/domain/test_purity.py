"""The domain decides from its arguments alone."""

import ast
import sys
from pathlib import Path

import pytest

import tidemill.domain

MODULES = sorted(Path(tidemill.domain.__file__).parent.glob("*.py"))
IMPURE = {"os", "sys", "io", "time", "random", "socket", "subprocess", "threading", "sqlite3", "pathlib", "secrets"}
CLOCKS = {"now", "today", "utcnow"}


@pytest.mark.parametrize("module", MODULES, ids=[module.stem for module in MODULES])
def test_a_module_of_the_domain_reads_no_clock_and_reaches_nothing_outside(module: Path) -> None:
    nodes = list(ast.walk(ast.parse(module.read_text())))
    imported = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    imported |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    ours = {name for name in imported if name.startswith("tidemill.")}
    assert all(name.startswith("tidemill.domain.") for name in ours)
    roots = {name.split(".")[0] for name in imported - ours}
    assert roots <= (sys.stdlib_module_names - IMPURE) | {"pydantic"}
    assert not CLOCKS & {node.attr for node in nodes if isinstance(node, ast.Attribute)}
