"""Several servers on one PostgreSQL: which of them leads, and whose runners live. Others take them from `tables`."""

from sqlalchemy import Column, Table, Text

from tidemill.store.columns import Id, count, metadata, number, text, time

leader = Table(
    "leader",
    metadata,
    Column("one", Id, primary_key=True, autoincrement=False),
    text("holder", required=True),  # a server process, by a name that no other ever has
    count("epoch"),
    time("renewed_time", required=True),
)

runner = Table(
    "runner",
    metadata,
    Column("name", Text, primary_key=True),
    text("boot", required=True),  # of the machine, as in `run`
    text("endpoint", required=True),  # the URL of the server that owns it, for the others
    number("lease_until", required=True),
)
