"""Each family against a real receiver on this machine: what arrives, and what is said when nothing does."""

from __future__ import annotations

import io
import json
import socket
import time
from email import message_from_string
from typing import TYPE_CHECKING

import pytest

from monitor.delivery import apprise_channel, router
from monitor.delivery.message import Channel, Message
from monitor.delivery.post import visit
from monitor.errors import DeliveryError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.delivery.conftest import Mailbox, Web

HOUR = 3_600_000
MESSAGE = Message(
    "r/BTC/1/firing",
    "firing",
    "warning",
    "FIRING warning: r: BTC turnover 1.4x, below 2x",
    "FIRING warning: r: BTC turnover 1.4x, below 2x\nsince 08:00",
    "FIRING warning: r: BTC turnover 1.4x, below 2x\n\nWhat   turnover of BTC",
    {
        "rule": "r",
        "subject": "BTC",
        "kind": "firing",
        "severity": "warning",
        "time": 2 * HOUR,
        "since": HOUR,
        "below": 2.0,
        "metric": "turnover",
    },
)
SEND = router.sender(io.StringIO())


def refused(url: str, deadline: float = 20.0) -> str:
    """Return why a message did not leave."""
    with pytest.raises(DeliveryError) as caught:
        SEND(Channel("desk", url), MESSAGE, deadline)
    return str(caught.value)


def test_the_webhook_carries_key_words_and_facts(web: Web) -> None:
    """The key in the body and in the header, so that a duplicate can be dropped by either."""
    SEND(Channel("desk", f"webhook+{web.url}/hook?token=abc"), MESSAGE, 20.0)
    assert web.paths == ["/hook?token=abc"]
    assert web.headers[0]["Idempotency-Key"] == "r/BTC/1/firing"
    assert web.headers[0]["Content-Type"] == "application/json"
    assert web.bodies == [
        {
            "key": "r/BTC/1/firing",
            "kind": "firing",
            "severity": "warning",
            "title": MESSAGE.title,
            "text": MESSAGE.long,
            "facts": dict(MESSAGE.facts),
        }
    ]


def test_user_and_password_become_a_header(web: Web) -> None:
    """`dXNlcjpwQHNz` is base64 of `user:p@ss`."""
    SEND(Channel("desk", f"webhook+http://user:p%40ss@127.0.0.1:{web.port}/"), MESSAGE, 20.0)
    assert web.headers[0]["Authorization"] == "Basic dXNlcjpwQHNz"


def test_a_refusal_names_status_and_host_but_not_the_token(web: Web) -> None:
    """The address holds a secret."""
    web.status = 503
    said = refused(f"webhook+{web.url}/hook-token-abcdef")
    assert said == "127.0.0.1 refused the message: HTTP 503. Check the channel's address and token."


def test_a_redirect_is_not_followed(web: Web) -> None:
    """One request, to the address that was configured."""
    web.status = 302
    assert "redirects elsewhere (HTTP 302)" in refused(f"webhook+{web.url}/")
    assert web.paths == ["/"]


def test_a_dripping_server_is_cut_off_at_the_deadline(web: Web) -> None:
    """It sends a byte every 50 ms for 5 seconds; 0.3 seconds are granted."""
    web.drip = True
    began = time.monotonic()
    assert "no answer within 0.3 s" in refused(f"webhook+{web.url}/", 0.3)
    assert time.monotonic() - began < 4.0


def test_nobody_listens() -> None:
    """The cause is named."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        assert "Connection refused" in refused(f"webhook+http://127.0.0.1:{bound.getsockname()[1]}/secret-path")


def test_alertmanager_gets_firing_and_its_end(web: Web) -> None:
    """The same labels both times; firing ends far ahead, resolved when it was decided."""
    SEND(Channel("am", f"alertmanager+{web.url}"), MESSAGE, 20.0)
    facts = {**MESSAGE.facts, "kind": "resolved", "time": 3 * HOUR}
    SEND(
        Channel("am", f"alertmanager+{web.url}/"),
        Message("r/BTC/1/resolved", "resolved", "warning", "t", "s", "l", facts),
        2.0,
    )
    assert web.paths == ["/api/v2/alerts"] * 2
    firing, resolved = (alerts[0] for alerts in web.bodies if isinstance(alerts, list))
    assert (
        firing["labels"]
        == resolved["labels"]
        == {
            "alertname": "r",
            "subject": "BTC",
            "severity": "warning",
            "condition": "breach",
        }
    )
    assert firing["startsAt"] == resolved["startsAt"] == "1970-01-01T01:00:00.000Z"
    assert (firing["endsAt"], resolved["endsAt"]) == ("1970-01-31T02:00:00.000Z", "1970-01-01T03:00:00.000Z")
    assert firing["annotations"] == {
        "summary": MESSAGE.title,
        "description": MESSAGE.long,
        "key": "r/BTC/1/firing",
        "metric": "turnover",
    }


def test_standard_output_in_words_and_as_json() -> None:
    """One writes the short form, the other a line for machines."""
    stream = io.StringIO()
    send = router.sender(stream)
    send(Channel("stdout", "stdout://"), MESSAGE, 1.0)
    send(Channel("log", "stdout://json"), MESSAGE, 1.0)
    words, line = stream.getvalue().rsplit("\n", 2)[:2]
    assert words == MESSAGE.short
    assert json.loads(line) == {"key": MESSAGE.key, "title": MESSAGE.title, **MESSAGE.facts}


def test_a_closed_standard_output_is_a_failure() -> None:
    """The message stays in the outbox."""
    stream = io.StringIO()
    stream.close()
    with pytest.raises(DeliveryError, match="Standard output cannot be written"):
        router.sender(stream)(Channel("stdout", "stdout://"), MESSAGE, 1.0)


def test_mail_gets_the_long_form(mailbox: Mailbox) -> None:
    """Through Apprise, over real SMTP."""
    SEND(Channel("mail", f"mailto://127.0.0.1:{mailbox.port}?from=desk@example.com&to=ann@example.com"), MESSAGE, 60.0)
    (mail,) = [message_from_string(text) for text in mailbox.mails]
    assert mail["Subject"] == MESSAGE.title
    parts = [part.get_payload(decode=True) for part in mail.walk() if part.get_content_type() == "text/plain"]
    assert isinstance(parts[0], bytes)
    assert "What   turnover of BTC" in parts[0].decode()


def test_other_services_get_the_short_form_with_the_key(web: Web) -> None:
    """Apprise's own `json://` stands for the 170 services behind it."""
    SEND(Channel("chat", f"json://127.0.0.1:{web.port}/"), MESSAGE, 60.0)
    (body,) = web.bodies
    assert isinstance(body, dict)
    assert (body["title"], body["message"]) == (MESSAGE.title, "since 08:00\n[r/BTC/1/firing]")


def test_a_service_that_refuses_is_a_failure_without_its_secret(web: Web) -> None:
    """Apprise answers False; what its log says is passed on, the token is not."""
    web.status = 500
    said = refused(f"json://user:very-secret@127.0.0.1:{web.port}/token-abcdef", 60.0)
    assert said.startswith("desk: ")
    assert "very-secret" not in said
    assert "token-abcdef" not in said


def test_a_hung_service_is_killed_at_the_deadline(web: Web) -> None:
    """The process that waits for it is gone, whatever it was doing."""
    web.drip = True
    began = time.monotonic()
    assert refused(f"json://127.0.0.1:{web.port}/", 1.5) == "desk: no answer within 1.5 s. It is tried again."
    assert time.monotonic() - began < 4.5


def test_what_a_hung_service_started_dies_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin's own child holds the pipe open: waiting for it would outlive every deadline."""
    program, life = tmp_path / "hung.py", tmp_path / "life"
    child = f"import time\nfor _ in range(600):\n open({str(life)!r}, 'a').write('.')\n time.sleep(0.05)"
    program.write_text(
        f"import subprocess, sys, time\nsubprocess.Popen([sys.executable, '-c', {child!r}])\ntime.sleep(30)\n"
    )
    monkeypatch.setattr(apprise_channel, "PROGRAM", program)
    began = time.monotonic()
    assert "no answer within 1 s" in refused("json://127.0.0.1:9/", 1.0)
    assert time.monotonic() - began < 4.0
    lived = life.stat().st_size
    assert lived
    time.sleep(0.3)
    assert life.stat().st_size == lived


def test_a_name_that_takes_too_long_to_resolve_sends_nothing_late(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """No socket can be shut while the name is looked up; once it is known the deadline has passed."""
    real = socket.getaddrinfo

    def slow(*asked: object) -> object:
        time.sleep(0.6)
        return real(*asked)  # type: ignore[arg-type]  # passed through

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    assert "no answer within 0.3 s" in refused(f"webhook+http://localhost:{web.port}/", 0.3)
    assert web.paths == []


def test_bad_addresses_are_told_before_anything_is_sent() -> None:
    """Apprise would answer False without a word."""
    channels = [
        Channel("good", "mailto://ann:pw@example.com"),
        Channel("typo", "slak://token-abcdef"),
        Channel("half", "tgram://"),
        Channel("bare", "example.com/token-abcdef"),
        Channel("hook", "webhook+ftp://example.com"),
        Channel("out", "stdout://json"),
        Channel("am", "alertmanager+http://127.0.0.1:9093"),
    ]
    found = {name: f"{wrong} {remedy}" for name, wrong, remedy in router.complaints(channels)}
    assert sorted(found) == ["bare", "half", "hook", "typo"]
    assert found["typo"] == "There is no service 'slak'. Did you mean \"slack\"?"
    assert found["half"].startswith("The address after tgram:// is incomplete.")
    assert found["hook"] == "A webhook needs an address. Write webhook+https://host/path."
    assert not any("abcdef" in text for text in found.values())


def test_a_channel_never_shows_its_address() -> None:
    """Not even by accident, in a log."""
    assert "token" not in repr(Channel("desk", "tgram://token/chat"))


def test_the_heartbeat_visits(web: Web) -> None:
    """And fails loudly where it is not welcome."""
    visit(f"{web.url}/ping", 20.0)
    assert web.paths == ["/ping"]
    web.status = 404
    with pytest.raises(DeliveryError, match="HTTP 404"):
        visit(f"{web.url}/ping", 20.0)
