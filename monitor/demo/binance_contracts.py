"""Binance's contract wallets, linear (`/fapi`) and inverse (`/dapi`): fills, incomes and balances as it tells them.

Habits kept: `symbol` required for fills, at most seven days between the times (both inclusive), oldest first, 500 rows
unless told (1000 at most), incomes of every type in one list.
https://developers.binance.com/docs/derivatives/usds-margined-futures/account/rest-api/Get-Income-History
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.clock import DAY
from monitor.demo.binance_query import error, number, page, span
from monitor.demo.contracts import CONTRACTS, Contract
from monitor.demo.wire import Json, Private, Public, Query, Venue, digits

if TYPE_CHECKING:
    from monitor.demo.contracts import Income
    from monitor.records import Fill

LONGEST = 7 * DAY
NO_END = 4_133_404_800_000  # the delivery date of a perpetual


def contracts_of(family: str) -> list[Contract]:
    """Return the contracts of one half of the venue, `fapi` or `dapi`."""
    return [one for one in CONTRACTS.values() if one.inverse == (family == "dapi")]


def facts(contract: Contract) -> dict[str, object]:
    """Return one market as `exchangeInfo` tells it."""
    told: dict[str, object] = {
        "symbol": contract.market_id, "pair": f"BTC{contract.quote}", "contractType": "PERPETUAL",
        "deliveryDate": NO_END, "onboardDate": 1_569_398_400_000, "baseAsset": "BTC", "quoteAsset": contract.quote,
        "marginAsset": contract.settle, "pricePrecision": 1, "quantityPrecision": 0 if contract.inverse else 3,
        "baseAssetPrecision": 8, "quotePrecision": 8, "filters": [],
    }  # fmt: skip
    if contract.inverse:
        return told | {"contractStatus": "TRADING", "contractSize": int(contract.size)}
    return told | {"status": "TRADING"}


def info(family: str) -> Public:
    """Return the handler of `exchangeInfo`."""
    return lambda venue, _query: {"serverTime": venue.time(), "symbols": [facts(one) for one in contracts_of(family)]}


def own(family: str, account: str) -> Contract | None:
    """Return the contract an account trades on one half of the venue, None if it has no wallet there."""
    return next((one for one in contracts_of(family) if one.account == account), None)


def trades(family: str) -> Private:
    """Return the handler of `userTrades`."""

    def handle(venue: Venue, account: str, query: Query) -> Json:
        if query.get("symbol") not in {one.market_id for one in contracts_of(family)}:
            raise error(-1121, "Invalid symbol.")
        contract, first = own(family, account), number(query, "fromId")
        found = venue.history.contracts.fills(venue.now(), account) if contract else []
        if first is not None:
            return [trade_row(fill) for fill in found if (fill.sequence or 0) >= first][: page(query)]
        start, end = span(query, LONGEST, venue.now())
        return [trade_row(fill) for fill in found if start <= fill.time <= end][: page(query)]

    return handle


def trade_row(fill: Fill) -> dict[str, object]:
    """Return one fill as `userTrades` tells it."""
    contract, fee = CONTRACTS[fill.account], fill.fees[0]
    row: dict[str, object] = {
        "symbol": fill.market, "id": fill.sequence, "orderId": int(fill.order_id or 0), "side": fill.side.upper(),
        "price": digits(fill.price, 1), "qty": digits(fill.amount, 0 if contract.inverse else 3), "realizedPnl": "0",
        "commission": digits(fee.amount, 8), "commissionAsset": fee.asset, "time": fill.time, "positionSide": "BOTH",
        "buyer": fill.side == "buy", "maker": False, "marginAsset": contract.settle,
    }  # fmt: skip
    value = digits(contract.worth(fill.amount, fill.price), 8)
    return row | ({"pair": "BTCUSD", "baseQty": value} if contract.inverse else {"quoteQty": value})


def income(family: str) -> Private:
    """Return the handler of `income`; `incomeType` picks one type."""

    def handle(venue: Venue, account: str, query: Query) -> Json:
        contract = own(family, account)
        if contract is None:
            return []
        start, end = span(query, LONGEST, venue.now())
        found = venue.history.contracts.incomes(venue.now(), account)
        wanted = [one for one in found if query.get("incomeType") in (None, one.said) and start <= one.time <= end]
        return [income_row(contract, one) for one in wanted][: page(query, 100)]

    return handle


def income_row(contract: Contract, one: Income) -> dict[str, object]:
    """Return one income; a transfer belongs to no market."""
    return {
        "symbol": "" if one.said == "TRANSFER" else contract.market_id, "incomeType": one.said,
        "income": digits(one.amount, 8), "asset": contract.settle, "time": one.time, "info": one.said,
        "tranId": one.number, "tradeId": one.trade,
    }  # fmt: skip


def wallet(family: str) -> Private:
    """Return the handler of `account`: the wallet, and the position beside it."""

    def handle(venue: Venue, account: str, _query: Query) -> Json:
        contract, now = own(family, account), venue.now()
        if contract is None:
            return {"assets": [], "positions": []}
        held, unrealised = venue.history.contracts.position(now, account)
        balance = venue.history.balances(account, now).get(contract.settle, 0 * unrealised)
        figures = {"walletBalance": balance, "unrealizedProfit": unrealised, "marginBalance": balance + unrealised}
        told: dict[str, object] = {name: digits(value, 8) for name, value in figures.items()}
        asset = {"asset": contract.settle, "initialMargin": "0.00000000", "updateTime": now,
                 "availableBalance": told["marginBalance"]}  # fmt: skip
        position = {"symbol": contract.market_id, "positionSide": "BOTH", "positionAmt": digits(held, 3),
                    "unrealizedProfit": told["unrealizedProfit"], "updateTime": now}  # fmt: skip
        return {"canTrade": False, "updateTime": now, "assets": [asset | told], "positions": [position]}

    return handle


def risk(family: str) -> Private:
    """Return the handler of `positionRisk`: the open position, with its sign."""

    def handle(venue: Venue, account: str, _query: Query) -> Json:
        contract = own(family, account)
        if contract is None:
            return []
        held, unrealised = venue.history.contracts.position(venue.now(), account)
        if not held:
            return []
        value = digits(contract.worth(held, venue.history.contracts.price(contract, venue.now())), 8)
        return [{
            "symbol": contract.market_id, "positionSide": "BOTH", "positionAmt": digits(held, 3), "entryPrice": "1",
            "markPrice": "0", "unRealizedProfit": digits(unrealised, 8), "liquidationPrice": "0", "leverage": "1",
            "marginType": "cross", "isolatedMargin": "0", "notional": value, "notionalValue": value,
            "isolatedWallet": "0", "updateTime": venue.now(),
        }]  # fmt: skip

    return handle


PUBLIC: dict[str, Public] = {
    "/fapi/v1/time": lambda venue, _query: {"serverTime": venue.time()},
    "/dapi/v1/time": lambda venue, _query: {"serverTime": venue.time()},
    "/fapi/v1/exchangeInfo": info("fapi"),
    "/dapi/v1/exchangeInfo": info("dapi"),
}
PRIVATE: dict[str, Private] = {
    "/fapi/v1/userTrades": trades("fapi"),
    "/dapi/v1/userTrades": trades("dapi"),
    "/fapi/v1/income": income("fapi"),
    "/dapi/v1/income": income("dapi"),
    "/fapi/v3/positionRisk": risk("fapi"),
    "/dapi/v1/positionRisk": risk("dapi"),
    "/fapi/v3/account": wallet("fapi"),
    "/dapi/v1/account": wallet("dapi"),
}
