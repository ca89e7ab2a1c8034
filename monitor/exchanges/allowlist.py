"""Which requests may leave: only those that ccxt's own read methods can make.

An exchange names its endpoints as it likes, and many read by POST, so neither verb nor words tell a read from an
order. The list is therefore taken from the code that will run: starting at the read methods, every method they call
and every endpoint those name is followed through the compiled code (names, constants). What is not reached, such as
the endpoints behind createOrder, withdraw and transfer, is not on the list; a few writes that a read method could
reach (approving a broker fee) are struck off by name.
"""

from __future__ import annotations

import re
from functools import cache
from types import CodeType
from typing import TypeAlias

from monitor.exchanges.library import Entry

# (api section, method, path template) of one endpoint.
Endpoint: TypeAlias = tuple[tuple[str, ...], str, str]

READS = (
    "fetch_accounts",
    "fetch_balance",
    "fetch_borrow_interest",
    "fetch_closed_orders",
    "fetch_convert_trade_history",
    "fetch_currencies",
    "fetch_deposits",
    "fetch_deposits_withdrawals",
    "fetch_funding_history",
    "fetch_ledger",
    "fetch_markets",
    "fetch_my_dust_trades",
    "fetch_my_liquidations",
    "fetch_my_trades",
    "fetch_ohlcv",
    "fetch_orders",
    "fetch_positions",
    "fetch_positions_risk",
    "fetch_status",
    "fetch_ticker",
    "fetch_tickers",
    "fetch_time",
    "fetch_transfers",
    "fetch_withdrawals",
    "load_accounts",
    "load_time_difference",
    "sign_in",
)
# Endpoints that prove what a key may do; ccxt has no unified method for them.
PROOFS: dict[str, tuple[str, ...]] = {
    "binance": ("sapiGetAccountApiRestrictions",),
    "binanceusdm": ("sapiGetAccountApiRestrictions",),
    "binancecoinm": ("sapiGetAccountApiRestrictions",),
    "kraken": ("privatePostGetApiKeyInfo",),
    "bybit": ("privateGetV5UserQueryApi",),
    "okx": ("privateGetAccountConfig",),
    "bitfinex": ("privatePostAuthRPermissions",),
    "kucoin": ("privateGetUserApiKey",),
    "coinbase": ("v3PrivateGetBrokerageKeyPermissions",),
    "bitget": ("privateSpotGetV2SpotAccountInfo",),
    "htx": ("spotPrivateGetV2UserUid", "spotPrivateGetV2UserApiKey"),
    "deribit": ("privateGetListApiKeys",),
    "bingx": ("accountV1PrivateGetAccountApiPermissions",),
}
# Methods that trade, move funds or change the account; never followed, and every call of one is refused.
WRITE = re.compile(
    r"(create_(\w*order|convert_trade|sub_|deposit_|vault|gift|proxy|account|wallet|api_key)|cancel_|edit_|"
    r"close_(position|all_pos)|withdraw|transfer(?!s)|futures_transfer|"
    r"set_(leverage|margin|position_mode)|add_margin|reduce_margin|borrow_|repay_|redeem|stake|approve|revoke)"
)
# Endpoints never sent, whatever names them.
WRITE_PATH = re.compile(
    r"approve|authorize_?builder|onboard|(place|create|cancel)_?order|/proxy$|sendTx|^exchange$|"
    r"withdraw(als)?/(apply|new)|transfer/(apply|new)",
    re.IGNORECASE,
)


def writes(name: str) -> bool:
    """Tell whether a ccxt method's snake_case name could trade, move funds or change the account."""
    return bool(WRITE.match(name))


def _words(code: CodeType) -> tuple[set[str], set[str]]:
    """Return (names used as attributes, text constants) of compiled code, nested functions included."""
    names, constants = set(code.co_names), set[str]()
    for constant in code.co_consts:
        if isinstance(constant, str):
            constants.add(constant)
        elif isinstance(constant, tuple):
            constants |= {part for part in constant if isinstance(part, str)}
        elif isinstance(constant, CodeType):
            inner_names, inner_constants = _words(constant)
            names, constants = names | inner_names, constants | inner_constants
    return names, constants


def _endpoints(exchange: type) -> dict[str, Endpoint]:
    found: dict[str, Endpoint] = {}
    for owner in exchange.__mro__:
        for name, entry in vars(owner).items():
            if isinstance(entry, Entry):
                found.setdefault(name, (tuple(entry.api), entry.method, entry.path))
    return found


@cache
def readable(exchange: type) -> frozenset[Endpoint]:
    """Return the endpoints that the read methods of a ccxt class can reach, less those that write."""
    endpoints = _endpoints(exchange)
    pending = [name for name in READS if hasattr(exchange, name)]
    seen: set[str] = set()
    reached = {endpoints[name] for name in PROOFS.get(exchange.__name__, ()) if name in endpoints}
    while pending:
        name = pending.pop()
        code = getattr(getattr(exchange, name, None), "__code__", None)
        if name in seen or code is None:
            continue
        seen.add(name)
        names, constants = _words(code)
        # A constant may name an endpoint too: options hold the name of the method to call.
        reached |= {endpoints[word] for word in (names | constants) & endpoints.keys()}
        pending += [word for word in names - endpoints.keys() if not writes(word) and hasattr(exchange, word)]
    return frozenset(endpoint for endpoint in reached if not WRITE_PATH.search(endpoint[2]))
