"""What is known of each exchange's way of listing fills, as one table.

A profile only saves calls and calms errors; it is never trusted to be complete: the collector proves every window by
counting raw rows. What stands here comes from the ccxt 4.5.90 sources and the venues' public documentation, July 2026;
"proven" means recorded bodies of the venue went through the replay script.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from monitor.clock import DAY, HOUR, SECOND
from monitor.exchanges.facts import Cursor, Profile

if TYPE_CHECKING:
    from monitor.records import Book

_SEPARATE: dict[Book, dict[str, str]] = {
    "margin": {"type": "margin"},
    "linear": {"type": "swap", "subType": "linear"},
    "inverse": {"type": "swap", "subType": "inverse"},
}


# Windows are one millisecond short of what the venue states: some count both ends.
def _short(span: int) -> int:
    return span - 1


_BINANCE_FUTURES = Profile(
    source="https://developers.binance.com/docs/derivatives/usds-margined-futures/trade/rest-api/Account-Trade-List",
    window=_short(7 * DAY),
    page=1000,
    order="oldest",
    cursor=Cursor("id", "fromId"),
    symbol_required=True,
    history=180 * DAY,
    transactions_window=_short(90 * DAY),
    transactions_page=1000,
    transactions_end="endTime",  # ccxt asks for 90 days of withdrawals, whatever the end
    candles=1000,
    currencies_need_key=True,
    wallets=_SEPARATE,
    # ccxt reads margin tiers before positions unless it has some; nothing here needs them.
    options={"leverageBrackets": {}},
    tier="proven",
)
_BINANCE_SPOT = replace(
    _BINANCE_FUTURES,
    source="https://developers.binance.com/docs/binance-spot-api-docs/rest-api/account-endpoints",
    window=_short(DAY),
    history=None,
    walk=True,
)

PROFILES: dict[str, Profile] = {
    # fromId reads a market's whole history in pages of 1000 without windows; times and fromId exclude each other.
    "binance": _BINANCE_SPOT,
    "binanceusdm": _BINANCE_FUTURES,
    "binancecoinm": replace(
        _BINANCE_FUTURES,
        source="https://developers.binance.com/docs/derivatives/coin-margined-futures/trade/rest-api/Account-Trade-List",
    ),
    # One category (spot, linear, inverse, option) a call; nextPageCursor; account mode from the settings.
    "bybit": Profile(
        source="https://bybit-exchange.github.io/docs/v5/order/execution",
        window=_short(7 * DAY),
        page=100,
        order="newest",
        cursor=Cursor("token", "cursor", ("nextPageCursor",)),
        symbol_required=False,
        history=730 * DAY,
        id_scope="exchange",
        transactions_window=_short(30 * DAY),
        transactions_page=50,
        options={"enableUnifiedAccount": True, "enableUnifiedMargin": False},
        tier="proven",
    ),
    # fills-history holds three months; `after` takes a bill id, which the rows carry.
    "okx": Profile(
        source="https://www.okx.com/docs-v5/en/#order-book-trading-trade-get-transaction-details-last-3-months",
        page=100,
        order="newest",
        cursor=Cursor("token", "after", ("billId",)),
        symbol_required=False,
        history=90 * DAY,
        transactions_page=100,
        tier="proven",
    ),
    # 50 rows newest first, whatever is asked; start in whole seconds, itself excluded; ofs skips rows.
    "kraken": Profile(
        source="https://docs.kraken.com/api/docs/rest-api/get-trade-history",
        page=50,
        ask=False,
        order="newest",
        # The nonce need only rise, and the venue tells its time in whole seconds: set by it, a restart could step back.
        signs_time=False,
        timeframe="4h",  # OHLC serves the newest 720 only: 30 days of hours, 120 days of four hours
        candles=720,
        grain=SECOND,
        exclusive_since=True,
        cursor=Cursor("offset", "ofs"),
        symbol_required=False,
        id_scope="exchange",
        tier="proven",
    ),
    # No start: the 100 fills before lastFillTime, newest first.
    "krakenfutures": Profile(
        source="https://docs.kraken.com/api/docs/futures-api/trading/get-fills",
        window=_short(30 * DAY),
        page=100,
        ask=False,
        order="newest",
        since=False,
        end="lastFillTime",
        symbol_required=False,
        id_scope="exchange",
        newest_first=Cursor("before", "lastFillTime"),
    ),
    "coinbase": Profile(
        source="https://docs.cdp.coinbase.com/api-reference/advanced-trade-api/rest-api/orders/list-fills",
        page=100,  # ccxt's features say 3000, recorded pages hold 100
        ask=False,
        order="newest",
        cursor=Cursor("token", "cursor", ("cursor",)),
        symbol_required=False,
        id_scope="exchange",
        options={
            "accounts": ["wallet", "fiat", "vault"],
            "v3Accounts": ["ACCOUNT_TYPE_CRYPTO", "ACCOUNT_TYPE_FIAT", "ACCOUNT_TYPE_VAULT"],
        },
        tier="proven",
    ),
    "kucoin": Profile(
        source="https://www.kucoin.com/docs-new/rest/spot-trading/orders/get-trade-history-old",
        window=_short(7 * DAY),
        page=500,
        order="newest",
        symbol_required=False,
        symbol_books=frozenset({"margin"}),
        transactions_window=_short(7 * DAY),
        transactions_page=500,
        wallets=_SEPARATE,
        options={"uta": False},
        tier="proven",
    ),
    "gate": Profile(
        source="https://www.gate.com/docs/developers/apiv4/#query-personal-trading-records",
        window=_short(30 * DAY),
        page=1000,
        order="newest",
        grain=SECOND,
        symbol_required=False,
        transactions_window=_short(30 * DAY),
        transactions_page=500,
        wallets=_SEPARATE,
        options={"unifiedAccount": False},
    ),
    "bitget": Profile(
        source="https://www.bitget.com/api-doc/spot/trade/Get-Fills",
        window=_short(7 * DAY),
        page=100,
        order="newest",
        cursor=Cursor("token", "idLessThan", ("tradeId",)),
        symbol_required=True,
        history=90 * DAY,
        transactions_window=_short(90 * DAY),
        transactions_page=100,
        wallets=_SEPARATE,
        options={"uta": False},
        tier="proven",
    ),
    "htx": Profile(
        source="https://huobiapi.github.io/docs/spot/v1/en/#search-match-results",
        window=_short(48 * HOUR),
        page=500,
        order="newest",
        symbol_required=False,
        symbol_books=frozenset({"linear", "inverse"}),
        history=120 * DAY,
        transactions_page=100,
        # By id alone, newest first; ccxt names the first one.
        transactions_walk=Cursor("token", "from", ("id",)),
    ),
    "mexc": Profile(
        source="https://www.mexc.com/api-docs/spot-v3/spot-account-trade#account-trade-list",
        window=_short(30 * DAY),
        page=100,
        order="newest",
        symbol_required=True,
        history=30 * DAY,
        contract_end="end_time",  # ccxt asks for 90 days of contracts, whatever the end
        transactions_window=_short(7 * DAY),
        transactions_page=1000,
        transactions_end="endTime",
        tier="proven",
    ),
    "cryptocom": Profile(
        source="https://exchange-docs.crypto.com/exchange/v1/rest-ws/index.html#private-get-trades",
        window=_short(DAY),
        page=100,
        order="newest",
        symbol_required=False,
        history=180 * DAY,
        transactions_page=100,
        tier="proven",
    ),
    # ccxt sends the present as `end` unless that is named.
    "bitfinex": Profile(
        source="https://docs.bitfinex.com/reference/rest-auth-trades",
        page=2500,
        order="newest",
        end="end",
        symbol_required=False,
        transactions_page=250,
        transactions_end="end",
    ),
    # user_transactions mixes trades (type 2) with deposits, withdrawals and transfers.
    "bitstamp": Profile(
        source="https://www.bitstamp.net/api/#tag/Transactions-private/operation/GetUserTransactions",
        page=1000,
        order="newest",
        grain=SECOND,
        since=False,
        until=False,
        newest_first=Cursor("offset", "offset"),
        transactions_walk=Cursor("offset", "offset"),
        transactions_page=1000,
        transactions_size="limit",
        symbol_required=False,
        id_scope="exchange",
        not_trades=(("type", ("0", "1", "14", "25", "26", "27", "28", "32", "33", "35")),),
        not_transactions=(("type", ("2",)),),
        tier="proven",
    ),
    # timestamp is inclusive and in seconds; 500 rows from there, newest first.
    "gemini": Profile(
        source="https://docs.gemini.com/rest/orders#list-past-trades",
        page=500,
        order="newest",
        grain=SECOND,
        until=False,
        symbol_required=True,
        tier="proven",
    ),
    # By currency and kind instead of by market: there are thousands of options, and expired ones are not listed.
    "deribit": Profile(
        source="https://docs.deribit.com/#private-get_user_trades_by_currency_and_time",
        page=100,
        order="oldest",
        end="end_timestamp",
        symbol_required=False,
        id_scope="exchange",
        transactions_page=100,
        transactions_walk=Cursor("offset", "offset"),
        transactions_by_currency=True,
        tier="proven",
    ),
    # dust conversions have id 0; 2000 rows from startTime, 10,000 in all.
    "hyperliquid": Profile(
        source="https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/info-endpoint",
        page=2000,
        ask=False,
        order="oldest",
        symbol_required=False,
    ),
    "bingx": Profile(
        source="https://bingx-api.github.io/docs-v3/#/en/Spot/Trades%20Endpoints",
        window=_short(DAY),
        page=1000,
        order="newest",
        symbol_required=True,
        history=DAY,
    ),
    "poloniex": Profile(
        source="https://api-docs.poloniex.com/spot/api/private/trade",
        page=100,
        order="newest",
        symbol_required=False,
        tier="proven",
    ),
}
DEFAULT = Profile(tier="default")


def profile(exchange: str) -> Profile:
    """Return the profile of a ccxt id; an unknown one assumes nothing and learns the page size while reading."""
    return PROFILES.get(exchange, DEFAULT)
