"""陪练: the rivals of a supplier's own practice answer now and then with a lower bid, through the same law as his own.

They never overbid each other, each has a price below which he rests, and their task ends with the lot.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from contextlib import suppress
from uuid import UUID, uuid4

from auction.lot import live
from auction.lot.model import LIVE_STAGES, Alias, Bid, Stage
from auction.lot.rules import price_max, step_at
from auction.lot.state import LotState
from plumbing.clock import Clock
from plumbing.faults import BROKEN_PIPES
from plumbing.stopping import heed
from plumbing.valkey import Valkey

PACE_S = (6.0, 14.0)
"""Between two looks at the lot, in seconds: as long as a person needs."""
LOOKS_MAX = 2_000
YUAN = 100


def answer_of(state: LotState, floors: Mapping[Alias, int], dice: random.Random) -> tuple[Alias, int] | None:
    """Which rival offers what now (fen); None while a rival leads, nobody does, or all rest. Pure.

    ``floors``: by rival, the price below which he does not go.
    """
    lead = state.lead
    if not state.rules.practice or state.stage is not Stage.RUNNING or lead is None or lead.alias in floors:
        return None
    wanted = lead.score // 10_000 - step_at(state.rules.decrement, lead.price) * dice.randint(1, 2)
    able = []
    for alias, floor in floors.items():
        price = min(wanted, price_max(state, state.bidders[alias])) // YUAN * YUAN
        if price >= floor:
            able.append((alias, price))
    return dice.choice(able) if able else None


class Rivals:
    """The rivals that play in this process. A process that ends takes them along: the lot goes on without them."""

    def __init__(self, valkey: Valkey, clock: Clock, pace_s: tuple[float, float] = PACE_S) -> None:
        self._valkey, self._clock, self._pace_s = valkey, clock, pace_s
        self._playing: set[asyncio.Task[None]] = set()

    def play(self, lot_id: UUID, floors: Mapping[Alias, int]) -> None:
        """Let the rivals of ``floors`` play in the practice lot until it ends."""
        task = asyncio.create_task(self._play(lot_id, floors, random.Random()), name=f"rivals-{lot_id}")
        self._playing.add(task)
        task.add_done_callback(self._playing.discard)

    @property
    def playing(self) -> int:
        """In how many lots they play."""
        return len(self._playing)

    async def _play(self, lot_id: UUID, floors: Mapping[Alias, int], dice: random.Random) -> None:
        for _ in range(LOOKS_MAX):
            await asyncio.sleep(dice.uniform(*self._pace_s))
            heed()
            with suppress(*BROKEN_PIPES):
                state = await live.read_state(self._valkey, lot_id)
                if state is None or not state.rules.practice or state.stage not in LIVE_STAGES:
                    return
                await self._answer(lot_id, state, floors, dice)

    async def _answer(self, lot_id: UUID, state: LotState, floors: Mapping[Alias, int], dice: random.Random) -> None:
        move = answer_of(state, floors, dice)
        if move is not None and self._clock.now_ms() >= state.opens_at:
            version = await live.version_of(self._valkey, lot_id) or live.VERSION
            await live.place_bid(self._valkey, lot_id, Bid(uuid4().hex, *move), self._clock.now_ms(), version)

    async def close(self) -> None:
        """Send them home."""
        for task in list(self._playing):
            task.cancel()
        await asyncio.gather(*self._playing, return_exceptions=True)
