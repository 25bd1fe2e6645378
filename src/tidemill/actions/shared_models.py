"""What many requests and answers have in common."""

from collections.abc import Mapping
from datetime import time
from typing import Annotated, NamedTuple, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, WithJsonSchema
from pydantic.alias_generators import to_snake

from tidemill.domain.definitions import Boolean, Integer, ListOf, OrNone, Wire, text_like
from tidemill.settings import Settings

T = TypeVar("T")


def _settings(info: ValidationInfo) -> Settings:
    """Those that the validation was given; without any, the defaults."""
    context: Mapping[str, Settings] = info.context or {}
    return context.get("settings") or Settings.model_validate({})


def _at_most_max_page(size: int, info: ValidationInfo) -> int:
    if size > (limit := _settings(info).max_page):
        raise ValueError(f"at most {limit} is expected")
    return size


def _at_most_max_batch(noun: str) -> AfterValidator:
    def check(items: tuple[T, ...], info: ValidationInfo) -> tuple[T, ...]:
        if len(items) > (limit := _settings(info).max_batch):
            raise ValueError(f"at most {limit} {noun} are expected, not {len(items)}")
        return items

    return AfterValidator(check)


AtMostMaxPage = AfterValidator(_at_most_max_page)
OptionalText = Annotated[str | None, OrNone]
OptionalInteger = Annotated[Integer | None, OrNone]
OptionalBoolean = Annotated[Boolean | None, OrNone]
Batch = _at_most_max_batch("ids")
Ids = Annotated[tuple[Integer, ...], ListOf]
FilterIds = Annotated[Ids, Batch]
Texts = Annotated[tuple[str, ...], ListOf]
FilterNames = Annotated[Texts, _at_most_max_batch("names")]


class Paged(Wire):
    """PageNumber counts from 1; a PageSize above the setting `max_page` is an error."""

    page_number: Annotated[Integer, Field(ge=1)] = 1
    page_size: Annotated[Integer, Field(ge=1), AtMostMaxPage] = 10


class PagedTo100(Paged):
    """The same, with pages of at most 100."""

    page_size: Annotated[Integer, Field(ge=1, le=100), AtMostMaxPage] = 10


class PagedBy20(Paged):
    """The same, with 20 on a page unless the caller says otherwise."""

    page_size: Annotated[Integer, Field(ge=1), AtMostMaxPage] = 20


class PagingInfo(Wire):
    page_number: int
    page_size: int
    total_count: int


class SuccessInfoValue(Wire):
    success: bool
    message: str | None = None


class SuccessInfoResponse(Wire):
    """For each id, as text, whether it was done, and if not, why."""

    success_info: dict[str, SuccessInfoValue]

    @classmethod
    def of(cls, answers: Mapping[int, str]) -> "SuccessInfoResponse":
        """From {id: "" or the reason why not}."""
        return cls(
            success_info={
                str(id): SuccessInfoValue(success=not message, message=message or None)
                for id, message in answers.items()
            }
        )


class SuccessResponse(Wire):
    success: bool = True


IsHour = text_like(r"\d{2}:\d{2}:\d{2}", time.fromisoformat, "a time as hh:mm:ss")
Hour = Annotated[str, IsHour]
OptionalHour = Annotated[str | None, OrNone, IsHour]


class Sort(NamedTuple):
    """An order: the field's name in snake_case, and whether the largest comes first."""

    column: str
    descending: bool


NEWEST_FIRST = Sort("id", True)


def sort_by(*fields: str, default: Sort = NEWEST_FIRST) -> BeforeValidator:
    """Reads the text of a SortBy that knows these fields: `Field`, `Field Asc` or `Field Desc`."""

    def parse(value: object) -> object:
        if value is None or value == "":
            return default
        name, _, direction = value.partition(" ") if isinstance(value, str) else ("", "", "")
        if name not in fields or direction not in ("", "Asc", "Desc"):
            raise ValueError(f"one of {', '.join(fields)} is expected, and Asc or Desc after a blank")
        return Sort(to_snake(name), direction == "Desc")

    return BeforeValidator(parse)


DefinitionSort = Annotated[Sort, sort_by("ModifyTime", "CreateTime", "Id"), WithJsonSchema({"type": "string"})]
InstanceSort = Annotated[
    Sort,
    sort_by("TriggerTime", "StartedTime", "FinishedTime", "CreateTime", "Id"),
    WithJsonSchema({"type": "string"}),
]
