"""From ccxt's trades to fills: exact, keyed, and nothing dropped.

A row that cannot become a fill is returned whole, with the reason, as `Quarantined`; it is never skipped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from monitor.exact import exact
from monitor.exchanges.bodies import canonical
from monitor.exchanges.charges import charges
from monitor.exchanges.dropped import dropped
from monitor.exchanges.families import MARGIN_ROWS
from monitor.exchanges.fields import (
    Digests,
    Row,
    Unreadable,
    instant,
    number,
    raw,
    raw_row,
    stated,
    text,
    unsigned,
)
from monitor.exchanges.naming import SIZE_ONE, linear, same_market
from monitor.exchanges.spoken import priced, side_of
from monitor.records import Book, Fill, FillKind, Movement, Quarantined, StreamKey

if TYPE_CHECKING:
    from decimal import Decimal

# The market structure of a symbol, None if the venue has never listed it.
Markets: TypeAlias = Callable[[str], Mapping[str, object] | None]
# Fields under which venues name a row's market.
MARKET_FIELDS = (
    "symbol", "pair", "market", "instId", "instrument_name", "instrumentName", "product_id", "productId", "contract",
    "contract_code", "currency_pair", "currencyPair", "tradingPair", "trading_pair", "book", "ticker", "mkt",
)  # fmt: skip
# Deribit states amounts in US dollars or coins, whatever the size of a contract.
AMOUNTS_IN_UNITS = frozenset({"deribit"})
# Bybit lists forced closes and charges among executions.
FORCED = frozenset({"AdlTrade", "BustTrade", "SessionSettlePnL", "Settle", "Delivery"})
# HitBTC's engine charges in the quote asset and does not repeat it in each row.
FEES_IN_QUOTE = frozenset({"hitbtc", "bequant", "fmfwio"})
MAX_SEQUENCE = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose rows these are: the stream and the venue they came through.

    `others`: rows of the endpoint that belong to another stream, as (field, values).
    """

    stream: StreamKey
    exchange: str
    others: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Rows:
    """What one answer held."""

    fills: tuple[Fill, ...] = ()
    movements: tuple[Movement, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()


def book_of(market: Mapping[str, object], asked: Book) -> Book:
    """Return the book a market's lots live in; spot markets serve margin accounts too."""
    if market.get("option"):
        return "option"
    if market.get("contract"):
        return "inverse" if market.get("inverse") else "linear"
    return "margin" if asked == "margin" else "spot"


@dataclass(slots=True)
class Listing:
    """What the rows of one market share: they are a thousand a page.

    `size`: units by which an amount of a contract counts, None of what is no contract. `usual`: the asset of a fee that
    names none. `names` are those under which rows were found to mean this market.
    """

    market: Mapping[str, object]
    id: str
    symbol: str
    base: str
    quote: str
    settle: str | None
    book: Book
    inverse: bool
    size: Decimal | None
    usual: str | None
    names: set[str] = field(default_factory=set)


class Page:
    """The rows of one answer, of one stream: their markets and the keys of those without an id."""

    def __init__(self, origin: Origin, markets: Markets) -> None:
        """Look markets up with `markets`, each once."""
        self.origin, self.digests = origin, Digests()
        self._markets = markets
        self._listings: dict[str, Listing] = {}

    def listing(self, symbol: str) -> Listing:
        """Return the market of a row.

        Raises:
            Unreadable: nobody knows it.
        """
        known = self._listings.get(symbol)
        if known is None:
            market = market_of(symbol, self._markets(symbol), self.origin)
            known = self._listings[symbol] = _listing(market, self.origin)
        return known


def _listing(market: Mapping[str, object], origin: Origin) -> Listing:
    return Listing(
        market=market,
        id=str(market["id"]),
        symbol=str(market["symbol"]),
        base=str(market["base"]),
        quote=str(market["quote"]),
        settle=text(market, "settle"),
        book=book_of(market, origin.stream.book),
        inverse=bool(market.get("inverse")),
        size=contract_size(market, origin.exchange) if market.get("contract") else None,
        usual=charged_in(market, origin.exchange),
    )


def check_market(info: Row, listing: Listing) -> None:
    """Make sure that the venue's own row does not name another market.

    Raises:
        Unreadable: it does; ccxt gives rows of unknown markets the symbol that was asked for.
    """
    for spoken in MARKET_FIELDS:
        if spoken in info and isinstance(name := info[spoken], str) and name and name not in listing.names:
            if not same_market(name, listing.market):
                raise Unreadable(f"the row's {spoken} is {name!r}, ccxt made it {listing.market.get('symbol')!r}")
            listing.names.add(name)


def fill(row: Row, page: Page) -> Fill:
    """Return the fill of one ccxt trade.

    Raises:
        Unreadable: time, side, price, amount or market is missing or implausible.
    """
    origin, listing, info = page.origin, page.listing(text(row, "symbol") or ""), raw_row(row)
    check_trade(info)
    check_market(info, listing)
    side, amount = side_of(row), unsigned(_sized(row, origin.exchange), "amount")
    book = _margin(info) or ("spot" if listing.book == "margin" and origin.exchange in MARGIN_ROWS else listing.book)
    trade_id, order_id, told = text(row, "id"), text(row, "order"), raw(row)
    identity = f"{trade_id}|{order_id or ''}|{side}" if _usable(trade_id) else page.digests.key(told)
    return Fill(
        account=origin.stream.account,
        exchange=origin.exchange,
        key=f"{book}|{listing.id}|{identity}",
        time=instant(row),
        book=book,
        market=listing.id,
        symbol=listing.symbol,
        base=listing.base,
        quote=listing.quote,
        side=side,
        amount=amount,
        price=priced(row, amount),
        cost=None if listing.inverse else stated(row, number(row, "cost")),
        fees=charges(origin.exchange, row, listing.usual),
        kind=_kind(info),
        settle=listing.settle,
        contract_size=listing.size,
        inverse=listing.inverse,
        trade_id=trade_id,
        order_id=order_id,
        sequence=_sequence(trade_id),
        liquidity=_liquidity(row),
        raw=canonical(told),
    )


def market_of(symbol: str, market: Mapping[str, object] | None, origin: Origin) -> Mapping[str, object]:
    """Return the market of a row; one that the venue no longer lists is of the kind that was asked for.

    Raises:
        Unreadable: nobody knows its assets, or it is a contract of unknown size.
    """
    if market is None or not market.get("base") or not market.get("quote"):
        raise Unreadable(f"the market {symbol or '(none)'!r} is unknown")
    if not market.get("spelt_out") or market.get("contract") or origin.stream.book in {"spot", "margin"}:
        return market
    contract = linear(market) if origin.stream.book == "linear" and origin.exchange in SIZE_ONE else None
    if contract is None:
        raise Unreadable(f"the contract {symbol!r} is unknown")
    return contract


def charged_in(market: Mapping[str, object], exchange: str) -> str | None:
    """Return the asset of a fee that names none: what a contract settles in; the quote where the venue says so."""
    if market.get("contract"):
        return text(market, "settle")
    return text(market, "quote") if exchange in FEES_IN_QUOTE else None


def _sized(row: Row, exchange: str) -> Row:
    """Return a row with its amount, which ccxt leaves out of Kraken's inverse futures."""
    if exchange != "krakenfutures" or row.get("amount") is not None:
        return row
    return {**row, "amount": raw_row(row).get("size")}


def contract_size(market: Mapping[str, object], exchange: str) -> Decimal:
    """Return the units of base (inverse: of quote) by which an amount of this venue counts."""
    if exchange in AMOUNTS_IN_UNITS:
        return exact(1)
    return number(market, "contractSize") or exact(1)


def check_trade(info: Row) -> None:
    """Make sure that a row is an execution.

    Raises:
        Unreadable: it takes back or corrects an earlier one (Coinbase); which one, only a person can tell.
    """
    said = info.get("trade_type")
    if said in {"REVERSAL", "CORRECTION", "SYNTHETIC"}:
        raise Unreadable(f"a {said} of another fill")


def _usable(trade_id: str | None) -> bool:
    return trade_id is not None and trade_id.strip("0") != ""


def _sequence(trade_id: str | None) -> int | None:
    if trade_id is None or not trade_id.isascii() or not trade_id.isdecimal():
        return None
    value = int(trade_id)
    return value if value <= MAX_SEQUENCE else None


def _kind(info: Row) -> FillKind:
    return "liquidation" if info.get("execType") in FORCED else "trade"


def _liquidity(row: Row) -> Literal["taker", "maker"] | None:
    said = row.get("takerOrMaker")
    return "taker" if said == "taker" else "maker" if said == "maker" else None


def _margin(info: Row) -> Book | None:
    """Kraken lists margin fills among spot fills, which put up margin; Bybit too, which borrowed for them."""
    if "ordertxid" in info and "margin" in info and (number(info, "margin") or 0) != 0:
        return "margin"
    return "margin" if "execType" in info and text(info, "isLeverage") == "1" else None


def fills(trades: Sequence[Row], listed: Sequence[object], origin: Origin, markets: Markets) -> Rows:
    """Return every fill of an answer; `listed` are the raw rows of its body, each of which must be accounted for."""
    page, found, bad = Page(origin, markets), list[Fill](), list[Quarantined]()
    for row in trades:
        try:
            found.append(fill(row, page))
        except Unreadable as why:
            bad.append(Quarantined(origin.stream, str(why), canonical(raw(row))))
    return Rows(tuple(found), (), (*bad, *dropped(listed, trades, origin)))
