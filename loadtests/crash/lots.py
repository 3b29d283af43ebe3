"""Practice lots on the stand, with suppliers who bid in them and a host who watches; and their reckoning at the end."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin

from loadtests.bench.product import ProductError, Visitor
from loadtests.crash.checker import doubled, faults, lost
from loadtests.crash.clients import Bidder, watch
from loadtests.crash.history import History, Record
from loadtests.crash.stand import Stand, eventually

LONG_MS = 600_000
TOP, PRICE_GAP = 90_000_000_000, 7
WARM, WARM_MAX_S, AGAIN_MAX_S, SETTLE_MAX_S, STOP_MAX_S, SIGN_MAX_S = 5, 30.0, 60.0, 20.0, 40.0, 10.0
ASKED_AGAIN = 12  # bids of each supplier, after the close


def rules(duration_ms: int, outage_pause_after_ms: int = 3_000) -> dict[str, Any]:
    """Only one's own last price must be bettered, by ¥1.00; nothing is added after an outage but its length."""
    return {
        "ceiling": None,
        "decrement": {"kind": "absolute", "amount": 100, "against": "own"},
        "duration_ms": duration_ms,
        "overtime": {"extensions_max": 0},
        "suppliers_min": 1,
        "visibility": "rank_only",
        "big_drop_bp": 0,
        "outage_pause_after_ms": outage_pause_after_ms,
        "left_after_outage_min_ms": 0,
    }


class Lot(NamedTuple):
    """One lot with its people."""

    lot_id: UUID
    history: History
    bidders: list[Bidder]
    tasks: list[asyncio.Task[None]]
    ends_by_itself: bool


class Reckoned(NamedTuple):
    """What came of a lot: the record, everything wrong with it, and what came too late in its round."""

    history: History
    record: Record
    faults: list[str]
    late: Sequence[str] = ()

    @property
    def counts(self) -> tuple[int, int, int]:
        """Acknowledged bids, lost ones, doubled ones."""
        return len({ask.bid for ask in self.history.taken()}), lost(self.history, self.record), doubled(self.record)


class Hall:
    """The lots of one round."""

    def __init__(self, stand: Stand, host: Visitor, lots: list[Lot]) -> None:
        self.stand, self.host, self.lots = stand, host, lots
        self.late: list[str] = []

    @property
    def bidders(self) -> list[Bidder]:
        """Everyone who bids in a lot that ends by the host's hand."""
        return [bidder for lot in self.lots if not lot.ends_by_itself for bidder in lot.bidders]

    async def warm(self) -> None:
        """Wait until everyone has some bids taken."""
        await eventually(lambda: all(len(b.taken) >= WARM for b in self.bidders), WARM_MAX_S, "everyone bids")

    async def all_bid_since(self, moment_s: float, within_s: float) -> float:
        """Wait until everyone had a bid taken that he first sent after the moment; the seconds from there to then.

        More than ``within_s`` is noted in ``late``; more than a minute raises ``TooLateError``.
        """

        def earliest() -> list[float]:
            return [next((done for sent, done in b.taken if sent >= moment_s), 0.0) for b in self.bidders]

        await eventually(lambda: self.have_bid_since(moment_s), AGAIN_MAX_S, "everyone bids again")
        again_s = max(earliest()) - moment_s
        self.in_time("everyone bid again", again_s, within_s)
        return again_s

    def have_bid_since(self, moment_s: float) -> bool:
        """Whether everyone had a bid taken that he first sent after the moment."""
        return all(any(sent >= moment_s for sent, _ in b.taken[::-1]) for b in self.bidders)

    def in_time(self, what: str, took_s: float, within_s: float) -> None:
        """Note it if something took longer than is promised."""
        if took_s > within_s:
            self.late.append(f"{what} after {took_s:.1f} s, promised within {within_s:g}")

    async def stop(self) -> None:
        """Let every bid begun come to its answer; lots that end by themselves are waited for."""
        for bidder in self.bidders:
            bidder.going = False
        async with asyncio.timeout(STOP_MAX_S):
            await asyncio.gather(*(task for lot in self.lots for task in lot.tasks))

    async def reckon(self) -> list[Reckoned]:
        """Close what is open, wait for settlement and signature, ask old bids again, and check everything."""
        await self.stop()
        done = []
        for lot in self.lots:
            if not lot.ends_by_itself:
                await eventually(partial(self._close, lot.lot_id), SETTLE_MAX_S, "the host closes the lot")
        for lot in self.lots:
            lot_id = lot.lot_id
            await eventually(partial(self.stand.settled, lot_id), SETTLE_MAX_S, "the lot is settled")
            for bidder in lot.bidders:
                await eventually(partial(bidder.ask_old_again, ASKED_AGAIN), SETTLE_MAX_S, "old bids are answered")
            reading = partial(self.stand.record, lot_id, by_host=not lot.ends_by_itself)
            record = await eventually(reading, SETTLE_MAX_S, "the record is read")
            late, self.late = self.late, []
            done.append(Reckoned(lot.history, record, faults(lot.history, record), late))
        return done

    async def _close(self, lot_id: UUID) -> bool:
        try:
            await asyncio.to_thread(self.host.ask, "POST", f"/api/practice/lots/{lot_id}/close")
        except ProductError as error:
            if ": 409 " not in str(error):  # closed by an earlier try whose answer did not come
                raise
        return True


class Tickets:
    """One-time tickets of an auction, fetched for many names at once."""

    def __init__(self, host: Visitor, auction: str) -> None:
        self._host, self._auction = host, auction

    async def enter(self, name: str) -> ClientConnection:
        """A socket of a bidder."""
        wanted = {"auction_id": self._auction, "names": [name]}
        tickets = (await asyncio.to_thread(self._host.ask, "POST", "/api/practice/tickets", wanted))["tickets"]
        where = f"ws://{self._host.host}:{self._host.port}/ws?ticket={tickets[name]}"
        return await connect(where, proxy=None, open_timeout=3, compression=None)


async def host_enters(host: Visitor) -> ClientConnection:
    """A socket of the host."""
    where, cookie = f"ws://{host.host}:{host.port}/ws", {"Cookie": host.cookie}
    return await connect(
        where, proxy=None, open_timeout=3, compression=None, origin=Origin(host.origin), additional_headers=cookie
    )


@asynccontextmanager
async def a_hall(
    stand: Stand, dice: random.Random, durations_ms: tuple[int, ...] = (LONG_MS,), bidders: int = 6,
    outage_pause_after_ms: int = 3_000,
) -> AsyncIterator[Hall]:  # fmt: skip
    """Lots of these durations, ``bidders`` in each; those shorter than ``LONG_MS`` end by themselves."""
    host = await asyncio.to_thread(stand.visitor)
    names = [f"S{number:02d}" for number in range(1, bidders + 1)]
    wanted = [
        {"title": "Crash", "rules": rules(duration_ms, outage_pause_after_ms), "bidders": names}
        for duration_ms in durations_ms
    ]
    opened = await asyncio.to_thread(host.ask, "POST", "/api/practice", {"title": "Crash", "lots": wanted})
    tickets, lots, watching = Tickets(host, opened["auction_id"]), [], []
    for made, duration_ms in zip(opened["lots"], durations_ms, strict=True):
        lot_id, history = UUID(made["lot_id"]), History()
        people = [
            Bidder(lot_id, alias, TOP - place * PRICE_GAP, partial(tickets.enter, name), history,
                   random.Random(dice.random()))
            for place, (name, alias) in enumerate(made["aliases"].items())
        ]  # fmt: skip
        tasks = [asyncio.create_task(bidder.run()) for bidder in people]
        watching.append(asyncio.create_task(watch(lot_id, lambda: host_enters(host), history)))
        lots.append(Lot(lot_id, history, people, tasks, duration_ms < LONG_MS))
    try:
        yield Hall(stand, host, lots)
    finally:
        every = [*watching, *(task for lot in lots for task in lot.tasks)]
        for task in every:
            task.cancel()
        await asyncio.gather(*every, return_exceptions=True)
