"""`tidemill simulate` over definitions that the API made: what it prints, and that it leaves no trace."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.planning.conftest import SELF, Site, task
from tidemill.cli.main import app
from tidemill.store.engine import Database

NOON = "0 0 12 * * ?"


def simulate(database_url: str, *options: str) -> list[str]:
    done = CliRunner().invoke(app, ["simulate", "--from", "2025-11-04", "--database", database_url, *options])
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout.splitlines()


@pytest.fixture
def url(database: Database) -> str:
    return database.writer.url.render_as_string(hide_password=False)


@pytest.fixture
def site(database: Database, tmp_path: Path) -> Site:
    site = Site(database, tmp_path)
    site.deploy("u", "0 0 11 * * ?", task("u"), task("p", Trigger={"Recurrence": "Pause"}))
    site.deploy("v", NOON, task("v", "u"), task("w", "v", "p"))
    site.deploy("old", NOON, Trigger={"EndTime": "2025-11-03 00:00:00"})
    site.deploy("x", NOON, task("x", "old"))
    site.deploy("weekly", "0 0 9 ? * WED")
    return site


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


def test_when_everything_would_start_and_end(site: Site, url: str) -> None:
    before = site.everything()
    head, *lines, summary = simulate(url, "--seconds", "7200", "--late-after", "600")
    assert cells(head) == ["workflow", "task", "bizdate", "cycle time", "start", "end", "note"]
    assert sorted(map(cells, lines)) == sorted(
        [
            ["weekly", "weekly", "2025-11-03", *["2025-11-04 09:00:00"] * 3, "dry run (SkipCycle)"],
            ["u", "u", "2025-11-03", *["2025-11-04 11:00:00"] * 2, "2025-11-04 13:00:00"],
            ["u", "p", "2025-11-03", "2025-11-04 11:00:00", "-", "2025-11-04 11:00:00", "paused"],
            ["v", "v", "2025-11-03", "2025-11-04 12:00:00", "2025-11-04 13:00:00", "2025-11-04 15:00:00", "late"],
            ["v", "w", "2025-11-03", "2025-11-04 12:00:00", "-", "-", "blocked by p"],
            ["x", "x", "2025-11-03", "2025-11-04 12:00:00", "-", "-", "isolated"],
        ]
    )
    assert summary == "6 instances: 1 dry run, 1 in time, 1 paused, 1 late, 1 blocked, 1 isolated"
    assert site.everything() == before
    assert site.runner.runs == {}


def test_a_task_that_fails(site: Site, url: str) -> None:
    lines = simulate(url, "--fail", "u")
    assert {tuple(cells(line))[1::5] for line in lines if cells(line)[0] in ("u", "v")} >= {("u", "failed")}
    assert any("blocked by u" in line for line in lines)


def test_recorded_lengths_of_runs(site: Site, url: str) -> None:
    site.run_until("2025-11-05 00:00", minutes=30)
    lines = simulate(url, "--days", "2", "--seconds", "1")
    (row,) = [cells(line) for line in lines if cells(line)[:3] == ["u", "u", "2025-11-04"]]
    assert row[3:6] == ["2025-11-05 11:00:00", "2025-11-05 11:00:00", "2025-11-05 11:30:00"]
    lines = simulate(url, "--seconds", "1", "--no-recorded")
    assert any("11:00:01" in line for line in lines)


def test_cycles_wait_for_earlier_ones_over_days(site: Site, url: str) -> None:
    site.deploy("s", "0 0 0-23/12 * * ?", task("s", Dependencies=[SELF]))
    lines = simulate(url, "--days", "2", "--seconds", str(18 * 3600))
    ends = [cells(line)[4] for line in lines if cells(line)[0] == "s"]
    assert ends == ["2025-11-04 00:00:00", "2025-11-04 18:00:00", "2025-11-05 12:00:00", "2025-11-06 06:00:00"]


def test_a_secret_is_not_needed_and_each_zone_begins_with_the_first_date(site: Site, url: str) -> None:
    site.call("CreateParameter", ProjectId=10_000, Name="workspace.s", Type="SecretConstant", Owner="1000",
              Properties=[{"EnvType": "Prod", "Value": "quiet"}])  # fmt: skip
    site.deploy(
        "z", "0 0 3 * * ?", task("z", Script={"Content": "${workspace.s}"}), Trigger={"TimeZone": "Europe/Berlin"}
    )
    lines = [cells(line) for line in simulate(url, "--seconds", "60") if line.startswith("z ")]
    assert lines == [["z", "z", "2025-11-03", *["2025-11-04 03:00:00"] * 2, "2025-11-04 03:01:00"]]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--from", "soon"], "--from: a date as yyyy-mm-dd is expected, not soon"),
        (["--from", "2025-01-01", "--fail", "nobody"], "there is no task nobody in Prod"),
        (["--from", "2025-01-01", "--data", "nowhere"], "there is no database"),
    ],
)
def test_what_it_cannot_simulate(site: Site, url: str, options: list[str], message: str) -> None:
    where = [] if "--data" in options else ["--database", url]
    done = CliRunner().invoke(app, ["simulate", *options, *where])
    assert done.exit_code == 1
    assert message in f"{done.output} {done.exception}"
