"""What schedules refer to: calendars and workspace parameters. Everybody else takes them from `tables`."""

from sqlalchemy import Column, PrimaryKeyConstraint, Table, UniqueConstraint

from tidemill.store.columns import Id, authors, count, flag, metadata, number, text, time

calendar = Table(
    "calendar",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    count("version"),
    text("name", required=True),
    text("owner", required=True),
    flag("all_projects"),
    *authors(),
    UniqueConstraint("name"),
)

calendar_project = Table(
    "calendar_project",
    metadata,
    number("calendar_id", required=True),
    number("project_id", required=True),
    PrimaryKeyConstraint("calendar_id", "project_id"),
)

calendar_version = Table(
    "calendar_version",
    metadata,
    number("calendar_id", required=True),
    count("version"),
    text("definition", required=True),  # the CalendarDefinition model as JSON
    time("create_time", required=True),
    text("create_user"),
    PrimaryKeyConstraint("calendar_id", "version"),
)

parameter = Table(
    "parameter",
    metadata,
    Column("id", Id, primary_key=True, autoincrement=False),
    number("project_id", required=True),
    count("version"),
    text("name", required=True),  # with its `workspace.`
    text("type", required=True),
    text("owner", required=True),
    *authors(),
    UniqueConstraint("project_id", "name"),
)

parameter_version = Table(
    "parameter_version",
    metadata,
    number("parameter_id", required=True),
    count("version"),
    text("owner", required=True),
    text("description"),
    text("properties", required=True),  # JSON: {environment: value}; encrypted values where the type is SecretConstant
    time("create_time", required=True),
    text("create_user"),
    PrimaryKeyConstraint("parameter_id", "version"),
)
