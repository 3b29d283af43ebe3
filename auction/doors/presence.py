"""在场: whose sockets are open in this process, and what becomes of them when a session ends or a right is another.

Postgres tells every process (the notices of channel ``session``); within a moment the sockets of an ended session are
closed, and everyone else named sits anew, by the rights he has now. An idle time never takes a bidder out of a running
lot: his open socket counts as use of the session, and a session whose 12 hours are over lasts until the lot has ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Protocol
from uuid import UUID

import msgspec

from accounts import sessions
from accounts.model import Actor
from plumbing import logs
from plumbing.clock import Clock
from plumbing.faults import BROKEN_PIPES
from plumbing.postgres import Pool
from plumbing.stopping import heed
from standards.workdays import day_of

LOOK_EVERY_S = 1.0
KEEP_EVERY_MS = 60_000
REMEMBERED_MS = 30_000
"""So long an ended session is remembered: whoever was let in just before still learns of it."""

log = logs.get(__name__)


class Guest(Protocol):
    """One open socket or event stream of somebody who is logged in."""

    actor: Actor | None

    @property
    def bidding(self) -> bool:
        """Whether he sits as a bidder at a lot that runs or is paused."""

    async def sit_anew(self, actor: Actor) -> None:
        """His rights may be others: take every seat again as ``actor``."""

    def dismiss(self) -> None:
        """His session is over: close the connection."""


class Told(msgspec.Struct, frozen=True):
    """A notice: a session that ended (``lapsed``: its time was over), or a person or organisation to look at."""

    session: UUID | None = None
    person: UUID | None = None
    org: UUID | None = None
    lapsed: bool = False


_told = msgspec.json.Decoder(Told).decode


def ends_at(actor: Actor) -> int:
    """When the session or the first of the grants ends (epoch ms)."""
    return min([actor.expires_at_ms, *(each.valid_until_ms for each in actor.grants if each.valid_until_ms)])


class Presence:
    """Everyone in this process who is logged in and has a socket open."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool, self._clock = pool, clock
        self._guests: dict[UUID, set[Guest]] = {}
        self._ended: dict[UUID, int] = {}
        self._doubtful: dict[UUID, None] = {}
        self._woken = asyncio.Event()
        self._kept_at = clock.now_ms()
        self._day = day_of(self._kept_at)

    def enter(self, guest: Guest) -> None:
        """A socket is open. Whoever is not logged in is not kept."""
        if guest.actor is None:
            return
        session = guest.actor.session
        self._guests.setdefault(session, set()).add(guest)
        if session in self._ended:
            self._doubt([session])

    def leave(self, guest: Guest) -> None:
        """It is closed."""
        if guest.actor is None:
            return
        others = self._guests.get(guest.actor.session)
        if others is not None:
            others.discard(guest)
            if not others:
                del self._guests[guest.actor.session]

    def heard(self, text: str) -> None:
        """A notice of Postgres; an empty one after a time of not hearing: anything may have changed."""
        if not text:
            self._doubt(self._all())
            return
        told = _told(text)
        if told.session is not None:
            if not (told.lapsed and self._bidding(told.session)):
                self._ended[told.session] = self._clock.now_ms() + REMEMBERED_MS
                self._doubt([told.session])
            return
        self._doubt(session for session in self._guests if _concerns(self._actor_of(session), told))

    async def run(self) -> None:
        """Look at who was named, at whose time is over, and keep the sessions of bidders, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._woken.wait()
            except TimeoutError:
                self._look()
            heed()
            self._woken.clear()
            try:
                await self._settle()
                await self._keep()
            except Exception as error:  # whoever is in doubt stays so, and is asked about again
                if isinstance(error, BROKEN_PIPES):
                    log.warning("presence.waits", error=type(error).__name__)
                else:
                    log.error("presence.broke", exc_info=True)
                await asyncio.sleep(LOOK_EVERY_S)
                self._woken.set()

    def _doubt(self, named: Iterable[UUID]) -> None:
        self._doubtful.update(dict.fromkeys(named))
        if self._doubtful:
            self._woken.set()

    def _actor_of(self, session: UUID) -> Actor:
        actor = next(iter(self._guests[session])).actor
        assert actor is not None  # else he was not kept
        return actor

    def _all(self) -> list[UUID]:
        """Every session, but those whose time is over and which a bidder in a running lot still uses."""
        now = self._clock.now_ms()
        return [
            session
            for session in self._guests
            if self._actor_of(session).expires_at_ms > now or not self._bidding(session)
        ]

    def _bidding(self, session: UUID) -> bool:
        return any(guest.bidding for guest in self._guests.get(session, ()))

    def _look(self) -> None:
        """Whose session or grant is over by the clock; with a new day, when bans begin and end, everyone."""
        now = self._clock.now_ms()
        self._ended = {session: until for session, until in self._ended.items() if until > now}
        today = day_of(now)
        if today != self._day:
            self._day = today
            self._doubt(self._all())
            return
        self._doubt(session for session in self._all() if ends_at(self._actor_of(session)) <= now)

    async def _settle(self) -> None:
        """Ask Postgres about everyone in doubt, one after the other; who is not settled stays in doubt."""
        while self._doubtful:
            session = next(iter(self._doubtful))
            await self._settle_one(session)
            self._doubtful.pop(session, None)

    async def _settle_one(self, session: UUID) -> None:
        guests = list(self._guests.get(session, ()))
        if not guests:
            return
        actor = await sessions.looked_at(self._pool, session, self._clock.now_ms())
        for guest in guests:
            if actor is None:
                guest.dismiss()
            else:
                await guest.sit_anew(actor)

    async def _keep(self) -> None:
        """Bidders of running lots are using their sessions, though they send no other request."""
        now = self._clock.now_ms()
        if now - self._kept_at < KEEP_EVERY_MS:
            return
        self._kept_at = now
        await sessions.keep(self._pool, [session for session in self._guests if self._bidding(session)], now)


def _concerns(actor: Actor, told: Told) -> bool:
    return actor.user_id == told.person or actor.org_id == told.org
