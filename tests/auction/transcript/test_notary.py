"""The transcript grows with the log, is signed once for each size, and contradicts whoever changes the past."""

from __future__ import annotations

import asyncio
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from auction.lot import leaves, live
from auction.lot.leaves import Subject
from auction.lot.model import BidTaken, Opened
from auction.lot.state import BrokenLogError
from auction.practice import opening as practice
from auction.transcript.notary import ForkError, Grown
from ledger import log as ledger
from ledger import note, tree
from ledger.note import VerifierKey
from ledger.tree import Frontier
from plumbing.clock import Clock
from plumbing.pipe import Pipe
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from server.settle import settle_lot
from server.transcripts import Transcripts, grown_from
from tests.auction.notary import NOTARY, SIGNER
from tests.auction.walk import settled
from tests.server.test_settlement import a_practice, bid


@pytest_asyncio.fixture(scope="session")
async def valkey(valkey_client: Valkey) -> Valkey:
    await live.load(valkey_client)
    return valkey_client


async def checkpoints(pool: Pool, lot_id: UUID) -> list[note.Checkpoint]:
    key = VerifierKey(NOTARY.origin(lot_id), SIGNER.public)
    notes = await pool.fetch("SELECT note FROM transcript_checkpoint WHERE lot_id = $1 ORDER BY size", lot_id)
    return [note.read_checkpoint(note.opened(row["note"], key)) for row in notes]


async def hashes(pool: Pool, lot_id: UUID) -> list[bytes]:
    rows = await pool.fetch("SELECT hash FROM transcript_entry WHERE lot_id = $1 ORDER BY n", lot_id)
    return [row["hash"] for row in rows]


async def extend(pool: Pool, valkey: Valkey, lot_id: UUID, *, whole: bool = False) -> None:
    told = await grown_from(await ledger.read_entries(valkey, lot_id), 0)
    async with pool.acquire() as conn, conn.transaction():
        await NOTARY.extend(conn, lot_id, Frontier(), Grown(0, told.events, told.lines, whole))


async def test_each_look_signs_what_has_grown_and_settlement_signs_the_rest(
    pool: Pool, valkey: Valkey, pipe: Pipe
) -> None:
    actor, out = await a_practice(pool, valkey)
    lot, task = out.lots[0], Transcripts(valkey, pipe, pool, NOTARY, Clock())
    await task.look()
    await bid(valkey, lot.lot_id, lot.aliases["甲"], "r-000001", 9_000)
    await bid(valkey, lot.lot_id, lot.aliases["乙"], "r-000002", 8_900)
    await task.look()
    await task.look()
    await practice.close(pool, valkey, actor, lot.lot_id)
    await settled(pool, valkey, lot.lot_id)
    found, stored = await checkpoints(pool, lot.lot_id), await hashes(pool, lot.lot_id)
    assert [one.size for one in found] == [1, 3, 4]
    assert [one.root for one in found] == [tree.root_of(stored[: one.size]) for one in found]


async def test_the_leaf_told_to_the_bidder_is_the_leaf_of_the_log(pool: Pool, valkey: Valkey) -> None:
    _, out = await a_practice(pool, valkey)
    lot = out.lots[0]
    taken = await bid(valkey, lot.lot_id, lot.aliases["甲"], "r-000001", 9_000)
    key = await pool.fetchval("SELECT key FROM lot_salt WHERE lot_id = $1", lot.lot_id)
    told = leaves.bid_hash(key, taken.n, taken.at, lot.aliases["甲"], 9_000, "r-000001", "null")  # type: ignore[union-attr]
    await extend(pool, valkey, lot.lot_id)
    assert told in await hashes(pool, lot.lot_id)
    receipt = await pool.fetchval("SELECT note FROM transcript_receipt WHERE lot_id = $1", lot.lot_id)
    assert note.packed(told) in note.opened(receipt, VerifierKey(NOTARY.origin(lot.lot_id), SIGNER.public))


async def test_a_breakdown_gives_the_same_leaf_at_the_door_and_from_the_log() -> None:
    detail = {"1": 100, "2": 250}
    event = BidTaken(7, 1_000, "A1", "r-000001", 350, detail)  # type: ignore[arg-type]
    told = leaves.bid_hash(b"k" * 32, 7, 1_000, "A1", 350, "r-000001", '{"1":100,"2":250}')
    assert leaves.leaf_of(event, b"k" * 32, Subject("", "", {})).hash == told


async def test_of_many_processes_at_once_one_head_is_signed_for_each_size(pool: Pool, valkey: Valkey) -> None:
    _, out = await a_practice(pool, valkey)
    lot = out.lots[0]
    await asyncio.gather(*(extend(pool, valkey, lot.lot_id) for _ in range(6)))
    await bid(valkey, lot.lot_id, lot.aliases["甲"], "r-000001", 9_000)
    await asyncio.gather(*(extend(pool, valkey, lot.lot_id) for _ in range(6)))
    sizes = await pool.fetch("SELECT size FROM transcript_checkpoint WHERE lot_id = $1 ORDER BY size", lot.lot_id)
    assert [row["size"] for row in sizes] == [1, 2]


async def test_a_live_store_that_lost_a_signed_bid_is_found_out(pool: Pool, valkey: Valkey, pipe: Pipe) -> None:
    actor, out = await a_practice(pool, valkey)
    lot = out.lots[0]
    key = ledger.keys_of(lot.lot_id)
    before = {name: await valkey.dump(name) for name in key[:5] if await valkey.exists(name)}
    await bid(valkey, lot.lot_id, lot.aliases["甲"], "r-000001", 9_000)
    await extend(pool, valkey, lot.lot_id)
    for name in key[:5]:
        await valkey.delete(name)
    for name, dumped in before.items():
        await valkey.restore(name, 0, dumped)
    assert [one.size for one in await checkpoints(pool, lot.lot_id)][-1] > (await ledger.positions(pipe, [lot.lot_id]))[
        0
    ]
    await practice.close(pool, valkey, actor, lot.lot_id)
    with pytest.raises(BrokenLogError):
        await settle_lot(valkey, pool, NOTARY, lot.lot_id, 0)
    assert await pool.fetchval("SELECT count(*) FROM result WHERE lot_id = $1", lot.lot_id) == 0
    await ledger.settled(valkey, lot.lot_id)


async def test_a_lot_whose_log_cannot_be_read_is_not_settled_and_keeps_no_other_from_being_signed(
    pool: Pool, valkey: Valkey, pipe: Pipe
) -> None:
    (actor, damaged), (_, sound) = await a_practice(pool, valkey), await a_practice(pool, valkey)
    lot, other, task = damaged.lots[0], sound.lots[0], Transcripts(valkey, pipe, pool, NOTARY, Clock())
    key = ledger.keys_of(lot.lot_id)
    (n,) = await ledger.positions(pipe, [lot.lot_id])
    await valkey.xadd(key[4], {"e": b'[{"n":%d,"at":1,"ki\xeed":"bid"}]' % (n + 1)}, id=f"{n + 1}-0")
    await valkey.hset(key[0], "n", n + 1)
    await bid(valkey, other.lot_id, other.aliases["甲"], "r-000001", 9_000)
    await task.look()
    assert [one.size for one in await checkpoints(pool, other.lot_id)] == [2]
    assert await checkpoints(pool, lot.lot_id) == []
    await practice.close(pool, valkey, actor, lot.lot_id)
    with pytest.raises(BrokenLogError, match="cannot be read"):
        await settle_lot(valkey, pool, NOTARY, lot.lot_id, 0)
    for key_of_it in key[:5]:
        await valkey.delete(key_of_it)
    await ledger.settled(valkey, lot.lot_id)


async def test_a_past_told_otherwise_is_found_out(pool: Pool, valkey: Valkey) -> None:
    _, out = await a_practice(pool, valkey)
    lot = out.lots[0]
    await bid(valkey, lot.lot_id, lot.aliases["甲"], "r-000001", 9_000)
    await extend(pool, valkey, lot.lot_id)
    told = await grown_from(await ledger.read_entries(valkey, lot.lot_id), 0)
    *rest, last = told.events
    forged = Grown(0, [*rest, BidTaken(last.n, last.at, last.who, last.rid, 8_000, None)], told.lines)  # type: ignore[union-attr]
    with pytest.raises(ForkError):
        async with pool.acquire() as conn, conn.transaction():
            await NOTARY.extend(conn, lot.lot_id, Frontier(), forged)


@pytest.mark.parametrize("table", ["entry", "checkpoint", "receipt", "key", "subject"])
@pytest.mark.parametrize("sql", ["DELETE FROM {}", "TRUNCATE {}", "UPDATE {} SET {column} = {column}"])
async def test_not_even_the_owner_changes_or_removes_a_row(pool: Pool, table: str, sql: str) -> None:
    column = "public" if table == "key" else "lot_id"
    with pytest.raises(asyncpg.RaiseError):
        await pool.execute(sql.format(f"transcript_{table}", column=column))


async def test_the_writing_role_may_add_and_read_only(pool: Pool) -> None:
    async with pool.acquire() as conn:
        for sql in (
            "DELETE FROM transcript_entry",
            "SELECT key FROM lot_salt",
            "DROP TRIGGER transcript_entry_stays ON transcript_entry",
        ):
            async with conn.transaction():
                await conn.execute("SET LOCAL ROLE yangcai_transcript")
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    async with conn.transaction():
                        await conn.execute(sql)


async def test_leaves_say_no_name_and_no_terms(pool: Pool, valkey: Valkey) -> None:
    _, out = await a_practice(pool, valkey)
    await extend(pool, valkey, out.lots[0].lot_id)
    first = await pool.fetchrow(
        "SELECT leaf, line FROM transcript_entry WHERE lot_id = $1 AND n = 1", out.lots[0].lot_id
    )
    assert "deduction" in first["line"]
    assert not any(word in first["leaf"] for word in ("deduction", "甲", "乙"))
    assert isinstance(live.decode(f"[{first['line']}]".encode())[0], Opened)
