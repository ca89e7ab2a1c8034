"""The service manager hears from us over a real datagram socket."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from monitor.daemon.systemd import notify, watchdog_seconds

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_states_arrive_as_one_datagram(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several states of one call are lines of one message."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        assert notify("READY=1", "STATUS=running")
        assert manager.recv(100) == b"READY=1\nSTATUS=running"


def test_nobody_listening_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A manager that went away does not stop the work."""
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    assert not notify("WATCHDOG=1")


def test_a_manager_that_does_not_read_holds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The queue of the socket is full after some messages; what does not fit is lost, and nobody waits."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        assert not all(notify("WATCHDOG=1" + " " * 4096) for _ in range(1000))


def test_watchdog_span_comes_in_microseconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """30,000,000 microseconds are 30 seconds; unset means nobody watches."""
    monkeypatch.delenv("WATCHDOG_USEC", raising=False)
    assert watchdog_seconds() is None
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    assert watchdog_seconds() == 30.0
