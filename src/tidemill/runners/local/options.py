"""What the server tells the guard and the runner once, at their start; durations are seconds, sizes bytes."""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """`grace` stands between SIGTERM and SIGKILL; `idle` is how long a runner without server and runs stays."""

    data: str
    python: str
    path: str
    user: str = ""
    grace: float = 10.0
    idle: float = 60.0
    max_log: int = 100 * 2**20

    @property
    def directory(self) -> str:
        """Where socket, journal and lock are: the task user's own, beside logs and working directories."""
        return f"{self.data}/runner"

    def to_text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> "Options":
        return cls(**json.loads(text))
