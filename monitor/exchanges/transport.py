"""The one door to the network: no redirects, a size cap, and only hosts the venue owns.

ccxt calls `session.get(url, ...)` and reads the whole answer. A redirect would forward the key headers to another
host, and an endless body would fill the memory, so both are stopped here, below every exchange class.
"""

from __future__ import annotations

import re
import ssl
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp
import certifi

from monitor.errors import ConfigError, ForbiddenCall

if TYPE_CHECKING:
    from collections.abc import Iterator

# The largest honest answer seen is a list of all markets, about 20 MB.
BODY_LIMIT = 64 * 1024 * 1024


class CappedResponse(aiohttp.ClientResponse):
    """A response that stops reading at `BODY_LIMIT` bytes."""

    async def read(self) -> bytes:
        """Return the body.

        Raises:
            aiohttp.ClientPayloadError: the body is larger than `BODY_LIMIT`.
        """
        if self._body is None:
            chunks, size = [], 0
            async for chunk in self.content.iter_any():
                size += len(chunk)
                if size > BODY_LIMIT:
                    self.close()
                    raise aiohttp.ClientPayloadError(f"the body is larger than {BODY_LIMIT} bytes")
                chunks.append(chunk)
            self._body = b"".join(chunks)
            self.release()
        return self._body


class Transport:
    """What ccxt takes for an aiohttp session; it sends reads to the venue's own hosts and nothing else."""

    def __init__(self, hosts: frozenset[str]) -> None:
        """`hosts` are the host names, with port where one is given, that requests may go to."""
        self.hosts = hosts
        self.headers: dict[str, str] = {}  # ccxt merges these into every request
        self._session: aiohttp.ClientSession | None = None

    def get(self, url: object, **options: object) -> object:
        """Send a GET."""
        return self._request("GET", url, options)

    def post(self, url: object, **options: object) -> object:
        """Send a POST, which many venues use for reads."""
        return self._request("POST", url, options)

    def _refused(self, url: object, **_options: object) -> object:
        raise ForbiddenCall(
            f"A request that changes something was about to go to {urlsplit(str(url)).hostname}.",
            "The monitor only reads; this is a defect, please report it.",
        )

    put = delete = patch = _refused

    def _request(self, method: str, url: object, options: dict[str, object]) -> object:
        check_host(str(url), self.hosts)
        if self._session is None:
            # The same authorities as ccxt trusts, whatever this machine lacks.
            authorities = ssl.create_default_context(cafile=certifi.where())
            connector = aiohttp.TCPConnector(ssl=authorities)
            self._session = aiohttp.ClientSession(connector=connector, response_class=CappedResponse, trust_env=False)
        return self._session.request(method, url, **{**options, "allow_redirects": False})  # type: ignore[arg-type]

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None


def check_host(url: str, hosts: frozenset[str]) -> None:
    """Let a URL pass only to one of `hosts`.

    Raises:
        ForbiddenCall: another host; the query, which may be signed, is not repeated.
    """
    host = urlsplit(url).netloc.lower()
    if host not in hosts:
        raise ForbiddenCall(
            f"A request was about to go to {host or 'nowhere'}, which is not a host of this exchange.",
            "This is a defect of the monitor or of ccxt, please report it.",
        )


def leaves(urls: object) -> Iterator[str]:
    """Yield every address in ccxt's `urls['api']`, which is a text or a nested object of texts."""
    if isinstance(urls, str):
        yield urls
    elif isinstance(urls, dict):
        for child in urls.values():
            yield from leaves(child)


def redirected(urls: object, endpoint: str) -> object:
    """Return `urls['api']` with every scheme and host replaced by `endpoint`, paths kept."""
    if isinstance(urls, str):
        return re.sub(r"^(?:https?|wss?)://[^/]+", endpoint.rstrip("/"), urls)
    if isinstance(urls, dict):
        return {name: redirected(child, endpoint) for name, child in urls.items()}
    return urls


def loopback(endpoint: str) -> str:
    """Return the endpoint if it lies on this machine.

    Raises:
        ConfigError: it does not: keys would be sent to a stranger.
    """
    parts = urlsplit(endpoint)
    if parts.scheme in {"http", "https"} and _on_this_machine(parts.hostname or ""):
        return endpoint
    raise ConfigError(
        f"The endpoint {parts.scheme}://{parts.hostname or ''} is not on this machine.",
        "Only http://127.0.0.1:PORT may replace an exchange's address.",
    )


def _on_this_machine(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
