"""A live record that contradicts what was signed: the lot is held, put back, and let go by two persons of two sides."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from accounts.model import Actor, Role
from auction.case import holds, recovery
from auction.lot import live
from auction.lot.model import Broadcast, Outage, Refusal, Refused, Stage, Taken
from auction.lot.restoring import differs
from auction.practice import opening as practice
from ledger import log as ledger
from plumbing.clock import Clock
from plumbing.pipe import Pipe
from plumbing.postgres import Pool
from plumbing.problems import Problem
from plumbing.valkey import Valkey
from server.settle import read_back, settle_lot
from server.transcripts import Transcripts
from tests.auction.notary import NOTARY
from tests.auction.people import an_actor, an_organisation
from tests.auction.walk import within
from tests.server.test_settlement import a_practice, bid

NOW = Clock().now_ms


@pytest_asyncio.fixture(scope="session")
async def valkey(valkey_client: Valkey) -> Valkey:
    await live.load(valkey_client)
    return valkey_client


class Case:
    """A lot with seven signed bids and one that is not signed yet; its host and the platform's operator."""

    def __init__(self, pool: Pool, valkey: Valkey, pipe: Pipe, host: Actor, operator: Actor, lot: Any) -> None:
        self.pool, self.valkey, self.pipe, self.host, self.operator = pool, valkey, pipe, host, operator
        self.lot_id: UUID = lot.lot_id
        self.alias: str = lot.aliases["甲"]
        self.log = ledger.keys_of(self.lot_id)[4]

    async def bid(self, number: int, price: int) -> Taken | Refused:
        return await bid(self.valkey, self.lot_id, self.alias, f"r-{number:06}", price)

    async def look(self) -> None:
        await Transcripts(self.valkey, self.pipe, self.pool, NOTARY, Clock()).look()

    async def stage(self) -> str:
        return str(await self.pool.fetchval("SELECT stage FROM lot WHERE id = $1", self.lot_id))

    async def found(self) -> Any:
        return await self.pool.fetchrow("SELECT * FROM lot_contradiction WHERE lot_id = $1", self.lot_id)

    async def asked(self) -> None:
        await within(
            self.pool,
            lambda conn: recovery.ask(conn, self.valkey, self.operator, self.lot_id, "磁盘故障，已更换", NOW()),
        )

    async def released(self, by: Actor) -> None:
        await within(self.pool, lambda conn: recovery.release(conn, self.valkey, by, self.lot_id, NOW()))


@pytest_asyncio.fixture
async def case(pool: Pool, valkey: Valkey, pipe: Pipe) -> Case:
    host, out = await a_practice(pool, valkey)
    operator = await an_actor(pool, await an_organisation(pool), Role.OPERATOR)
    made = Case(pool, valkey, pipe, host, operator, out.lots[0])
    for number in range(7):
        assert isinstance(await made.bid(number, 9_000 - number), Taken)
    await made.look()
    return made


async def tear(case: Case, entries: int) -> None:
    """The store forgets its last entries, as after a torn file, and knows itself whole."""
    kept = (await case.valkey.xrange(case.log))[:-entries]
    lost = [name.decode() for name, _ in (await case.valkey.xrange(case.log))[-entries:]]
    await case.valkey.xdel(case.log, *lost)
    await case.valkey.hset(ledger.keys_of(case.lot_id)[0], "n", kept[-1][0].split(b"-")[0])  # type: ignore[misc]
    await case.valkey.delete(ledger.keys_of(case.lot_id)[2])


async def test_a_torn_record_is_held_before_the_first_bid_and_put_back_whole(case: Case) -> None:
    before = await live.read_log(case.valkey, case.lot_id)
    await tear(case, 3)
    await recovery.check(case.pool, case.valkey, case.pipe, NOW())
    assert await live.read_log(case.valkey, case.lot_id) == before
    assert (await case.found())["put_back"] == 3
    assert await case.stage() == Stage.ON_HOLD
    assert await case.bid(9, 8_000) == Refused(Refusal.LOT_HELD)
    again = await case.bid(6, 8_994)
    assert isinstance(again, Taken)
    assert again.repeat
    assert (await live.tick(case.valkey, case.lot_id)).refusal == "LOT_HELD"
    assert (await live.steer(case.valkey, case.lot_id, "pause", None)).refusal == "LOT_HELD"


async def test_a_changed_price_is_found_at_the_first_look_and_the_signed_one_put_back(case: Case) -> None:
    before = await live.read_log(case.valkey, case.lot_id)
    entries = await case.valkey.xrange(case.log)
    await case.valkey.delete(case.log)
    for place, (name, fields) in enumerate(entries):
        line = re.sub(rb'"price":\d+', b'"price":7', fields[b"e"]) if place == 3 else fields[b"e"]
        await case.valkey.xadd(case.log, {"e": line}, id=name)
    await case.look()
    assert await live.read_log(case.valkey, case.lot_id) == before
    assert "not what was signed" in (await case.found())["why"]


@pytest.mark.parametrize(("key", "word"), [(1, "standings"), (2, "answers")])
async def test_keys_that_do_not_follow_from_the_log_are_found_and_made_anew(case: Case, key: int, word: str) -> None:
    name = ledger.keys_of(case.lot_id)[key]
    assert await differs(case.valkey, case.lot_id) == ""
    (field, before), *_ = (await case.valkey.hgetall(name)).items()  # type: ignore[misc]
    await case.valkey.hset(name, field, before.replace(b"|", b"=", 1))  # type: ignore[misc]
    why = await differs(case.valkey, case.lot_id)
    assert why == f"its {word} do not follow from its log"
    await recovery.found(case.pool, case.valkey, case.lot_id, why, NOW())
    assert await differs(case.valkey, case.lot_id) == ""
    assert await case.valkey.hget(name, field) == before  # type: ignore[misc]


async def test_what_was_not_signed_yet_is_kept_and_a_later_look_finds_nothing_wrong(case: Case) -> None:
    assert isinstance(await case.bid(7, 8_900), Taken)
    before = await live.read_log(case.valkey, case.lot_id)
    await recovery.found(case.pool, case.valkey, case.lot_id, "somebody says so", NOW())
    assert await live.read_log(case.valkey, case.lot_id) == before
    closing = await read_back(case.valkey, case.lot_id)
    assert closing is not None
    await case.look()
    assert await case.pool.fetchval("SELECT count(*) FROM lot_contradiction WHERE lot_id = $1", case.lot_id) == 1


async def test_the_operator_asks_the_host_grants_and_the_lot_goes_on_with_its_time(case: Case) -> None:
    await tear(case, 2)
    await case.look()
    with pytest.raises(Problem, match="release_not_asked"):
        await case.released(case.host)
    await case.asked()
    with pytest.raises(Problem, match="lot_unknown"):
        await case.released(case.operator)
    with pytest.raises(Problem, match="lot_unknown"):
        await case.released(await an_actor(case.pool, await an_organisation(case.pool), Role.BUYER))
    with pytest.raises(Problem, match="record_in_doubt"):
        await within(case.pool, lambda conn: holds.release(conn, case.host, case.lot_id, NOW()))
    key, minute = ledger.keys_of(case.lot_id)[0], 60_000
    for field in ("opens_at", "held"):  # it ran for a while, and was held for a minute
        await case.valkey.hincrby(key, field, -minute)  # type: ignore[misc]
    ends_at = (await live.read_tally(case.valkey, case.lot_id) or (0, 0, 0))[2]
    await case.released(case.host)
    *_, outage, told = await live.read_log(case.valkey, case.lot_id)
    assert isinstance(outage, Outage)
    assert isinstance(told, Broadcast)
    assert outage.closes_at - ends_at >= minute
    assert told.note == {"text": "磁盘故障，已更换", "repaired": 2}
    assert await case.stage() == Stage.RUNNING
    assert isinstance(await case.bid(9, 8_000), Taken)


async def test_a_held_lot_is_not_settled_until_it_is_released(case: Case) -> None:
    await practice.close(case.pool, case.valkey, case.host, case.lot_id)
    await case.look()
    await tear(case, 1)
    await recovery.check(case.pool, case.valkey, case.pipe, NOW())
    assert await settle_lot(case.valkey, case.pool, NOTARY, case.lot_id, NOW()) is False
    await case.asked()
    await case.released(case.host)
    assert await settle_lot(case.valkey, case.pool, NOTARY, case.lot_id, NOW()) is True
