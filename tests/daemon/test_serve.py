"""The whole service as a process of its own: signals, and what its exit, its log and its service manager are told."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SETTINGS = """
database = "desk.db"
[log]
format = "json"
level = "debug"
[schedule]
alerts = "1s"
delivery = "1s"
"""
RULE = """
[[rules]]
name = "stalled"
metric = "turnover"
below = 0.5
"""
PATIENCE_SECONDS = 30.0


class Running:
    """One `monitor run`: its log so far, and the socket it tells the service manager on."""

    def __init__(self, folder: Path) -> None:
        self.settings = folder / "monitor.toml"
        self.settings.write_text(SETTINGS)
        self.log = folder / "log"
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.bind(str(folder / "notify"))
        self.manager.settimeout(PATIENCE_SECONDS)
        environ = {**os.environ, "NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": "30000000"}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "monitor", "-c", str(self.settings), "run"],
                stdin=subprocess.DEVNULL,
                stderr=log,
                env=environ,
            )

    def lines(self) -> list[dict[str, object]]:
        """Return what was logged."""
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def until(self, event: str, times: int = 1, **figures: object) -> dict[str, object]:
        """Wait for the n-th line of an event with these figures."""
        ends = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < ends:
            found = [line for line in self.lines() if line["event"] == event and figures.items() <= line.items()]
            if len(found) >= times:
                return found[times - 1]
            time.sleep(0.05)
        raise AssertionError(f"{event} was not logged:\n{self.log.read_text()}")

    def told(self, word: str) -> None:
        """Wait until the service manager hears a word."""
        while word not in self.manager.recv(1000).decode().splitlines():
            pass

    def ended(self, number: signal.Signals) -> tuple[int, float]:
        """Send a signal; return the exit code and how many seconds it took."""
        began = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_SECONDS), time.monotonic() - began


@contextmanager
def running(folder: Path) -> Iterator[Running]:
    """Run the service; kill it if the test did not end it."""
    one = Running(folder)
    try:
        yield one
    finally:
        one.manager.close()
        one.process.kill()
        one.process.wait()


def test_settings_are_read_again_only_if_they_are_good(tmp_path: Path) -> None:
    """A mistake is told with its line and changes nothing; a good rule is evaluated; SIGTERM ends it with 0."""
    with running(tmp_path) as service:
        service.told("READY=1")
        service.told("WATCHDOG=1")
        service.settings.write_text(SETTINGS + RULE.replace("turnover", "turnovr"))
        service.process.send_signal(signal.SIGHUP)
        said = str(service.until("settings have mistakes, the old ones stay")["error"])
        assert f"{service.settings}:{len(SETTINGS.splitlines()) + 4}:" in said
        assert "Did you mean 'turnover'?" in said
        service.settings.write_text(SETTINGS + RULE + 'asset = "BTC"\n')
        service.process.send_signal(signal.SIGHUP)
        service.told("RELOADING=1")
        service.told("READY=1")
        service.until("alerts", measured=1)
        code, seconds = service.ended(signal.SIGTERM)
        assert code == 0
        assert seconds < 10
        assert service.lines()[-1]["event"] == "stopped"


def test_settings_that_cannot_be_used_leave_the_old_ones(tmp_path: Path) -> None:
    """Good in themselves, but the folder of their database does not exist: the service goes on where it was."""
    with running(tmp_path) as service:
        service.told("READY=1")
        service.settings.write_text(SETTINGS.replace("desk.db", "gone/desk.db"))
        service.process.send_signal(signal.SIGHUP)
        said = str(service.until("settings cannot be used, the old ones stay")["error"])
        assert "gone does not exist" in said
        assert service.until("started", times=2)["database"] == str(tmp_path / "desk.db")
        assert service.ended(signal.SIGINT)[0] == 0


def test_a_second_service_refuses_at_once_and_names_the_first(tmp_path: Path) -> None:
    """Exit 1, within a second of having started, with pid and command of who writes."""
    with running(tmp_path) as service:
        service.told("READY=1")
        command = [sys.executable, "-m", "monitor", "-c", str(service.settings), "run"]
        second = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
        assert second.returncode == 1
        assert f"is being written by process {service.process.pid} (monitor run, since " in second.stderr
        assert "Traceback" not in second.stderr
