"""`check --online`: the venue's own word on each key, as a sentence, as JSON and as an exit code."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.conftest import Ended, Monitor

PROVEN = '{"error":[],"result":{"permissions":["query-funds"]}}'
KEYS = {"DESK_KEY": "canary-key-4f1d9a", "DESK_SECRET": "Y2FuYXJ5LXNlY3JldC83YjNlKzJmOGE9PXh4eHh4eHh4"}


@contextmanager
def kraken(body: str) -> Iterator[str]:
    """Answer every request with one body on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body.encode())

        do_GET = do_POST  # noqa: N815 - the name that the server calls

        def log_message(self, *_told: object) -> None:
            """Keep quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        (PROVEN, 0, "ok. The venue says that the key can only read."),
        (
            '{"error":[],"result":{"permissions":["query-funds","withdraw-funds"]}}',
            1,
            "more than read: withdraw-funds.",
        ),
        ('{"error":[],"result":{}}', 1, "allow_unverified = true"),
        ('{"error":["EAPI:Invalid signature"]}', 5, "Check the key"),
    ],
)
def test_each_key_is_judged_by_its_venue(body: str, code: int, said: str, monitor: Monitor, tmp_path: Path) -> None:
    """0 only if every key is proven read-only, 5 if one is refused; no credential in either stream."""
    ended = check_online(body, monitor, tmp_path)
    assert (ended.code, said in ended.out) == (code, True)
    assert not any(secret in ended.out + ended.err for secret in KEYS.values())


def test_the_verdicts_are_there_for_machines(monitor: Monitor, tmp_path: Path) -> None:
    """One object for each key, with the exit code it alone would give."""
    told = json.loads(check_online(PROVEN, monitor, tmp_path, "-f", "json").out)["keys"]
    assert [(key["account"], key["read_only"], key["exit_code"]) for key in told] == [("desk", True, 0)]


def check_online(body: str, monitor: Monitor, folder: Path, *more: str) -> Ended:
    """Run the command with one Kraken account whose venue answers with `body`."""
    with kraken(body) as endpoint:
        (folder / "monitor.toml").write_text(
            f'[[accounts]]\nname = "desk"\nexchange = "kraken"\nendpoint = "{endpoint}"\n'
            'api_key = { env = "DESK_KEY" }\nsecret = { env = "DESK_SECRET" }\n'
        )
        return monitor("check", "--online", *more, environ=KEYS)
