"""Hot queries use the indexes over unfinished rows: finished ones, however many, slow nothing (engine 29)."""

from typing import Any

import pytest
from sqlalchemy import text

from tidemill.store import definitions, instances, runs
from tidemill.store.engine import Database
from tidemill.store.statements import Statement, as_ids, as_rows

HOT: list[tuple[str, Statement, dict[str, Any], str]] = [
    ("ready", instances._ready, {"now": 1, "limit": 10}, "ix_task_instance_ready"),
    ("next due", instances._next_due, {"now": 1}, "ix_task_instance_ready"),
    ("pick", runs._pick, {"group_id": "g", "room": 5, "beyond": as_ids([])}, "ix_task_instance_queued"),
    ("beyond limits", runs._beyond_limit, {}, "ix_task_instance_limited"),
    ("next group", runs._next_group, {"after": ""}, "ix_task_instance_queued"),
    ("busy slots", runs._groups, {}, "ix_task_instance_running"),
    ("stops", runs._stops, {}, "ix_task_instance_running"),
    ("outputs", definitions._move_outputs, {"env": "Prod", "rows": as_rows([("a", 1)]), "same": as_rows([("a", 1)])},
     "ix_dependency_upstream_output"),
    ("satisfy", instances._satisfy, {"ids": as_ids([1])}, "ix_instance_edge_upstream"),
]  # fmt: skip


@pytest.mark.parametrize(("statement", "parameters", "index"), [pytest.param(*hot[1:], id=hot[0]) for hot in HOT])
def test_a_hot_query_uses_its_index(
    database: Database, statement: Statement, parameters: dict[str, Any], index: str
) -> None:
    with database.write() as db:
        sql, fixed = statement.text(db)
        if not database.is_sqlite:
            db.execute(text("SET LOCAL enable_seqscan = off"))
            db.execute(text("SET LOCAL enable_bitmapscan = off"))
        explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
        driver: Any = db.connection.driver_connection
        plan = str(driver.execute(f"{explain} {sql}", {**fixed, **parameters}).fetchall())
    assert index in plan
