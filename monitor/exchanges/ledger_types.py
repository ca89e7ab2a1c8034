"""The types of row in venues' ledgers, each with the kind of movement it is, as tables.

None: another stream tells it (fills with their fees, deposits, withdrawals, funding, conversions), or coins only moved
between wallets of the account. A type that is not here is put aside and said: an event counted twice would be silent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeAlias

Kinds: TypeAlias = Mapping[str, str | None]

MOVES_IN_AND_OUT = "in or out"
BY_SIGN = "paid or earned"

# Bybit's transaction log of a unified account (https://bybit-exchange.github.io/docs/v5/enum#typeuta-translog).
BYBIT: Kinds = {
    "TRANSFER_IN": None,
    "TRANSFER_OUT": None,
    "TRADE": None,
    "SETTLEMENT": None,
    "DELIVERY": None,
    "LIQUIDATION": None,
    "ADL": None,
    "AIRDROP": "airdrop",
    "BONUS": "income",
    "BONUS_RECOLLECT": BY_SIGN,
    "FEE_REFUND": "rebate",
    "INTEREST": BY_SIGN,
    "AUTO_INTEREST_REPAYMENT": BY_SIGN,
    # One row for each asset of a conversion: what was given up and what was received do not name each other.
    "CURRENCY_BUY": "adjust",
    "CURRENCY_SELL": "adjust",
}

# OKX's bills of the trading account by subType (https://www.okx.com/docs-v5/en/#trading-account-rest-api). The first
# line is the subTypes that fills-history names too. Borrowing, exercised options, copy trading, structured products and
# bots are left out: what they change in the holdings no stream tells whole.
_OKX_FILLS = (
    *range(1, 7), *range(100, 108), *range(110, 114), 118, 119, *range(125, 129), *range(204, 210), 236, 237,
    *range(270, 276), *range(324, 330), 376, 377,
)  # fmt: skip
OKX: Kinds = {
    **{str(number): None for number in _OKX_FILLS},
    **dict.fromkeys(("160", "161", "162", "332", "333"), None),  # between the account and an isolated position
    **dict.fromkeys(("173", "174"), None),  # funding
    **dict.fromkeys(("318", "319"), None),  # conversions
    "355": None,  # the daily settlement of futures follows from the fills
    "9": BY_SIGN,
    "14": BY_SIGN,
    "108": "settlement",
    "117": "settlement",
    "114": "adjust",
    "115": "adjust",
    "250": "fee",
    "280": "fee",
    "251": "rebate",
    "281": "rebate",
    "282": "income",
    "372": "income",
    "381": "income",
}
OKX_TRANSFERS = frozenset({"11", "12"})
OKX_FUNDING_ACCOUNT, OKX_TRADING_ACCOUNT = "6", "18"
# Bills of its funding account by type (https://www.okx.com/docs-v5/en/#funding-account-rest-api-asset-bills-details).
# Savings and staking are still the account's: what is put there and comes back is no event.
OKX_ASSET: Kinds = {
    "1": None,
    "2": None,
    "13": None,
    "130": None,
    "131": None,
    "61": None,
    "20": MOVES_IN_AND_OUT,
    "21": MOVES_IN_AND_OUT,
    "28": "airdrop",
    "48": "income",
    "49": "fee",
    "68": "rebate",
    "75": "transfer",
    "76": "transfer",
    "80": "transfer",
    "82": "transfer",
    "83": "income",
    "84": "fee",
}

# Crypto.com's journal types (https://exchange-docs.crypto.com/exchange/v1/rest-ws/index.html#private-get-transactions).
CRYPTOCOM: Kinds = {
    "TRADING": None,
    "TRADE_FEE": None,
    "REALIZED_PNL": None,
    "SESSION_SETTLE": None,
    "DEPOSIT": None,
    "WITHDRAW": None,
    "WITHDRAW_FEE": None,
    "ONCHAIN_WITHDRAWAL": None,
    "FUNDING": "funding",
    "LIQUIDATION_FEE": "fee",
    "SETTLEMENT_FEE": "fee",
    "INSURANCE_FUND": "settlement",
    "SOCIALIZED_LOSS": "settlement",
    "UNCOVERED_LOSS": "settlement",
    "SOFT_STAKE_REWARD": "income",
    "ADJUSTMENT": "adjust",
    "ADMIN_ADJUSTMENT": "adjust",
    "DELIST": "adjust",
    "AUTO_CONVERSION": "adjust",
    "MANUAL_CONVERSION": "adjust",
}

# KuCoin's business types of main, trade and margin accounts (https://www.kucoin.com/docs-new/rest/account-info). A fee
# paid in KCS is charged in the quote, given back and taken in KCS: the fill has the first, these rows the rest.
KUCOIN: Kinds = {
    "Deposit": None,
    "Withdrawal": None,
    "Transfer": None,
    "Assets Transferred in After Upgrading": None,
    "Exchange": None,
    "Trade_Exchange": None,
    "Margin Trade": None,
    "Sub-account transfer": MOVES_IN_AND_OUT,
    "Sub Account Transfer": MOVES_IN_AND_OUT,
    "KuCoin Bonus": "income",
    "Referral Bonus": "referral",
    "Rewards": "income",
    "Other rewards": "income",
    "Distribution": "income",
    "Airdrop/Fork": "airdrop",
    "Staking Profits": "income",
    "Soft Staking Profits": "income",
    "Voting Earnings": "income",
    "LockDrop Vesting": "income",
    "Fee Rebate": "rebate",
    "Refunded Fees": "rebate",
    "KCS Pay Fees": "fee",
    "Liquidation Fees": "fee",
    "Staking": "transfer",
    "Redemption": "transfer",
    "Voting": "transfer",
    "Redemption of Voting": "transfer",
    "Instant Exchange": "adjust",
    "Convert to KCS": "adjust",
}

# Bitfinex tells what happened in a sentence (https://docs.bitfinex.com/reference/rest-auth-ledgers). The results of
# positions follow from the fills. Fees of deposits, a position's claim, OTC trades and swaps are left out.
_WALLET = r" on wallet \w+$"
BITFINEX: tuple[tuple[re.Pattern[str], str | None], ...] = tuple(
    (re.compile(words, re.IGNORECASE), kind)
    for words, kind in (
        (r"^Exchange [\d.]+ \w+ for \w+ @ [\d.e-]+" + _WALLET, None),
        (r"^Trading (fees|rebate) for .*" + _WALLET, None),
        (r"^Position (#\d+ )?closed @ .*" + _WALLET, None),
        (r"^Position PL @ .* settlement.*" + _WALLET, None),
        # What a position cost in the other asset is settled here: its funding is told apart.
        (r"^Settlement @ [\d.]+" + _WALLET, "settlement"),
        (r"^Deposit \(\w+\) #\d+" + _WALLET, None),
        (r"^[\w ]+ Withdrawal #\d+" + _WALLET, None),
        (r"^Crypto Withdrawal fee" + _WALLET, None),
        (r"^Canceled withdrawal (fee|request) #\d+" + _WALLET, None),
        (r"^Transfer of [\d.]+ \w+ from wallet \w+ to \w+" + _WALLET, None),
        (r"^Transfer of [\d.]+ \w+ from wallet \w+ to \w+ SA\(\d+->\d+\)" + _WALLET, MOVES_IN_AND_OUT),
        (r"^Funding Event .*" + _WALLET, "funding"),
        (r"^Position (#\d+ )?funding cost" + _WALLET, "funding"),
        (r"^(Unused|Used) Margin Funding (Charge|Fee)" + _WALLET, "fee"),
        (r"^Margin Funding Payment" + _WALLET, "income"),
        (r"^Interest Payment" + _WALLET, BY_SIGN),
        (r"^Earned fees from user \d+" + _WALLET, "referral"),
        (r"^Affiliate Rebate .*" + _WALLET, "referral"),
        (r"^\w+ (airdrop|distribution)" + _WALLET, "airdrop"),
        (r"^(\w+ )?Staking (Payments?|Rewards?).*" + _WALLET, "staking"),
    )
)
