"""Transcripts for the tests: a lot that was bid on, struck, paused and closed, as file and receipts."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from auction.lot import live
from auction.lot.model import Alias, Barred
from auction.practice import opening as practice
from auction.transcript import files
from auction.transcript.files import Reader
from plumbing.clock import Clock
from plumbing.pipe import Pipe
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from server.transcripts import Transcripts
from tests.auction.notary import NOTARY
from tests.auction.walk import settled
from tests.server.test_settlement import a_practice, bid


async def a_settled_practice(pool: Pool, valkey: Valkey) -> tuple[UUID, dict[str, str], Any]:
    """A lot with twenty bids, one of them struck, under several checkpoints; its id, aliases by name, its host."""
    actor, out = await a_practice(pool, valkey)
    pipe = Pipe(valkey)
    lot, task = out.lots[0], Transcripts(valkey, pipe, pool, NOTARY, Clock())
    for step in range(10):
        for number, name in enumerate(("甲", "乙")):
            await bid(valkey, lot.lot_id, lot.aliases[name], f"r-{step:03}{number:03}", 9_000 - 10 * step - number)
        if step % 4 == 0:
            await task.look()
    await pipe.close()
    state = await live.read_state(valkey, lot.lot_id)
    assert state is not None
    log = await live.read_log(valkey, lot.lot_id)
    assert not (await live.void(valkey, lot.lot_id, state, log, state.board[0][1], {"reason": "笔误"})).refusal
    await live.steer(valkey, lot.lot_id, "pause", {"reason": "休息"})
    await live.steer(valkey, lot.lot_id, "resume", {"reason": "继续"})
    await live.bar(valkey, lot.lot_id, Alias("nobody"), Barred.BANNED, None)
    await practice.close(pool, valkey, actor, lot.lot_id)
    await settled(pool, valkey, lot.lot_id)
    return lot.lot_id, lot.aliases, actor


async def a_file(pool: Pool, lot_id: UUID, kind: str = "supervisor", alias: str = "") -> bytes:
    """Its transcript for one kind of reader."""
    made = await files.transcript(pool, lot_id, Reader(kind, alias))
    assert made is not None
    return made
