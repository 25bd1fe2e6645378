"""Hot queries use the indexes over unfinished rows: finished ones, however many, slow nothing (engine 29)."""

from time import monotonic
from typing import Any

import pytest
from sqlalchemy import text

from tidemill.store import definitions, engine, instances, linking, planning, repeating, replacing, runs
from tidemill.store.engine import Database
from tidemill.store.statements import Statement, as_ids, as_rows

HOT: list[tuple[str, Statement, dict[str, Any], str]] = [
    ("ready", instances._ready, {"now": 1, "limit": 10}, "ix_task_instance_ready"),
    ("next due", instances._next_due, {"now": 1}, "ix_task_instance_ready"),
    ("pick", runs._pick, {"group_id": "g", "room": 5, "beyond": as_ids([])}, "ix_task_instance_queued"),
    ("beyond limits", runs._standing, {}, "ix_task_instance_limited"),
    ("queued groups", runs._standing, {}, "ix_task_instance_queued"),
    ("busy slots", runs._standing, {}, "ix_task_instance_running"),
    ("stops", runs._stops, {}, "ix_task_instance_running"),
    ("outputs", definitions._move_outputs, {"env": "Prod", "rows": as_rows([("a", 1)]), "same": as_rows([("a", 1)])},
     "ix_dependency_upstream_output"),
    ("names", definitions._named, {"env": "Prod", "rows": as_rows([("a",)])}, "ix_task_name"),
    ("zones", planning._zones, {}, "ix_workflow_time_zone"),
    ("containers", replacing._containers, {"workflow_id": 1, "env": "Prod", "bizdate": "2025-11-03"},
     "ix_workflow_instance_workflow"),
    ("made by", repeating._made, {"origin": 7, "date": "2025-11-03", "before": "2025-11-02"},
     "ix_workflow_instance_origin"),
    ("satisfy", instances._satisfy, {"ids": as_ids([1])}, "ix_instance_edge_upstream"),
]  # fmt: skip

# On SQLite, for which it is an index without a name of its own; `origin = 0` says nearly nothing, and may not lead.
INSTANCES = {"env": "Prod", "ids": as_ids([1]), "since": 1, "until": 9}

_SAVED = as_rows([(1, *([0] * len(instances._SAVED)))])
BY_ID: list[tuple[str, Statement, dict[str, Any]]] = [
    ("load", instances._load, {"ids": as_ids([1])}),
    ("save", instances._save.at_once, {"rows": _SAVED, "now": 1}),
    ("count", instances._count, {"rows": as_rows([(1, 1, 1)])}),
    ("release", instances._release, {"rows": as_rows([(1, 1)]), "now": 1}),
    ("orders", runs._orders, {"ids": as_ids([1])}),
    ("finish", runs._finish.at_once, {"rows": as_rows([(1, 1, 1, "", "", 1, 1, "")])}),
]


def explained(database: Database, statement: Statement, parameters: dict[str, Any]) -> str:
    with database.write() as db:
        sql, fixed = statement.text(db)
        if not database.is_sqlite:
            db.execute(text("SET LOCAL enable_bitmapscan = off"))  # which names an index on another line
        explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
        driver: Any = db.connection.driver_connection
        return str(driver.execute(f"{explain} {sql}", {**fixed, **parameters}).fetchall())


@pytest.mark.parametrize(("statement", "parameters", "index"), [pytest.param(*hot[1:], id=hot[0]) for hot in HOT])
def test_a_hot_query_uses_its_index(
    database: Database, statement: Statement, parameters: dict[str, Any], index: str
) -> None:
    assert index in explained(database, statement, parameters)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_instances_are_found_by_their_tasks(database: Database) -> None:
    assert "(env=? AND task_id=? AND trigger_time>? AND trigger_time<?)" in explained(
        database, linking._instances, INSTANCES
    )


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize(("statement", "parameters"), [pytest.param(*each[1:], id=each[0]) for each in BY_ID])
def test_a_plan_that_an_empty_postgresql_makes_serves_a_full_one(
    database: Database, statement: Statement, parameters: dict[str, Any]
) -> None:
    """For as long as it is kept: it reads no table from end to end."""
    plan = explained(database, statement, parameters)
    assert "Index Cond" in plan
    assert "Seq Scan" not in plan


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_plans_are_thrown_away_now_and_then(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that was made for tables of another size is kept until then."""
    later = 0.0
    monkeypatch.setattr(engine, "monotonic", lambda: monotonic() + later)

    def plan(*before: str) -> str:
        with database.write() as db:
            driver: Any = db.connection.driver_connection
            for statement in before:
                driver.execute(statement)
            return str(driver.execute("EXPLAIN EXECUTE known").fetchall())

    scanning = [f"SET LOCAL enable_{way} = off" for way in ("indexscan", "indexonlyscan", "bitmapscan")]
    scanning.append("SET LOCAL enable_seqscan = on")
    known = "PREPARE known AS SELECT id FROM task_instance WHERE id = 7"
    assert "Seq Scan" in plan(known, *scanning, "EXECUTE known")
    assert "Seq Scan" in plan()
    later = engine._PLANS_LAST + 1.0
    assert "Index" in plan()
