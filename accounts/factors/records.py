"""The tables of second factors, and their only caller."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from msgspec import Struct

from plumbing import sql
from plumbing.postgres import Connection, Pool

SQL = sql.load(Path(__file__).with_name("records.sql"))


class Factors(Struct, frozen=True):
    """What somebody has: an authenticator 动态口令 or not, so many passkeys 通行密钥, recovery codes 恢复码."""

    totp: bool
    passkeys: int
    recovery_codes: int

    @property
    def any(self) -> bool:
        """Whether he has a second factor. Recovery codes alone are none: they replace one that was lost."""
        return self.totp or self.passkeys > 0


async def factors_of(conn: Connection | Pool, person_id: UUID) -> Factors:
    """What this person has."""
    row = await conn.fetchrow(SQL["factors_of"], person_id)
    assert row is not None
    return Factors(row["totp"], row["passkeys"], row["recovery_codes"])


async def drop_all(conn: Connection | Pool, person_id: UUID) -> None:
    """Take every second factor from this person: he lost them, or is to begin anew."""
    for name in ("drop_totp", "drop_passkeys", "drop_recovery_codes"):
        await conn.execute(SQL[name], person_id)
