"""Negative controls: with a weaker setting, or a guard taken away, the suite must see the loss. Else it is asleep."""

from __future__ import annotations

import asyncio
import random

from loadtests.crash.breaking import begin_rewrite
from loadtests.crash.checker import doubled, faults, lost, ranking
from loadtests.crash.history import Record
from loadtests.crash.lots import Hall, a_hall
from loadtests.crash.rounds import Brought
from loadtests.crash.stand import Stand, eventually

RUN_S, SWEPT_S = 0.4, 6.0
NOBODY = "0|0||0|0"  # a standing as it is before the first bid
FORGOTTEN_TIMES, CUTS_MAX = 100, 5
UNSYNCED_BYTES = 6_000  # more than all bidders have under way
_FORGET = """
redis.call('DEL', KEYS[1])
for i = 2, #ARGV do redis.call('HSET', KEYS[2], ARGV[i], ARGV[1]) end
redis.call('HSET', KEYS[3], 'chain', '')  -- else the referee believes what it remembers of the lot
"""


async def _seen_live(stand: Stand, hall: Hall, what: str, *kinds: str) -> Brought:
    """End the bidding; the checker, on what the live store holds, must name one of these kinds of fault."""
    await hall.stop()
    lot = hall.lots[0]
    log = await stand.live_log(lot.lot_id)
    record = Record(log, 1, len(log), ranking(log), None, None, by_host=True)
    found = [fault for fault in faults(lot.history, record) if fault.startswith(kinds)]
    acked = len({ask.bid for ask in lot.history.taken()})
    note = f"found: {lost(lot.history, record)} lost, {doubled(record)} doubled"
    return Brought([] if found else [f"{what}, and nothing was missed"], acked, note=note)


async def everysec(stand: Stand, dice: random.Random) -> Brought:
    """``appendfsync everysec``, then power is cut."""
    async with a_hall(stand, dice) as hall:
        await hall.warm()
        for _ in range(CUTS_MAX):
            await stand.valkey("CONFIG", "SET", "appendfsync", "everysec")
            await asyncio.sleep(RUN_S + dice.random())
            # right after a sync there is nothing to lose, and one may come between the look and the cut
            await eventually(lambda: stand.machine.unsynced(stand.aof) > UNSYNCED_BYTES, 10, "something is not synced")
            await stand.behead()
            if stand.machine.unsynced(stand.aof) > UNSYNCED_BYTES:
                break
            await stand.start()
        stand.machine.forget_unsynced(stand.aof)
        await stand.start()
        return await _seen_live(stand, hall, "power was cut under everysec", "acknowledged and lost")


async def no_sync_in_a_rewrite(stand: Stand, dice: random.Random) -> Brought:
    """``no-appendfsync-on-rewrite yes``, then power is cut during a rewrite."""
    async with a_hall(stand, dice) as hall:
        await hall.warm()
        await stand.valkey("CONFIG", "SET", "no-appendfsync-on-rewrite", "yes")
        await begin_rewrite(stand)
        await asyncio.sleep(RUN_S)
        await stand.behead()
        stand.machine.forget_unsynced(stand.aof)
        await stand.start()
        return await _seen_live(stand, hall, "power was cut in an unsynced rewrite", "acknowledged and lost")


async def no_log(stand: Stand, dice: random.Random) -> Brought:
    """``appendonly no``, then Valkey is killed."""
    async with a_hall(stand, dice) as hall:
        await hall.warm()
        await stand.valkey("CONFIG", "SET", "appendonly", "no")
        await asyncio.sleep(RUN_S)
        pid = stand.kill("valkey")
        await eventually(lambda: stand.replaced("valkey", pid), 10, "a new Valkey")
        return await _seen_live(stand, hall, "Valkey without its log was killed", "acknowledged and lost")


async def ids_forgotten(stand: Stand, dice: random.Random) -> Brought:
    """Request ids and standings are taken out of the live store: repeats are taken a second time."""
    async with a_hall(stand, dice) as hall:
        await hall.warm()
        key = (await stand.valkey("SCAN", "0", "MATCH", f"*lot:{hall.lots[0].lot_id}", "COUNT", "10000000"))[1][0]
        aliases = [bidder.alias for bidder in hall.bidders]
        for _ in range(FORGOTTEN_TIMES):
            await stand.valkey("EVAL", _FORGET, "3", key + ":ids", key + ":who", key, NOBODY, *aliases)
            await asyncio.sleep(RUN_S / 20)
        return await _seen_live(stand, hall, "request ids were forgotten", "stored twice", "two answers")


async def outbox_robbed(stand: Stand, dice: random.Random) -> Brought:
    """The closed lot is taken out of the outbox before it is settled."""
    async with a_hall(stand, dice, (2_500,)) as hall:
        lot = hall.lots[0]
        await eventually(lambda: all(bidder.taken for bidder in lot.bidders), 5, "everyone bids")
        with stand.held_down("postgres"):
            key = (await stand.valkey("SCAN", "0", "MATCH", f"*lot:{lot.lot_id}", "COUNT", "10000000"))[1][0]
            await eventually(lambda: _closed(stand, key), 10, "the lot closes")
            await stand.valkey("ZREM", key.split(":")[0] + ":settle", str(lot.lot_id))
            await asyncio.sleep(RUN_S)
        await hall.stop()
        await asyncio.sleep(SWEPT_S)
        said = faults(lot.history, await eventually(lambda: stand.record(lot.lot_id, False), 10, "Postgres is back"))
        found = [fault for fault in said if fault.startswith("not exactly one settlement")]
        acked = len({ask.bid for ask in lot.history.taken()})
        wrong = [] if found else ["the outbox was robbed, and nothing was missed"]
        return Brought(wrong, acked, note="found: no settlement")


async def _closed(stand: Stand, key: str) -> bool:
    return bool(await stand.valkey("HGET", key, "stage") == "closing")
