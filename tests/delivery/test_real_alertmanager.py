"""A real Alertmanager (Debian's prometheus-alertmanager) on loopback: it fires and resolves by what it is told."""

from __future__ import annotations

import io
import json
import shutil
import socket
import subprocess
import time
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from monitor.clock import DAY, HOUR, SystemClock, parse_instant
from monitor.delivery import router
from monitor.delivery.message import Channel
from monitor.episodes import Kind, Notice
from monitor.jobs.courier import composed
from monitor.store.outbox import Outgoing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.delivery.conftest import Web

PROGRAM = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="prometheus-alertmanager is not installed")
PATIENCE_SECONDS = 20.0
SEND = router.sender(io.StringIO())


@pytest.fixture
def alertmanager(tmp_path: Path, web: Web) -> Iterator[str]:
    """Yield the address of an Alertmanager that passes everything on to the web server, at once."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = {
        "route": {"receiver": "web", "group_by": ["..."], "group_wait": "0s", "group_interval": "1s"},
        "receivers": [{"name": "web", "webhook_configs": [{"url": f"{web.url}/told", "send_resolved": True}]}],
    }
    (tmp_path / "am.yml").write_text(json.dumps(config))
    command = [
        str(PROGRAM),
        f"--config.file={tmp_path / 'am.yml'}",
        f"--storage.path={tmp_path / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            address = f"http://127.0.0.1:{port}"
            eventually(lambda: answers(address))
            yield address
        finally:
            process.terminate()


def answers(address: str) -> bool:
    """Return whether it is up."""
    try:
        return asked(f"{address}/-/ready") == "OK"
    except (OSError, HTTPException):
        return False


def asked(url: str) -> str:
    """Return the body of an answer."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=5)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}")
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def eventually(question: object) -> None:
    """Wait until a question is answered with yes."""
    assert callable(question)
    ends = time.monotonic() + PATIENCE_SECONDS
    while not question():
        assert time.monotonic() < ends, "it took too long"
        time.sleep(0.05)


def active(address: str) -> list[str]:
    """Return the keys of the alerts that are up."""
    return [one["annotations"]["key"] for one in json.loads(asked(f"{address}/api/v2/alerts?active=true"))]


def told(web: Web) -> list[tuple[str, str]]:
    """Return (status, key) of every alert it passed on."""
    return [
        (alert["status"], alert["annotations"]["key"])
        for body in web.bodies
        if isinstance(body, dict)
        for alert in body["alerts"]
    ]


def post(address: str, kind: Kind, *subjects: str) -> None:
    """Send what the courier would send: one notice, or a digest of several."""
    now = SystemClock().now()
    notices = [
        Notice(
            *("stalled", subject, 1, kind, now, now - HOUR),
            metric="turnover",
            unit="turns",
            value=0.4 if kind == "firing" else 0.7,
            threshold=0.5,
            clear=0.55,
        )
        for subject in subjects
    ]
    attempt = [Outgoing(number, "am", notice, 1, now) for number, notice in enumerate(notices)]
    SEND(Channel("am", f"alertmanager+{address}"), composed(attempt, now), 5.0)


def test_firing_and_resolved_are_passed_on(alertmanager: str, web: Web) -> None:
    """It is up until its end arrives, and the receiver behind it hears of both."""
    post(alertmanager, "firing", "BTC")
    eventually(lambda: told(web) == [("firing", "stalled/BTC/1/firing")])
    assert active(alertmanager) == ["stalled/BTC/1/firing"]
    (alert,) = json.loads(asked(f"{alertmanager}/api/v2/alerts"))
    assert alert["labels"]["subject"] == "BTC"
    assert alert["annotations"]["summary"] == "FIRING warning: stalled: BTC turnover 0.4x, below 0.5x"
    # Without an end far ahead it would be resolved by itself after resolve_timeout, five minutes.
    assert parse_instant(alert["endsAt"]) > SystemClock().now() + DAY
    post(alertmanager, "resolved", "BTC")
    eventually(lambda: ("resolved", "stalled/BTC/1/resolved") in told(web))
    assert active(alertmanager) == []


def test_a_digest_is_as_many_alerts(alertmanager: str, web: Web) -> None:
    """Grouping is Alertmanager's own business: it gets each by itself."""
    post(alertmanager, "firing", "BTC", "ETH")
    eventually(lambda: len(told(web)) == 2)
    assert sorted(active(alertmanager)) == ["stalled/BTC/1/firing", "stalled/ETH/1/firing"]
