"""Which streams beside fills, deposits and withdrawals are read, and from where, as one table.

These streams are read where they add what no other stream has; a number is never held back for one of them, because a
desk's read-only key may not be allowed to see them. What is not in the table is said once, as `unsupported`.

| venue | transfers | ledger | funding | convert | dust |
|---|---|---|---|---|---|
| binance | spot wallet from and to the others | as below | as below | Convert orders | dust log |
| binanceusdm, binancecoinm | income: TRANSFER | income: rebates, insurance, bonuses | income: FUNDING_FEE | - | - |
| kraken | ledger: futures, staking, earn | ledger: rewards, rollover | - | ledger: spend and receive | - |
| bybit | inside the account | log: interest, bonuses, refunds | executions of type Funding | log: adjusts | so too |
| okx | bills: sub-accounts | bills of both accounts | bills of type 8, three months | Convert orders | bills |
| gate | no | no | account book, USDT perpetuals | no | no |
| krakenfutures | no | no | account log | - | - |
| hyperliquid | no | no | userFunding | - | - |
| bingx | no | no | income: FUNDING_FEE, USDT perpetuals | no | no |
| bitget | inside the account | no | bills: contract_settle_fee, three months | Convert orders | no |
| cryptocom | inside the account | journal | journal: FUNDING | journal: adjusts | journal |
| bitfinex | ledger: sub-accounts | ledger | ledger: Funding Event | no | no |
| kucoin | ledger: sub-accounts | main and trade accounts, a year | by market traded | ledger: adjusts | so too |
| htx | no | no | by market traded, 90 days | no | no |
| mexc | no | no | funding records | no | no |

Those from bybit's ledger on are made from the ccxt 4.5.90 sources and the venues' documentation; no recorded body of
them has been replayed.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from monitor.clock import DAY, HOUR, SECOND
from monitor.exchanges.entries import bitfinex_line, mexc_funding, parsed_by
from monitor.exchanges.extra import CONTRACTS, EVERY_BOOK, KINDS, Extra
from monitor.exchanges.extra_rows import (
    between_wallets,
    charged,
    converted,
    each,
    funding,
    income,
    kraken_ledger,
    sold_dust,
)
from monitor.exchanges.facts import Cursor
from monitor.exchanges.ledgers import (
    bitfinex_ledger,
    bitget_funding,
    bitget_unified_funding,
    bybit_ledger,
    cryptocom_ledger,
    kucoin_ledger,
    mexc_paid,
    okx_converted,
    okx_funding_account,
    okx_ledger,
    paid,
    paid_in_usdt,
)

if TYPE_CHECKING:
    from monitor.records import Account, Book, StreamKind

_BITGET_PRODUCTS: tuple[tuple[Book, str], ...] = (
    ("linear", "USDT-FUTURES"), ("linear", "USDC-FUTURES"), ("inverse", "COIN-FUTURES"),
)  # fmt: skip
_LINEAR: dict[str, object] = {"subType": "linear"}
_INVERSE: dict[str, object] = {"subType": "inverse"}
_BOOKS: dict[Book, dict[str, object]] = {"linear": _LINEAR, "inverse": _INVERSE}
_BINANCE_FUNDING = Extra(
    "funding", "fetch_funding_history", partial(each, read=funding), CONTRACTS, per_book=True, params=_BOOKS,
    window=7 * DAY - 1, page=1000, history=180 * DAY,
)  # fmt: skip
_BINANCE_INCOME = Extra(
    "ledger", "fetch_ledger", partial(each, read=income), CONTRACTS, per_book=True, params=_BOOKS,
    window=7 * DAY - 1, page=1000, history=90 * DAY, covers=("transfers", "convert", "dust"), names=True,
)  # fmt: skip
_BYBIT_LEDGER = Extra(
    "ledger", "fetch_ledger", partial(each, read=bybit_ledger), EVERY_BOOK, window=7 * DAY - 1, page=50,
    history=730 * DAY, end="endTime", cursor=Cursor("token", "cursor", ("nextPageCursor",)),
    covers=("transfers", "convert", "dust"),
)  # fmt: skip
_OKX_FUNDING = Extra(
    "funding", "fetch_funding_history", partial(each, read=paid), CONTRACTS, params={
        book: {"type": "swap"} for book in CONTRACTS
    }, page=100, history=90 * DAY, start="begin", end="end", cursor=Cursor("token", "after", ("billId",)),
)  # fmt: skip
# Older than `until` and newer than `since`, both excluded: a second more on either side.
_OKX_CONVERT = Extra(
    "convert", "fetch_convert_trade_history", partial(each, read=okx_converted), EVERY_BOOK, page=100, grain=SECOND,
    covers=("transfers",),
)  # fmt: skip
_GATE_FUNDING = Extra(
    "funding", "fetch_funding_history", partial(each, read=paid_in_usdt), ("linear",), params={
        "linear": {"type": "swap", "settle": "usdt"}
    }, window=30 * DAY - 1, page=1000, grain=SECOND, end="to", unit=SECOND, cursor=Cursor("offset", "offset"),
)  # fmt: skip
_KRAKENFUTURES_FUNDING = Extra(
    "funding", "fetch_funding_history", partial(each, read=paid), CONTRACTS, page=500,
)  # fmt: skip
_HYPERLIQUID_FUNDING = Extra(
    "funding", "fetch_funding_history", partial(each, read=paid), ("linear",), page=500,
)  # fmt: skip
_BINGX_FUNDING = Extra(
    "funding", "fetch_funding_history", partial(each, read=paid), ("linear",), window=7 * DAY - 1, page=1000,
    history=90 * DAY,
)  # fmt: skip
_BITGET_CONVERT = Extra(
    "convert", "fetch_convert_trade_history", partial(each, read=converted), EVERY_BOOK, window=90 * DAY - 1, page=100,
    history=90 * DAY, cursor=Cursor("token", "idLessThan", ("endId",)), covers=("transfers",),
)  # fmt: skip
_OKX_LEDGER = Extra(
    "ledger", "private_get_account_bills_archive", partial(each, read=okx_ledger), EVERY_BOOK, page=100,
    history=90 * DAY, start="begin", end="end", cursor=Cursor("token", "after", ("billId",)),
    entry=parsed_by("parse_ledger_entry"), covers=("transfers", "dust"),
)  # fmt: skip
# `before` and `after` are times here, both excluded; the list holds a month.
_OKX_FUNDING_ACCOUNT = Extra(
    "ledger", "private_get_asset_bills", partial(each, read=okx_funding_account), EVERY_BOOK, page=100, grain=SECOND,
    history=30 * DAY, start="before", end="after", entry=parsed_by("parse_ledger_entry"), name="funding account",
)  # fmt: skip
_CRYPTOCOM_LEDGER = Extra(
    "ledger", "fetch_ledger", partial(each, read=cryptocom_ledger), EVERY_BOOK, window=DAY - 1, page=100,
    history=180 * DAY, covers=("transfers", "funding", "convert", "dust"),
)  # fmt: skip
_BITFINEX_LEDGER = Extra(
    "ledger", "private_post_auth_r_ledgers_hist", partial(each, read=bitfinex_ledger), EVERY_BOOK, page=2500,
    start="start", end="end", entry=bitfinex_line, covers=("transfers", "funding"),
)  # fmt: skip
_KUCOIN_LEDGER = Extra(
    "ledger", "fetch_ledger", partial(each, read=kucoin_ledger), ("spot", "margin"), window=DAY - 1, page=500,
    history=365 * DAY, covers=("transfers", "convert", "dust"),
)  # fmt: skip
# ccxt asks Bitget market by market, though the venue needs no market. `uta`: the account's mode, from the settings.
_BITGET_FUNDING = tuple(
    Extra(
        "funding", "private_mix_get_v2_mix_account_bill", partial(each, read=bitget_funding), (book,),
        params={book: {"productType": product, "businessType": "contract_settle_fee"}}, window=30 * DAY - 1, page=100,
        history=90 * DAY, start="startTime", end="endTime", cursor=Cursor("token", "idLessThan", ("endId",)),
        entry=parsed_by("parse_funding_history"), name=product, mode=("uta", False),
    )
    for book, product in _BITGET_PRODUCTS
)  # fmt: skip
_BITGET_UNIFIED_FUNDING = tuple(
    Extra(
        "funding", "private_uta_get_v3_account_financial_records", partial(each, read=bitget_unified_funding), (book,),
        params={book: {"category": product}}, window=30 * DAY - 1, page=100, history=90 * DAY, start="startTime",
        end="endTime", cursor=Cursor("token", "cursor", ("cursor",)), entry=parsed_by("parse_funding_history"),
        name=product, mode=("uta", True),
    )
    for book, product in _BITGET_PRODUCTS
)  # fmt: skip
# The account's isolated and cross positions are two lists; that of coin-margined swaps takes its times by other names.
_HTX_FUNDING = (
    *(
        Extra(
            "funding", "fetch_funding_history", partial(each, read=paid), ("linear",), window=48 * HOUR - 1, page=100,
            history=90 * DAY, params={"linear": {"marginMode": mode}}, per_market=True, name=mode,
        )
        for mode in ("cross", "isolated")
    ),
    Extra(
        "funding", "fetch_funding_history", partial(each, read=paid), ("inverse",), window=48 * HOUR - 1,
        history=90 * DAY, start="start_time", end="end_time", per_market=True,
    ),
)  # fmt: skip
# A page size makes the venue forget `startAt`; without one it gives ten.
_KUCOIN_FUNDING = Extra(
    "funding", "fetch_funding_history", partial(each, read=paid), CONTRACTS, page=10, ask=False, end="endAt",
    per_market=True,
)  # fmt: skip
_MEXC_FUNDING = Extra(
    "funding", "contract_private_get_position_funding_records", partial(each, read=mexc_paid), CONTRACTS, page=100,
    end="", size="page_size", cursor=Cursor("page", "page_num"), entry=mexc_funding,
)  # fmt: skip
_BYBIT_FUNDING = Extra(
    "funding", "fetch_my_trades", partial(each, read=charged), CONTRACTS, per_book=True,
    params={
        "linear": {"execType": "Funding", "type": "swap", "subType": "linear"},
        "inverse": {"execType": "Funding", "type": "swap", "subType": "inverse"},
    },
    window=7 * DAY - 1, page=100, history=730 * DAY, cursor=Cursor("token", "cursor", ("nextPageCursor",)),
)  # fmt: skip

# A wallet that is a book of the account is inside it: what moves there and back changes nothing.
_WALLETS: tuple[tuple[str, Book | None], ...] = (
    ("UMFUTURE", "linear"), ("CMFUTURE", "inverse"), ("MARGIN", "margin"), ("FUNDING", None),
)  # fmt: skip
_BINANCE_TRANSFERS = tuple(
    Extra(
        "transfers", "fetch_transfers", partial(each, read=between_wallets), params={"spot": {"type": way}},
        window=30 * DAY - 1, page=100, history=180 * DAY, name=way, not_with=book,
    )
    for wallet, book in _WALLETS for way in (f"MAIN_{wallet}", f"{wallet}_MAIN")
)  # fmt: skip

EXTRAS: dict[str, tuple[Extra, ...]] = {
    "binance": (
        Extra("convert", "fetch_convert_trade_history", partial(each, read=converted), window=30 * DAY - 1, page=1000),
        # The venue lists the newest hundred conversions of a window; ccxt sets the end itself unless it is named.
        Extra("dust", "fetch_my_dust_trades", partial(each, read=sold_dust), window=30 * DAY, page=100, end="endTime"),
        *_BINANCE_TRANSFERS,
        _BINANCE_FUNDING,
        _BINANCE_INCOME,
    ),
    "binanceusdm": (_BINANCE_FUNDING, _BINANCE_INCOME),
    "binancecoinm": (_BINANCE_FUNDING, _BINANCE_INCOME),
    "kraken": (
        Extra(
            "ledger", "fetch_ledger", kraken_ledger, ("spot", "margin"), page=50, grain=SECOND,
            cursor=Cursor("offset", "ofs"), covers=("transfers", "convert", "dust"),
        ),
    ),
    "bybit": (_BYBIT_FUNDING, _BYBIT_LEDGER),
    "okx": (_OKX_FUNDING, _OKX_CONVERT, _OKX_LEDGER, _OKX_FUNDING_ACCOUNT),
    "gate": (_GATE_FUNDING,),
    "krakenfutures": (_KRAKENFUTURES_FUNDING,),
    "hyperliquid": (_HYPERLIQUID_FUNDING,),
    "bingx": (_BINGX_FUNDING,),
    "bitget": (_BITGET_CONVERT, *_BITGET_FUNDING, *_BITGET_UNIFIED_FUNDING),
    "cryptocom": (_CRYPTOCOM_LEDGER,),
    "bitfinex": (_BITFINEX_LEDGER,),
    "kucoin": (_KUCOIN_LEDGER, _KUCOIN_FUNDING),
    "htx": _HTX_FUNDING,
    "mexc": (_MEXC_FUNDING,),
}  # fmt: skip


def extras_of(account: Account) -> tuple[Extra, ...]:
    """Return the streams to read of an account, in the order of the table."""
    return tuple(extra for extra in EXTRAS.get(account.exchange, ()) if extra.wanted(account))


def unread(account: Account) -> tuple[StreamKind, ...]:
    """Return the kinds nothing is read of; funding concerns contracts only."""
    extras = extras_of(account)
    covered = {kind for extra in extras for kind in (extra.kind, *extra.covers)}
    irrelevant = () if {*CONTRACTS} & {*account.books} else ("funding",)
    return tuple(kind for kind in KINDS if kind not in covered and kind not in irrelevant)
