"""How far long work is: a bar with the time left on a terminal's standard error; elsewhere nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from types import TracebackType

    from monitor.jobs.collect import Step

# Work that is done sooner shows no bar.
PATIENCE = 20_000


class AccountBars:
    """Bars on standard error that listen to `monitor.jobs.collect`; use it in a `with` block."""

    def __init__(self) -> None:
        """Prepare the bars; none is shown before the first step, and none without a terminal."""
        console = Console(stderr=True)
        self.tasks: dict[str, TaskID] = {}
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[rows]:,} rows"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )

    def step(self, step: Step) -> None:
        """Move the bar of an account."""
        if step.account not in self.tasks:
            self.tasks[step.account] = self.progress.add_task(step.account, total=1.0, rows=0)
        self.progress.update(self.tasks[step.account], completed=step.progress, rows=step.rows)

    def __enter__(self) -> Self:
        """Show the bars."""
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bars away."""
        self.progress.stop()


class EventBar:
    """One bar that listens to `monitor.turnover.exact_book`; it only shows where there is much to do."""

    def __init__(self, title: str) -> None:
        """Prepare the bar; none is shown before the first step, and none without a terminal."""
        console = Console(stderr=True)
        self.title = title
        self.task: TaskID | None = None
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.completed:,.0f} of {task.total:,.0f} events"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )

    def step(self, done: int, total: int) -> None:
        """Move the bar."""
        if total < PATIENCE:
            return
        if self.task is None:
            self.progress.start()
            self.task = self.progress.add_task(self.title, total=total)
        self.progress.update(self.task, completed=done)

    def __enter__(self) -> Self:
        """Do nothing yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the bar away."""
        self.progress.stop()
