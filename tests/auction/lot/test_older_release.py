"""版本并存: a lot opened by an older release is served by this one to its end, by the referee it was opened with.

``older/`` holds the referee of an earlier release as it was; how that release called ``open_lot`` stands here. When
what is stored or answered takes another form, this says whether lots that run through the upgrade are still understood.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import pytest_asyncio

from accounts.model import Role
from auction.case import starting
from auction.lot import live
from auction.lot.batching import Batches, Offer
from auction.lot.model import Alias, Bid, Outcome, Refusal, Refused, Stage, Taken
from auction.practice import opening as practice
from auction.practice.opening import PracticeBody, PracticeLot
from auction.transcript import files, verify
from auction.transcript.files import Reader
from ledger import log as ledger
from plumbing.clock import Clock
from plumbing.pipe import Pipe
from plumbing.postgres import Pool
from plumbing.valkey import Valkey, load_library
from server.forgetting import Forgetting
from tests.auction.notary import NOTARY
from tests.auction.people import an_actor, an_organisation
from tests.auction.walk import settled
from tests.live import quick_rules

FOLDER = Path(__file__).parent / "older"
SOURCE = "".join(
    (FOLDER / name).read_text(encoding="utf-8") for name in ("prelude.lua", "live.lua", "steer.lua", "held.lua")
)
RULES = quick_rules(ceiling=10_000, duration_ms=600_000, suppliers_min=1)
FIELDS = {
    "format": "live_reverse", "ceiling": 10_000, "step_kind": "absolute", "step": 100, "step_bp": 0, "bands": "",
    "against": "own", "drop_bp": 0, "ot_window": 0, "ot_extend": 0, "ot_rank": 1, "ot_max": 0, "hard_stop": -1,
    "rounds": 1, "first_pause": 0, "turn_ms": 0, "pause_ms": 0, "outage_after": 3_000, "left_min": 120_000,
    "practice": 1,
}  # fmt: skip
"""The hash of a lot as that release filled it."""


class Older(NamedTuple):
    """A lot in the hands of the older referee."""

    lot_id: UUID
    version: str
    host: Any
    one: Alias
    two: Alias


@pytest_asyncio.fixture
async def older(fresh_pool: Pool, valkey_client: Valkey) -> Older:
    """A practice lot opened by this release, taken out of the live store and opened there by the older one."""
    await live.load(valkey_client)
    version = await load_library(valkey_client, "auction", SOURCE)
    host = await an_actor(fresh_pool, await an_organisation(fresh_pool), Role.BUYER)
    body = PracticeBody("练习", [PracticeLot("标一", RULES, ["甲", "乙"])])
    lot = (await practice.open_practice(fresh_pool, valkey_client, host, body, Clock().now_ms())).lots[0]
    await ledger.forget(valkey_client, lot.lot_id)
    one, two = (Alias(lot.aliases[name]) for name in ("甲", "乙"))
    keys, now, rules = ledger.keys_of(lot.lot_id), Clock().now_ms(), msgspec.structs.replace(RULES, practice=True)
    fields = {"lot": str(lot.lot_id), "version": version, "rules": msgspec.json.encode(rules).decode(), **FIELDS}
    flat = [part for pair in fields.items() for part in pair]
    entrants = [{"alias": alias, "deduction_bp": 0, "malus": 0, "opening_price": None} for alias in (one, two)]
    stated = msgspec.json.encode(entrants).decode()
    people: list[Any] = [part for alias in (one, two) for part in (alias, 0, 0, 0)]
    answer = await valkey_client.fcall(
        f"open_lot_{version}", len(keys), *keys, now, now, now + RULES.duration_ms, live.rules_sha256(rules), stated,
        len(flat), *flat, *people,
    )  # type: ignore[misc]  # fmt: skip
    assert answer[0] == b"opened"
    return Older(lot.lot_id, version, host, one, two)


async def test_this_release_bids_steers_shows_and_settles_a_lot_of_the_older_one(
    older: Older, fresh_pool: Pool, valkey_client: Valkey, pipe: Pipe
) -> None:
    lot_id, told = older.lot_id, []
    assert await live.version_of(valkey_client, lot_id) == older.version
    batches = Batches(valkey_client, pipe, Clock(), lambda lot_id, events: told.append(events))

    async def bid(alias: Alias, rid: str, price: int) -> Outcome:
        decided: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        offer = Offer(Bid(rid, alias, price), lambda offer, outcome, now_ms: decided.set_result(outcome))
        batches.offer(batches.lane(lot_id), offer)
        return await decided

    first = await bid(older.one, "r-000001", 9_000)
    assert isinstance(first, Taken)
    assert (first.n, first.price, first.rank, first.repeat) == (2, 9_000, 1, False)
    assert await bid(older.one, "r-000001", 9_000) == msgspec.structs.replace(first, repeat=True)
    assert await bid(older.one, "r-000001", 8_000) == Refused(Refusal.ID_REUSED)
    over = await bid(older.two, "r-000002", 11_000)
    assert isinstance(over, Refused)
    assert over.code is Refusal.OVER_CEILING
    second = await bid(older.two, "r-000003", 8_500)
    assert isinstance(second, Taken)
    assert (second.n, second.rank) == (3, 1)
    assert b"".join(told).count(b'"kind":"bid"') == 2

    given: dict[str, Any] = {"version": older.version}
    assert (await live.steer(valkey_client, lot_id, "pause", {"reason": "x"}, **given)).stage == Stage.PAUSED
    assert (await live.steer(valkey_client, lot_id, "resume", {"by": "y"}, **given)).stage == Stage.RUNNING
    assert (await live.tick(valkey_client, lot_id, older.version)).refusal == ""
    state = await live.read_state(valkey_client, lot_id)
    assert state is not None
    tally = await live.read_tally(valkey_client, lot_id)
    assert tally == (state.stage, state.n, state.closes_at)
    assert (await ledger.positions(pipe, [lot_id])) == [state.n]
    assert lot_id in dict(await ledger.running_lots(pipe))
    batches.close()

    await practice.close(fresh_pool, valkey_client, older.host, lot_id)
    await settled(fresh_pool, valkey_client, lot_id)
    prices = await fresh_pool.fetch("SELECT alias, price FROM standing WHERE lot_id = $1 ORDER BY rank", lot_id)
    assert [tuple(row) for row in prices] == [(older.two, 8_500), (older.one, 9_000)]
    assert await Forgetting(valkey_client, fresh_pool, Clock(), 0).take_one()
    assert not await ledger.known(valkey_client, lot_id)


async def test_rules_that_another_release_wrote_keep_their_fingerprint_and_their_transcript_is_genuine(
    older: Older, fresh_pool: Pool, valkey_client: Valkey
) -> None:
    lot_id = older.lot_id
    await ledger.forget(valkey_client, lot_id)
    less = "UPDATE lot SET rules = rules - 'left_after_outage_min_ms', handed_over_at = NULL WHERE id = $1"
    await fresh_pool.execute(less, lot_id)
    await starting.hand_over(fresh_pool, valkey_client, lot_id, Clock().now_ms())
    taken = await live.place_bid(valkey_client, lot_id, Bid("r-000001", older.one, 9_000), Clock().now_ms())
    assert isinstance(taken, Taken)
    await practice.close(fresh_pool, valkey_client, older.host, lot_id)
    await settled(fresh_pool, valkey_client, lot_id)
    await NOTARY.publish_keys(fresh_pool)
    signed = await files.transcript(fresh_pool, lot_id, Reader("host"))
    assert signed is not None
    assert b"left_after_outage_min_ms" not in signed
    assert verify.verify(signed).bids == 1
