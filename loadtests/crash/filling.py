"""Scenarios: the disk is full, the memory is full, Postgres is away, the clock of the machine is stepped."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress

from loadtests.crash.breaking import AGAIN_AFTER_START_MAX_S, AGAIN_MAX_S, now_s
from loadtests.crash.lots import LONG_MS, Hall, a_hall
from loadtests.crash.rounds import Brought, Play, brought
from loadtests.crash.stand import Stand, eventually

FULL_S, STEPPED_S, SETTLED_AFTER_MAX_S = 2.0, 2.0, 5.0
HOUR_MS, SHORT_MS = 3_600_000, 8_000
END_MOVED_MAX_S = 6.0
TOLD = {"OUTCOME_UNKNOWN", "CLOCK_SKEW"}  # what a bidder may hear besides "taken" while something is wrong


def _unclear(hall: Hall, allowed: set[str]) -> list[str]:
    """Refusals that tell a bidder something untrue about his bid."""
    heard = {code for bidder in hall.bidders for code in bidder.refused} - allowed
    return [f"bidders were told {code}" for code in sorted(heard)]


async def fill_disk(stand: Stand, dice: random.Random) -> Brought:
    """Every write of Valkey fails for two seconds."""
    async with a_hall(stand, dice) as hall:
        await hall.warm()
        await asyncio.sleep(dice.random())
        before = stand.machine.refused_writes
        stand.machine.fill_disk(True)
        try:
            await asyncio.sleep(FULL_S)
        finally:
            stand.machine.fill_disk(False)
        bitten = stand.machine.refused_writes - before
        again_s = await hall.all_bid_since(now_s(), AGAIN_AFTER_START_MAX_S)
        more = _unclear(hall, {"OUTCOME_UNKNOWN"}) + ([] if bitten else ["the disk was not full"])
        return brought(await hall.reckon(), again_s, f"{bitten} writes failed", more)


async def fill_memory(stand: Stand, dice: random.Random) -> Brought:
    """Valkey may take no more memory for two seconds."""
    async with a_hall(stand, dice) as hall:
        await hall.warm()
        await asyncio.sleep(dice.random())
        allowed = (await stand.valkey("CONFIG", "GET", "maxmemory"))[1]
        await stand.valkey("CONFIG", "SET", "maxmemory", "1")
        roomy = False
        try:
            with suppress(RuntimeError):
                await stand.valkey("SET", "crash", "full")
                roomy = True
            await asyncio.sleep(FULL_S)
        finally:
            await stand.valkey("CONFIG", "SET", "maxmemory", allowed)
        again_s = await hall.all_bid_since(now_s(), AGAIN_AFTER_START_MAX_S)
        more = _unclear(hall, {"OUTCOME_UNKNOWN"}) + (["the memory was not full"] if roomy else [])
        return brought(await hall.reckon(), again_s, "", more)


def postgres_away(for_s: float) -> Play:
    """The scenario with Postgres gone for so long."""

    async def play(stand: Stand, dice: random.Random) -> Brought:
        """Lots go on and one closes meanwhile; no bid is refused; it is settled when Postgres is back."""
        async with a_hall(stand, dice, (LONG_MS, int(for_s * 500))) as hall:
            await hall.warm()
            with stand.held_down("postgres"):
                went_s = now_s()
                await asyncio.sleep(for_s)
                meanwhile = sum(done > went_s for bidder in hall.bidders for _, done in bidder.taken)
            await eventually(stand.postgres_answers, 4 * SETTLED_AFTER_MAX_S, "Postgres is back")
            short, back_s = hall.lots[1], now_s()
            await eventually(lambda: stand.settled(short.lot_id), 4 * SETTLED_AFTER_MAX_S, "settled")
            took_s = now_s() - back_s
            more = _unclear(hall, set())
            more += [] if meanwhile else ["no bid was taken while Postgres was away"]
            hall.in_time("settled, with Postgres back,", took_s, SETTLED_AFTER_MAX_S)
            note = f"{meanwhile} bids taken meanwhile, settled {took_s:.1f} s after"
            return brought(await hall.reckon(), 0.0, note, more)

    return play


def clock_stepped(by_ms: int, stays: bool = False) -> Play:
    """The scenario with the wall clock of every process of the machine put forward or back: for two seconds, or so."""

    async def play(stand: Stand, dice: random.Random) -> Brought:
        """No lot closes early or late, time in the log never runs backwards, bidding goes on within five seconds."""
        async with a_hall(stand, dice, (LONG_MS, SHORT_MS)) as hall:
            await hall.warm()
            before, stepped_s = int((await stand.valkey("TIME"))[0]), now_s()
            stand.machine.step_clock(by_ms)
            try:
                await asyncio.sleep(STEPPED_S)
                moved = int((await stand.valkey("TIME"))[0]) - before
                if not stays:
                    stand.machine.step_clock(0)
                again_s = await hall.all_bid_since(stepped_s if stays else now_s(), AGAIN_MAX_S)
                lots = await hall.reckon()
            finally:
                stand.machine.step_clock(0)
                if stays:  # a step of its own, within which the next round must not open its lots
                    await asyncio.sleep(STEPPED_S)
            more = _unclear(hall, TOLD)
            more += [] if abs(moved * 1_000 - by_ms) < 10_000 else [f"the clock moved by {moved} s"]
            ends = [[event["closes_at"] for event in lot.record.log if "closes_at" in event] for lot in lots]
            longest_s = max(end[-1] - end[0] for end in ends) / 1_000
            more += [] if longest_s <= END_MOVED_MAX_S else [f"an end moved by {longest_s:.0f} s"]
            return brought(lots, again_s, f"the end moved by {longest_s:.1f} s at most", more)

    return play
