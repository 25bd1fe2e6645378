"""What many requests and answers have in common."""

import re
from collections.abc import Callable
from datetime import date, time
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from tidemill.domain.definitions import Boolean, Integer, ListOf, OrNone, Wire

MAX_PAGE = 500

OptionalText = Annotated[str | None, OrNone]
OptionalInteger = Annotated[Integer | None, OrNone]
OptionalBoolean = Annotated[Boolean | None, OrNone]
Ids = Annotated[tuple[Integer, ...], ListOf]
Texts = Annotated[tuple[str, ...], ListOf]


class Paged(Wire):
    """PageNumber counts from 1; a page size above the maximum is an error (decision 21)."""

    page_number: Annotated[Integer, Field(ge=1)] = 1
    page_size: Annotated[Integer, Field(ge=1, le=MAX_PAGE)] = 10


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
    def of(cls, answers: dict[int, str]) -> "SuccessInfoResponse":
        """From {id: "" or the reason why not}."""
        return cls(
            success_info={
                str(id): SuccessInfoValue(success=not message, message=message or None)
                for id, message in answers.items()
            }
        )


class SuccessResponse(Wire):
    success: bool = True


def _checked(check: Callable[[str], Any], expected: str) -> AfterValidator:
    def validate(text: str | None) -> str | None:
        if text is not None:
            try:
                check(text)
            except ValueError:
                raise ValueError(f"{expected} is expected, not {text}") from None
        return text

    return AfterValidator(validate)


def _day(text: str) -> None:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        raise ValueError
    date.fromisoformat(text)


def _hour(text: str) -> None:
    if not re.fullmatch(r"\d{2}:\d{2}:\d{2}", text):
        raise ValueError
    time.fromisoformat(text)


Day = Annotated[str, _checked(_day, "yyyy-mm-dd")]
Hour = Annotated[str | None, OrNone, _checked(_hour, "hh:mm:ss")]


def sorts(*fields: str) -> AfterValidator:
    """Checks a SortBy that knows these fields: `Field`, `Field Asc` or `Field Desc`; the default is Id Desc."""

    def validate(text: str | None) -> str | None:
        if text is not None:
            name, _, direction = text.strip().partition(" ")
            if name not in fields or direction.strip().lower() not in ("", "asc", "desc"):
                raise ValueError(f"one of {', '.join(fields)}, then Asc or Desc, is expected, not {text}")
        return text

    return AfterValidator(validate)
