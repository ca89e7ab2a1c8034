"""One cycle of a desk without accounts: the heartbeat, what people asked, and what the settings say of grouping."""

from __future__ import annotations

import asyncio
import io
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from monitor.clock import HOUR, SystemClock
from monitor.config.settings import Grouping, Settings
from monitor.episodes import Notice
from monitor.errors import VenueUnavailable
from monitor.jobs import cycle
from monitor.jobs.desk import Desk, Outcome
from monitor.store.inbox import submit
from monitor.store.outbox import Digest, enqueue
from monitor.store.silences import Lift, Silence, silences

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def beats() -> Iterator[tuple[str, list[str]]]:
    """Yield the address of a dead man's switch, and the paths it was visited at."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/beat", paths
    server.shutdown()
    server.server_close()
    thread.join()


def cycles(settings: Settings, stream: io.StringIO, times: int = 1) -> Outcome:
    """Open the desk and run every job, so many times over."""

    async def work() -> Outcome:
        async with cycle.open_desk(settings, SystemClock(), "test", stream) as desk:
            for _ in range(times):
                outcome = await cycle.run_once(desk)
            return outcome

    return asyncio.run(work())


def test_each_complete_cycle_is_a_beat(tmp_path: Path, beats: tuple[str, list[str]]) -> None:
    """Two cycles, two visits; they have arrived before the command ends."""
    url, paths = beats
    cycles(Settings(tmp_path / "desk.db", heartbeat=url), io.StringIO(), times=2)
    assert paths == ["/beat", "/beat"]


def test_a_cycle_with_a_failed_job_is_no_beat(tmp_path: Path, beats: tuple[str, list[str]]) -> None:
    """Reading the fills raises, or ends with what is missing: the other three jobs are not enough."""
    url, paths = beats

    async def raising(_: Desk) -> Outcome:
        raise VenueUnavailable("the venue is down")

    async def partial(_: Desk) -> Outcome:
        return Outcome(exit_code=cycle.STALE_OR_PARTIAL)

    async def work() -> None:
        settings = Settings(tmp_path / "desk.db", heartbeat=url)
        async with cycle.open_desk(settings, SystemClock(), "test", io.StringIO()) as desk:
            for fills in (raising, partial):
                for name, job in (("measure", cycle.measured), ("alerts", cycle.alerts), ("delivery", cycle.delivery)):
                    await cycle.recorded(name, job)(desk)
                try:
                    await cycle.recorded("fills", fills)(desk)
                except VenueUnavailable:
                    continue
            desk.courier.pulse.finish()
            assert paths == []
            await cycle.recorded("fills", cycle.fills)(desk)
            desk.courier.pulse.finish()

    asyncio.run(work())
    assert paths == ["/beat"]


def test_a_switch_that_is_gone_is_a_trouble_and_fails_nothing(tmp_path: Path, beats: tuple[str, list[str]]) -> None:
    """Told with the next delivery, without the address."""
    url = beats[0].replace("/beat", "").rpartition(":")[0] + ":1/secret-path"
    outcome = cycles(Settings(tmp_path / "desk.db", heartbeat=url), io.StringIO(), times=2)
    assert outcome.exit_code == 0
    assert any(trouble.startswith("heartbeat: 127.0.0.1 could not be reached") for trouble in outcome.troubles)
    assert "secret-path" not in str(outcome)


def test_what_people_asked_is_in_force_before_anything_is_sent(tmp_path: Path) -> None:
    """A silence that was asked for keeps the waiting message back; a refused request is a trouble."""
    settings, stream, now = Settings(tmp_path / "desk.db"), io.StringIO(), SystemClock().now()

    async def work() -> Outcome:
        async with cycle.open_desk(settings, SystemClock(), "test", stream) as desk:
            with desk.writer.transaction() as connection:
                enqueue(connection, Notice("r", "BTC", 1, "firing", now, now), ["stdout"])
            submit(settings.database, Silence(now, now + HOUR, "ann", "night", subject="BTC"), now)
            submit(settings.database, Lift(9), now)
            outcome = await cycle.delivery(desk)
            assert len(silences(desk.writer.connection, now)) == 1
            return outcome

    outcome = asyncio.run(work())
    assert outcome.figures["sent"] == 0
    assert outcome.troubles == (
        "request: There is no silence 9 to lift. List them with: monitor alerts silence --list",
    )
    assert stream.getvalue() == ""


def test_the_settings_say_what_leaves_as_one(tmp_path: Path) -> None:
    """Grouped by channel without waiting: one message of two; singly, whatever the wait: none is kept back."""
    for by, heads in (("channel", ["2 alerts: 2 firing"]), ("none", ["FIRING", "FIRING"])):
        settings = Settings(tmp_path / f"{by}.db", grouping=Grouping(by, 0 if by == "channel" else HOUR))  # type: ignore[arg-type]  # of the two words above
        stream, now = io.StringIO(), SystemClock().now()
        asyncio.run(two_sent(settings, stream, now))
        lines = [line for line in stream.getvalue().splitlines() if line.startswith(tuple(heads))]
        assert len(lines) >= len(heads)
        assert stream.getvalue().startswith(heads[0])


async def two_sent(settings: Settings, stream: io.StringIO, now: int) -> None:
    """Deliver two waiting messages of two rules."""
    async with cycle.open_desk(settings, SystemClock(), "test", stream) as desk:
        with desk.writer.transaction() as connection:
            for rule in ("one", "two"):
                enqueue(connection, Notice(rule, "BTC", 1, "firing", now, now), ["stdout"])
        await cycle.delivery(desk)


def test_waiting_for_others_is_the_wait_of_the_settings() -> None:
    """None waits for nobody."""
    assert [Grouping(by, 30).delay for by in ("none", "rule", "channel")] == [0, 30, 30]
    assert Digest("rule", Grouping("rule", 30).delay).wait == 30
