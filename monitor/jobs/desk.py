"""What every job works on, and what it says when it is done."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from monitor.jobs.alert import Memory

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from monitor.clock import Clock
    from monitor.config.settings import Settings
    from monitor.episodes import Rule
    from monitor.jobs.collect import Progress
    from monitor.jobs.connections import Connections
    from monitor.jobs.courier import Courier
    from monitor.store.database import Writer


@dataclass
class Desk:
    """The settings, the one writing connection, the venues, the way out for messages, and the clock."""

    settings: Settings
    writer: Writer
    clock: Clock
    connections: Connections
    courier: Courier
    rules: tuple[Rule, ...] = ()
    progress: Progress | None = None
    memory: Memory = field(default_factory=Memory)


@dataclass(frozen=True)
class Outcome:
    """What a job did: figures for the log, sentences for a person.

    `noteworthy`: something happened that belongs in the log at its usual level. `exit_code` is what a single run ends
    with: 0 complete, 4 something is missing, 5 credentials were refused.
    """

    figures: Mapping[str, object] = field(default_factory=dict)
    noteworthy: bool = False
    troubles: tuple[str, ...] = ()
    exit_code: int = 0


@dataclass(frozen=True)
class Job:
    """A name, an interval in milliseconds, and what to do."""

    name: str
    interval: int
    perform: Callable[[Desk], Awaitable[Outcome]]
