"""What is pruned, kept as Parquet: one file a table and batch, on the disk before anything is deleted."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Integer

from tidemill.store.tables import metadata


def check_available() -> None:
    """Raises ValueError where pyarrow is not installed."""
    try:
        import pyarrow.parquet  # noqa: F401  # pyright: ignore
    except ImportError:
        raise ValueError("an archive needs pyarrow: install tidemill[archive]") from None


def write(directory: Path, name: str, tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Write `<table>/<name>.parquet` for each table that has rows; they are whole and on the disk afterwards."""
    for table, rows in tables.items():
        if rows:
            _write(directory / table, name, table, rows)


def _write(directory: Path, name: str, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    import pyarrow as pa  # pyright: ignore
    from pyarrow import parquet  # pyright: ignore

    directory.mkdir(parents=True, exist_ok=True)
    part = directory / f"{name}.part"
    schema: Any = pa.schema(  # pyright: ignore
        [
            (column.name, pa.int64() if isinstance(column.type, BigInteger | Integer) else pa.string())  # pyright: ignore
            for column in metadata.tables[table].columns
        ]
    )
    parquet.write_table(pa.Table.from_pylist(list(rows), schema=schema), part, compression="zstd")  # pyright: ignore
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    part.rename(directory / f"{name}.parquet")
    opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(opened)
    os.close(opened)
