"""Scenarios: Valkey's log comes back damaged. It must be found or refused, and never be served as if it were whole.

A torn end loads silently, by one bid too short: only an anchor outside the live store can tell, here the transcript in
Postgres. It signs within about a second, so the damage is done once everything is signed.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from loadtests.bench.product import ProductError
from loadtests.crash.checker import lost, ranking
from loadtests.crash.history import Record
from loadtests.crash.lots import Hall, Lot, a_hall
from loadtests.crash.rounds import Brought, Play, brought
from loadtests.crash.stand import AWAY, Stand, TooLateError, eventually

TORN_BYTES, ZEROED_BYTES = 37, 512
SIGNED_MAX_S, LOOKED_AT_S, FOUND_MAX_S = 10.0, 4.0, 10.0

Damage = Callable[[bytearray, bytes, random.Random], str]


async def _come_to_rest(stand: Stand, hall: Hall) -> None:
    """End the bidding; wait until the anchor outside the live store holds all of it."""
    await hall.stop()
    lot_id = hall.lots[0].lot_id

    async def all_signed() -> bool:
        return await stand.signed(lot_id) == len(await stand.live_log(lot_id))

    await eventually(all_signed, SIGNED_MAX_S, "everything is signed")


def _log_file(stand: Stand) -> Path:
    return max(stand.aof.glob("*.incr.aof"), key=lambda path: int(path.name.split(".")[-3]))


def _entries(data: bytearray, lot: bytes) -> list[int]:
    """Where the lot's entries of the log begin in Valkey's file."""
    return [found.start() for found in re.finditer(rb"XADD\r\n\$\d+\r\n\{s\d+\}:lot:" + lot, data)]


def torn(data: bytearray, lot: bytes, dice: random.Random) -> str:
    """The file ends within the lot's last entry."""
    place = _entries(data, lot)[-1] + TORN_BYTES
    gone = len(data) - place
    del data[place:]
    return f"{gone} bytes cut"


def zeroed(data: bytearray, lot: bytes, dice: random.Random) -> str:
    """The last sector holds zeros."""
    data[-ZEROED_BYTES:] = bytes(ZEROED_BYTES)
    return f"{ZEROED_BYTES} bytes zeroed"


def repriced(data: bytearray, lot: bytes, dice: random.Random) -> str:
    """One digit of a price in the lot's log is another."""
    place = data.index(b'"price":', dice.choice(_entries(data, lot)[1:])) + len('"price":') + 3
    data[place] = ord("0") + (data[place] - ord("0") + 1) % 10
    return "one digit of a price"


def flipped(data: bytearray, lot: bytes, dice: random.Random) -> str:
    """One bit is another, anywhere from the lot's first entry on."""
    place = dice.randrange(_entries(data, lot)[0], len(data))
    before = data[place]
    data[place] ^= 1 << dice.randrange(8)
    return f"{bytes([before])!r} became {bytes([data[place]])!r} in {bytes(data[place - 12 : place + 12])!r}"


def damaged(how: Damage) -> Play:
    """The scenario: all dies, the file is damaged, all is started again."""

    async def play(stand: Stand, dice: random.Random) -> Brought:
        """The start is refused in words, or the lot is found out, held, and its record put back."""
        async with a_hall(stand, dice) as hall:
            await hall.warm()
            await _come_to_rest(stand, hall)
            await stand.behead()
            file = _log_file(stand)
            data = bytearray(file.read_bytes())
            done = how(data, str(hall.lots[0].lot_id).encode(), dice)
            file.write_bytes(data)
            acked = len({ask.bid for ask in hall.lots[0].history.taken()})
            try:
                await stand.start()
            except ProductError as error:
                told = "Bad file format" in str(error) or "Unrecoverable" in str(error)
                return Brought([] if told else [f"the start failed without a word: {error}"], acked,
                               note=f"{done}: start refused")  # fmt: skip
            return await _found_out(stand, hall, done, acked)

    return play


async def _found_out(stand: Stand, hall: Hall, done: str, acked: int) -> Brought:
    """The lot is held and its record put back whole; or it closes, is found out then, or nothing in it was harmed."""
    lot = hall.lots[0]
    with suppress(TooLateError):
        found = await eventually(lambda: stand.contradiction(lot.lot_id), LOOKED_AT_S, "the lot is held")
        return await _put_back(stand, lot, f"{done}: {found['why']}; held", found, acked)
    with suppress(*AWAY):
        await asyncio.to_thread(hall.host.ask, "POST", f"/api/practice/lots/{lot.lot_id}/close")

    async def decided() -> bool:
        return bool(await stand.settled(lot.lot_id) or await stand.contradiction(lot.lot_id))

    with suppress(TooLateError):
        await eventually(decided, FOUND_MAX_S, "the lot is settled or held")
        found = await stand.contradiction(lot.lot_id)
        if found:
            return await _put_back(stand, lot, f"{done}: {found['why']}; held at the close", found, acked)
        whole = brought(await hall.reckon(), note=f"{done}: did no harm")
        return whole._replace(wrong=[f"{done}, served silently: {fault}" for fault in whole.wrong])
    return Brought([f"{done}: neither settled nor held"], acked)


async def _put_back(stand: Stand, lot: Lot, note: str, found: Mapping[str, Any], acked: int) -> Brought:
    """Every acknowledged bid is in the record again, or it says why it could not be."""
    if found["put_back"] is None:
        return Brought([], acked, note=f"{note}; not put back: {found['fault']}")
    log = await stand.live_log(lot.lot_id)
    missing = lost(lot.history, Record(log, 1, len(log), ranking(log), None, None, by_host=True))
    wrong = [f"{note}: {missing} acknowledged bids are not in the record put back"] if missing else []
    return Brought(wrong, acked, note=f"{note}, {found['put_back']} entries put back")
