"""Jobs run on their interval, fail alone, and get time to end."""

from __future__ import annotations

import asyncio
import contextlib
import io
import socket
import time
from typing import TYPE_CHECKING

import structlog

from monitor.clock import SystemClock
from monitor.config.settings import Settings
from monitor.daemon.service import Service
from monitor.errors import VenueUnavailable
from monitor.jobs.collect import Step
from monitor.jobs.cycle import open_desk
from monitor.jobs.desk import Desk, Job, Outcome
from monitor.records import StreamKey

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    import pytest


def job(name: str, perform: Callable[[], Awaitable[None]]) -> Job:
    """Return a job of 50 ms that calls `perform`."""

    async def run(_: Desk) -> Outcome:
        await perform()
        return Outcome()

    return Job(name, 50, run)


async def run_for(folder: Path, seconds: float, *jobs: Job) -> Service:
    """Run a service over an empty database for a while, then stop it and return it."""
    async with open_desk(Settings(folder / "desk.db"), SystemClock(), "test", io.StringIO()) as desk:
        service = Service(desk, jobs)
        asyncio.get_running_loop().call_later(seconds, service.stop)
        await service.run()
        return service


def test_a_failing_job_neither_stops_itself_nor_others(tmp_path: Path) -> None:
    """Both jobs come round several times although one raises each time; only the good one counts as alive."""
    ran: list[str] = []

    async def good() -> None:
        ran.append("good")

    async def bad() -> None:
        ran.append("bad")
        raise VenueUnavailable("the venue is down")

    service = asyncio.run(run_for(tmp_path, 0.5, job("good", good), job("bad", bad)))
    assert ran.count("good") >= 3
    assert ran.count("bad") >= 3
    assert set(service.liveness.finished) == {"good"}


def test_stopping_lets_a_running_job_finish(tmp_path: Path) -> None:
    """A job that is half through when the signal comes ends by itself and is not cancelled."""
    ended: list[bool] = []

    async def slow() -> None:
        await asyncio.sleep(0.6)
        ended.append(True)

    asyncio.run(run_for(tmp_path, 0.2, job("slow", slow)))
    assert ended == [True]


def test_a_hung_job_stops_feeding_the_watchdog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Real datagrams: fed while all finish well; once one has hung for its patience no more, whoever else works."""
    monkeypatch.setattr("monitor.daemon.liveness.LEAST_SECONDS", 1.0)
    monkeypatch.setattr("monitor.daemon.service.TICK_SECONDS", 0.05)
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "1000000")
    calls: list[float] = []

    async def hang() -> None:
        calls.append(time.monotonic())
        await asyncio.sleep(0 if len(calls) == 1 else 60)

    async def good() -> None:
        pass

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        fed: list[float] = []

        async def listen() -> None:
            while True:
                with contextlib.suppress(BlockingIOError):
                    while True:
                        if manager.recv(100) == b"WATCHDOG=1":
                            fed.append(time.monotonic())
                await asyncio.sleep(0.01)

        async def run() -> None:
            listening = asyncio.create_task(listen())
            monkeypatch.setattr("monitor.daemon.service.DRAIN_SECONDS", 0.1)
            await run_for(tmp_path, 3.0, job("hanging", hang), job("good", good))
            listening.cancel()

        asyncio.run(run())
    # Its first run was well; from then on it has a second.
    assert len(fed) > 5
    assert fed[-1] - calls[0] < 2.0


def test_a_job_that_fails_for_long_is_told_as_overdue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes round and raises each time: that is no life, and the log says so once."""
    monkeypatch.setattr("monitor.daemon.liveness.LEAST_SECONDS", 0.5)
    monkeypatch.setattr("monitor.daemon.service.log", structlog.get_logger())

    async def bad() -> None:
        raise VenueUnavailable("the venue is down")

    with structlog.testing.capture_logs() as lines:
        service = asyncio.run(run_for(tmp_path, 1.5, job("bad", bad)))
    assert service.late == ["bad"]
    assert [line["jobs"] for line in lines if line["event"] == "overdue"] == [["bad"]]


def test_a_first_sync_that_takes_longer_than_its_patience_is_alive(tmp_path: Path) -> None:
    """Each window it commits counts; nothing else about it does."""
    step = Step("main", StreamKey("main", "fills"), 0, 1, 0.5, 1, 1)

    async def run() -> Service:
        async with open_desk(Settings(tmp_path / "desk.db"), SystemClock(), "test", io.StringIO()) as desk:
            service = Service(desk, (job("fills", never), job("prices", never)))
            assert desk.progress
            desk.progress.step(step)
            return service

    async def never() -> None:
        raise AssertionError

    assert set(asyncio.run(run()).liveness.finished) == {"fills"}


def test_a_job_never_overlaps_itself(tmp_path: Path) -> None:
    """While one run takes three intervals, no second run of the same job starts."""
    inside = 0
    most = 0

    async def slow() -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0.15)
        inside -= 1

    asyncio.run(run_for(tmp_path, 0.5, job("slow", slow)))
    assert most == 1


def test_a_clock_step_runs_every_job_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An hourly job whose timer hangs on a stepped wall clock runs again within seconds of the step."""
    ran: list[float] = []

    async def note() -> None:
        ran.append(time.monotonic())

    async def step() -> None:
        await asyncio.sleep(0.3)
        real = time.time
        monkeypatch.setattr("monitor.daemon.service.time.time", lambda: real() - 3600)

    async def run() -> None:
        stepping = asyncio.create_task(step())
        await run_for(tmp_path, 1.8, Job("hourly", 3_600_000, job("x", note).perform))
        await stepping

    asyncio.run(run())
    monkeypatch.undo()
    assert len(ran) >= 2
