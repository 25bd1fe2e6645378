"""What the tables are made of: the metadata they register with, and the kinds of columns."""

from sqlalchemy import BigInteger, Column, Integer, MetaData, Text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite gives only INTEGER PRIMARY KEY its fast row ids.
Id = BigInteger().with_variant(Integer, "sqlite")


def time(name: str, *, required: bool = False) -> "Column[int]":
    return Column(name, BigInteger, nullable=not required)


def flag(name: str) -> "Column[int]":
    """0 or 1: an integer, so that partial indexes read the same on both databases."""
    return Column(name, Integer, nullable=False, server_default="0")


def count(name: str, default: int = 0) -> "Column[int]":
    return Column(name, Integer, nullable=False, server_default=str(default))


def text(name: str, *, required: bool = False) -> "Column[str]":
    return Column(name, Text, nullable=not required)


def number(name: str, *, required: bool = False) -> "Column[int]":
    return Column(name, BigInteger, nullable=not required)


def authors() -> "list[Column[int] | Column[str]]":
    return [
        time("create_time", required=True),
        text("create_user"),
        time("modify_time", required=True),
        text("modify_user"),
    ]
