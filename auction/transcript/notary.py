"""The notary 公证员: writes what a lot's log has grown by into Postgres, and signs it. One per process.

Under a lock per lot the new leaves are added, the head of the tree is signed once for its size, and each bidder with
new bids gets one signed receipt over them; all in one transaction, so that nothing signed is ever taken back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import msgspec
from msgspec import Struct

from accounts.audit import audit
from auction.lot.leaves import Leaf, Subject, leaf_of
from auction.lot.model import BidTaken, Event
from auction.lot.state import BrokenLogError
from ledger.note import Checkpoint, Signer, packed
from ledger.tree import Frontier
from plumbing import sql
from plumbing.postgres import Connection, Pool

SQL = sql.load(Path(__file__).with_name("records.sql"))
RECEIPT = "yangcai-receipt/1"
T = TypeVar("T")
AT_ONCE, SIGNED_AT_ONCE = 100, 10
"""Leaves and signatures made before others on the event loop have their turn: about a millisecond of work."""


_TABLES = {
    "subjects": "transcript_subject",
    "entries": "transcript_entry",
    "checkpoints": "transcript_checkpoint",
    "receipts": "transcript_receipt",
}
_COLUMNS = {
    "subjects": ("lot_id", "origin", "body"),
    "entries": ("lot_id", "n", "line", "leaf", "hash"),
    "checkpoints": ("lot_id", "size", "root", "note"),
    "receipts": ("lot_id", "alias", "size", "note"),
}


class ForkError(BrokenLogError):
    """What the live store says and what was signed before contradict each other."""


class Grown(Struct, frozen=True):
    """Events to add and their exact lines, the first at position ``after + 1``; ``whole``: nothing can follow them."""

    after: int
    events: Sequence[Event]
    lines: Sequence[bytes]
    whole: bool = False


class _Rows(Struct):
    """What one transaction adds, by table."""

    subjects: list[tuple[UUID, str, object]] = []
    entries: list[tuple[UUID, int, str, str, bytes]] = []
    checkpoints: list[tuple[UUID, int, bytes, str]] = []
    receipts: list[tuple[UUID, str, int, str]] = []

    async def write(self, conn: Connection) -> None:
        """Write them as the role that may only add."""
        if not self.entries:
            return
        await conn.execute("SET LOCAL ROLE yangcai_transcript")
        for name, columns in _COLUMNS.items():
            records = getattr(self, name)
            if records:
                for part in _parts(records, AT_ONCE * 5):
                    await conn.copy_records_to_table(_TABLES[name], records=part, columns=columns)
        await conn.execute("RESET ROLE")


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
            new = [one.public for one in self._signers if await conn.fetchval(SQL["add_key"], one.public)]
            await conn.execute("RESET ROLE")
            for public in new:
                await audit(conn, None, "transcript.key_added", f"key:{packed(public)}")

    async def extend(self, conn: Connection, lot_id: UUID, tree: Frontier, grown: Grown) -> None:
        """Add what is new of one lot and sign its head, on the caller's transaction. Raises ``ForkError``."""
        forks = await self.extend_all(conn, {lot_id: (tree, grown)})
        if forks:
            raise forks[lot_id]

    async def extend_all(self, conn: Connection, lots: Mapping[UUID, tuple[Frontier, Grown]]) -> dict[UUID, ForkError]:
        """Add what is new of many lots and sign their heads, in a few round trips on the caller's transaction.

        Each tree moves on from its ``grown.after``. Leaves that another process wrote meanwhile are compared; a lot in
        which they differ, or of which more was signed than its whole log holds, is left as it is and comes back.
        """
        ids = sorted(lots)
        await conn.execute(SQL["lock_transcripts"], [str(lot_id) for lot_id in ids])
        stored: dict[UUID, list[bytes]] = {lot_id: [] for lot_id in ids}
        for row in await conn.fetch(SQL["hashes_after"], ids, [lots[lot_id][1].after for lot_id in ids]):
            stored[row["lot_id"]].append(row["hash"])
        salts = {row["lot_id"]: row["key"] for row in await conn.fetch(SQL["salts"], ids)}
        subjects = await self._subjects(conn, ids)
        rows, forks = _Rows(), {}
        for lot_id in ids:
            tree, grown = lots[lot_id]
            if lot_id not in subjects:
                forks[lot_id] = ForkError("Postgres does not know this lot")
                continue
            about, origin, told = subjects[lot_id]
            leaves = await _made(grown.events, salts[lot_id], about)
            try:
                _compare(leaves, stored[lot_id], tree, grown)
            except ForkError as error:
                forks[lot_id] = error
                continue
            for part in _parts(leaves, AT_ONCE):
                for leaf in part:
                    tree.add(leaf.hash)
                await asyncio.sleep(0)
            if len(leaves) > len(stored[lot_id]):
                if not told:
                    rows.subjects.append((lot_id, origin, msgspec.to_builtins(about)))
                await self._note(rows, lot_id, origin, tree, leaves[len(stored[lot_id]) :], grown)
        await rows.write(conn)
        return forks

    async def _subjects(self, conn: Connection, ids: list[UUID]) -> dict[UUID, tuple[Subject, str, bool]]:
        """What each lot is about, its origin, and whether that stands in the transcript already."""
        found = {
            row["lot_id"]: (msgspec.convert(row["body"], Subject), str(row["origin"]), True)
            for row in await conn.fetch(SQL["subjects_of"], ids)
        }
        missing = [lot_id for lot_id in ids if lot_id not in found]
        for row in await conn.fetch(SQL["subjects_now"], missing) if missing else ():
            about = Subject(row["number"], row["title"], row["names"])
            found[row["lot_id"]] = (about, self.origin(row["lot_id"]), False)
        return found

    async def _note(
        self, rows: _Rows, lot_id: UUID, origin: str, tree: Frontier, leaves: list[Leaf], grown: Grown
    ) -> None:
        """Put the rows of one lot's new leaves, head and receipts to ``rows``."""
        first = leaves[0].n - grown.after - 1
        for part in _parts(list(zip(leaves, grown.lines[first:], strict=True)), AT_ONCE * 5):
            rows.entries += [(lot_id, leaf.n, line.decode(), leaf.text, leaf.hash) for leaf, line in part]
            await asyncio.sleep(0)
        head = Checkpoint(origin, tree.size, tree.root())
        rows.checkpoints.append((lot_id, head.size, head.root, self._signer.sign(head.text(), origin)))
        said = _said(leaves, grown.events[first:])
        for few in _parts(list(said.items()), SIGNED_AT_ONCE):
            for alias, lines in few:
                text = f"{RECEIPT}\n{origin}\n{alias}\n{lines}"
                rows.receipts.append((lot_id, alias, tree.size, self._signer.sign(text, origin)))
            await asyncio.sleep(0)


def _said(leaves: Sequence[Leaf], events: Sequence[Event]) -> dict[str, str]:
    """By alias, the lines of his receipt 回执 over all his new bids: leaf hash, server time, price. No position."""
    lines: dict[str, list[str]] = {}
    for leaf, event in zip(leaves, events, strict=True):
        if isinstance(event, BidTaken):
            lines.setdefault(event.who, []).append(f"{packed(leaf.hash)} {event.at} {event.price}\n")
    return {alias: "".join(his) for alias, his in lines.items()}


def _parts(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The items, at most ``size`` at a time."""
    return (items[start : start + size] for start in range(0, len(items), size))


async def _made(events: Sequence[Event], key: bytes, subject: Subject) -> list[Leaf]:
    leaves: list[Leaf] = []
    for part in _parts(events, AT_ONCE):
        leaves += [leaf_of(event, key, subject) for event in part]
        await asyncio.sleep(0)
    return leaves


def _compare(leaves: Sequence[Leaf], stored: Sequence[bytes], tree: Frontier, grown: Grown) -> None:
    """Raises ``ForkError`` where what is told now contradicts what was signed before."""
    for leaf, hash_ in zip(leaves, stored, strict=False):
        if leaf.hash != hash_:
            raise ForkError(f"position {leaf.n} is not what was signed")
    if grown.whole and len(stored) > len(leaves):
        raise ForkError(f"{tree.size + len(stored)} positions were signed, {tree.size + len(leaves)} are told")
