"""Kraken, the signed half: fills, balances, ledger, deposits and withdrawals as the venue tells them.

Habits kept: no symbol, newest first, 50 rows a page reached by `ofs`, `start` in seconds and exclusive, `end`
inclusive, `result.count` of all that match, times as fractional seconds (whole ones for deposits and withdrawals),
amounts without a fixed number of digits, assets under old names (XXBT, ZUSD), fees in the quote asset.
https://docs.kraken.com/api-reference/account-data/get-trades-history
"""

from __future__ import annotations

from decimal import Decimal

from monitor.clock import SECOND
from monitor.demo.books import kraken_id, token
from monitor.demo.generator import effects
from monitor.demo.kraken_market import name_of
from monitor.demo.wire import ZERO, Json, Private, Query, Refused, Venue, digits
from monitor.records import Fill, Movement

PAGE = 50
METHODS = {"BTC": "Bitcoin", "XRP": "Ripple XRP", "USD": "Bank Wire (SWIFT)"}


def ticks(instant: int) -> int:
    """Return an instant in Kraken's finer grain, tenths of a millisecond, which clients have to cut, not to round."""
    return instant * 10 + (5 if instant % SECOND else 0)


def seconds(instant: int) -> float:
    """Return an instant as Kraken tells it."""
    return ticks(instant) / 10_000


def inside(instant: int, query: Query) -> bool:
    """Return whether an instant lies in the query's ]start, end]."""
    place = Decimal(ticks(instant)) / 10_000
    try:
        after = place > Decimal(query["start"]) if "start" in query else True
        return after and (place <= Decimal(query["end"]) if "end" in query else True)
    except ArithmeticError:
        raise Refused(200, {"error": ["EGeneral:Invalid arguments"]}) from None


def envelope(result: Json) -> Json:
    """Return a result as every answer of Kraken wraps it."""
    return {"error": [], "result": result}


def trades_history(venue: Venue, account: str, query: Query) -> Json:
    """POST /0/private/TradesHistory."""
    found = [fill for fill in reversed(venue.fills(account)) if inside(fill.time, query)]
    offset = int(query.get("ofs", "0"))
    page = {fill.trade_id: trade_row(fill) for fill in found[offset : offset + PAGE]}
    return envelope({"count": len(found), "trades": page})


def trade_row(fill: Fill) -> dict[str, object]:
    """Return one fill as `TradesHistory` tells it."""
    return {
        "ordertxid": fill.order_id, "postxid": kraken_id("T", f"position/{fill.order_id}"), "pair": fill.market,
        "aclass": "forex", "time": seconds(fill.time), "type": fill.side, "ordertype": "limit",
        "price": digits(fill.price, 5), "cost": digits(fill.amount * fill.price, 5),
        "fee": digits(fill.fees[0].amount, 5), "vol": digits(fill.amount, 8), "margin": "0.00000", "leverage": "0",
        "misc": "", "ledgers": [], "trade_id": int(token(fill.key, "123456789", 8)),
        "maker": fill.liquidity == "maker",
    }  # fmt: skip


def balance(venue: Venue, account: str, _query: Query) -> Json:
    """POST /0/private/Balance: every asset the account ever touched."""
    return envelope({name_of(asset): digits(held, 10) for asset, held in venue.balances(account).items()})


def balance_ex(venue: Venue, account: str, _query: Query) -> Json:
    """POST /0/private/BalanceEx: the same with what orders hold."""
    held = venue.balances(account).items()
    return envelope(
        {name_of(asset): {"balance": digits(total, 10), "hold_trade": "0.00000000"} for asset, total in held}
    )


def movements(kind: str) -> Private:
    """Return the handler of /0/private/DepositStatus or WithdrawStatus; with `cursor` the rows come wrapped."""

    def handler(venue: Venue, account: str, query: Query) -> Json:
        found = [move for move in venue.movements(account, kind) if inside(move.time, query)]
        rows: list[object] = [
            movement_row(move) for move in found if query.get("asset") in (None, name_of(move.asset), move.asset)
        ]
        return envelope({f"{kind}s": rows, "next_cursor": None} if "cursor" in query else rows)

    return handler


def movement_row(move: Movement) -> dict[str, object]:
    """Return one deposit or withdrawal; `amount` is without the network's fee."""
    places = 4 if move.asset == "USD" else 10
    return {
        "method": METHODS[move.asset], "aclass": "currency", "asset": name_of(move.asset), "refid": move.key,
        "txid": move.network_id, "info": token(move.key, "123456789ABCDEFGHJKLMNPQRSTUVWXYZ", 33),
        "amount": digits(move.amount, places), "fee": digits(sum((fee.amount for fee in move.fees), ZERO), places),
        "time": move.time // SECOND, "status": "Success",
    }  # fmt: skip


def ledgers(venue: Venue, account: str, query: Query) -> Json:
    """POST /0/private/Ledgers: one entry an asset that an event changed, with the balance after it."""
    wanted = {query["asset"]} if query.get("asset", "all") != "all" else None
    rows = reversed(ledger_rows(venue, account))
    found = [(key, row) for time, key, row in rows if inside(time, query) and belongs(row, wanted)]
    offset = int(query.get("ofs", "0"))
    return envelope({"ledger": dict(found[offset : offset + PAGE]), "count": len(found)})


def ledger_rows(venue: Venue, account: str) -> list[tuple[int, str, dict[str, object]]]:
    """Return every entry of an account's ledger, oldest first; made once for what is there to be seen."""
    held: dict[str, Decimal] = {}
    rows: list[tuple[int, str, dict[str, object]]] = []
    events: list[Fill | Movement] = [*venue.fills(account)]
    events += [*venue.movements(account, "deposit"), *venue.movements(account, "withdrawal")]
    if (known := venue.ledgers.get((account, len(events)))) is not None:
        return known
    for event in sorted(events, key=lambda event: event.time):
        fees = {fee.asset: fee.amount for fee in event.fees}
        changes: dict[str, Decimal] = {}
        for asset, change in effects(event):
            changes[asset] = changes.get(asset, ZERO) + change
        for asset, change in changes.items():
            held[asset] = held.get(asset, ZERO) + change
            fee = fees.get(asset, ZERO)
            row = ledger_row(event, asset, (change + fee, fee, held[asset]))
            rows.append((event.time, kraken_id("L", f"{event.key}/{asset}"), row))
    venue.ledgers.clear()
    venue.ledgers[account, len(events)] = rows
    return rows


def belongs(row: dict[str, object], wanted: set[str] | None) -> bool:
    """Return whether a ledger row is of an asset that was asked for."""
    return wanted is None or row["asset"] in wanted


def ledger_row(event: Fill | Movement, asset: str, figures: tuple[Decimal, Decimal, Decimal]) -> dict[str, object]:
    """Return one ledger entry: amount, fee beside it, balance after both."""
    amount, fee, after = figures
    return {
        "refid": event.trade_id if isinstance(event, Fill) else event.key, "time": seconds(event.time),
        "type": "trade" if isinstance(event, Fill) else event.kind, "subtype": "", "aclass": "currency",
        "asset": name_of(asset), "amount": digits(amount, 10), "fee": digits(fee, 10), "balance": digits(after, 10),
    }  # fmt: skip


def key_info(venue: Venue, account: str, _query: Query) -> Json:
    """POST /0/private/GetApiKeyInfo: the demo's keys can read and nothing else."""
    key = next(key for key, (owner, _) in venue.keys.items() if owner == account)
    return envelope({
        "apiKeyName": "turnover monitor", "apiKey": key, "nonce": str(venue.nonces.get(key, 0)), "nonceWindow": 0,
        "permissions": ["query-funds", "query-open-trades", "query-closed-trades", "query-ledger"], "iban": "",
        "validUntil": "0", "queryFrom": "0", "queryTo": "0", "createdTime": str(venue.history.start // SECOND),
        "modifiedTime": str(venue.history.start // SECOND), "ipAllowlist": [], "lastUsed": str(venue.time() // SECOND),
    })  # fmt: skip


PRIVATE: dict[str, Private] = {
    "/0/private/TradesHistory": trades_history,
    "/0/private/Balance": balance,
    "/0/private/BalanceEx": balance_ex,
    "/0/private/DepositStatus": movements("deposit"),
    "/0/private/WithdrawStatus": movements("withdrawal"),
    "/0/private/Ledgers": ledgers,
    "/0/private/GetApiKeyInfo": key_info,
}
