"""Keys made, used and revoked."""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec

from accounts import records, throttle
from accounts.acts import Act
from accounts.audit import audit
from accounts.keys.rules import BY_A_PERSON, DAY_MS, KEY, KEYS_MAX, MARK, bearable, narrowed
from accounts.model import Actor
from accounts.records import moment
from accounts.rules import may_act
from plumbing import sql
from plumbing.postgres import Connection, Record
from plumbing.problems import Problem

SQL = sql.load(Path(__file__).with_name("records.sql"))
SECRET_BYTES = 32
WINDOW_S = 60


class Wanted(msgspec.Struct, frozen=True):
    """A key to be made: its name, acts, how many requests a minute, for how many days."""

    name: str
    acts: frozenset[str]
    per_minute: int
    days: int


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()


async def make(conn: Connection, actor: Actor, wanted: Wanted, now_ms: int) -> str:
    """Make a key that acts for ``actor``; the key itself, which is told this once.

    Raises ``Problem`` 422 for acts he has not or that no key bears, 409 with ``KEYS_MAX`` keys in use.
    """
    if not wanted.acts or not wanted.acts <= set(bearable(actor)):
        raise Problem(422, "key_acts")
    await conn.execute(SQL["one_at_a_time"], actor.user_id)
    if await conn.fetchval(SQL["live_keys_of"], actor.user_id, moment(now_ms)) >= KEYS_MAX:
        raise Problem(409, "keys_too_many", most=KEYS_MAX)
    key = MARK + secrets.token_urlsafe(SECRET_BYTES)
    made = await conn.fetchval(
        SQL["add_key"], actor.org_id, actor.user_id, wanted.name, _digest(key), sorted(wanted.acts), wanted.per_minute,
        moment(now_ms), moment(now_ms + wanted.days * DAY_MS),
    )  # fmt: skip
    detail = {"name": wanted.name, "acts": sorted(wanted.acts), "days": wanted.days}
    await audit(conn, actor, "key.made", f"key:{made}", detail=detail)
    return key


def administers(actor: Actor, now_ms: int) -> bool:
    """Whether he is an administrator of his own organisation."""
    return may_act(actor, Act.ORG_MANAGE, region=actor.region, org_id=actor.org_id, now_ms=now_ms)


async def keys_of(conn: Connection | Any, actor: Actor, now_ms: int, limit: int, offset: int) -> list[Record]:
    """His keys, for an administrator those of his organisation; the ones in use first."""
    given = (actor.user_id, actor.org_id, administers(actor, now_ms), limit, offset)
    rows: list[Record] = await conn.fetch(SQL["keys_of"], *given)
    return rows


async def revoke(conn: Connection, actor: Actor, key_id: UUID, now_ms: int) -> None:
    """End a key at once: one's own, or one of the organisation for its administrator. Raises ``Problem`` 404."""
    given = (key_id, actor.user_id, actor.org_id, moment(now_ms), administers(actor, now_ms))
    name = await conn.fetchval(SQL["revoke"], *given)
    if name is None:
        raise Problem(404, "key_unknown")
    await audit(conn, actor, "key.revoked", f"key:{key_id}", detail={"name": name})


async def actor_of(state: Any, key: str, address: str) -> Actor:
    """Who acts by ``key``: its person as he is now, with the key's acts alone; ``session`` is the key's id.

    Raises ``Problem`` 401 for a key that is unknown, revoked, over, or whose person has gone elsewhere; 429 beyond its
    requests a minute.
    """
    now_ms = state.clock.now_ms()
    found = (
        await state.postgres.fetchrow(SQL["key_by_secret"], _digest(key), moment(now_ms))
        if KEY.fullmatch(key)
        else None
    )
    if found is None:
        raise Problem(401, "key_unknown", headers={"WWW-Authenticate": "Bearer"})
    await throttle.count(state.valkey, "key", str(found["id"]), most=found["per_minute"], window_s=WINDOW_S)
    ends = records.millis(found["expires_at"])
    person = await records.actor(state.postgres, found["person_id"], found["id"], ends, now_ms)
    if person is None or person.confined or person.org_id != found["org_id"]:
        raise Problem(401, "key_unknown", headers={"WWW-Authenticate": "Bearer"})
    await state.postgres.execute(SQL["used"], found["id"], moment(now_ms), address[:100])
    return msgspec.structs.replace(narrowed(person, frozenset(found["acts"]) - BY_A_PERSON), key=found["id"])
