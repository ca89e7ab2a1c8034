"""One HTTP server on this machine for both venues: a path belongs to one of them and is answered in its words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

from aiohttp import web

from monitor.demo import binance, kraken
from monitor.demo.faults import Exchange, Faults
from monitor.demo.wire import Asked, Json, Refused, Venue
from monitor.errors import UsageError

HOST = "127.0.0.1"
Door = Callable[[Venue, Asked], tuple[Json, Mapping[str, str]]]
DOORS: dict[str, tuple[Door, frozenset[str]]] = {
    "binance": (binance.answer, binance.PATHS),
    "kraken": (kraken.answer, kraken.PATHS),
}


class Server:
    """Answers for the venues on one port until it is closed; every method belongs to one event loop."""

    def __init__(self, venues: Mapping[str, Venue], faults: Faults) -> None:
        """Take the venues by name, and the trouble between them and their clients."""
        self._venues = venues
        self._faults = faults
        self._runner: web.AppRunner | None = None

    async def open(self, port: int) -> int:
        """Listen on `port`, or on any free one if it is 0, and return which.

        Raises:
            UsageError: something else listens there.
        """
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, HOST, port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise UsageError(
                f"The demo's venues cannot listen on {HOST}, port {port}: {error.strerror or error}.",
                "Give another port, or 0 for any free one.",
            ) from None
        return int(self._runner.addresses[0][1])

    async def close(self) -> None:
        """Stop listening; requests under way have a second to end."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        """Find the venue of a path, let it answer, and let the fault have its way."""
        name = next((name for name, (_, paths) in DOORS.items() if request.path in paths), None)
        if name is None:
            return web.Response(status=404, text="<html><body>404 Not found</body></html>", content_type="text/html")
        asked = await read(request)
        honest = respond(DOORS[name][0], self._venues[name], asked)
        return await self._faults.spoil(Exchange(name, asked, honest, request))


def respond(door: Door, venue: Venue, asked: Asked) -> web.Response:
    """Return what a venue says to a request, a refusal included."""
    try:
        body, headers = door(venue, asked)
    except Refused as refused:
        return web.json_response(refused.body, status=refused.status, headers=refused.headers)
    return web.json_response(body, headers=headers)


async def read(request: web.Request) -> Asked:
    """Return a request with its query or form fields and the texts that were signed."""
    body = await request.text()
    raw_query = request.rel_url.raw_query_string
    fields = dict(parse_qsl(raw_query, keep_blank_values=True)) | dict(parse_qsl(body, keep_blank_values=True))
    return Asked(request.path, fields, raw_query, body, request.headers)
