"""What every job works on, and what it says when it is done."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    from monitor.clock import Clock
    from monitor.config.settings import Settings
    from monitor.store.database import Writer


@dataclass
class Desk:
    """The settings, the one writing connection, and the clock; closing it closes the database."""

    settings: Settings
    writer: Writer
    clock: Clock

    def __enter__(self) -> Self:
        """Use the open desk in a `with` block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the database."""
        self.writer.close()


@dataclass(frozen=True)
class Outcome:
    """What a job did: figures for the log; `noteworthy` when a person may want to see it at the usual log level.

    `exit_code` is what a single run ends with: 0 complete, 4 something is missing, 5 credentials were refused.
    """

    figures: dict[str, object] = field(default_factory=dict)
    noteworthy: bool = False
    exit_code: int = 0


@dataclass(frozen=True)
class Job:
    """A name, an interval in milliseconds, and what to do."""

    name: str
    interval: int
    perform: Callable[[Desk], Awaitable[Outcome]]
