"""验证第二因素: whether the code somebody types is his. Attempts are few; others' count for no device of his."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from accounts import passwords, throttle
from accounts.audit import audit
from accounts.factors import codes, vault
from accounts.factors.records import SQL
from plumbing import logs
from plumbing.problems import Problem

ATTEMPTS_PER_DEVICE, ATTEMPTS_ELSEWHERE = 5, 10
WINDOW_S = 15 * 60
ATTEMPTS_PER_DAY, DAY_S = 30, 24 * 3_600
"""Thirty of a million codes a day, three of them good at a time: an even chance to guess one takes twenty years."""

log = logs.get(__name__)


async def by_code(state: Any, person_id: UUID, login: str, device: str, typed: str) -> str:
    """Check an authenticator's code or a recovery code: ``code`` or ``recovery``, which is then used up.

    ``device`` is the token of a device that knows the login, empty for others. Raises ``Problem`` 401 ``bad_code``, 429
    after 5 attempts in 15 minutes on a device that knows him, or 10 from all others together, and after 30 a day:
    whoever found out a password tries few codes, and takes no attempt from the person's own devices.
    """
    who = f"{person_id}\n{device}" if device else str(person_id)
    most = ATTEMPTS_PER_DEVICE if device else ATTEMPTS_ELSEWHERE
    await throttle.count(state.valkey, "factor", who, most=most, window_s=WINDOW_S)
    await throttle.count(state.valkey, "factor-day", who, most=ATTEMPTS_PER_DAY, window_s=DAY_S)
    recovery = codes.read_recovery_code(typed)
    how = "recovery" if recovery else "code"
    fits = await _recovers(state, person_id, *recovery) if recovery else await _counts(state, person_id, login, typed)
    if not fits:
        await audit(state.postgres, None, "account.factor", f"login:{login}", "refused", {"how": how})
        raise Problem(401, "bad_code")
    for what in ("factor", "factor-day"):
        await throttle.forget(state.valkey, what, who)
    return how


async def _counts(state: Any, person_id: UUID, login: str, typed: str) -> bool:
    row = await state.postgres.fetchrow(SQL["totp_of"], person_id)
    if row is None:
        return False
    secret = vault.unseal(state.settings, person_id, row["secret"])
    if secret is None:
        log.error("totp.unreadable", login=login)
        return False
    step = codes.step_of(secret.decode(), typed, state.clock.now_ms(), row["last_step"])
    if step is None or await state.postgres.fetchval(SQL["use_totp"], person_id, step) is None:
        return False
    anew = vault.seal(state.settings, person_id, secret)
    if vault.key_of(anew) != vault.key_of(row["secret"]):
        await state.postgres.execute(SQL["seal_totp_anew"], person_id, row["secret"], anew)
    return True


async def _recovers(state: Any, person_id: UUID, n: int, letters: str) -> bool:
    stored = await state.postgres.fetchval(SQL["recovery_code"], person_id, n)
    try:
        if not await passwords.verify_password(stored, letters):
            return False
    except passwords.TooBusy:
        raise Problem(503, "unavailable", headers={"Retry-After": "5"}) from None
    return await state.postgres.fetchval(SQL["use_recovery_code"], person_id, n, stored) is not None
