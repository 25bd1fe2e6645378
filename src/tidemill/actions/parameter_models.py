"""Requests and answers about workspace parameters."""

from typing import Annotated, Literal

from pydantic import Field, WithJsonSchema

from tidemill.actions.shared_models import (
    FilterIds,
    FilterNames,
    OptionalInteger,
    OptionalText,
    PagedBy20,
    PagingInfo,
    Sort,
    sort_by,
)
from tidemill.domain.definitions import EnvType, Integer, ListOf, OrNone, Wire, text_like

ParameterType = Literal["PlainConstant", "SecretConstant", "Variable"]
Scope = Annotated[Literal["Project"] | None, OrNone]
IsName = text_like(r"workspace\.[A-Za-z][A-Za-z0-9_]*", str, "`workspace.`, a letter, then letters, digits or `_`,")
_LAST_CHANGED = Sort("modify_time", True)
_LAST_VERSION = Sort("version", True)
ParameterSort = Annotated[
    Sort, sort_by("ModifyTime", "CreateTime", "Name", default=_LAST_CHANGED), WithJsonSchema({"type": "string"})
]
VersionSort = Annotated[Sort, sort_by("Version", default=_LAST_VERSION), WithJsonSchema({"type": "string"})]


class Property(Wire):
    """A value in one environment."""

    env_type: EnvType
    value: str = Field(max_length=4_096)


class CreateParameterRequest(Wire):
    project_id: Integer
    name: Annotated[str, Field(max_length=255), IsName]
    type: ParameterType
    owner: str = Field(min_length=1)
    description: OptionalText = None
    scope: Scope = None
    properties: Annotated[tuple[Property, ...], ListOf]


class CreateParameterResponse(Wire):
    id: int


class UpdateParameterRequest(Wire):
    """What is absent stays as it is; `properties` replace those of the environments that they name."""

    id: Integer
    owner: OptionalText = None
    description: OptionalText = None
    properties: Annotated[tuple[Property, ...], ListOf] = ()


class UpdateParameterResponse(Wire):
    """`version` is the new one, or the current one where nothing changed."""

    version: int


class ParameterIdRequest(Wire):
    id: Integer


class RollbackParameterRequest(Wire):
    id: Integer
    rollback_version: Integer


class PropertyView(Wire):
    env_type: EnvType
    value: str


class ParameterView(Wire):
    """A parameter at a version; a secret's values are masked. Times are epoch milliseconds."""

    id: int
    project_id: int
    name: str
    type: ParameterType
    scope: str = "Project"
    version: int
    owner: str
    description: str | None = None
    properties: tuple[PropertyView, ...]
    create_time: int
    create_user: str | None = None
    modify_time: int
    modify_user: str | None = None


class GetParameterResponse(Wire):
    parameter: ParameterView


class ListParametersRequest(PagedBy20):
    project_id: OptionalInteger = None
    ids: FilterIds = ()
    names: FilterNames = ()
    type: Annotated[ParameterType | None, OrNone] = None
    owner: OptionalText = None
    scope: Scope = None
    sort_by: ParameterSort = _LAST_CHANGED


class ParameterPage(PagingInfo):
    parameters: tuple[ParameterView, ...]


class ListParametersResponse(Wire):
    paging_info: ParameterPage


class ListParameterVersionsRequest(PagedBy20):
    id: Integer
    sort_by: VersionSort = _LAST_VERSION


class ParameterVersionPage(PagingInfo):
    parameter_version: tuple[ParameterView, ...]


class ListParameterVersionsResponse(Wire):
    paging_info: ParameterVersionPage
