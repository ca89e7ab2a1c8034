"""POST a JSON body to an HTTP(S) address with a hard deadline and no redirects.

urllib's time-out counts from one byte to the next, so a server that drips could hold a sender for hours: here a timer
shuts the socket, whatever it is doing. Redirects are refused because they would carry the message, and the token in
its headers, to a place nobody configured.
"""

from __future__ import annotations

import base64
import json
import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from monitor.errors import DeliveryError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from urllib.parse import SplitResult

REDIRECTS = range(300, 400)
ACCEPTED = range(200, 300)


def post(url: str, body: object, headers: Mapping[str, str], deadline: float) -> None:
    """Send `body` as JSON; return once the server accepted it (status 2xx) within `deadline` seconds.

    Raises:
        DeliveryError: it did not, or nobody knows; the message names host and cause, never the address.
    """
    data = json.dumps(body, allow_nan=False).encode()
    status = _exchange("POST", url, (data, {"Content-Type": "application/json", **headers}), deadline)
    host = urlsplit(url).hostname
    if status in REDIRECTS:
        raise DeliveryError(f"{host} redirects elsewhere (HTTP {status}).", "Give the final address.")
    if status not in ACCEPTED:
        raise DeliveryError(f"{host} refused the message: HTTP {status}.", "Check the channel's address and token.")


def visit(url: str, deadline: float) -> None:
    """GET an address and ignore the body: a heartbeat.

    Raises:
        DeliveryError: no answer with status 2xx within `deadline` seconds.
    """
    status = _exchange("GET", url, (None, {}), deadline)
    if status not in ACCEPTED:
        raise DeliveryError(f"{urlsplit(url).hostname} answered HTTP {status}.", "Check the heartbeat's address.")


def _exchange(method: str, url: str, request: tuple[bytes | None, dict[str, str]], deadline: float) -> int:
    """Return the status of one request; `request` is (body, headers)."""
    parts = urlsplit(url)
    body, headers = request
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = _connection(parts, deadline)
    cut = threading.Event()
    try:
        with _cut_after(connection, deadline, cut):
            connection.connect()
            if cut.is_set():
                # While a name is looked up there is no socket to shut: what is late is not sent any more.
                raise TimeoutError
            connection.request(method, path, body, {**_authorization(parts), **headers})
            return connection.getresponse().status
    except (OSError, HTTPException, ValueError) as error:
        late = isinstance(error, TimeoutError) or cut.is_set()
        cause = f"no answer within {deadline:g} s" if late else _cause(error)
        raise DeliveryError(f"{parts.hostname} could not be reached: {cause}.", "It is tried again.") from None
    finally:
        connection.close()


def _cause(error: OSError | HTTPException | ValueError) -> str:
    """Return what went wrong without what was sent: the words of some errors repeat the address."""
    return (isinstance(error, OSError) and error.strerror) or type(error).__name__


def _connection(parts: SplitResult, deadline: float) -> HTTPConnection:
    """Return an unopened connection to the host of an address."""
    try:
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise DeliveryError("The port in the channel's address is no number.", "Correct the address.") from None
    if parts.scheme == "https":
        return HTTPSConnection(host, port, timeout=deadline, context=ssl.create_default_context())
    return HTTPConnection(host, port, timeout=deadline)


@contextmanager
def _cut_after(connection: HTTPConnection, deadline: float, done: threading.Event) -> Iterator[None]:
    """Shut the connection's socket after `deadline` seconds, even in the middle of a drip, and say so in `done`."""

    def cut() -> None:
        done.set()
        opened = connection.sock
        if opened is not None:
            with suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(deadline, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _authorization(parts: SplitResult) -> dict[str, str]:
    """Return the header for `user:password@` in an address."""
    if parts.username is None:
        return {}
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
