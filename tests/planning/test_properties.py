"""Whatever schedules there are: each instance once, everything drains, and a replacement leaves what 2.2 names."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.planning.conftest import SELF, SHANGHAI, Site, nothing_dangles, task
from tidemill.domain.cron import Cron
from tidemill.domain.schedule import expand_day
from tidemill.store.engine import open_database
from tidemill.store.tables import operation

TUESDAY, WEDNESDAY = "2025-11-04", "2025-11-05"
CRONS = st.sampled_from(
    ["0 30 2 * * ?", "0 0 12 * * ?", "0 0 23 * * ?", "0 15 0-23/1 * * ?", "0 0 0-23/6 * * ?", "0 0 0-23/8 * * ?",
     "0 */45 5-9 * * ?", "0 0 6-18/3 ? * TUE", "0 0 4 1 * ?"]
)  # fmt: skip


@contextmanager
def a_site() -> Iterator[Site]:
    with TemporaryDirectory() as place:
        database = open_database(f"sqlite:///{Path(place) / 'test.db'}", "OFF")
        try:
            yield Site(database, Path(place))
        finally:
            database.close()


def cycles(cron: str, day: str) -> dict[str, bool]:
    """`hh:mm`: whether it is a dry run."""
    found = expand_day(Cron.parse(cron), date.fromisoformat(day), SHANGHAI)
    return {f"{datetime.fromtimestamp(cycle.trigger_time / 1000, SHANGHAI):%H:%M}": cycle.dry_run for cycle in found}


@settings(max_examples=30, deadline=None)
@given(old=CRONS, new=CRONS, minute=st.integers(0, 23 * 60 + 29))
def test_immediately_leaves_what_the_rules_name(old: str, new: str, minute: int) -> None:
    with a_site() as site:
        site.deploy("w", old, task("kept"), task("gone"))
        moment = f"{TUESDAY} {minute // 60:02}:{minute % 60:02}"
        site.run_until(moment)
        site.deploy("w", new, task("kept"), task("fresh", "kept"), mode="Immediately")
        threshold = site.clock.now() + 10 * 60_000
        before = {time for time in cycles(old, TUESDAY) if site.moment(f"{TUESDAY} {time}") <= threshold}
        after = cycles(new, TUESDAY)
        later = {time for time in after if site.moment(f"{TUESDAY} {time}") > threshold}
        assert [time[:5] for time in site.times("kept", TUESDAY)] == sorted(before | later)
        assert [time[:5] for time in site.times("gone", TUESDAY)] == sorted(before)
        expected = {time: "SkipCycle" if after[time] else "Normal" for time in later}
        expected |= dict.fromkeys(after.keys() - later, "RealtimeDeprecated")
        assert {site.local(row.trigger_time)[11:]: row.recurrence for row in site.rows("fresh", TUESDAY)} == expected
        nothing_dangles(site)
        site.run_until(f"{TUESDAY} 23:59")
        assert {row.status for name in ("kept", "gone", "fresh", "w*") for row in site.rows(name, TUESDAY)} <= {
            "Success"
        }
        nothing_dangles(site)


@st.composite
def projects(draw: st.DrawFn) -> list[tuple[str, list[tuple[list[str], bool]]]]:
    """Workflows in an order of dependence: (cron, [(upstream tasks, depends on itself)])."""
    made: list[tuple[str, list[tuple[list[str], bool]]]] = []
    names: list[str] = []
    for number in range(draw(st.integers(1, 4))):
        tasks: list[tuple[list[str], bool]] = []
        for place in range(draw(st.integers(1, 3))):
            upstreams = draw(st.lists(st.sampled_from(names), max_size=2, unique=True)) if names else []
            tasks.append((upstreams, draw(st.booleans())))
            names.append(f"t{number}_{place}")
        made.append((draw(CRONS), tasks))
    return made


def deploy(site: Site, project: list[tuple[str, list[tuple[list[str], bool]]]]) -> None:
    for number, (cron, tasks) in enumerate(project):
        made = []
        for place, (upstreams, itself) in enumerate(tasks):
            fields = task(f"t{number}_{place}", *upstreams)
            fields["Dependencies"] += [SELF] if itself else []
            made.append(fields)
        site.deploy(f"w{number}", cron, *made)


@settings(max_examples=25, deadline=None)
@given(project=projects(), minutes=st.integers(0, 40))
def test_everything_due_is_there_once_and_drains(
    project: list[tuple[str, list[tuple[list[str], bool]]]], minutes: int
) -> None:
    with a_site() as site:
        deploy(site, project)
        site.run_until(f"{WEDNESDAY} 23:29", minutes=minutes)
        for number, (cron, tasks) in enumerate(project):
            for place in range(len(tasks)):
                for day in (TUESDAY, WEDNESDAY):
                    times = [time[:5] for time in site.times(f"t{number}_{place}", day)]
                    assert times == sorted(cycles(cron, day))
        nothing_dangles(site)
        with site.database.write() as db:  # no more days: whatever is late still comes to its end
            db.exec_driver_sql("DELETE FROM dependency")
            db.exec_driver_sql("DELETE FROM workflow")
        site.run_until("2025-12-31 00:00", minutes=minutes)
        instances, _, _ = site.everything()
        assert {row.status for name in site.names.values() for row in site.rows(name)} == {"Success"}
        assert len({key[0] for key in site.runner.runs}) == len(site.runner.runs)
        assert instances


@settings(max_examples=20, deadline=None)
@given(project=projects(), hours=st.integers(0, 30))
def test_planning_twice_changes_nothing(project: list[tuple[str, list[tuple[list[str], bool]]]], hours: int) -> None:
    with a_site() as site:
        deploy(site, project)
        at = datetime(2025, 11, 3, 23, 31) + timedelta(hours=hours)
        site.run_until(f"{at:%Y-%m-%d %H:%M}")
        before = site.everything()
        with site.database.write() as db:
            db.execute(operation.update().values(cursor=0, finished_time=None))
        for _ in range(4):
            site.turn()
        assert site.everything() == before
