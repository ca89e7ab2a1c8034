"""Where the legs of a partition come from and which pool each belongs to, in one pass over them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from monitor.turnover import compiled, leg_records
from monitor.turnover.arrays import NONE
from monitor.turnover.compiled import bare, compile_cached

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor.turnover.leg_records import Records
    from monitor.turnover.texts import Codes, Integers


class Sources(NamedTuple):
    """By leg its kind and its fill, NONE where a movement made it (`moved` of them), and its place in `codes`.

    `codes` are the pools in order: account * assets + asset, or, of all accounts together, the asset.
    """

    kind: Codes
    fill: Integers
    pool: Integers
    codes: Integers
    moved: int


def _sources(records: Records, accounts: int, assets: int) -> tuple[Codes, Integers, Integers, Integers, int]:
    count, moved = len(records), 0
    kind, fill, pool = np.empty(count, np.int32), np.empty(count, np.int64), np.zeros(count, np.int64)
    seen = np.zeros(max(accounts, 1) * assets, np.bool_)
    legs, kinds, fills, pools, found = bare(records), bare(kind), bare(fill), bare(pool), bare(seen)
    for place in range(count):
        leg = legs[place]
        kinds[place], fills[place] = leg.kind, NONE if leg.moved else leg.origin
        moved += leg.moved
        found[(leg.account * assets if accounts else 0) + leg.asset] = True
    codes = np.flatnonzero(seen)
    if len(codes) > 1:
        place_of = np.zeros(len(seen), np.int64)
        place_of[codes] = np.arange(len(codes))
        places = bare(place_of)
        for place in range(count):
            leg = legs[place]
            pools[place] = places[(leg.account * assets if accounts else 0) + leg.asset]
    return kind, fill, pool, codes, moved


_sources_compiled = compile_cached(_sources, compiled, leg_records)


def sources(records: NDArray[np.void], accounts: int, assets: int) -> Sources:
    """Return the sources of legs of so many assets and accounts; with no accounts, pools are those of all together."""
    return Sources._make(_sources_compiled(records, accounts, assets))
