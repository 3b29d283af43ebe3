"""会话: who is behind a request. The browser holds a token of 256 random bits, Postgres only its SHA-256."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from starlette.requests import HTTPConnection
from starlette.responses import Response

from accounts import records, rules
from accounts.model import Actor
from accounts.records import SQL, millis, moment
from plumbing import logs
from plumbing.gather import Gather
from plumbing.postgres import Connection, Pool, Record

TOKEN_BYTES = 32


def digest(token: str) -> bytes:
    """What is stored of a token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def is_https(settings: Any) -> bool:
    """Whether people reach us by https (``public_origin`` of the settings says so)."""
    return str(getattr(settings, "public_origin", "") or "").startswith("https://")


def cookie_name(settings: Any) -> str:
    """``__Host-yangcai`` under https, so that no neighbour site can set it; else ``yangcai``."""
    return "__Host-yangcai" if is_https(settings) else "yangcai"


async def begin(
    conn: Connection | Pool,
    person_id: UUID,
    now_ms: int,
    *,
    address: str = "",
    agent: str = "",
    how: str = "password",
    proved: bool = False,
    idle_s: int = rules.SESSION_IDLE_S,
) -> str:
    """Open a session of 12 hours and return its token, which is told once and kept nowhere.

    ``how`` he came in; ``proved``: by a second factor; ``idle_s``: how long it may stay unused.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    ends = moment(now_ms + rules.SESSION_MS)
    await conn.execute(SQL["end_old_sessions"], moment(now_ms))
    came = (address[:100], agent[:300].replace("\0", ""), how, moment(now_ms) if proved else None, idle_s)
    await conn.execute(SQL["add_session"], digest(token), person_id, moment(now_ms), ends, *came)
    return token


async def _alive(conn: Connection | Pool, rows: Sequence[Record], now_ms: int) -> list[tuple[Record, Actor]]:
    """Those of the sessions that live, each with its actor; the others are ended."""
    found = []
    for row in rows:
        seen_at_ms, expires_at_ms = millis(row["seen_at"]), millis(row["expires_at"])
        idle_s = row["idle_s"]
        if not rules.session_lives(seen_at_ms=seen_at_ms, expires_at_ms=expires_at_ms, idle_s=idle_s, now_ms=now_ms):
            await end(conn, row["session"])
            continue
        if row["id"]:
            proved_at_ms = millis(row["proved_at"]) if row["proved_at"] else 0
            found.append((row, records.actor_of(row, row["session"], expires_at_ms, proved_at_ms)))
    return found


async def _used(conn: Connection | Pool, rows: Sequence[Record], now_ms: int) -> list[tuple[Record, Actor]]:
    """``_alive``, and those that live are in use now."""
    found = await _alive(conn, rows, now_ms)
    before = now_ms - rules.SESSION_TOUCH_MS
    await keep(conn, [row["session"] for row, _ in found if millis(row["seen_at"]) <= before], now_ms)
    return found


async def by_tokens(conn: Connection | Pool, tokens: Iterable[str], now_ms: int) -> dict[str, Actor]:
    """The actors of tokens, without those that are unknown, ended, idle too long, or whose person is switched off."""
    by_digest = {digest(token): token for token in tokens if 0 < len(token) <= 200}
    if not by_digest:
        return {}
    rows = await conn.fetch(SQL["sessions_by_token"], list(by_digest), moment(now_ms))
    return {by_digest[row["token_sha256"]]: actor for row, actor in await _used(conn, rows, now_ms)}


async def by_token(conn: Connection | Pool, token: str, now_ms: int) -> Actor | None:
    """The actor of one token, or None (see ``by_tokens``)."""
    return (await by_tokens(conn, [token], now_ms)).get(token)


async def by_id(conn: Connection | Pool, session: UUID, now_ms: int) -> Actor | None:
    """The actor of a session known by its id, as a ticket names it."""
    rows = await conn.fetch(SQL["session_by_id"], session, moment(now_ms))
    return next((actor for _, actor in await _used(conn, rows, now_ms)), None)


async def looked_at(conn: Connection | Pool, session: UUID, now_ms: int) -> Actor | None:
    """``by_id`` for the server's own look: nobody has used the session by it, so its idle time goes on."""
    rows = await conn.fetch(SQL["session_by_id"], session, moment(now_ms))
    return next((actor for _, actor in await _alive(conn, rows, now_ms)), None)


def asked_together(pool: Pool, now_ms: Callable[[], int]) -> Gather[str, Actor]:
    """``by_token`` for a crowd: tokens that come together are one question."""

    async def ask(tokens: Sequence[str]) -> dict[str, Actor]:
        return await by_tokens(pool, tokens, now_ms())

    return Gather(ask)


async def keep(conn: Connection | Pool, used: Collection[UUID], now_ms: int) -> None:
    """The sessions ``used`` are in use, though no request says so: none of them is idle."""
    if used:
        await conn.execute(SQL["touch_sessions"], list(used), moment(now_ms))


async def prove(conn: Connection | Pool, session: UUID, now_ms: int) -> None:
    """In this session he has just proved that it is he."""
    await conn.execute(SQL["prove_session"], session, moment(now_ms))


async def end(conn: Connection | Pool, session: UUID) -> None:
    """End a session. A second time does nothing."""
    await conn.execute(SQL["end_session"], session)


async def end_own(conn: Connection | Pool, actor: Actor, session: UUID) -> bool:
    """End one session of the person; whether there was one."""
    return await conn.fetchval(SQL["end_session_of"], session, actor.user_id) is not None


async def end_others(conn: Connection | Pool, actor: Actor) -> None:
    """End every session of the person but the one he acts in."""
    await conn.execute(SQL["end_other_sessions"], actor.user_id, actor.session)


async def actor(conn: HTTPConnection, known: Gather[str, Actor] | None = None) -> Actor | None:
    """Who is behind this request or socket; asked of Postgres once per request, of ``known`` where that is given.

    Who is confined is nobody outside of what stays open to him. Behind a door that declares an act he comes with the
    grants alone that bear it.
    """
    state = conn.state
    if not hasattr(state, "who"):
        token = conn.cookies.get(cookie_name(state.settings), "")
        ask = known or partial(by_token, state.postgres, now_ms=state.clock.now_ms())
        person = await ask(token) if token else None
        outside = person and person.confined and not rules.stays_open_to_the_confined(conn.scope["path"])
        state.who = None if outside else person
        if state.who is not None:
            logs.bind(user=state.who.login)
    found: Actor | None = state.who
    act: str = getattr(state, "act", "")
    return rules.bearing(found, act) if found is not None and act else found


def give_cookie(response: Response, settings: Any, token: str) -> None:
    """Hand the token to the browser, out of reach of scripts and of other sites' forms."""
    response.set_cookie(
        cookie_name(settings), token, max_age=rules.SESSION_MS // 1000, path="/", secure=is_https(settings),
        httponly=True, samesite="lax",
    )  # fmt: skip


def take_cookie(response: Response, settings: Any) -> None:
    """Take the token back from the browser."""
    response.delete_cookie(cookie_name(settings), path="/", secure=is_https(settings), httponly=True, samesite="lax")
