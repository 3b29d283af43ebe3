"""核验审计链: whether the trail is what was signed. Finds acts changed, taken away, put in between, reordered, cut off.

What it cannot find alone: the newest acts cut off together with their heads. The separate store of the watchman
旁路审计 has those; its last head may be given as ``witnessed``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from accounts.audit.chain import YIELD_EVERY, ChainBroken, tree_of
from accounts.audit.model import act_of, leaf_text
from accounts.audit.records import SQL
from ledger.note import BadNote, Checkpoint, VerifierKey, opened, read_checkpoint
from ledger.tree import Frontier, leaf_hash
from plumbing.postgres import Connection, Pool, Record

AT_ONCE = 2_000
FAULTS_MAX = 100


class Fault(Struct, frozen=True):
    """What is wrong at position ``n`` (0: not at one): a code of ``audit_bad.*``."""

    code: str
    n: int = 0


class Verdict(Struct, frozen=True):
    """What a check found: how many acts and heads were compared, and the faults, at most ``FAULTS_MAX``."""

    acts: int
    heads: int
    faults: tuple[Fault, ...]

    @property
    def good(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


def fault_of(n: int, row: Any) -> str:
    """What is wrong with an entry and its act; empty when it is what was chained."""
    if row["n"] != n:
        return "gap"
    if row["id"] is None:
        return "gone"
    return "" if leaf_hash(leaf_text(n, act_of(row)).encode()) == row["hash"] else "changed"


def head_of(note: str, keys: Sequence[VerifierKey]) -> Checkpoint | None:
    """The head that a note states when one of ``keys`` signed it, else None."""
    try:
        return read_checkpoint(opened(note, *keys))
    except BadNote:
        return None


async def check(conn: Connection, keys: Sequence[VerifierKey], witnessed: Checkpoint | None = None) -> Verdict:
    """Compare the whole trail on ``conn`` with its chain and its signed heads. Reads all of it, in slices."""
    faults: list[Fault] = []
    heads = await conn.fetch(SQL["heads"])
    signed = {row["size"]: row for row in heads}
    for row in heads:
        head = head_of(row["note"], keys)
        if head is None or (head.size, head.root) != (row["size"], row["root"]):
            faults.append(Fault("head", row["size"]))
    tree, witness = Frontier(), b""
    while len(faults) < FAULTS_MAX:
        rows = await conn.fetch(SQL["chain_after"], tree.size, AT_ONCE)
        for i, row in enumerate(rows):
            if i % YIELD_EVERY == 0:
                await asyncio.sleep(0)
            code = fault_of(tree.size + 1, row)
            if code:
                faults.append(Fault(code, tree.size + 1))
            tree.add(row["hash"])
            if tree.size in signed and signed[tree.size]["root"] != tree.root():
                faults.append(Fault("root", tree.size))
            if witnessed and tree.size == witnessed.size:
                witness = tree.root()
            if code == "gap":
                break
        if len(rows) < AT_ONCE or (faults and faults[-1].code == "gap"):
            break
    if tree.size != max(signed, default=0):
        faults.append(Fault("end", tree.size))
    if witnessed and witness != witnessed.root:
        faults.append(Fault("witness", witnessed.size))
    faults += [Fault("unchained") for _ in await conn.fetch(SQL["unchained"])]
    return Verdict(tree.size, len(heads), tuple(faults[:FAULTS_MAX]))


async def keys_of(conn: Connection | Pool, origin: str) -> list[VerifierKey]:
    """Every key that ever signed here, under the name of the chain."""
    return [VerifierKey(origin, row["public"]) for row in await conn.fetch(SQL["public_keys"])]


async def chain_state(conn: Connection | Pool) -> dict[str, Any]:
    """The newest head and whether it is signed and holds together: ``state`` empty, good or bad; ``size``, ``root``."""
    head = await conn.fetchrow(SQL["head"])
    if head is None:
        return {"state": "empty", "size": 0, "root": "", "at": None, "waiting": False}
    origin = head["note"].split("\n", 1)[0]
    signed = head_of(head["note"], await keys_of(conn, origin))
    good = signed is not None and (signed.size, signed.root) == (head["size"], head["root"]) and _holds(head)
    return {
        "state": "good" if good else "bad", "size": head["size"], "root": head["root"].hex(), "at": head["signed_at"],
        "waiting": await conn.fetchval(SQL["waiting"]),
    }  # fmt: skip


def _holds(head: Record) -> bool:
    try:
        return bool(tree_of(head).size == head["size"])
    except ChainBroken:
        return False
