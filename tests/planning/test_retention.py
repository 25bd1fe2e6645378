"""Retention: what ended long ago goes, archived first, and nothing that runs later is any different for it."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from pyarrow import parquet
from sqlalchemy import func, select

from tests.conftest import assert_promises_held
from tests.planning.conftest import Site, task
from tidemill.cli.keeping import Keeper
from tidemill.runners.old_logs import remove_old_logs
from tidemill.scheduler import retention
from tidemill.scheduler.retention import SHORTEST, prune
from tidemill.settings import Settings
from tidemill.store import archive, pruning
from tidemill.store.engine import Database, open_database
from tidemill.store.schema import prepare
from tidemill.store.tables import metadata, run, task_instance

t = task_instance.c
_SELF = {"Type": "CrossCycleDependsOnSelf"}


@pytest.fixture
def site(database: Database, tmp_path: Path) -> Iterator[Site]:
    yield _weeks(Site(database, tmp_path, start="2025-11-03 12:00"))
    assert_promises_held(database)


def _weeks(site: Site) -> Site:
    """Hourly, daily and weekly tasks that wait for each other and for earlier cycles; `late` fails each time."""
    site.deploy("hourly", "00 00 */6 * * ?", task("hourly"))
    hourly = next(id for id, name in site.names.items() if name == "hourly")
    site.deploy(
        "daily",
        "00 30 02 * * ?",
        task("a", Dependencies=[_SELF, {"Type": "Normal", "UpstreamTaskId": hourly}]),
        task("b", Dependencies=[{"Type": "CrossCycleDependsOnOtherNode", "UpstreamTaskId": hourly}]),
    )
    site.deploy("weekly", "00 00 03 ? * 2", task("weekly", Dependencies=[_SELF]))
    site.deploy("late", "00 00 04 * * ?", task("late", Dependencies=[_SELF]))
    return site


def _counts(database: Database) -> dict[str, int]:
    with database.read() as db:
        return {it.name: db.execute(select(func.count()).select_from(it)).scalar_one() for it in metadata.sorted_tables}


def _two_weeks(site: Site, each_day: Callable[[Site], object]) -> dict[int, str]:
    for day in range(4, 18):
        site.run_until(f"2025-11-{day:02} 12:00", failing=["late"])
        each_day(site)
    return site.starts


def test_what_runs_is_the_same_whether_or_not_anything_is_pruned(site: Site, tmp_path: Path) -> None:
    other = open_database(f"sqlite:///{tmp_path / 'kept.db'}", synchronous="OFF")
    with other.write() as db:
        prepare(db)
    (tmp_path / "kept").mkdir()
    kept = _two_weeks(_weeks(Site(other, tmp_path / "kept", start="2025-11-03 12:00")), lambda _: None)
    other.close()
    pruned: list[int] = []

    def keep_three_days(site: Site) -> None:
        while count := prune(site.database, site.clock.now() - SHORTEST, None):
            pruned.append(count)

    assert _two_weeks(site, keep_three_days) == kept
    assert sum(pruned) > 60


def test_what_somebody_waits_for_or_needs_stays(site: Site) -> None:
    """`late` has failed on the first day, and all its later days wait for that one."""
    _two_weeks(site, lambda _: None)
    before = site.clock.now() - SHORTEST
    while prune(site.database, before, None):
        pass
    with site.database.read() as db:
        late = next(id for id, name in site.names.items() if name == "late")
        left = db.execute(select(t.status).where(t.task_id == late, t.kind == "Task").order_by(t.trigger_time))
        assert [row[0] for row in left][:3] == ["Failure", "NotRun", "NotRun"]
        old = select(t.id).where(t.finished_time < before, t.kind == "Workflow", t.status == "Success")
        downstream = _needed_later(site, before)
        assert set(db.execute(old).scalars()) <= downstream
    assert prune(site.database, before, None) == 0


def _needed_later(site: Site, before: int) -> set[int]:
    """The workflow instances with an upstream of something that ended later, or has not ended."""
    from tidemill.store.tables import instance_edge, workflow_instance

    e, w, up, down = instance_edge.c, workflow_instance.c, task_instance.alias(), task_instance.alias()
    with site.database.read() as db:
        found = (
            select(w.task_instance_id)
            .join(up, up.c.workflow_instance_id == w.id)
            .join(instance_edge, e.upstream_id == up.c.id)
            .join(down, down.c.id == e.downstream_id)
            .where(down.c.finished_time.is_(None) | (down.c.finished_time >= before))
        )
        return set(db.execute(found).scalars())


def test_the_archive_holds_every_row_that_goes(site: Site, tmp_path: Path) -> None:
    site.run_until("2025-11-09 12:00")
    before, counts = site.clock.now() - SHORTEST, _counts(site.database)
    while prune(site.database, before, tmp_path / "archive"):
        pass
    left = _counts(site.database)
    gone = {name: counts[name] - left[name] for name in counts if counts[name] != left[name]}
    assert {"task_instance", "workflow_instance", "run", "event", "instance_edge"} <= gone.keys()
    archived = {path.name: parquet.read_table(path).num_rows for path in (tmp_path / "archive").iterdir()}
    assert archived == gone


def test_a_crash_between_archive_and_database_loses_nothing(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.run_until("2025-11-09 12:00")
    before, counts = site.clock.now() - SHORTEST, _counts(site.database)
    with monkeypatch.context() as patched:
        patched.setattr(pruning, "remove", _crash)
        with pytest.raises(KeyboardInterrupt):
            prune(site.database, before, tmp_path / "archive")
    assert _counts(site.database) == counts
    while prune(site.database, before, tmp_path / "archive"):
        pass
    kept = parquet.read_table(tmp_path / "archive/run").num_rows
    assert kept == counts["run"] - _counts(site.database)["run"]


def _crash(*_: object) -> None:
    raise KeyboardInterrupt


def test_what_was_rerun_while_it_was_archived_stays(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.run_until("2025-11-09 12:00")
    before = site.clock.now() - SHORTEST
    with site.database.read() as db:
        chosen = pruning.oldest(db, before, 1_000).instances
        task_id = db.execute(select(t.id).where(t.id.in_(chosen), t.kind == "Task").limit(1)).scalar_one()

    def rerun(*_: object) -> None:
        site.call("RerunTaskInstances", Ids=[task_id])

    with monkeypatch.context() as patched:
        patched.setattr(archive, "write", rerun)
        prune(site.database, before, tmp_path / "archive")
    site.run_until("2025-11-09 13:00")
    with site.database.read() as db:
        status, number = db.execute(
            select(t.status, func.max(run.c.run_number)).join(run, run.c.instance_id == t.id)
            .where(t.id == task_id).group_by(t.status)
        ).one()  # fmt: skip
    assert (status, number) == ("Success", 2)


def test_a_batch_is_bounded_by_its_task_instances(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.run_until("2025-11-09 12:00")
    monkeypatch.setattr(retention, "_BATCH", 4)
    before = site.clock.now() - SHORTEST
    sizes = []
    while count := prune(site.database, before, None):
        sizes.append(count)
    assert len(sizes) > 3
    assert max(sizes) <= 4


def test_logs_go_when_their_instance_has_gone_and_their_day_has_passed(tmp_path: Path) -> None:
    old = ("20251101/7/1.log", "20251101/8/1.log", "20251101/8/2.log", "20251102/9/1.log")  # before decision 0022
    for log in (*old, "20251101/7-2.log", "20251101/11-1.log", "20251101/11-2.log", "20251103/10-1.log"):
        path = tmp_path / "logs" / log
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    (tmp_path / "logs/notes").mkdir()
    assert remove_old_logs(tmp_path, date(2025, 11, 3), lambda ids: {7} & set(ids)) == 3
    left = sorted(str(path.relative_to(tmp_path / "logs")) for path in (tmp_path / "logs").glob("**/*"))
    assert left == ["20251101", "20251101/7", "20251101/7-2.log", "20251101/7/1.log", "20251103", "20251103/10-1.log",
                    "notes"]  # fmt: skip


def test_a_server_prunes_by_itself_only_where_it_leads(site: Site, tmp_path: Path) -> None:
    site.run_until("2025-11-11 12:00")
    settings = Settings(data=tmp_path, retention_days=3)
    assert Keeper(settings, site.database, site.clock, leads=lambda: False).keep() == 0
    assert Keeper(settings, site.database, site.clock, leads=lambda: True).keep() > 20
    with pytest.raises(ValueError, match="at least 3"):
        Keeper(settings.model_copy(update={"retention_days": 2}), site.database, site.clock, leads=lambda: True)
