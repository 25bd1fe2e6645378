"""One call of an action: who may, what remains of it, and what the log of operations says."""

from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.data.operation_names import text as generated_names
from tidemill.actions.caller import Caller
from tidemill.actions.context import Context
from tidemill.actions.perform import Services, perform
from tidemill.actions.shared_models import Ids, OptionalText
from tidemill.actions.table import Action, by_name, operation_names
from tidemill.domain.definitions import Integer, Wire
from tidemill.domain.errors import (
    ActionNotFound,
    ActionNotServed,
    AuthenticationFailed,
    Forbidden,
    InvalidRequest,
    NotFound,
)
from tidemill.runners.shared_logs import Logs
from tidemill.settings import Settings
from tidemill.store.accounts import ensure_first_start
from tidemill.store.engine import Database

NOW = 1_762_128_000_000


class ProjectRequest(Wire):
    project_id: Integer
    ids: Ids = ()
    comment: OptionalText = None


class IdRequest(Wire):
    id: Integer


class Made(Wire):
    id: int


@dataclass
class FixedClock:
    def now(self) -> int:
        return NOW


def touch(context: Context, request: ProjectRequest) -> Made:
    context.db.exec_driver_sql("UPDATE project SET description = 'touched'")
    if request.ids == (13,):
        raise KeyError("a bug")
    return Made(id=77)


def show(context: Context, request: IdRequest) -> Made:
    return Made(id=context.project(10000).id)


ACTIONS = by_name(
    [
        Action("Show", IdRequest, Made, show, "read"),
        Action("Develop", ProjectRequest, Made, touch, "develop"),
        Action("Operate", ProjectRequest, Made, touch, "operate"),
        Action("Administer", ProjectRequest, Made, touch, "administer"),
    ]
)
ADMIN = Caller("1000")


@pytest.fixture
def services(database: Database, tmp_path: Path) -> Services:
    settings = Settings.model_validate({"data": tmp_path, "secret_key": "k"})
    with database.write() as db:
        ensure_first_start(db, settings, NOW)
        for number, role in enumerate(("Developer", "Operator", "Visitor"), start=2):
            db.exec_driver_sql(f"INSERT INTO account VALUES ('{number}', 'n', 'Active', 0)")
            db.exec_driver_sql(f"INSERT INTO project_member VALUES (10000, '{number}', '{role}')")
        db.exec_driver_sql("INSERT INTO account VALUES ('5', 'stranger', 'Active', 0)")
        db.exec_driver_sql("INSERT INTO account VALUES ('6', 'disabled', 'Inactive', 0)")
        db.exec_driver_sql("INSERT INTO project_member VALUES (10000, '6', 'Administrator')")
    return Services(database, settings, FixedClock(), ACTIONS, logs=Logs(settings.data, "fake"))


def logged(services: Services) -> list[tuple[object, ...]]:
    with services.database.read() as db:
        rows = db.exec_driver_sql("SELECT action, account_id, code, objects, comment FROM operation_log ORDER BY id")
        return [tuple(row) for row in rows]


def described(services: Services) -> object:
    with services.database.read() as db:
        return db.exec_driver_sql("SELECT description FROM project").scalar()


@pytest.mark.parametrize(
    ("account", "may"),
    [
        ("1000", {"Show", "Develop", "Operate", "Administer"}),
        ("2", {"Show", "Develop", "Operate"}),
        ("3", {"Show", "Operate"}),
        ("4", {"Show"}),
        ("5", set()),
        ("6", set()),
        ("nobody", set()),
    ],
)
def test_what_each_role_may_do(services: Services, account: str, may: set[str]) -> None:
    for name in ACTIONS:
        allowed = nullcontext() if name in may else pytest.raises(Forbidden)
        with allowed:
            perform(services, Caller(account), name, {"ProjectId": "10000", "Id": "1"}, NOW)


def test_a_project_that_does_not_exist_is_not_found(services: Services) -> None:
    with pytest.raises(NotFound) as failed:
        perform(services, ADMIN, "Develop", {"ProjectId": 1}, NOW)
    assert failed.value.kind == "Project"


def test_a_success_is_logged_with_the_ids_it_named_and_made(services: Services) -> None:
    parameters = {"ProjectId": "10000", "Ids": "[1,2]", "Comment": "because"}
    assert perform(services, ADMIN, "Develop", parameters, NOW) == Made(id=77)
    assert described(services) == "touched"
    objects = '{"Ids":[1,2],"ProjectId":10000,"Id":77}'
    assert logged(services) == [("Develop", "1000", None, objects, "because")]


@pytest.mark.parametrize(
    ("parameters", "error", "objects"),
    [
        ({"ProjectId": "x"}, InvalidRequest, None),
        ({"ProjectId": "1"}, NotFound, '{"ProjectId":1}'),
        ({"ProjectId": "10000", "Ids": [13]}, KeyError, '{"Ids":[13],"ProjectId":10000}'),
    ],
)
def test_a_failure_changes_nothing_but_the_log(
    services: Services, parameters: dict[str, object], error: type[Exception], objects: str | None
) -> None:
    with pytest.raises(error):
        perform(services, ADMIN, "Develop", parameters, NOW)
    assert described(services) is None
    assert logged(services) == [("Develop", "1000", error.__name__, objects, None)]


def test_reading_is_not_logged(services: Services) -> None:
    perform(services, ADMIN, "Show", {"Id": 1}, NOW)
    with pytest.raises(Forbidden):
        perform(services, Caller("5"), "Show", {"Id": 1}, NOW)
    assert logged(services) == []


def test_a_nonce_in_the_database_is_refused(services: Services) -> None:
    caller = Caller("1000", "key", "nonce", NOW)
    perform(services, caller, "Develop", {"ProjectId": 10000}, NOW)
    with pytest.raises(AuthenticationFailed):
        perform(services, caller, "Develop", {"ProjectId": 10000}, NOW)
    if not services.database.is_sqlite:  # of several servers, this one may not be the one that took it
        with pytest.raises(AuthenticationFailed):
            perform(services, caller, "Show", {"Id": 1}, NOW)
    assert len(logged(services)) == 1


def test_unknown_actions_differ_from_those_that_only_the_api_has(services: Services) -> None:
    with pytest.raises(ActionNotFound):
        perform(services, ADMIN, "develop", {}, NOW)
    with pytest.raises(ActionNotServed, match="Administer, Develop, Operate, Show"):
        perform(services, ADMIN, "CreateDIJob", {}, NOW)


def test_a_name_stands_once_in_the_table() -> None:
    with pytest.raises(ValueError, match="Show is listed twice"):
        by_name([ACTIONS["Show"], Action("Show", IdRequest, Made, show, "read")])


def test_the_list_of_names_is_the_description_s() -> None:
    assert operation_names() == {line for line in generated_names().splitlines() if not line.startswith("#")}
    assert len(operation_names()) == 401
