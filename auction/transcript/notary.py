"""The notary 公证员: writes what a lot's log has grown by into Postgres, and signs it. One per process.

Under a lock per lot the new leaves are added, the head of the tree is signed once for its size, and each bidder with
new bids gets one signed receipt over them; all in one transaction, so that nothing signed is ever taken back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import msgspec
from msgspec import Struct

from auction.lot.leaves import Leaf, Subject, leaf_of
from auction.lot.model import BidTaken, Event
from auction.lot.state import BrokenLogError
from ledger.note import Checkpoint, Signer, packed
from ledger.tree import Frontier
from plumbing import sql
from plumbing.postgres import Connection, Pool

SQL = sql.load(Path(__file__).with_name("records.sql"))
RECEIPT = "yangcai-receipt/1"
AT_ONCE = 500
"""Leaves made before others on the event loop have their turn."""


class ForkError(BrokenLogError):
    """What the live store says and what was signed before contradict each other."""


class Grown(Struct, frozen=True):
    """Events to add and their exact lines, the first at position ``after + 1``; ``whole``: nothing can follow them."""

    after: int
    events: Sequence[Event]
    lines: Sequence[bytes]
    whole: bool = False


class Notary:
    """Signs with the newest of ``signers`` for the site ``site`` (a host name)."""

    def __init__(self, signers: Sequence[Signer], site: str) -> None:
        self._signers, self._signer, self.site = signers, signers[-1], site

    def origin(self, lot_id: UUID) -> str:
        """The name of a lot's tree, which is also the name under which it is signed."""
        return f"{self.site}/lots/{lot_id}"

    async def publish_keys(self, pool: Pool) -> None:
        """Make the public keys known; they stay for ever."""
        async with pool.acquire() as conn, conn.transaction():
            await conn.execute("SET LOCAL ROLE yangcai_transcript")
            await conn.executemany(SQL["add_key"], [(signer.public,) for signer in self._signers])

    async def extend(self, conn: Connection, lot_id: UUID, tree: Frontier, grown: Grown) -> None:
        """Add what is new and sign the head, on the caller's transaction; ``tree`` moves on from ``grown.after``.

        Leaves that another process wrote meanwhile are compared. Raises ``ForkError`` when they differ, or when more
        was signed than a whole log holds.
        """
        await conn.execute(SQL["lock_transcript"], str(lot_id))
        stored = [row["hash"] for row in await conn.fetch(SQL["hashes_after"], lot_id, tree.size)]
        key: bytes | None = await conn.fetchval(SQL["salt_of"], lot_id)
        if key is None:
            raise ForkError("Postgres does not know this lot")
        subject, origin, told = await self._subject(conn, lot_id)
        leaves = await _made(grown.events, key, subject)
        for leaf, hash_ in zip(leaves, stored, strict=False):
            if leaf.hash != hash_:
                raise ForkError(f"position {leaf.n} is not what was signed")
        if grown.whole and len(stored) > len(leaves):
            raise ForkError(f"{tree.size + len(stored)} positions were signed, {tree.size + len(leaves)} are told")
        for leaf in leaves:
            tree.add(leaf.hash)
        if len(leaves) > len(stored):
            await conn.execute("SET LOCAL ROLE yangcai_transcript")
            if not told:
                await conn.execute(SQL["add_subject"], lot_id, origin, msgspec.to_builtins(subject))
            await self._add(conn, lot_id, origin, tree, leaves[len(stored) :], grown)
            await conn.execute("RESET ROLE")

    async def _subject(self, conn: Connection, lot_id: UUID) -> tuple[Subject, str, bool]:
        """What the lot is about, its origin, and whether that stands in the transcript already."""
        row = await conn.fetchrow(SQL["subject_of"], lot_id)
        if row:
            return msgspec.convert(row["body"], Subject), row["origin"], True
        row = await conn.fetchrow(SQL["subject_now"], lot_id)
        assert row is not None
        return Subject(row["number"], row["title"], row["names"]), self.origin(lot_id), False

    async def _add(
        self, conn: Connection, lot_id: UUID, origin: str, tree: Frontier, leaves: list[Leaf], grown: Grown
    ) -> None:
        first = leaves[0].n - grown.after - 1
        lines = [line.decode() for line in grown.lines[first:]]
        entries = [(lot_id, leaf.n, line, leaf.text, leaf.hash) for leaf, line in zip(leaves, lines, strict=True)]
        await conn.copy_records_to_table(
            "transcript_entry", records=entries, columns=("lot_id", "n", "line", "leaf", "hash")
        )
        head = Checkpoint(origin, tree.size, tree.root())
        await conn.execute(SQL["add_checkpoint"], lot_id, head.size, head.root, self._signer.sign(head.text(), origin))
        receipts = self._receipts(origin, leaves, grown.events[first:])
        records = [(lot_id, alias, tree.size, note) for alias, note in receipts.items()]
        await conn.copy_records_to_table(
            "transcript_receipt", records=records, columns=("lot_id", "alias", "size", "note")
        )

    def _receipts(self, origin: str, leaves: Sequence[Leaf], events: Sequence[Event]) -> dict[str, str]:
        """By alias, one signed receipt 回执 over all his new bids: leaf hash, server time, price. No position in it."""
        lines: dict[str, list[str]] = {}
        for leaf, event in zip(leaves, events, strict=True):
            if isinstance(event, BidTaken):
                lines.setdefault(event.who, []).append(f"{packed(leaf.hash)} {event.at} {event.price}\n")
        return {
            alias: self._signer.sign(f"{RECEIPT}\n{origin}\n{alias}\n{''.join(his)}", origin)
            for alias, his in lines.items()
        }


async def _made(events: Sequence[Event], key: bytes, subject: Subject) -> list[Leaf]:
    leaves: list[Leaf] = []
    for start in range(0, len(events), AT_ONCE):
        leaves += [leaf_of(event, key, subject) for event in events[start : start + AT_ONCE]]
        await asyncio.sleep(0)
    return leaves
