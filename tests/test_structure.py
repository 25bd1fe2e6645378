"""The tree is the architecture: a folder imports only folders above it."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "tidemill"
ORDER = ["settings", "clock", "domain", "store", "runners", "scheduler", "actions", "api", "console", "cli"]
# The contract's words (Run, Result) are values that the store keeps: it may read that one module.
ALLOWED = {("store", "tidemill.runners.contract")}


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return {name for name in found if name.startswith("tidemill.")}


@pytest.mark.parametrize("folder", ORDER)
def test_a_folder_imports_only_those_above_it(folder: str) -> None:
    files = [PACKAGE / f"{folder}.py"] if (PACKAGE / f"{folder}.py").exists() else (PACKAGE / folder).rglob("*.py")
    above = set(ORDER[: ORDER.index(folder) + 1])
    wrong = {
        (str(path.relative_to(PACKAGE)), name)
        for path in files
        for name in imports(path)
        if name.split(".")[1] not in above and (folder, name) not in ALLOWED
    }
    assert wrong == set()


def test_the_domain_is_pure() -> None:
    for path in (PACKAGE / "domain").rglob("*.py"):
        text = path.read_text()
        assert not re.search(r"\b(time\.time|datetime\.now|date\.today|sqlalchemy|os\.environ)\b", text), path


def test_source_files_can_be_read_at_a_sitting() -> None:
    long = {path.name for path in PACKAGE.rglob("*.py") if "versions" not in path.parts
            and len(path.read_text().splitlines()) > 450}  # fmt: skip
    assert long == set()


def test_the_reference_pages_are_those_that_the_code_makes() -> None:
    import importlib.util

    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for page, text in module.PAGES.items():
        assert (ROOT / "docs" / "reference" / page).read_text() == text(), "run make docs"


def test_readme_names_every_operation_and_command() -> None:
    readme = (ROOT / "README.md").read_text()
    assert "make demo" in readme
    assert "make test" in readme
