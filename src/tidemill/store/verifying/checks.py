"""What a check is."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select


@dataclass(frozen=True, slots=True)
class Check:
    """`broken` gives the rows that break `promise`; `text` says of one of them what is wrong, by its columns."""

    promise: str
    name: str
    text: str
    broken: Select[*tuple[Any, ...]]
