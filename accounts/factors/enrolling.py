"""登记第二因素: a new authenticator is taken once it has shown a code; recovery codes come with the first."""

from __future__ import annotations

import asyncio
import base64
from typing import Any, NamedTuple
from uuid import UUID

from accounts import passwords, throttle
from accounts.factors import codes, vault
from accounts.factors.proving import ATTEMPTS_ELSEWHERE, WINDOW_S
from accounts.factors.records import SQL
from plumbing.postgres import Connection
from plumbing.problems import Problem

BEGUN_S = 15 * 60
SITE = "阳采"


class Begun(NamedTuple):
    """An authenticator to be added: the secret to type, in groups of four, and the QR code to scan (SVG)."""

    secret: str
    picture: str


def _key(person_id: UUID) -> str:
    return f"enrol:{person_id}"


async def begin(state: Any, person_id: UUID, login: str) -> Begun:
    """A new secret for this person, or the one begun in the last 15 minutes; it is not his yet."""
    kept = await state.valkey.get(_key(person_id))
    known = vault.unseal(state.settings, person_id, base64.b64decode(kept)) if kept else None
    secret = known.decode() if known else codes.new_secret()
    sealed = vault.seal(state.settings, person_id, secret.encode())
    await state.valkey.set(_key(person_id), base64.b64encode(sealed), ex=BEGUN_S)
    groups = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    return Begun(groups, codes.picture(codes.address(secret, login, SITE)))


async def check(state: Any, person_id: UUID, typed: str) -> tuple[bytes, int]:
    """The sealed secret that was begun, and the step of the code typed: the authenticator works.

    Raises ``Problem`` 401 ``bad_code``, 409 ``enrolment_over`` when it was begun too long ago, 429 after ten attempts.
    """
    await throttle.count(state.valkey, "enrol", str(person_id), most=ATTEMPTS_ELSEWHERE, window_s=WINDOW_S)
    kept = await state.valkey.get(_key(person_id))
    secret = vault.unseal(state.settings, person_id, base64.b64decode(kept)) if kept else None
    if secret is None:
        raise Problem(409, "enrolment_over")
    step = codes.step_of(secret.decode(), typed, state.clock.now_ms(), 0)
    if step is None:
        raise Problem(401, "bad_code")
    await state.valkey.delete(_key(person_id))
    return vault.seal(state.settings, person_id, secret), step


async def new_codes() -> tuple[list[str], list[str]]:
    """Ten recovery codes to be shown once, and what is kept of them."""
    shown = codes.new_recovery_codes()
    read = [codes.read_recovery_code(code) for code in shown]
    hashed = await asyncio.gather(*(passwords.hash_password(found[1]) for found in read if found))
    return shown, list(hashed)


async def put_codes(conn: Connection, person_id: UUID, hashed: list[str]) -> None:
    """Keep these recovery codes in place of all before."""
    await conn.execute(SQL["drop_recovery_codes"], person_id)
    for n, one in enumerate(hashed, 1):
        await conn.execute(SQL["add_recovery_code"], person_id, n, one)
