"""Scenarios: processes killed, power cut, while bids run and lots close."""

from __future__ import annotations

import asyncio
import random
import time
from functools import partial

from loadtests.crash.lots import LONG_MS, Hall, a_hall
from loadtests.crash.rounds import Brought, brought
from loadtests.crash.spoilt import unnoticed
from loadtests.crash.stand import PARTS, Stand, eventually

AGAIN_MAX_S, AGAIN_AFTER_START_MAX_S, REPLACED_MAX_S = 5.0, 10.0, 10.0
ALL = " + ".join(PARTS)
SLOW_US = 100_000  # Valkey waits so long at each key it writes into a new log
SLOW = "rdb-key-save-delay"


def now_s() -> float:
    """The loop's clock."""
    return asyncio.get_running_loop().time()


async def kill(stand: Stand, dice: random.Random) -> Brought:
    """One part, or all at once, at any moment; a second lot closes and is settled about then."""
    parts = dice.choice([*((part,) for part in PARTS), PARTS])
    async with a_hall(stand, dice, (LONG_MS, dice.randint(900, 1_800))) as hall:
        await hall.warm()
        await asyncio.sleep(dice.random())
        moment_s = now_s()
        pids = {part: stand.kill(part) for part in parts}
        again_s = await hall.all_bid_since(moment_s, AGAIN_MAX_S)
        for part, pid in pids.items():
            await eventually(partial(stand.replaced, part, pid), REPLACED_MAX_S, f"a new {part}")
        return await _reckoned(hall, dice, again_s)


async def kill_of_two(stand: Stand, dice: random.Random) -> Brought:
    """One of two server processes."""
    async with a_hall(stand, dice, (LONG_MS, dice.randint(900, 1_800))) as hall:
        await hall.warm()
        await asyncio.sleep(dice.random())
        moment_s = now_s()
        stand.kill("worker")
        return await _reckoned(hall, dice, await hall.all_bid_since(moment_s, AGAIN_MAX_S))


async def kill_at_the_close(stand: Stand, dice: random.Random) -> Brought:
    """A part dies within ±150 ms of the end of two lots: between accept, push, close and settlement."""
    duration_ms, parts = 1_300, dice.choice([("worker",), ("valkey",), ("postgres",), ("worker", "valkey")])
    async with a_hall(stand, dice, (duration_ms, duration_ms)) as hall:
        log = await eventually(lambda: stand.live_log(hall.lots[0].lot_id), 5, "the lot is open")
        left_s = log[0]["closes_at"] / 1_000 - time.time()
        await asyncio.sleep(max(0.0, left_s + dice.uniform(-0.15, 0.15)))
        for part in parts:
            stand.kill(part)
        return await _reckoned(hall, dice, 0.0)


async def behead(stand: Stand, dice: random.Random) -> Brought:
    """Everything at once, the supervisor too; started again by hand."""
    async with a_hall(stand, dice, (LONG_MS, dice.randint(900, 1_800))) as hall:
        await hall.warm()
        await asyncio.sleep(dice.random())
        await stand.behead()
        return await _started_again(stand, hall, dice, "")


async def cut_power(stand: Stand, dice: random.Random) -> Brought:
    """All dies, and of Valkey's files only what was synced is left."""
    async with a_hall(stand, dice, (LONG_MS, dice.randint(900, 1_800))) as hall:
        await hall.warm()
        await asyncio.sleep(dice.random())
        await stand.behead()
        gone = stand.machine.forget_unsynced(stand.aof)
        return await _started_again(stand, hall, dice, f"{gone} bytes unsynced")


async def begin_rewrite(stand: Stand) -> None:
    """Have Valkey write its log anew, slowly; back when it is at it."""
    await stand.valkey("CONFIG", "SET", SLOW, str(SLOW_US))
    await stand.valkey("BGREWRITEAOF")

    async def at_it() -> bool:
        return "aof_rewrite_in_progress:1" in await stand.valkey("INFO", "persistence")

    await eventually(at_it, 5, "the rewrite runs")


async def cut_power_in_a_rewrite(stand: Stand, dice: random.Random) -> Brought:
    """The same while Valkey writes its log anew; every second time it has just finished."""
    async with a_hall(stand, dice, (LONG_MS, dice.randint(900, 1_800))) as hall:
        await hall.warm()
        await begin_rewrite(stand)
        await asyncio.sleep(dice.random() * 0.4)
        if dice.random() < 0.5:
            await stand.valkey("CONFIG", "SET", SLOW, "0")
            await asyncio.sleep(dice.random() * 0.3)
        await stand.behead()
        gone = stand.machine.forget_unsynced(stand.aof)
        return await _started_again(stand, hall, dice, f"{gone} bytes unsynced")


async def _started_again(stand: Stand, hall: Hall, dice: random.Random, note: str) -> Brought:
    await stand.start()
    again_s = await hall.all_bid_since(now_s(), AGAIN_AFTER_START_MAX_S)
    return await _reckoned(hall, dice, again_s, note)


async def _reckoned(hall: Hall, dice: random.Random, again_s: float, note: str = "") -> Brought:
    """The round's sums; and the checker must find every spoilt version of what it has just passed."""
    lots = await hall.reckon()
    asleep = []
    for one in lots:
        if not one.faults and one.counts[0] > 1:
            asleep += [f"the checker did not notice {name}" for name in unnoticed(one.history, one.record, dice)[1]]
    return brought(lots, again_s, note, asleep)
