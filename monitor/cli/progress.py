"""How far reading the accounts is: a bar for each with the time left, on a terminal; elsewhere nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from types import TracebackType

    from monitor.jobs.collect import Step


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
