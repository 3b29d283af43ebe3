"""清理: the keys of a settled lot leave the live store, once their copy in Postgres is verified and their time is over.

Any number of processes may sweep: a lock on the lot's row lets one at it. Nothing is written between the comparison and
the removal, for a settled lot's log has ended; a crash before or after the removal only means another look.
"""

from __future__ import annotations

import asyncio
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from accounts.records import moment
from ledger import log as ledger
from ledger.tree import Frontier, leaf_hash
from plumbing import logs, sql
from plumbing.clock import Clock
from plumbing.faults import ever
from plumbing.postgres import Connection, Pool
from plumbing.valkey import Valkey
from server.transcripts import grown_from

log = logs.get(__name__)
SQL = sql.load(Path(__file__).with_name("forgetting.sql"))
LOOK_EVERY_S = 20.0
ENTRIES_AT_ONCE = 50
HOUR_MS = 3_600_000
BACKUP_LOCK = 0x59_43_42_4B  # "YCBK"
"""Held by a backup between its look at Postgres and its look at Valkey: no lot may vanish between the two."""


class NoCopyError(Exception):
    """What Postgres keeps of a lot is not what the live store holds; the text says where."""


async def compare(valkey: Valkey, conn: Connection, lot_id: UUID) -> None:
    """Hold the copy of a settled lot against the live store, entry by entry, and its tree against the signed root.

    Raises ``NoCopyError``. In slices: the event loop and both stores have their turn between them.
    """
    head = await conn.fetchrow(SQL["copy_head"], lot_id)
    if head is None or head["root"] is None:
        raise NoCopyError("no result, or no signed head of its size")
    tree, whole = Frontier(), sha256()
    while entries := await ledger.read_entries(valkey, lot_id, tree.size, at_most=ENTRIES_AT_ONCE):
        grown = await grown_from(entries, tree.size)
        rows = await conn.fetch(SQL["copy_between"], lot_id, tree.size, tree.size + len(grown.lines))
        if len(rows) != len(grown.lines):
            raise NoCopyError(f"the live store goes on past position {tree.size + len(rows)}")
        for row, line in zip(rows, grown.lines, strict=True):
            if not row["body"].encode() == line == (row["line"] or "").encode():
                raise NoCopyError(f"position {tree.size + 1} is not the same")
            if leaf_hash(row["leaf"].encode()) != row["hash"]:
                raise NoCopyError(f"the leaf of position {tree.size + 1} has another hash")
            whole.update(b"\n" + line if tree.size else line)
            tree.add(row["hash"])
        await asyncio.sleep(0)
    if (tree.size, whole.hexdigest()) != (head["final_n"], head["log_sha256"]):
        raise NoCopyError(f"the live store ends at position {tree.size}, the result at {head['final_n']}")
    if tree.root() != head["root"]:
        raise NoCopyError("the root is not the one that was signed")


class Forgetting:
    """One process's share of the sweep. ``kept_h`` are the hours after settlement before a lot's keys go."""

    def __init__(self, valkey: Valkey, pool: Pool, clock: Clock, kept_h: int) -> None:
        self._valkey, self._pool, self._clock, self._kept_ms = valkey, pool, clock, kept_h * HOUR_MS

    async def run(self) -> None:
        """Sweep until cancelled."""
        await ever("forgetting", self.look, LOOK_EVERY_S)

    async def look(self) -> None:
        """Every lot whose time is over, one by one, using half of the time at most."""
        now_s = asyncio.get_running_loop().time
        began_s = now_s()
        while await self.take_one():
            await asyncio.sleep(now_s() - began_s)
            began_s = now_s()

    async def take_one(self) -> bool:
        """Forget one lot; False when there is none to look at. One whose copy does not fit stays, and is told."""
        now = self._clock.now_ms()
        async with self._pool.acquire() as conn, conn.transaction():
            if not await conn.fetchval("SELECT pg_try_advisory_xact_lock_shared($1)", BACKUP_LOCK):
                return False
            lot_id = await conn.fetchval(SQL["take_leftover"], moment(now - self._kept_ms), moment(now))
            if lot_id is None:
                return False
            try:
                gone = await forget_lot(self._valkey, conn, lot_id)
            except NoCopyError as error:
                log.error("forgetting.refused", lot=str(lot_id), why=str(error))
                await conn.execute(SQL["put_off_leftover"], lot_id, moment(now + HOUR_MS))
            else:
                await conn.execute(SQL["drop_leftover"], lot_id)
                log.info("forgetting.done", lot=str(lot_id), keys=gone)
        return True


async def forget_lot(valkey: Valkey, conn: Connection, lot_id: UUID) -> bool:
    """Compare, then remove; False when the live store knew nothing of the lot any more. Raises ``NoCopyError``."""
    if not await ledger.known(valkey, lot_id):
        return False
    if await ledger.waits(valkey, lot_id):
        raise NoCopyError("it still stands among the running or unsettled lots")
    await compare(valkey, conn, lot_id)
    return await ledger.forget(valkey, lot_id)
