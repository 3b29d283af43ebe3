"""The transcript task 存证任务: each second, what the live lots have grown by goes to Postgres under a signed head.

One process of an installation runs it (``notarial``); where several do, each writes what the others have not. Postgres
away: lots go on, it catches up. Valkey behind what was signed, or another record: the lot is held
(``auction.case.recovery``) and not settled.
"""

from __future__ import annotations

import asyncio
from uuid import UUID

import msgspec

from auction.case import recovery
from auction.lot import live
from auction.lot.model import Event
from auction.lot.state import BrokenLogError
from auction.transcript.notary import SQL, Grown, Notary
from ledger import log as ledger
from ledger.tree import Frontier
from plumbing import logs
from plumbing.clock import Clock
from plumbing.pipe import Pipe
from plumbing.postgres import Pool
from plumbing.valkey import Valkey

log = logs.get(__name__)
LOTS_AT_ONCE = 64
ENTRIES_AT_ONCE = 100
"""Log entries of one lot written in one look: a flood is caught up with later, and its bidders go first."""
_lines = msgspec.json.Decoder(list[msgspec.Raw])


async def grown_from(entries: list[bytes], after: int) -> Grown:
    """What log entries hold past position ``after``; the event loop has its turn after each entry."""
    events: list[Event] = []
    lines: list[bytes] = []
    for entry in entries:
        events += live.decode(entry)
        lines += [bytes(line) for line in _lines.decode(entry)]
        await asyncio.sleep(0)
    skipped = sum(1 for event in events if event.n <= after)
    return Grown(after, events[skipped:], lines[skipped:])


class Transcripts:
    """One process's share of the transcripts."""

    def __init__(self, valkey: Valkey, pipe: Pipe, pool: Pool, notary: Notary, clock: Clock) -> None:
        self._valkey, self._pipe, self._pool, self._notary = valkey, pipe, pool, notary
        self._clock = clock
        self._trees: dict[UUID, Frontier] = {}
        self._told: set[UUID] = set()
        self._known = False

    async def look(self) -> None:
        """Write what has grown since the last look. Raises what the stores raise; the next look goes on from there."""
        if not self._known:
            await self._notary.publish_keys(self._pool)
            self._known = True
        alive = {lot_id for lot_id, _ in await ledger.running_lots(self._pipe)}
        alive |= set(await ledger.outbox(self._pipe))
        lots = list(alive | self._trees.keys())
        positions = await ledger.positions(self._pipe, lots) if lots else []
        signed = await self._signed(lots)
        behind = []
        for lot_id, n in zip(lots, positions, strict=True):
            if n < signed[lot_id] and lot_id in alive:
                await self._tell(lot_id, f"{signed[lot_id]} positions were signed, the live store holds {n}")
            elif n > signed[lot_id] or (lot_id in alive and lot_id not in self._trees):
                behind.append(lot_id)
            elif lot_id not in alive:
                self._trees.pop(lot_id, None)
        for start in range(0, len(behind), LOTS_AT_ONCE):
            todo = behind[start : start + LOTS_AT_ONCE]
            while todo:
                began = asyncio.get_running_loop().time()
                todo = await self._write(todo)
                await asyncio.sleep(asyncio.get_running_loop().time() - began)  # at most half of the process, if at all

    async def _signed(self, lots: list[UUID]) -> dict[UUID, int]:
        """How many positions of each lot stand signed, as far as it is known here; Postgres is asked of new lots."""
        sizes = {lot_id: self._trees[lot_id].size if lot_id in self._trees else 0 for lot_id in lots}
        new = [lot_id for lot_id in lots if lot_id not in self._trees]
        if new:
            sizes |= {row["lot_id"]: row["size"] for row in await self._pool.fetch(SQL["sizes"], new)}
        return sizes

    async def _write(self, lots: list[UUID]) -> list[UUID]:
        """Bring transcripts up to their logs; the lots whose logs hold still more than was taken at once.

        A lot first seen by this process is compared from its beginning.
        """
        grown, more = {}, []
        for lot_id in lots:
            tree = self._trees.pop(lot_id, None) or Frontier()
            entries = await ledger.read_entries(self._valkey, lot_id, tree.size, at_most=ENTRIES_AT_ONCE)
            try:
                grown[lot_id] = (tree, await grown_from(entries, tree.size))
            except BrokenLogError as error:  # one damaged lot keeps no other from being signed
                await self._tell(lot_id, str(error))
                continue
            if len(entries) >= ENTRIES_AT_ONCE:
                more.append(lot_id)
        async with self._pool.acquire() as conn, conn.transaction():
            forks = await self._notary.extend_all(conn, grown)
        for lot_id, (tree, _) in grown.items():
            if lot_id in forks:
                await self._tell(lot_id, str(forks[lot_id]))
            else:
                self._trees[lot_id] = tree
        return [lot_id for lot_id in more if lot_id not in forks]

    async def _tell(self, lot_id: UUID, why: str) -> None:
        """One line per lot, and the lot is held: its log and its transcript contradict each other."""
        if lot_id not in self._told:
            log.error("transcript.contradicted", lot=str(lot_id), why=why)
            await recovery.found(self._pool, self._valkey, lot_id, why, self._clock.now_ms())
            self._told.add(lot_id)
