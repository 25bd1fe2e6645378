"""Every setting, in one frozen model, read once: flags > TIDEMILL_* environment > tidemill.toml > default."""

import os
import tomllib
from collections.abc import Mapping
from datetime import time
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class Settings(BaseModel):
    """Durations are seconds, sizes bytes, dates and times in `time_zone` unless a field says otherwise."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # Where things are
    host: str = "127.0.0.1"
    port: int = Field(8080, ge=0, le=65535)
    data: Path = Path("data")
    database: str = Field("", description="SQLAlchemy URL; empty: SQLite in the data directory")
    advertise: str = Field("", description="URL at which the other servers of a PostgreSQL reach this one")
    synchronous: Literal["FULL", "NORMAL", "OFF"] = "FULL"
    task_user: str = Field("", description="run the guard, the runner and every task as this user")
    python: str = Field("", description="interpreter of PYTHON tasks; empty: the server's own")
    python_tasks: Literal["fresh", "forked"] = Field(
        "fresh",
        description="whether PYTHON tasks get an interpreter of their own or a fork of one, which is quicker and"
        " isolates less; a task's tag tidemill.python wins",
    )
    python_imports: str = Field("", description="modules, with commas between, that forked PYTHON tasks find imported")

    # Who may come in
    access_key_id: str = ""
    access_key_secret: SecretStr = SecretStr("")
    secret_key: SecretStr = Field(SecretStr(""), description="encrypts access key secrets at rest")
    clock_skew: int = Field(900, description="how far a request's time may be from ours, either way")
    max_request: int = 16 * 2**20

    # How much may come in at once
    max_connections: int = Field(500, ge=1, description="open at one time; idle and slow ones yield to new ones")
    max_reading: int = Field(128 * 2**20, description="bytes of large requests (above 64 KiB) held at one time")
    request_timeout: float = Field(20.0, gt=0, description="without progress, until a slow client is cut off")
    write_timeout: float = Field(5.0, ge=0, description="that a call waits for its turn to write, then 503")

    # What a project is by default
    time_zone: str = "Asia/Shanghai"
    resource_group_slots: int = Field(16, ge=1, description="of a resource group that nobody made")

    # What the clock plans
    planning_time: time = Field(time(23, 30), description="when the next day is planned, in each scheduling zone")
    catch_up: Literal["none", "last", "all"] = Field("all", description="which dates missed while no server ran")
    catch_up_days: int = Field(3, ge=0, description="how many days back dates are caught up with")
    immediate_delay: int = Field(600, ge=0, description="cycles sooner after an Immediately deployment are expired")

    # Limits
    max_tasks: int = 1_000
    max_upstreams: int = 1_000
    max_script: int = 2**20
    max_parameters: int = 64 * 1024
    max_batch: int = 500
    max_calendars: int = Field(10, ge=0, description="scheduling calendars in all")
    max_page: int = 500
    max_log: int = 100 * 2**20
    task_processes: int = Field(1_000, ge=0, description="most processes and threads of a run; 0: no limit")
    task_memory: int = Field(0, ge=0, description="most memory of a run's processes together; 0: no limit")
    min_free: int = Field(64 * 2**20, ge=0, description="free space below which nothing is started; 0: does not matter")
    default_timeout: int = 3 * 24 * 3600
    default_rerun_interval: int = 180
    operation_days: int = 7
    lease: int = Field(15, ge=6, description="seconds that runs of a server that is gone are left to it; PostgreSQL")

    # What is kept
    retention_days: int = Field(0, ge=0, description="days that ended instances and their logs are kept; 0: for ever")
    archive: Path | None = Field(None, description="directory that keeps what is pruned, as Parquet")

    # How runs end
    stop_grace: float = 10.0
    shutdown_grace: float = 10.0

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite:///{self.data.absolute() / 'tidemill.db'}"


def _from_file(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    with path.open("rb") as file:
        return tomllib.load(file)


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    names = {f"TIDEMILL_{name.upper()}": name for name in Settings.model_fields}
    return {names[key]: value for key, value in environment.items() if key in names}


def load_settings(
    flags: Mapping[str, Any],
    environment: Mapping[str, str] = os.environ,
    file: Path = Path("tidemill.toml"),
) -> Settings:
    """Merge the sources; flags that are None were not given. Raises ValueError naming what is wrong."""
    given = {name: value for name, value in flags.items() if value is not None}
    return Settings(**{**_from_file(file), **_from_environment(environment), **given})
