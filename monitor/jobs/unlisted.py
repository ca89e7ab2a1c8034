"""Prices of assets that no venue of the desk lists, from CoinGecko where the settings hold its key.

An asset is asked for only by the coin id that the settings name: many coins share a symbol, and the price of another
one would be silently wrong. What has a venue's or a file's prices is never asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.clock import HOUR, Window
from monitor.errors import VenueError
from monitor.exchanges.coingecko import NAME, CoinGeckoClient
from monitor.jobs.reach import UNKNOWN_START
from monitor.records import Finding
from monitor.store import findings, ledger
from monitor.store.prices import stored_span, unlisted

if TYPE_CHECKING:
    from monitor.clock import Clock
    from monitor.exchanges.patience import Patience
    from monitor.records import CoinGecko, Valuation
    from monitor.store.database import Writer

NO_ID, NO_ANSWER = "no coin id", "no price from coingecko"
# Its prices are hours apart: more calls would bring nothing.
EVERY = 6 * HOUR


async def unlisted_prices(
    writer: Writer, source: CoinGecko | None, valuation: Valuation, clock: Clock, patience: Patience | None = None
) -> int:
    """Store CoinGecko's prices of what no venue prices; return how many are new, 0 where there is no key."""
    if source is None:
        return 0
    priced = {*valuation.pegs, *valuation.cash, valuation.currency}
    assets = sorted(unlisted(writer.connection, NAME) - priced)
    _tell_ids(writer, [asset for asset in assets if asset not in source.ids], clock.now())
    new = 0
    async with CoinGeckoClient(source, patience) as client:
        for asset in assets:
            _, last = stored_span(writer.connection, (asset, valuation.currency), NAME)
            now = clock.now()
            if asset not in source.ids or (last is not None and now - last < EVERY):
                continue
            window = Window(now - UNKNOWN_START if last is None else last + 1, now)
            try:
                found = await client.prices(asset, valuation.currency, window)
            except VenueError as error:
                findings.raise_finding(writer, Finding(NO_ANSWER, asset, error.message, error.remedy), now)
                continue
            new += ledger.commit_prices(writer, found).new
            findings.resolve(writer, NO_ANSWER, asset, now)
    return new


def _tell_ids(writer: Writer, assets: list[str], now: int) -> None:
    """Say which assets have no price and no coin id; take it back once they have one."""
    if not assets:
        findings.resolve(writer, NO_ID, NAME, now)
        return
    message = f"No venue lists {', '.join(assets)}, and the settings name no coin of CoinGecko for it."
    remedy = "Name it under [coingecko.ids]; symbols are shared by many coins, so none is guessed."
    findings.raise_finding(writer, Finding(NO_ID, NAME, message, remedy, "info"), now)
