"""Workloads that no peer has: each is a function of a `Session` that returns what it found."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Session:
    database: str = "sqlite"  # or postgresql
    rounds: int = 5
    instances: int = 10_000_000  # stored ones, of AGE
