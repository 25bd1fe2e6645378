"""Workspace parameters: one row each, its immutable versions, and what runs see of them.

A secret's value is stored encrypted; instances keep where it is, and only the composing of a run opens it.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from tidemill.domain.parameters import NO_WORKSPACE, Parameter, Workspace
from tidemill.store.pages import AnyRow, Page, page
from tidemill.store.statements import Statement, among, as_ids
from tidemill.store.tables import parameter, parameter_version

p = parameter.c
v = parameter_version.c

PREFIX = "workspace."
HIDDEN = "SecretConstant"
MASK = "******"


@dataclass(frozen=True, slots=True)
class ParameterFilter:
    """What ListParameters filters by; empty and None mean any. `project_ids` are those that the caller may see."""

    project_ids: Collection[int]
    ids: Collection[int] = ()
    names: Collection[str] = ()
    type: str | None = None
    owner: str | None = None


_versions = select(
    p.id, p.project_id, p.name, p.type, v.version, v.owner, v.description, v.properties, p.create_time, p.create_user,
    v.create_time.label("modify_time"), v.create_user.label("modify_user"),
).join_from(parameter, parameter_version, v.parameter_id == p.id)  # fmt: skip
_current = _versions.where(v.version == p.version)
_workspaces = Statement(
    select(p.project_id, p.id, p.name, p.type, v.version, v.properties)
    .join_from(parameter, parameter_version, (v.parameter_id == p.id) & (v.version == p.version))
    .where(among(p.project_id))
    .order_by(p.project_id, p.name)
)
_kept = Statement(select(v.parameter_id, v.version, v.properties).where(among(v.parameter_id)))


def workspaces(db: Connection, project_ids: Collection[int], env: str) -> dict[int, Workspace]:
    """Project: its parameters in an environment; projects without any are left out."""
    found: dict[int, tuple[list[Parameter], list[Parameter], list[Parameter]]] = {}
    for project, id, name, type, version, properties in _workspaces(db, ids=as_ids(project_ids)):
        values = json.loads(properties)
        if env not in values:
            continue
        variables, constants, secrets = found.setdefault(project, ([], [], []))
        plain = name.removeprefix(PREFIX)
        if type == HIDDEN:
            secrets.append(Parameter(plain, f"{id}:{version}:{env}"))
        else:
            (variables if type == "Variable" else constants).append(Parameter(plain, values[env]))
    return {project: Workspace(*map(tuple, lists)) for project, lists in found.items()}


def workspace(db: Connection, project_id: int, env: str) -> Workspace:
    """The parameters of one project in an environment."""
    return workspaces(db, [project_id], env).get(project_id, NO_WORKSPACE)


class Secrets(Protocol):
    def opened(self, db: Connection, places: Iterable[str]) -> dict[str, str]:
        """Place: its value; those that are gone, or that another key encrypted, are left out."""
        ...


class Masked:
    """Where nothing is executed, no secret is opened."""

    def opened(self, db: Connection, places: Iterable[str]) -> dict[str, str]:
        return dict.fromkeys(places, MASK)


class Vault:
    """Encrypts the values of secrets and opens them again."""

    def __init__(self, fernet: Fernet) -> None:
        self._fernet = fernet

    def closed(self, value: str) -> str:
        return self._fernet.encrypt(value.encode()).decode()

    def opened(self, db: Connection, places: Iterable[str]) -> dict[str, str]:
        """See `Secrets`."""
        wanted = set(places)
        ids = {int(place.split(":")[0]) for place in wanted}
        values: dict[str, str] = {}
        for id, version, properties in _kept(db, ids=as_ids(ids)):
            for env, closed in json.loads(properties).items():
                place = f"{id}:{version}:{env}"
                if place in wanted:
                    try:
                        values[place] = self._fernet.decrypt(closed.encode()).decode()
                    except InvalidToken:
                        continue
        return values


def find(db: Connection, id: int) -> AnyRow | None:
    """The parameter at its current version."""
    return db.execute(_current.where(p.id == id)).one_or_none()


def find_version(db: Connection, id: int, version: int) -> AnyRow | None:
    return db.execute(_versions.where(p.id == id, v.version == version)).one_or_none()


def id_of(db: Connection, project_id: int, name: str) -> int | None:
    return db.execute(select(p.id).where(p.project_id == project_id, p.name == name)).scalar()


def list_(db: Connection, wanted: ParameterFilter, order: Page) -> tuple[list[AnyRow], int]:
    conditions: list[ColumnElement[bool]] = [p.project_id.in_(list(wanted.project_ids))]
    if wanted.ids:
        conditions.append(p.id.in_(list(wanted.ids)))
    if wanted.names:
        conditions.append(p.name.in_(list(wanted.names)))
    if wanted.type:
        conditions.append(p.type == wanted.type)
    if wanted.owner:
        conditions.append(v.owner == wanted.owner)
    return page(db, _current.where(*conditions), order)


def versions(db: Connection, id: int, order: Page) -> tuple[list[AnyRow], int]:
    return page(db, _versions.where(p.id == id), order)


def add(db: Connection, id: int, project_id: int, name: str, type: str, version: Mapping[str, Any]) -> None:
    """A new parameter at version 1; `version` has owner, description, properties (JSON), create_time, create_user."""
    authors = {"create_time": version["create_time"], "create_user": version["create_user"]}
    authors |= {"modify_time": version["create_time"], "modify_user": version["create_user"]}
    named = {"id": id, "project_id": project_id, "version": 1, "name": name, "type": type, "owner": version["owner"]}
    db.execute(insert(parameter).values(**named, **authors))
    db.execute(insert(parameter_version).values(parameter_id=id, version=1, **version))


def change(db: Connection, id: int, number: int, version: Mapping[str, Any]) -> None:
    """Make version `number` the current one; the earlier ones stay."""
    changed = {"version": number, "owner": version["owner"], "modify_time": version["create_time"]}
    db.execute(update(parameter).where(p.id == id).values(**changed, modify_user=version["create_user"]))
    db.execute(insert(parameter_version).values(parameter_id=id, version=number, **version))


def remove(db: Connection, id: int) -> None:
    """Take away a parameter with all its versions."""
    db.execute(delete(parameter_version).where(v.parameter_id == id))
    db.execute(delete(parameter).where(p.id == id))
