"""What `tidemill prune` refuses."""

from pathlib import Path

from typer.testing import CliRunner

from tidemill.cli.main import app


def test_a_day_that_is_kept_in_any_case_is_refused_with_the_reason(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["prune", "--before", "2999-01-01", "--data", str(tmp_path)])
    assert result.exit_code == 1
    assert "3 days at least are kept, because planning ties a day to the one before" in result.output
