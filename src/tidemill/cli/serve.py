"""`tidemill serve`: API, scheduler and a local runner in one command."""

import gc
import logging
import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager, nullcontext
from functools import partial

import uvicorn

from tidemill.actions.perform import Services
from tidemill.api.connections import Connections
from tidemill.api.protocol import not_of_a_client_that_left, protocol_with
from tidemill.api.server import create_app
from tidemill.cli.cluster import Server, runner_name
from tidemill.cli.keeping import Keeper
from tidemill.cli.lock import DataDirectory, boot_of
from tidemill.cli.room import Room
from tidemill.clock import SystemClock
from tidemill.runners.local.client import LocalRunner
from tidemill.runners.shared_logs import Logs
from tidemill.scheduler.loop import Scheduler
from tidemill.scheduler.planner import PlanningRules
from tidemill.settings import Settings
from tidemill.store import cluster
from tidemill.store.accounts import NewKey, ensure_first_start, fernet
from tidemill.store.engine import Database, open_database
from tidemill.store.parameters import Vault
from tidemill.store.schema import prepare

log = logging.getLogger(__name__)

_OTHER_FILES = 200  # the databases', the runner's and the logs'


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or Ctrl-C, then give running tasks `shutdown_grace` seconds.

    Raises DataDirectoryInUse when another server owns the data directory, OSError when the port is taken, ValueError
    for settings that do not go together.
    """
    os.umask(0o077)
    allow_open_files(settings.max_connections)
    directory = DataDirectory(settings.data, passable=bool(settings.task_user))
    listener = _listen(settings.host, settings.port)
    database = open_database(settings.database_url, settings.synchronous)
    clock = SystemClock()
    try:
        with database.write() as db:
            prepare(db)
            new_key = ensure_first_start(db, settings, clock.now())
        name = runner_name(settings.data, sqlite=database.is_sqlite)
        logs = Logs(settings.data, name, fernet(settings, sqlite=database.is_sqlite), cluster.endpoint_of)
        boot, advertised = boot_of(settings.data), _advertised(settings, listener)
        server = None if database.is_sqlite else Server(database, name, boot, advertised, settings.lease)
        room = Room.of(settings)
        services = Services(
            database=database, settings=settings, clock=clock, logs=logs, health=partial(_health, server, room)
        )
        keeper = Keeper(settings, database, clock, leads=lambda: server is None or server.membership.leads)
        with _scheduling(settings, database, clock, name, boot, server, room), keeper.beside():
            _announce(settings, listener, new_key)
            gc.collect()
            gc.freeze()
            _serve_http(services, listener)
    finally:
        database.close()
        listener.close()
        directory.close()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(1024)
    return listener


def allow_open_files(connections: int) -> None:
    """See that this process may open files for so many connections. Raises ValueError where the system forbids it."""
    needed = connections + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise ValueError(f"max_connections: at most {hard - _OTHER_FILES} are expected where {hard} files may be open")
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def _advertised(settings: Settings, listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    host = socket.gethostname() if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host  # noqa: S104
    return settings.advertise or f"http://{host}:{port}"


def _health(server: Server | None, room: Room) -> Mapping[str, str]:
    return {**(server.health() if server else {}), **room.health()}


@contextmanager
def _scheduling(
    settings: Settings, database: Database, clock: SystemClock, name: str, boot: str, server: Server | None, room: Room
) -> Generator[None]:
    """The scheduler's thread with its runner, for the length of the block."""
    if os.geteuid() == 0 and not settings.task_user:
        log.warning("tasks run as root: set task_user to run them as somebody else")
    runner = LocalRunner(
        settings.data,
        name=name,
        lease=server.runner_lease if server else 0.0,
        stop_grace=settings.stop_grace,
        log_cap=settings.max_log,
        task_processes=settings.task_processes,
        task_memory=settings.task_memory,
        task_user=settings.task_user,
        python=settings.python or sys.executable,
        python_tasks=settings.python_tasks,
        python_imports=settings.python_imports,
        path=os.environ.get("PATH", os.defpath),
    )
    scheduler = Scheduler(
        database,
        runner,
        clock,
        boot=boot,
        default_slots=settings.resource_group_slots,
        planning=PlanningRules.of(settings),
        vault=Vault(fernet(settings, sqlite=database.is_sqlite)),
        membership=server.membership if server else None,
        has_room=room,
    )
    thread = threading.Thread(target=scheduler.run, name="scheduler")
    thread.start()
    try:
        with server.beside(runner) if server else nullcontext():
            yield
    finally:
        scheduler.stop()
        thread.join()
        if runner.running:
            log.info("waiting up to %g s for %d running tasks", settings.shutdown_grace, runner.running)
        scheduler.leave(settings.shutdown_grace)


def _announce(settings: Settings, listener: socket.socket, new_key: NewKey | None) -> None:
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    print(f"Tidemill serves http://{shown}:{port} (data in {settings.data})", flush=True)
    if new_key is not None:
        print(f"Access key: {new_key.access_key_id}  secret: {new_key.access_key_secret}  (shown once)", flush=True)


def _serve_http(services: Services, listener: socket.socket) -> None:
    settings = services.settings
    config = uvicorn.Config(
        create_app(services),
        loop="uvloop",
        http=protocol_with(Connections(settings.max_connections, settings.request_timeout)),
        log_level="warning",
        access_log=False,
        lifespan="off",
        ws="none",
        timeout_keep_alive=75,
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    logging.getLogger("uvicorn.error").addFilter(not_of_a_client_that_left)
    _Server(config).run(sockets=[listener])


class _Server(uvicorn.Server):
    """Ends on SIGTERM and Ctrl-C without raising the signal again: the runner is still to be left in order."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.handle_exit)
        yield
