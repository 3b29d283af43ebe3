"""The audit chain: every act gets its place under a signed head, and whatever is done to it afterwards is found."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from typer.testing import CliRunner

from accounts.audit import audit
from accounts.audit.chain import Chain, origin_of
from accounts.audit.check import Verdict, check
from accounts.audit.records import SQL
from ledger.note import Signer, VerifierKey, read_checkpoint
from plumbing import postgres
from plumbing.postgres import Connection, Pool
from server import notarial, trail
from server.settings import load
from tests.support import eventually
from yangcai import cli

SITE = "yangcai.test"
SIGNER = Signer(b"\x07" * 32)
KEY = VerifierKey(origin_of(SITE), SIGNER.public)


async def acts(pool: Pool, many: int, chain: Chain | None = None) -> Chain:
    """``many`` acts, chained."""
    chain = chain or Chain([SIGNER], SITE)
    for i in range(many):
        await audit(pool, None, "test.act", f"lot:{uuid4()}", detail={"i": i, "text": "预算“甲”", "part": 0.1})
    await chain.look(pool)
    return chain


async def checked(pool: Pool, witnessed: Any = None) -> Verdict:
    async with pool.acquire() as conn:
        return await check(conn, [KEY], witnessed)


def codes(verdict: Verdict) -> set[str]:
    return {fault.code for fault in verdict.faults}


async def tampered(pool: Pool, *statements: str) -> Verdict:
    """What is found after an owner of the database switched the triggers off and did this."""
    async with pool.acquire() as conn:
        await conn.execute("SET session_replication_role = replica")
        for statement in statements:
            await conn.execute(statement)
        await conn.execute("SET session_replication_role = origin")
    return await checked(pool)


async def test_every_act_gets_its_place_and_the_chain_is_good(fresh_pool: Pool) -> None:
    before = await fresh_pool.fetchval("SELECT count(*) FROM audit_event")
    chain = await acts(fresh_pool, 5)
    await acts(fresh_pool, 3, chain)
    verdict = await checked(fresh_pool)
    assert (verdict.good, verdict.acts, verdict.heads) == (True, before + 8, 2)
    assert await fresh_pool.fetchval("SELECT count(*) FROM audit_pending") == 0


async def test_processes_that_chain_at_once_make_one_chain(fresh_pool: Pool) -> None:
    chains = [Chain([SIGNER], SITE) for _ in range(4)]

    async def work(chain: Chain) -> None:
        for _ in range(10):
            await acts(fresh_pool, 2, chain)

    await asyncio.gather(*(work(chain) for chain in chains))
    await chains[0].look(fresh_pool)
    verdict = await checked(fresh_pool)
    assert verdict.good
    assert verdict.acts == await fresh_pool.fetchval("SELECT count(*) FROM audit_event") >= 80


async def test_the_notary_process_chains_what_is_written(
    fresh_pool: Pool, fresh_url: str, valkey_url: str, tmp_path: Path
) -> None:
    settings = load(mode="demo", valkey_url=valkey_url, postgres_url=fresh_url, data_dir=str(tmp_path))
    process = asyncio.create_task(notarial.run(settings))
    await audit(fresh_pool, None, "test.act")
    await eventually(lambda: fresh_pool.fetchval("SELECT max(size) FROM audit_checkpoint"), within_s=10)
    process.cancel()
    with suppress(asyncio.CancelledError):
        await process


async def test_an_act_that_is_undone_leaves_no_gap(fresh_pool: Pool) -> None:
    chain = await acts(fresh_pool, 2)

    async def undone(conn: Connection) -> None:
        async with conn.transaction():
            await audit(conn, None, "test.act")
            raise LookupError

    async with fresh_pool.acquire() as conn:
        with pytest.raises(LookupError):
            await undone(conn)
    await acts(fresh_pool, 2, chain)
    assert (await checked(fresh_pool)).good


ROW = "(SELECT event_id FROM audit_entry WHERE n = 3)"


@pytest.mark.parametrize(
    ("what", "found"),
    [
        (f"UPDATE audit_event SET result = 'refused' WHERE id = {ROW}", {"changed"}),
        (f"UPDATE audit_event SET at = at + interval '1 microsecond' WHERE id = {ROW}", {"changed"}),
        (f"UPDATE audit_event SET detail = detail || '{{\"i\": 9}}' WHERE id = {ROW}", {"changed"}),
        (f"UPDATE audit_event SET address = '10.0.0.1' WHERE id = {ROW}", {"changed"}),
        (f"UPDATE audit_event SET person_id = uuidv7() WHERE id = {ROW}", {"changed"}),
        (f"DELETE FROM audit_event WHERE id = {ROW}", {"gone"}),
        ("DELETE FROM audit_entry WHERE n = 3", {"gap", "end"}),
        ("UPDATE audit_entry SET hash = sha256('x') WHERE n = 3", {"changed", "root"}),
        ("DELETE FROM audit_entry WHERE n > 4", {"end"}),
        ("DELETE FROM audit_checkpoint WHERE size = (SELECT max(size) FROM audit_checkpoint)", {"end"}),
        ("UPDATE audit_checkpoint SET root = sha256('x')", {"head", "root"}),
        ("UPDATE audit_checkpoint SET note = replace(note, 'yangcai', 'yangcei')", {"head"}),
    ],
)
async def test_whatever_is_changed_or_taken_away_is_found(fresh_pool: Pool, what: str, found: set[str]) -> None:
    chain = await acts(fresh_pool, 4)
    await acts(fresh_pool, 4, chain)
    assert (await checked(fresh_pool)).good
    assert codes(await tampered(fresh_pool, what)) == found


async def test_two_acts_that_changed_places_are_found(fresh_pool: Pool) -> None:
    await acts(fresh_pool, 6)
    swap = (
        "CREATE TEMP TABLE two AS SELECT n, event_id FROM audit_entry WHERE n IN (2, 4)",
        "DELETE FROM audit_entry WHERE n IN (2, 4)",
        "INSERT INTO audit_entry SELECT 6 - n, event_id, sha256('') FROM two",
    )
    assert {"changed", "root"} <= codes(await tampered(fresh_pool, *swap))


async def test_an_act_taken_out_of_the_queue_is_found(fresh_pool: Pool) -> None:
    await acts(fresh_pool, 2)
    await audit(fresh_pool, None, "test.act")
    hidden = (
        "UPDATE audit_event SET at = at - interval '2 minutes' WHERE id IN (SELECT event_id FROM audit_pending)",
        "DELETE FROM audit_pending",
    )
    assert codes(await tampered(fresh_pool, *hidden)) == {"unchained"}


async def test_a_chain_cut_off_with_its_heads_is_told_by_who_signed_it_and_by_a_witness(fresh_pool: Pool) -> None:
    chain = await acts(fresh_pool, 3)
    await acts(fresh_pool, 3, chain)
    note = (await fresh_pool.fetchrow(SQL["head"]))["note"]
    head = read_checkpoint(note.split("\n\n")[0] + "\n")
    cut = (
        "DELETE FROM audit_event WHERE id IN (SELECT event_id FROM audit_entry WHERE n > 3)",
        "DELETE FROM audit_entry WHERE n > 3",
        "DELETE FROM audit_checkpoint WHERE size > 3",
    )
    assert (await tampered(fresh_pool, *cut)).good, "alone, nobody could tell"
    assert codes(await checked(fresh_pool, head)) == {"witness"}
    await acts(fresh_pool, 2, chain)
    assert await fresh_pool.fetchval("SELECT max(size) FROM audit_checkpoint") == 3, "nothing is signed on top of it"


async def test_no_hand_changes_the_trail_while_the_rules_stand(fresh_pool: Pool) -> None:
    await acts(fresh_pool, 2)
    for table in ("audit_event", "audit_entry", "audit_checkpoint"):
        column = {"audit_event": "result", "audit_entry": "event_id", "audit_checkpoint": "note"}[table]
        for attempt in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}", f"TRUNCATE {table}"):
            with pytest.raises(asyncpg.RaiseError, match="append only"):
                await fresh_pool.execute(attempt)
            async with fresh_pool.acquire() as conn:
                await conn.execute("SET ROLE yangcai_audit")
                with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.RaiseError)):
                    await conn.execute(attempt)
                await conn.execute("RESET ROLE")


async def test_a_strangers_signature_does_not_count(fresh_pool: Pool) -> None:
    await Chain([Signer(b"\x08" * 32)], SITE).look(fresh_pool)
    await acts(fresh_pool, 1, Chain([Signer(b"\x08" * 32)], SITE))
    assert codes(await checked(fresh_pool)) == {"head"}


async def test_an_act_by_hand_says_who_ran_what_on_which_machine(fresh_url: str) -> None:
    pool = await postgres.open_pool(fresh_url, size_max=1)
    await trail.by_hand(pool, "migrate", "schema.migrated", detail={"files": ["0601_audit.sql"]})
    row = await pool.fetchrow("SELECT * FROM audit_event WHERE event = 'schema.migrated'")
    assert row is not None
    assert row["door"] == "yangcai migrate"
    assert row["address"]
    assert row["detail"]["system_user"]
    await pool.close()


async def test_the_command_line_says_green_or_red_and_takes_a_head_seen_elsewhere(
    fresh_pool: Pool, fresh_url: str, tmp_path: Path
) -> None:
    await fresh_pool.execute("INSERT INTO transcript_key (public) VALUES ($1)", SIGNER.public)
    await acts(fresh_pool, 3)
    seen = tmp_path / "seen.note"
    seen.write_text((await fresh_pool.fetchrow(SQL["head"]))["note"], encoding="utf-8")

    async def said(*more: str) -> tuple[int, str]:
        arguments = ["verify-audit", "--postgres-url", fresh_url, *more]
        result = await asyncio.to_thread(CliRunner().invoke, cli.app, arguments)
        return result.exit_code, result.output

    code, text = await said("--witness", str(seen))
    assert (code, "审计链完好" in text, "The chain is good" in text) == (0, True, True)
    assert (await said("--key", "A" * 43 + "="))[0] == 1, "signed by a key that is not trusted"
    await tampered(fresh_pool, f"UPDATE audit_event SET login = 'x' WHERE id = {ROW}")
    code, text = await said()
    assert (code, "第 3 条：内容与入链时不符" in text) == (1, True)
    assert (await said("--postgres-url", fresh_url.replace("yangcai_fresh", "no_such")))[0] == 2
