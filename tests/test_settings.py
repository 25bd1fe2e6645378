"""Where settings come from, and what is said about those that are wrong."""

import logging
from pathlib import Path

import pytest

from tidemill.settings import Settings, load_settings


def test_flags_win_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "tidemill.toml"
    file.write_text('host = "file"\nport = 1\nmax_page = 10\n')
    got = load_settings({"host": "flag", "port": None}, {"TIDEMILL_HOST": "environment", "TIDEMILL_PORT": "2"}, file)
    assert (got.host, got.port, got.max_page) == ("flag", 2, 10)


def test_each_wrong_setting_has_a_line(tmp_path: Path) -> None:
    file = tmp_path / "tidemill.toml"
    file.write_text('max_pages = 10\nport = "many"\n')
    with pytest.raises(ValueError) as raised:
        load_settings({}, {"TIDEMILL_LEASE": "hidden"}, file)
    lines = sorted(str(raised.value).split("\n"))
    assert [line.split(":")[0] for line in lines] == ["lease", "max_pages", "port"]
    assert lines[1] == "max_pages: there is no such setting: max_page?"
    assert "http" not in str(raised.value)
    assert "hidden" not in str(raised.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "tidemill.toml").write_text("port 1")
    with pytest.raises(ValueError, match=r"tidemill\.toml: "):
        load_settings({}, {}, tmp_path / "tidemill.toml")


def test_an_unknown_name_in_the_environment_is_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    environment = {"TIDEMILL_PROT": "secret", "TIDEMILL_RUN": "1-1", "PATH": "/bin", "TIDEMILL_QQQQQQQQQQQQQQQQQQ": "1"}
    with caplog.at_level(logging.WARNING):
        load_settings({}, environment, tmp_path / "none")
    assert caplog.messages == [
        "TIDEMILL_PROT in the environment is no setting: TIDEMILL_PORT?",
        "TIDEMILL_QQQQQQQQQQQQQQQQQQ in the environment is no setting",
    ]


def test_every_setting_is_described() -> None:
    assert [name for name, info in Settings.model_fields.items() if not info.description] == []
