"""Binance spot, the signed half: fills, balances, deposits and withdrawals as the venue tells them.

Habits kept: `symbol` required, oldest first, at most 24 hours between `startTime` and `endTime` (both inclusive),
`fromId` not beside times, 500 rows unless told (1000 at most), identifiers unique per symbol only, amounts as text
with eight digits, withdrawal times as local-looking UTC text without a zone.
https://developers.binance.com/docs/binance-spot-api-docs/rest-api/account-endpoints
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.clock import DAY, iso
from monitor.demo.binance_query import error, market_asked, number, page, span
from monitor.demo.markets import assets_of
from monitor.demo.wire import ZERO, Json, Private, Query, Venue, digits

if TYPE_CHECKING:
    from monitor.records import Fill, Movement

LONGEST_FILLS = DAY
LONGEST_MOVEMENTS = 90 * DAY
STATUS = {("deposit", "ok"): 1, ("withdrawal", "ok"): 6, ("withdrawal", "failed"): 1}


def my_trades(venue: Venue, account: str, query: Query) -> Json:
    """GET /api/v3/myTrades."""
    market, limit, first = market_asked(query), page(query), number(query, "fromId")
    timed = "startTime" in query or "endTime" in query
    fills = [fill for fill in venue.fills(account) if fill.market == market.market_id]
    if first is not None:
        if timed:
            raise error(-1128, "Combination of optional parameters invalid.")
        return [trade_row(fill) for fill in fills if (fill.sequence or 0) >= first][:limit]
    if not timed:
        return [trade_row(fill) for fill in fills[-limit:]]
    start, end = span(query, LONGEST_FILLS, venue.now())
    return [trade_row(fill) for fill in fills if start <= fill.time <= end][:limit]


def trade_row(fill: Fill) -> dict[str, object]:
    """Return one fill as `myTrades` tells it."""
    fee = fill.fees[0]
    return {
        "symbol": fill.market, "id": fill.sequence, "orderId": int(fill.order_id or 0), "orderListId": -1,
        "price": digits(fill.price, 8), "qty": digits(fill.amount, 8), "quoteQty": digits(fill.amount * fill.price, 8),
        "commission": digits(fee.amount, 8), "commissionAsset": fee.asset, "time": fill.time,
        "isBuyer": fill.side == "buy", "isMaker": fill.liquidity == "maker", "isBestMatch": True,
    }  # fmt: skip


def account_state(venue: Venue, account: str, _query: Query) -> Json:
    """GET /api/v3/account: every asset the venue lists, zero or not."""
    held = venue.balances(account)
    rows: list[object] = [
        {"asset": asset, "free": digits(held.get(asset, ZERO), 8), "locked": "0.00000000"}
        for asset in assets_of("binance")
    ]
    return {
        "makerCommission": 10, "takerCommission": 10, "buyerCommission": 0, "sellerCommission": 0,
        "canTrade": False, "canWithdraw": False, "canDeposit": True, "brokered": False,
        "requireSelfTradePrevention": False, "preventSor": False, "updateTime": venue.now(), "accountType": "SPOT",
        "balances": rows, "permissions": ["SPOT"], "uid": 354937868,
    }  # fmt: skip


def deposits(venue: Venue, account: str, query: Query) -> Json:
    """GET /sapi/v1/capital/deposit/hisrec."""
    return [
        common_row(move) | {
            "insertTime": move.time, "transferType": 0, "confirmTimes": "2/2", "unlockConfirm": 2, "walletType": 0,
            "completeTime": move.time,
        }
        for move in movements_asked(venue, account, "deposit", query)
    ]  # fmt: skip


def withdrawals(venue: Venue, account: str, query: Query) -> Json:
    """GET /sapi/v1/capital/withdraw/history: `amount` is without `transactionFee`; a cancelled one has status 1."""
    return [
        common_row(move) | {
            "transactionFee": digits(sum((fee.amount for fee in move.fees), ZERO), 8),
            "applyTime": iso(move.time)[:19].replace("T", " "), "transferType": 0, "confirmNo": 2, "info": "",
            "walletType": 0, "txKey": "",
        }
        for move in movements_asked(venue, account, "withdrawal", query)
    ]  # fmt: skip


def movements_asked(venue: Venue, account: str, kind: str, query: Query) -> list[Movement]:
    """Return the movements of a query, newest first, its page of them."""
    start, end = span(query, LONGEST_MOVEMENTS, venue.now())
    offset, coin = number(query, "offset") or 0, query.get("coin")
    found = [move for move in venue.movements(account, kind) if start <= move.time <= end]
    return [move for move in found if coin in (None, move.asset)][offset : offset + page(query, 1000)]


def common_row(move: Movement) -> dict[str, object]:
    """Return what deposits and withdrawals tell alike."""
    return {
        "id": move.key, "amount": digits(move.amount, 8), "coin": move.asset, "network": move.asset,
        "status": STATUS[move.kind, move.status], "address": "0x94df8b352de7f46f64b01d3666bf6e936e44ce60",
        "addressTag": "", "txId": move.network_id or "",
    }  # fmt: skip


def key_permissions(venue: Venue, _account: str, _query: Query) -> Json:
    """GET /sapi/v1/account/apiRestrictions: the demo's keys can read and nothing else."""
    off = (
        "enableWithdrawals", "enableInternalTransfer", "enableMargin", "enableFutures", "permitsUniversalTransfer",
        "enableVanillaOptions", "enableFixApiTrade", "enableSpotAndMarginTrading", "enablePortfolioMarginTrading",
    )  # fmt: skip
    granted: dict[str, object] = {"ipRestrict": False, "createTime": venue.history.start, "enableReading": True}
    return granted | {"enableFixReadOnly": True} | dict.fromkeys(off, False)


def nothing(body: Json) -> Private:
    """Return a handler for an endpoint on which this desk has done nothing."""
    return lambda _venue, _account, _query: body


PRIVATE: dict[str, Private] = {
    "/api/v3/myTrades": my_trades,
    "/api/v3/account": account_state,
    "/sapi/v1/capital/deposit/hisrec": deposits,
    "/sapi/v1/capital/withdraw/history": withdrawals,
    "/sapi/v1/account/apiRestrictions": key_permissions,
    "/sapi/v1/capital/config/getall": nothing([]),
    "/sapi/v1/margin/allPairs": nothing([]),
    "/sapi/v1/margin/isolated/allPairs": nothing([]),
    "/sapi/v1/asset/dribblet": nothing({"total": 0, "userAssetDribblets": []}),
    "/sapi/v1/asset/assetDividend": nothing({"rows": [], "total": 0}),
    "/sapi/v1/asset/transfer": nothing({"total": 0, "rows": []}),
    "/sapi/v1/convert/tradeFlow": nothing({"list": [], "limit": 100, "moreData": False}),
    "/sapi/v1/fiat/orders": nothing({"code": "000000", "message": "success", "data": [], "total": 0, "success": True}),
}
