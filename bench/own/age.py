"""A database with 10,000,000 finished instances in it, beside an empty one."""

import time
from contextlib import closing

from sqlalchemy import create_engine, make_url, text

from bench.client import serving
from bench.compare import spread, tasks
from bench.own.calls import layered
from bench.own.listing import bizdate, percentiles
from bench.workloads import COMPARED

COPIED = {  # table: the columns that hold an id of the run that is copied
    "workflow_instance": ("id", "unified_id", "task_instance_id", "origin"),
    "task_instance": ("id", "workflow_instance_id", "representative_id", "origin"),
    "instance_edge": ("downstream_id", "upstream_id"),
    "run": ("instance_id",),
    "event": ("instance_id",),
}
STEP = 1000  # ids from one copy to the next
AT_ONCE = 2000  # copies in a transaction
SETTINGS = {"TIDEMILL_TIME_ZONE": "UTC"}


def age(session):
    """W1, VIRTUAL and ListTaskInstances with `--instances` finished instances stored, beside an empty database."""
    with serving(database=session.database, **SETTINGS) as old, serving(database=session.database, **SETTINGS) as new:
        workflow, layers = [], []
        for api in (old, new):
            workflow.append(api.create("w1", tasks(COMPARED["W1"]))["Id"])
            layers.append(api.create("virtual", layered(0, 10, 100))["Id"])
            api.run([workflow[-1]])
        old.close()
        begin = time.time()
        stored = multiply(old.database, session.instances // 101)
        loading = time.time() - begin
        old.start()
        found = {"stored": stored, "loading_seconds": round(loading), "first_answer_seconds": round(old.started, 2)}
        for name, ids in (("W1", workflow), ("VIRTUAL", layers)):
            pairs = [(old.run([ids[0]]), new.run([ids[1]])) for _ in range(session.rounds + 1)][1:]
            found[name] = {
                "seconds": spread([pair[0] for pair in pairs]), "empty_seconds": spread([pair[1] for pair in pairs]),
                "ratio": round(spread([a / b for a, b in pairs])["median"], 2),
            }  # fmt: skip
        found["ListTaskInstances_ms"] = {"old": listed(old), "empty": listed(new)}
        return found


def multiply(url, copies):
    """Copy the one finished run that is stored, with all that the server wrote of it, to days long past; the number."""
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg") if url.startswith("postgresql") else url)
    with closing(engine.raw_connection()) as raw:
        sqlite = engine.dialect.name == "sqlite"
        cursor = raw.cursor()
        if sqlite:
            cursor.execute("PRAGMA synchronous = OFF")
        statements = [_copy(cursor, sqlite, table) for table in COPIED]
        for first in range(1, copies + 1, AT_ONCE):
            last = min(first + AT_ONCE - 1, copies)
            for statement in statements:
                cursor.execute(statement.format(first=first, last=last))
            raw.commit()
        cursor.execute(f"UPDATE id_allocator SET next = next + {STEP * (copies + 1)}")
        raw.commit()
        cursor.execute("ANALYZE")
        raw.commit()
    with engine.connect() as db:
        stored = db.execute(text("SELECT count(*) FROM task_instance")).scalar()
    engine.dispose()
    return stored


def _copy(cursor, sqlite, table):
    """INSERT … SELECT of the first run in the table, once for each n of a range, moved by n in its ids and its day."""
    cursor.execute(f"SELECT * FROM {table} LIMIT 0")
    names = [each[0] for each in cursor.description if (table, each[0]) != ("event", "id")]
    moved = {name: f"{name} + n * {STEP}" for name in COPIED[table]}
    back = "((n % 1000 + 1) * 86400000 + n / 1000)"  # no two copies at one time
    past = (
        "date(bizdate, '-' || (n % 1000 + 1) || ' days')" if sqlite else "(bizdate::date - (n % 1000 + 1)::int)::text"
    )
    values = {"bizdate": past, "trigger_time": f"trigger_time - {back}", "due_time": f"due_time - {back}"}
    columns = ", ".join(f'"{name}"' for name in names)
    chosen = ", ".join(moved.get(name) or values.get(name) or f'"{name}"' for name in names)
    series = (
        "(WITH RECURSIVE s(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM s WHERE n < {last}) SELECT n FROM s)"
        if sqlite
        else "(SELECT n FROM generate_series({first}::bigint, {last}::bigint) AS n)"
    )
    key = COPIED[table][0]
    cursor.execute(f"SELECT min({key}), max({key}) FROM {table}")
    least, most = cursor.fetchone()
    assert most - least < STEP, (table, least, most)
    return (
        f"INSERT INTO {table} ({columns}) SELECT {chosen} FROM {series} AS series CROSS JOIN "
        f"(SELECT * FROM {table} WHERE {key} BETWEEN {least} AND {most}) AS one"
    )


def listed(api):
    """Milliseconds of ListTaskInstances: today, days long past, and the pages after the first."""
    taken = []
    for number in range(200):
        begin = time.perf_counter()
        api.call("ListTaskInstances", ProjectId=10_000, Bizdate=bizdate(1 + number % 100), PageSize=20,
                 PageNumber=1 + number % 3)  # fmt: skip
        taken.append(round((time.perf_counter() - begin) * 1000, 2))
    return percentiles(taken)
