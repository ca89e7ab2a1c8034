"""The contracts an account holds, as the venue tells them: what the fills should add up to.

A venue may list positions by settlement asset only, so each has a list of calls that together show all of them. Where
nobody made sure of that, what the answer leaves out is not taken for closed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from monitor.errors import AmountError, AnswerUnreadable, VenueUnavailable
from monitor.exact import exact
from monitor.exchanges.families import BOOK_PARAMS
from monitor.exchanges.fields import Row, Unreadable, number, text
from monitor.exchanges.normalise import AMOUNTS_IN_UNITS, book_of, contract_size
from monitor.records import Position

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.exchanges.client import Answer, Client
    from monitor.records import Account, Book

CONTRACT_BOOKS: tuple[Book, ...] = ("linear", "inverse", "option")
_SWAP: dict[Book, tuple[Mapping[str, object], ...]] = {
    "linear": ({"type": "swap", "subType": "linear"},),
    "inverse": ({"type": "swap", "subType": "inverse"},),
}
_ONE: tuple[Mapping[str, object], ...] = ({},)
_ALL: dict[Book, tuple[Mapping[str, object], ...]] = {"linear": _ONE, "inverse": _ONE, "option": _ONE}
# The calls that show every position of a book, from the ccxt 4.5.90 sources.
CALLS: dict[str, dict[Book, tuple[Mapping[str, object], ...]]] = {
    "binance": {**_SWAP, "option": ({"method": "option"},)},
    "binanceusdm": _SWAP,
    "binancecoinm": _SWAP,
    "bybit": {
        "linear": tuple({"type": "swap", "subType": "linear", "settleCoin": coin} for coin in ("USDT", "USDC")),
        "inverse": ({"type": "swap", "subType": "inverse"},),
        "option": ({"type": "option"},),
    },
    "okx": _ALL,
    "kucoin": _ALL,
    "kucoinfutures": _ALL,
    "krakenfutures": _ALL,
    "deribit": _ALL,
    "bitget": {
        "linear": ({"productType": "USDT-FUTURES"}, {"productType": "USDC-FUTURES"}),
        "inverse": ({"productType": "COIN-FUTURES"},),
    },
}
# Where venues write how much is held.
SIZES = frozenset(
    {"positionAmt", "size", "qty", "pos", "szi", "currentQty", "contracts", "total", "amount", "quantity"}
)
# bybit gives 200 of them at most; an answer this long may have been cut.
MOST = 200


async def positions(client: Client) -> tuple[tuple[Position, ...], bool]:
    """Return the open positions of an account's books, and whether every one of them is shown.

    Two sides of one market (hedge mode) are one position: the difference.

    Raises:
        VenueError: the venue did not tell them.
    """
    books = [book for book in client.account.books if book in CONTRACT_BOOKS]
    whole = all(book in CALLS.get(client.account.exchange, {}) for book in books)
    found: dict[str, Position] = {}
    for params in _calls(client.account):
        answer = await client.call("fetch_positions", None, dict(params))
        rows = _rows(answer, client.account.exchange)
        whole = whole and len(rows) < MOST
        for one in filter(None, (position(row, client) for row in rows)):
            other = found.get(one.symbol)
            held = one.contracts + (other.contracts if other else 0)
            found[one.symbol] = Position(one.symbol, one.book, held, one.contract_size, one.entry_price)
    mine = (one for one in found.values() if one.contracts and one.book in books)
    return tuple(sorted(mine, key=lambda one: one.symbol)), whole


def position_calls(account: Account) -> int:
    """Return how many calls a look at an account's positions takes."""
    return len(_calls(account))


def _calls(account: Account) -> list[Mapping[str, object]]:
    """Return the parameters of each call; venues with one list for all books are asked once."""
    known, asked = CALLS.get(account.exchange, {}), list[Mapping[str, object]]()
    for book in account.books:
        if book in CONTRACT_BOOKS:
            asked += [one for one in known.get(book, (BOOK_PARAMS[book],)) if one not in asked]
    return asked


def _rows(answer: Answer, exchange: str) -> Sequence[Row]:
    """Return the parsed positions; none are believed only where the body says so, or lists nothing but zeros."""
    rows = answer.value if isinstance(answer.value, list) else []
    told = any(body.says_nothing or body.rows for body in answer.bodies)
    if not rows and (not told or any(_open(row) for body in answer.bodies for row in body.rows)):
        raise VenueUnavailable(
            f"{exchange}: the answer holds no readable position and does not say that there is none."
        )
    return rows


def _open(row: object) -> bool:
    if not isinstance(row, Mapping):
        return False
    for name in SIZES & row.keys():
        try:
            if exact(str(row[name])) != 0:
                return True
        except AmountError:
            continue
    return False


def position(row: Row, client: Client) -> Position | None:
    """Return one position; None for one of no contracts.

    Raises:
        AnswerUnreadable: market, side or size is missing.
    """
    exchange, side, symbol = client.account.exchange, text(row, "side"), text(row, "symbol") or ""
    try:
        contracts, size, entry = number(row, "contracts"), number(row, "contractSize"), number(row, "entryPrice")
    except Unreadable as why:
        raise AnswerUnreadable(f"{exchange}: a position of {symbol!r} is unreadable: {why}.") from None
    if not contracts and contracts is not None:
        return None
    market = client.market(symbol)
    if market is None or contracts is None or side not in {"long", "short"}:
        raise AnswerUnreadable(f"{exchange}: a position of {contracts} contracts of {symbol!r}, side {side!r}.")
    signed = -abs(contracts) if side == "short" else abs(contracts)
    size = contract_size(market, exchange) if exchange in AMOUNTS_IN_UNITS or size is None else size
    return Position(str(market["symbol"]), book_of(market, "linear"), signed, size, entry)
