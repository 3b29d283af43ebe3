"""The live side of the composition: lots' function library, followers, the bid desk, and the tasks of each process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

from starlette.datastructures import State
from starlette.routing import BaseRoute

from accounts import sessions
from accounts.outgoing.sending import Sender
from accounts.todo import counting
from auction.case import access, late, recovery
from auction.case.shelf import shelved
from auction.doors import (
    actpages,
    casepages,
    listpages,
    livepages,
    practicepages,
    resultpages,
    routes,
    sealedpages,
    sockets,
    transcripts,
    wizardpages,
)
from auction.doors.bells import Bells
from auction.doors.presence import Presence
from auction.lot import live
from auction.lot.bidding import Desk
from auction.lot.follower import Room
from auction.lot.herald import Herald
from auction.practice.rivals import Rivals
from auction.transcript.notary import Notary
from ledger import keys
from plumbing import metrics
from plumbing.cluster.client import channels_of, pipe_to
from plumbing.faults import until_there
from plumbing.notices import Notices
from plumbing.sockets.doors import Sockets
from registries.experts import calling
from registries.products import alerts
from registries.suppliers import checking
from server.approvals import DESKS
from server.common import rereaders
from server.deadlines import Deadlines
from server.forgetting import Forgetting
from server.handlers import on_deal
from server.settings import site_name, transcript_keys
from server.things import find_case
from server.todo import Marks, ways_out

# Doors of the live rooms; filled by the rooms as they land.
ROUTES: list[BaseRoute] = [
    *sockets.ROUTES, *routes.ROUTES, *wizardpages.ROUTES, *listpages.ROUTES, *casepages.ROUTES,
    *actpages.ROUTES, *resultpages.ROUTES, *practicepages.ROUTES, *transcripts.ROUTES, *livepages.ROUTES,
    *sealedpages.ROUTES,
]  # fmt: skip


DOORS = {**sockets.DOORS, **counting.DOORS}
"""The doors of live sockets."""


@asynccontextmanager
async def run(state: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    """Start what runs beside the doors, hand out what the doors need in ``request.state``, stop it at the end."""
    valkey, pool, clock = state["valkey"], state["postgres"], state["clock"]
    await live.load(valkey)
    pipe = pipe_to(valkey)
    await until_there("records", lambda: recovery.check(pool, valkey, pipe, clock.now_ms()))
    channels = channels_of(valkey, state["settings"].valkey_url)
    room = Room(valkey, channels, partial(shelved, pool))
    herald = Herald(pipe, room.here)
    desk = Desk(valkey, pipe, clock, state["texts"], herald.tell, partial(late.answer, pool))
    bells = Bells(room)
    presence = Presence(pool, clock)
    count = counting.Counting(pool, clock)
    known = rereaders(state)
    heard = {"lot": bells.heard, "session": presence.heard, "todo": count.heard}
    heard |= {channel: one.heard for channel, one in known.items()}
    notices = Notices(state["settings"].postgres_url, heard)
    rivals = Rivals(valkey, clock)
    notary = Notary(keys.load(transcript_keys(state["settings"])), site_name(state["settings"]))
    await notary.publish_keys(pool)
    deadlines = Deadlines(valkey, pipe, pool, clock, on_deal, notary)
    forgetting = Forgetting(valkey, pool, clock, state["settings"].live_keys_kept_h)
    room.start()
    settings = state["settings"]
    gate = Sockets(DOORS, settings.public_origin or "", clock.now_ms, settings.sockets_per_address_max)
    gate.start()
    marks = Marks(pool, clock, state["texts"], settings.public_origin)
    beside = {
        "deadlines": deadlines.run(), "loop-lag": metrics.watch_loop(), "notices": notices.run(),
        "presence": presence.run(), "sweeping": forgetting.run(), "todo-count": count.run(),
        "todo-marks": marks.run(), "draws": calling.run(pool, state["texts"], clock),
        "product-prices": alerts.run(pool, clock),
        "product-usage": state["usage"].run(pool),
        "outside-registers": checking.run(pool, state["registers"], clock),
        "sending": Sender(pool, clock, ways_out(pool, clock, settings)).run(),
    }  # fmt: skip
    beside |= {channel: one.run() for channel, one in known.items()}
    tasks = [asyncio.create_task(work, name=name) for name, work in beside.items()]
    try:
        more = {
            "room": room, "bells": bells, "presence": presence, "counting": count, "desk": desk, "pipe": pipe,
            "deadlines": deadlines, "notary": notary, "on_deal": on_deal, "sockets": gate, "rivals": rivals,
            "known": sessions.asked_together(pool, clock.now_ms), "seat_facts": access.asked_together(pool),
            "desks": DESKS, "find_case": find_case,
        }  # fmt: skip
        # What every socket holds on to: one for all, where a request has a state of its own.
        yield {**more, "lobby": State({**state, **more})}
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await rivals.close()
        await gate.close()
        await deadlines.close()
        desk.close()
        herald.close()
        await pipe.close()
        await room.close()
        await channels.close()
