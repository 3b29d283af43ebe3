"""The play: every session at once, one line per supplier, one task per item that sends bid after bid and closes.

A bid is sent when it is due *and* the item's previous bid has its answer, so that sockets cannot reorder the record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from loadtests.replay.door import Door, TurnedAwayError
from loadtests.replay.explain import explain
from loadtests.replay.line import Line
from loadtests.replay.record import Item, RecordedBid, Session
from loadtests.replay.tally import ItemOutcome, Tally
from loadtests.replay.timeline import closes_at_ms, timeline

DURATION_MS = 300 * 24 * 3_600_000
PREPARING_MAX = 2
CONNECTING_MAX = 16
TICKETS_PER_CALL = 40
SETTLED_WAIT_S = 120.0
TRANSIENT = frozenset({"RATE", "CLOCK_SKEW", "OUTCOME_UNKNOWN"})
"""Refusals that judge the moment and not the bid: the same id is sent again."""
REHEARSED = "rehearsed"

RULES: dict[str, Any] = {
    "ceiling": None,
    "decrement": {"kind": "absolute", "amount": 0, "against": "own"},
    "duration_ms": DURATION_MS,
    "overtime": {"extensions_max": 0},
    "suppliers_min": 1,
    "visibility": "rank_only",
    "big_drop_bp": 0,
}
"""The record's rules: improve on one's own last bid by at least a unit, no ceiling, no overtime, no confirmation."""


class Play:
    """One replay against one server, at ``speed`` times the recorded pace."""

    def __init__(self, door: Door, tally: Tally, speed: float) -> None:
        self._door, self._tally, self._speed = door, tally, speed
        self._preparing = asyncio.Semaphore(PREPARING_MAX)
        self._connecting = asyncio.Semaphore(CONNECTING_MAX)

    async def run(self) -> None:
        """Open all sessions, then play them at once; returns when every item has its result.

        The first thing that breaks is raised.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        sessions = [session for session in self._tally.sessions if session.playable]
        async with asyncio.TaskGroup() as tasks:
            prepared = [tasks.create_task(self._prepare(session)) for session in sessions]
        self._tally.open_s = loop.time() - began
        async with asyncio.TaskGroup() as tasks:
            for session, task in zip(sessions, prepared, strict=True):
                tasks.create_task(self._session(session, *task.result()))
        self._tally.wall_s = loop.time() - began

    async def _prepare(self, session: Session) -> tuple[Stage, dict[str, Line]]:
        async with self._preparing:
            stage = await open_practice(self._door, session)
            return stage, await self._lines(session, stage)

    async def _session(self, session: Session, stage: Stage, lines: dict[str, Line]) -> None:
        began = asyncio.get_running_loop().time()
        line = timeline(session)

        def due_s(at_ms: int) -> float:
            return began + line.due_ms(at_ms) / 1000 / self._speed

        try:
            async with asyncio.TaskGroup() as tasks:
                for item in session.playable:
                    tasks.create_task(self._item(session, item, stage, lines, due_s))
        finally:
            await asyncio.gather(*(one.close() for one in lines.values()))

    async def _lines(self, session: Session, stage: Stage) -> dict[str, Line]:
        lines: dict[str, Line] = {}
        names = session.suppliers
        for start in range(0, len(names), TICKETS_PER_CALL):
            part = names[start : start + TICKETS_PER_CALL]
            tickets = await take_tickets(self._door, stage.auction_id, part)
            for name in part:
                fetch = partial(_first_then_new, [tickets[name]], self._door, stage.auction_id, name)
                lines[name] = Line(self._door.socket_url, self._door.origin, fetch, self._tally)
            await asyncio.gather(*(self._open(lines[name]) for name in part))
        return lines

    async def _open(self, line: Line) -> None:
        async with self._connecting:
            await line.open()

    async def _item(
        self, session: Session, item: Item, stage: Stage, lines: dict[str, Line], due_s: Callable[[int], float]
    ) -> None:
        verdict = self._tally.verdicts[item.session, item.number]
        lot = stage.lots[item.number]
        end = closes_at_ms(item)
        answers, closed = [], False
        for position, bid in enumerate(item.bids):
            if not closed and item.closed_s_ms is not None and bid.at_ms >= end:
                await self._close(lot, due_s(end))
                closed = True
            await self._wait(due_s(bid.at_ms))
            self._tally.late_ms.append((asyncio.get_running_loop().time() - due_s(bid.at_ms)) * 1000)
            answers.append(await self._bid(lines[bid.supplier], lot, f"{lot[-12:]}-{position:06d}", bid))
        if not closed:
            await self._close(lot, due_s(end))
        result = await self._result(lot)
        names = {alias: name for name, alias in stage.aliases[item.number].items()}
        ranking = tuple((names.get(row["alias"], row["alias"]), row["price"]) for row in result["standings"])
        award = explain(session, item, verdict)
        final_n = result["final_n"] or 0
        self._tally.closed(ItemOutcome(item, verdict, tuple(answers), ranking, result["stage"], final_n, award))

    async def _bid(self, line: Line, lot: str, request_id: str, bid: RecordedBid) -> str:
        """Send one bid to its end; the code of its refusal, empty when taken."""
        self._tally.sent += 1
        while True:
            answer = await line.bid(lot, request_id, bid.value)
            code = str(answer.get("code", "")) if answer["t"] == "refused" else ""
            if code not in TRANSIENT:
                break
            self._tally.held_back += 1
            await asyncio.sleep(0.1)
        self._tally.repeats += bool(answer.get("repeat"))
        self._tally.answered(code)
        return code

    async def _wait(self, due_s: float) -> None:
        left = due_s - asyncio.get_running_loop().time()
        if left > 0:
            await asyncio.sleep(left)

    async def _close(self, lot: str, due_s: float) -> None:
        await self._wait(due_s)
        try:
            await self._door.post(f"/api/practice/lots/{lot}/close", {})
        except TurnedAwayError as turned:
            # A close that was done, its answer lost, is no longer possible the second time.
            if turned.status != 409:
                raise

    async def _result(self, lot: str) -> dict[str, Any]:
        """The result once it stands in Postgres."""
        loop = asyncio.get_running_loop()
        give_up, pause = loop.time() + SETTLED_WAIT_S, 0.1
        while True:
            result: dict[str, Any] = await self._door.get(f"/api/lots/{lot}/result")
            if result["stage"] == REHEARSED or loop.time() > give_up:
                return result
            await asyncio.sleep(pause)
            pause = min(2.0, pause * 2)


class Stage:
    """What the server opened for a session: the auction, and by item number the lot and the aliases of its bidders."""

    def __init__(self, auction_id: str, lots: dict[str, str], aliases: dict[str, dict[str, str]]) -> None:
        self.auction_id, self.lots, self.aliases = auction_id, lots, aliases


async def open_practice(door: Door, session: Session) -> Stage:
    """Open a practice auction 模拟竞价 with one lot per item; the lots run at once."""
    items = session.playable
    lots = [
        {
            "title": f"{item.number} {item.name}"[:100],
            "rules": RULES,
            "bidders": list(dict.fromkeys(bid.supplier for bid in item.bids)),
        }
        for item in items
    ]
    answer = await door.post("/api/practice", {"title": f"Replay {session.id}", "opens_in_ms": 0, "lots": lots})
    opened = answer["lots"]
    return Stage(
        answer["auction_id"],
        {item.number: lot["lot_id"] for item, lot in zip(items, opened, strict=True)},
        {item.number: lot["aliases"] for item, lot in zip(items, opened, strict=True)},
    )


async def take_tickets(door: Door, auction_id: str, names: Sequence[str]) -> dict[str, str]:
    """One-time tickets, good for 30 s, by supplier."""
    answer = await door.post("/api/practice/tickets", {"auction_id": auction_id, "names": list(names)})
    tickets: dict[str, str] = answer["tickets"]
    return tickets


async def _first_then_new(first: list[str], door: Door, auction_id: str, name: str) -> str:
    """The ticket taken with the others, the first time; a new one for every later connection."""
    return first.pop() if first else (await take_tickets(door, auction_id, [name]))[name]
