"""Every setting, in one frozen model, read once: flags > TIDEMILL_* environment > tidemill.toml > default."""

import logging
import os
import tomllib
from collections.abc import Collection, Mapping
from datetime import time
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

log = logging.getLogger(__name__)

_PREFIX = "TIDEMILL_"
_OTHERS = {"TIDEMILL_TEST_DATABASE", "TIDEMILL_RUN", "TIDEMILL_RUN_DATA"}  # the tests' and the marks of a run


class Settings(BaseModel):
    """Durations are seconds, sizes bytes, dates and times in `time_zone` unless a field says otherwise."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # Where things are
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8080, ge=0, le=65535, description="port to listen on; 0 picks a free one")
    data: Path = Field(Path("data"), description="directory of the database, logs and keys")
    database: str = Field("", description="SQLAlchemy URL; empty: SQLite in the data directory")
    advertise: str = Field("", description="URL at which the other servers of a PostgreSQL reach this one")
    synchronous: Literal["FULL", "NORMAL", "OFF"] = Field(
        "FULL", description="SQLite's: only FULL keeps what was acknowledged through a loss of power"
    )
    task_user: str = Field("", description="run the guard, the runner and every task as this user")
    python: str = Field("", description="interpreter of PYTHON tasks; empty: the server's own")
    python_tasks: Literal["fresh", "forked"] = Field(
        "fresh",
        description="whether PYTHON tasks get an interpreter of their own or a fork of one, which is quicker and"
        " isolates less; a task's tag tidemill.python wins",
    )
    python_imports: str = Field("", description="modules, with commas between, that forked PYTHON tasks find imported")

    # Who may come in
    access_key_id: str = Field("", description="a key of the first account, put at each start; with access_key_secret")
    access_key_secret: SecretStr = Field(SecretStr(""), description="the secret of access_key_id")
    secret_key: SecretStr = Field(SecretStr(""), description="encrypts stored secrets; empty: SQLite's file secret.key")
    clock_skew: int = Field(900, description="seconds that a request's time may be from ours, either way")
    max_request: int = Field(16 * 2**20, description="bytes of one request")

    # How much may come in at once
    max_connections: int = Field(
        500, ge=1, description="connections open at one time; idle and slow ones yield to new ones"
    )
    max_reading: int = Field(128 * 2**20, description="bytes of large requests (above 64 KiB) held at one time")
    request_timeout: float = Field(20.0, gt=0, description="seconds without progress until a slow client is cut off")
    write_timeout: float = Field(5.0, ge=0, description="seconds that a call waits for its turn to write, then 503")

    # What a project is by default
    time_zone: str = Field("Asia/Shanghai", description="of the first project, which the first start makes")
    resource_group_slots: int = Field(16, ge=1, description="runs at one time in a resource group that nobody made")

    # What the clock plans
    planning_time: time = Field(time(23, 30), description="when the next day is planned, in each scheduling zone")
    catch_up: Literal["none", "last", "all"] = Field("all", description="which dates missed while no server ran")
    catch_up_days: int = Field(3, ge=0, description="how many days back dates are caught up with")
    immediate_delay: int = Field(
        600, ge=0, description="seconds; cycles sooner after an Immediately deployment are expired"
    )

    # Limits
    max_tasks: int = Field(1_000, description="tasks of a workflow")
    max_upstreams: int = Field(1_000, description="upstreams of a task")
    max_script: int = Field(2**20, description="bytes of a task's script")
    max_parameters: int = Field(64 * 1024, description="characters of a task's script parameters")
    max_batch: int = Field(500, description="ids or names in one call")
    max_calendars: int = Field(10, ge=0, description="scheduling calendars in all")
    max_page: int = Field(500, description="PageSize of a list")
    max_log: int = Field(100 * 2**20, description="bytes of a run's log, above which its middle is given back")
    task_processes: int = Field(1_000, ge=0, description="most processes and threads of a run; 0: no limit")
    task_memory: int = Field(0, ge=0, description="bytes of memory of a run's processes together; 0: no limit")
    min_free: int = Field(64 * 2**20, ge=0, description="bytes free below which nothing is started; 0: does not matter")
    default_timeout: int = Field(3 * 24 * 3600, description="seconds that a run may take where its task does not say")
    default_rerun_interval: int = Field(
        180, description="seconds between a failure and its rerun where the task does not say"
    )
    operation_days: int = Field(7, description="days that the result of an operation can be asked for")
    lease: int = Field(15, ge=6, description="seconds that runs of a server that is gone are left to it; PostgreSQL")

    # What is kept
    retention_days: int = Field(0, ge=0, description="days that ended instances and their logs are kept; 0: for ever")
    archive: Path | None = Field(None, description="directory that keeps what is pruned, as Parquet")

    # How runs end
    stop_grace: float = Field(10.0, description="seconds between SIGTERM and SIGKILL for a run that is stopped")
    shutdown_grace: float = Field(10.0, description="seconds that running tasks have to end when the server does")

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite:///{self.data.absolute() / 'tidemill.db'}"


def _from_file(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path}: {error}") from None


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    names = {f"{_PREFIX}{name.upper()}": name for name in Settings.model_fields}
    for key in environment:
        if key.startswith(_PREFIX) and key not in names and key not in _OTHERS:
            log.warning("%s in the environment is no setting%s", key, _nearest(key, names))
    return {names[key]: value for key, value in environment.items() if key in names}


def _nearest(name: str, names: Collection[str]) -> str:
    found = get_close_matches(name, names, n=1)
    return f": {found[0]}?" if found else ""


def _complaint(fault: Any) -> str:
    """One line about one setting, without what was given: that may be a secret."""
    name = ".".join(map(str, fault["loc"]))
    if fault["type"] == "extra_forbidden":
        return f"{name}: there is no such setting{_nearest(name, Settings.model_fields)}"
    return f"{name}: {fault['msg']}"


def load_settings(
    flags: Mapping[str, Any],
    environment: Mapping[str, str] = os.environ,
    file: Path = Path("tidemill.toml"),
) -> Settings:
    """Merge the sources; flags that are None were not given.

    Raises ValueError with a line for each setting that is wrong. A TIDEMILL_* name that is no setting may be somebody
    else's: it is a warning in the log.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        return Settings(**{**_from_file(file), **_from_environment(environment), **given})
    except ValidationError as error:
        raise ValueError("\n".join(map(_complaint, error.errors()))) from None
