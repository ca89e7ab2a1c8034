"""The demo desk as a place to work: its folder, its venues, its settings, and its window.

A folder per seed and fault holds the database and the day the desk began, so that a run that was killed is resumed by
the next one: the same history, wherever the first one was cut off. The history is made by this version of the code;
a folder of another version starts over.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from monitor import __version__
from monitor.clock import DAY, HOUR, Window
from monitor.demo.desk import start_desk
from monitor.demo.faults import FAULTS

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from monitor.clock import Clock
    from monitor.config.settings import Settings
    from monitor.demo.desk import RunningDesk

STATE = "demo.json"
DATABASE = "demo.db"
ANSWER_DAYS = 30
__all__ = ["FAULTS", "Demo", "open_demo"]


@dataclass(frozen=True)
class Demo:
    """The running demo; close it, or use it in a `with` block."""

    settings: Settings
    running: RunningDesk
    window: Window

    def __enter__(self) -> Self:
        """Use the running demo."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop its venues."""
        self.running.close()


def open_demo(settings: Settings, directory: Path, *, seed: int, fault: str | None, clock: Clock) -> Demo:
    """Start the venues of a demo desk in a folder, new or resumed; `settings` give schedule, rules and log.

    Raises:
        UsageError: an unknown fault.
        StoreError: the folder cannot be written.
    """
    folder = directory / f"seed-{seed}{f'-{fault}' if fault else ''}"
    epoch = _epoch(folder, clock.now())
    running = start_desk(seed, epoch, clock, fault)
    window = Window(epoch - ANSWER_DAYS * DAY, epoch)
    return Demo(replace(settings, database=folder / DATABASE, accounts=running.accounts), running, window)


def _epoch(folder: Path, now: int) -> int:
    """Return the midnight at which the desk's live part begins: the folder's own, or the last one for a new folder.

    An hour is left between the midnight and now, so that all of the known window can be seen at the venues.
    """
    path = folder / STATE
    wanted = {"version": __version__}
    if path.exists():
        state = json.loads(path.read_text())
        if {"version": state.get("version")} == wanted:
            return int(state["epoch"])
        for stale in folder.glob(f"{DATABASE}*"):
            stale.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    epoch = (now - HOUR) // DAY * DAY
    path.write_text(json.dumps({**wanted, "epoch": epoch}))
    return epoch
