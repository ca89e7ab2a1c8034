"""Making the guarded ccxt object of an account: modes set explicitly, markets limited, hosts pinned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.exchanges.guard import guarded
from monitor.exchanges.transport import Transport, leaves, loopback, redirected

if TYPE_CHECKING:
    from monitor.exchanges.facts import Profile
    from monitor.exchanges.loose import Loose
    from monitor.records import Account, Book

REQUEST_TIMEOUT = 30_000
FAMILIES: dict[Book, tuple[str, ...]] = {
    "spot": ("spot",),
    "margin": ("spot",),
    "linear": ("linear",),
    "inverse": ("inverse",),
    "option": ("option",),
}


def build(account: Account, facts: Profile) -> tuple[Loose, Transport]:
    """Return the guarded ccxt object of an account, and its door to the network.

    Raises:
        ConfigError: the endpoint is not on this machine.
        UsageError: ccxt does not know the exchange.
    """
    venue: Loose = guarded(account.exchange)
    credentials = {name: value for name, value in account.credentials.items() if value}
    exchange: Loose = venue(
        {
            **credentials,
            "timeout": REQUEST_TIMEOUT,
            "enableRateLimit": account.endpoint is None,  # a server of our own has no limit to respect
            "reduceFees": False,
            "timeout_on_exit": 0,
            "session": None,
            "enableLastHttpResponse": False,  # a list of all markets is many megabytes, and every body is kept anyway
        }
    )
    exchange.options.update({**facts.options, **account.options})
    exchange.options.update(
        {
            "adjustForTimeDifference": False,
            "maxRetriesOnFailure": 0,
            "warnOnFetchOpenOrdersWithoutSymbol": False,
            "builderFee": False,
        }
    )
    families = sorted({family for book in account.books for family in FAMILIES[book]})
    _limit_markets(exchange, families)
    if facts.currencies_need_key:
        exchange.has["fetchCurrencies"] = False
    if account.endpoint is not None:
        exchange.urls["api"] = redirected(exchange.urls["api"], loopback(account.endpoint))
    transport = Transport(hosts_of(exchange))
    exchange.hosts, exchange.own_session, exchange.session = transport.hosts, False, transport
    return exchange, transport


def _limit_markets(exchange: Loose, families: list[str]) -> None:
    """Load only the market families the account has, where ccxt can be told so."""
    told = exchange.options.get("fetchMarkets")
    types = told.get("types") if isinstance(told, dict) else told
    names = types if isinstance(types, list) else list(types) if isinstance(types, dict) else []
    wanted = [
        name
        for name in names
        if name in families or (name in {"swap", "future"} and {"linear", "inverse"} & {*families})
    ]
    if not wanted:
        return
    if isinstance(told, dict) and isinstance(types, list):
        told["types"] = wanted
    elif isinstance(told, list):
        exchange.options["fetchMarkets"] = wanted


def hosts_of(exchange: Loose) -> frozenset[str]:
    """Return every host name in ccxt's `urls['api']`, placeholders filled in."""
    found = set()
    for address in leaves(exchange.urls["api"]):
        filled = exchange.implode_hostname(address) if "{hostname}" in address else address
        found.add(filled.partition("://")[2].partition("/")[0].lower())
    return frozenset(found - {""})
