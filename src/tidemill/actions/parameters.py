"""Workspace parameters: made, changed, read, listed, rolled back, deleted (api-semantics 11; docs/decisions/0010)."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from tidemill.actions.context import Context
from tidemill.actions.parameter_models import (
    CreateParameterRequest,
    CreateParameterResponse,
    GetParameterResponse,
    ListParametersRequest,
    ListParametersResponse,
    ListParameterVersionsRequest,
    ListParameterVersionsResponse,
    ParameterIdRequest,
    ParameterPage,
    ParameterVersionPage,
    ParameterView,
    Property,
    PropertyView,
    RollbackParameterRequest,
    UpdateParameterRequest,
    UpdateParameterResponse,
)
from tidemill.actions.shared_models import SuccessResponse
from tidemill.actions.workflows import sort_page
from tidemill.domain.definitions import EnvType
from tidemill.domain.errors import Fault, InvalidRequest, Malformed, NotFound
from tidemill.domain.expressions import Expression
from tidemill.store import members, parameters
from tidemill.store.accounts import fernet
from tidemill.store.ids import allocate
from tidemill.store.pages import AnyRow
from tidemill.store.parameters import HIDDEN, MASK, ParameterFilter, Vault


def create(context: Context, request: CreateParameterRequest) -> CreateParameterResponse:
    """Make a parameter; Prod has a value, and of several for one environment the first counts."""
    values = _first(request.properties)
    faults = list(_value_faults(request.type, request.properties))
    if "Prod" not in values:
        faults.append(Fault("Properties", "a value for Prod is expected", missing=not values))
    known = parameters.id_of(context.db, request.project_id, request.name)
    if known is not None:
        faults.append(Fault("Name", f"another name is expected: this is that of parameter {known}"))
    if faults:
        raise InvalidRequest(faults)
    id = allocate(context.db, 1)[0]
    stored = _stored(context, request.type, values)
    version = _version(context, request.owner, request.description, stored)
    parameters.add(context.db, id, request.project_id, request.name, request.type, version)
    return CreateParameterResponse(id=id)


def update(context: Context, request: UpdateParameterRequest) -> UpdateParameterResponse:
    """Change what is given; instances that are there keep the values that they have."""
    row = _find(context, request.id)
    faults = list(_value_faults(row.type, request.properties))
    if faults:
        raise InvalidRequest(faults)
    before: dict[str, str] = json.loads(row.properties)
    after = before | _stored(context, row.type, _first(request.properties))
    owner, description = request.owner or row.owner, request.description or row.description
    if (owner, description, after) == (row.owner, row.description, before):
        return UpdateParameterResponse(version=row.version)
    number = row.version + 1
    parameters.change(context.db, request.id, number, _version(context, owner, description, after))
    return UpdateParameterResponse(version=number)


def rollback(context: Context, request: RollbackParameterRequest) -> SuccessResponse:
    """Make a new version that says what an earlier one said."""
    row = _find(context, request.id)
    old = parameters.find_version(context.db, request.id, request.rollback_version)
    if old is None:
        raise InvalidRequest([Fault("RollbackVersion", f"a version from 1 to {row.version} is expected")])
    if old.version != row.version:
        version = _version(context, old.owner, old.description, json.loads(old.properties))
        parameters.change(context.db, request.id, row.version + 1, version)
    return SuccessResponse()


def get(context: Context, request: ParameterIdRequest) -> GetParameterResponse:
    return GetParameterResponse(parameter=_view(_find(context, request.id)))


def delete(context: Context, request: ParameterIdRequest) -> SuccessResponse:
    """Delete a parameter with its versions; a run that still needs a deleted secret fails and says so."""
    _find(context, request.id)
    parameters.remove(context.db, request.id)
    return SuccessResponse()


def list_(context: Context, request: ListParametersRequest) -> ListParametersResponse:
    """Those of a project, or of all that the caller may see."""
    if request.project_id is not None:
        projects = [request.project_id]
    else:
        projects = members.memberships(context.db, context.caller.account_id)
    wanted = ParameterFilter(projects, request.ids, request.names, request.type, request.owner)
    rows, total = parameters.list_(context.db, wanted, sort_page(request))
    return ListParametersResponse(
        paging_info=ParameterPage(
            page_number=request.page_number,
            page_size=request.page_size,
            total_count=total,
            parameters=tuple(map(_view, rows)),
        )
    )


def list_versions(context: Context, request: ListParameterVersionsRequest) -> ListParameterVersionsResponse:
    _find(context, request.id)
    rows, total = parameters.versions(context.db, request.id, sort_page(request))
    return ListParameterVersionsResponse(
        paging_info=ParameterVersionPage(
            page_number=request.page_number,
            page_size=request.page_size,
            total_count=total,
            parameter_version=tuple(map(_view, rows)),
        )
    )


def _find(context: Context, id: int) -> AnyRow:
    """Raises NotFound, or Forbidden where the caller's role in its project does not allow the action."""
    row = parameters.find(context.db, id)
    if row is None:
        raise NotFound("Parameter", f"There is no parameter {id}.")
    context.project(row.project_id)
    return row


def _first(properties: Iterable[Property]) -> dict[str, str]:
    """Environment: its value, the first where it is named again."""
    values: dict[str, str] = {}
    for item in properties:
        values.setdefault(item.env_type, item.value)
    return values


def _value_faults(type: str, properties: Iterable[Property]) -> Iterable[Fault]:
    for index, item in enumerate(properties):
        if any(not character.isprintable() for character in item.value):
            yield Fault(f"Properties[{index}].Value", "a text of one line, of printable characters, is expected")
        if type == "Variable":
            try:
                Expression.parse(item.value)
            except Malformed as error:
                yield Fault(f"Properties[{index}].Value", str(error))


def _stored(context: Context, type: str, values: Mapping[str, str]) -> dict[str, str]:
    if type != HIDDEN:
        return dict(values)
    vault = Vault(fernet(context.settings, sqlite=context.db.dialect.name == "sqlite"))
    return {env: vault.closed(value) for env, value in values.items()}


def _version(context: Context, owner: str, description: str | None, stored: Mapping[str, str]) -> dict[str, Any]:
    return {
        "owner": owner,
        "description": description,
        "properties": json.dumps(stored, separators=(",", ":")),
        "create_time": context.now,
        "create_user": context.caller.account_id,
    }


def _view(row: AnyRow) -> ParameterView:
    values: dict[str, str] = json.loads(row.properties)
    shown = {env: MASK if row.type == HIDDEN else value for env, value in sorted(values.items(), reverse=True)}
    return ParameterView(
        id=row.id,
        project_id=row.project_id,
        name=row.name,
        type=row.type,
        version=row.version,
        owner=row.owner,
        description=row.description,
        properties=tuple(PropertyView(env_type=_env(env), value=value) for env, value in shown.items()),
        create_time=row.create_time,
        create_user=row.create_user,
        modify_time=row.modify_time,
        modify_user=row.modify_user,
    )


def _env(name: str) -> EnvType:
    return "Prod" if name == "Prod" else "Dev"
