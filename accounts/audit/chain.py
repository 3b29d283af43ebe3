"""审计链: gives each act its position, under heads signed like those of the lots (RFC 6962 tree, C2SP checkpoints).

One look a second in the notary process; of several on one database one at a time does the work. An act is written with
its own transaction and stands in the chain a second later: no act waits for another, or for a signature.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from accounts.audit.model import act_of, leaf_text
from accounts.audit.records import SQL
from ledger.note import Checkpoint, Signer
from ledger.tree import Frontier, leaf_hash
from plumbing import logs
from plumbing.postgres import Connection, Pool, Record

AT_ONCE = 1_000
PEAK_BYTES = 32
YIELD_EVERY = 100
log = logs.get(__name__)


class ChainBroken(Exception):
    """What stands in Postgres contradicts what was signed; nothing is signed on top of it."""


def origin_of(site: str) -> str:
    """The name of the tree, under which its heads are signed."""
    return f"{site}/audit"


def tree_of(head: Record | None) -> Frontier:
    """The tree that a head kept. Raises ``ChainBroken`` when it does not lead to the head's own root."""
    if head is None:
        return Frontier()
    peaks = [head["peaks"][at : at + PEAK_BYTES] for at in range(0, len(head["peaks"]), PEAK_BYTES)]
    tree = Frontier.grown(head["size"], peaks)
    if len(peaks) != tree.size.bit_count() or tree.root() != head["root"]:
        raise ChainBroken(f"the head of {head['size']} acts does not hold together")
    return tree


class Chain:
    """One process's share of the chain; signs with the newest of ``signers``."""

    def __init__(self, signers: Sequence[Signer], site: str) -> None:
        self._signer, self.origin = signers[-1], origin_of(site)
        self._seen = (0, b"")
        self._told = ""

    async def look(self, pool: Pool) -> None:
        """Take in what waits. A chain that contradicts what this process knows is told once, and left as it is."""
        while await pool.fetchval(SQL["waiting"]):
            try:
                async with pool.acquire() as conn, conn.transaction():
                    taken = await self._extend(conn)
            except ChainBroken as error:
                if self._told != str(error):
                    self._told = str(error)
                    log.error("audit.broken", why=self._told)
                return
            if taken < AT_ONCE:
                return

    async def _extend(self, conn: Connection) -> int:
        """Chain up to ``AT_ONCE`` acts and sign the head over them; how many. 0 also while another process does it."""
        if not await conn.fetchval(SQL["lock_chain"]):
            return 0
        head = await conn.fetchrow(SQL["head"])
        tree = tree_of(head)
        if tree.size < self._seen[0] or (tree.size == self._seen[0] and head and head["root"] != self._seen[1]):
            raise ChainBroken(f"{self._seen[0]} acts were signed, the store holds {tree.size}")
        rows = await conn.fetch(SQL["pending"], AT_ONCE)
        if not rows:
            return 0
        entries = []
        for i, row in enumerate(rows):
            hash_ = leaf_hash(leaf_text(tree.size + 1, act_of(row)).encode())
            tree.add(hash_)
            entries.append((tree.size, row["id"], hash_))
            if i % YIELD_EVERY == YIELD_EVERY - 1:
                await asyncio.sleep(0)
        root = tree.root()
        note = self._signer.sign(Checkpoint(self.origin, tree.size, root).text(), self.origin)
        await conn.execute("SET LOCAL ROLE yangcai_audit")
        await conn.copy_records_to_table("audit_entry", records=entries, columns=("n", "event_id", "hash"))
        await conn.execute(SQL["add_head"], tree.size, root, b"".join(tree.peaks), note)
        await conn.execute(SQL["no_longer_pending"], [row["id"] for row in rows])
        await conn.execute(SQL["tell_watchman"], str(tree.size))
        await conn.execute("RESET ROLE")
        self._seen = (tree.size, root)
        return len(rows)
