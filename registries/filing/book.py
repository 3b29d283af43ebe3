"""One registry's filings 填报记录: kept, decided, read. Each writing in the caller's transaction."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

import msgspec

from accounts import names
from accounts.acts import Act
from accounts.admin import organising
from accounts.admin.organising import NewOrg
from accounts.audit import audit
from accounts.model import Actor
from accounts.records import moment
from accounts.rules import may_act
from plumbing import sql
from plumbing.postgres import Connection, Pool, Record
from plumbing.problems import Problem
from registries.filing.model import Stage, status_after_review
from standards import uscc as codes


class Filed(Protocol):
    """A dossier 档案 of any registry: complete each time, so that two versions can be compared."""

    @property
    def name(self) -> str:
        """The subject's name."""

    @property
    def uscc(self) -> str:
        """Its credit code."""

    @property
    def region(self) -> str:
        """Its home: there it is decided."""


D = TypeVar("D", bound=Filed)


class Version(msgspec.Struct, Generic[D], frozen=True):
    """One filing, and what was in force when it came; None for the first."""

    row: Record
    before: D | None
    after: D


class Kept(msgspec.Struct, Generic[D], frozen=True):
    """A filing just kept: its id, the dossier with its code as it is written, whether the code must be looked at."""

    id: UUID
    dossier: D
    needs_proof: bool


class Book(Generic[D]):
    """The filings of the registry ``kind`` (its tables are ``<kind>`` and ``<kind>_filing``).

    ``shape``: the dossier it keeps; ``act``: what one must be allowed, at the home of the subject, to decide.
    """

    def __init__(self, kind: str, shape: type[D], act: Act) -> None:
        self.kind, self.shape, self.act = kind, shape, act
        queries = sql.load(Path(__file__).with_name("filings.sql"))
        self.sql = {name: text.replace("{kind}", kind) for name, text in queries.items()}

    def read(self, content: Any) -> D:
        """The dossier in a column ``content``."""
        return msgspec.convert(content, self.shape)

    async def keep(
        self, conn: Connection, org_id: UUID, dossier: D, now_ms: int, by: UUID, *, pledged: bool = False
    ) -> Kept[D]:
        """Keep a dossier as filed by the person ``by``; one that waited is replaced.

        Raises ``Problem`` 409 where another organisation has the name or the code, 422 for what is no code.
        """
        needs_proof = codes.check(dossier.uscc).needs_proof
        code = await organising.check_names(conn, NewOrg(dossier.name, self.kind, dossier.region, dossier.uscc), org_id)
        content = msgspec.to_builtins(dossier) | {"uscc": code or ""}
        await conn.execute(self.sql["replace_waiting"], org_id)
        given = (org_id, dossier.region, content, pledged, needs_proof, moment(now_ms), by)
        made: UUID = await conn.fetchval(self.sql["add_filing"], *given)
        return Kept(made, self.read(content), needs_proof)

    async def carry(self, conn: Connection, org_id: UUID, dossier: D) -> None:
        """Write name, code and home of a dossier that comes into force to its organisation and people."""
        named = (dossier.name, names.key_of(dossier.name), dossier.uscc or None, dossier.region)
        await conn.execute(self.sql["carry_names"], org_id, *named)
        await conn.execute(self.sql["carry_people"], org_id, dossier.region)

    async def filing(self, conn: Connection | Pool, actor: Actor, filing_id: UUID, now_ms: int) -> Record:
        """A filing that the actor may review: its home is his. 404 for every other."""
        row: Record | None = await conn.fetchrow(self.sql["filing"], filing_id)
        if row is None or not may_act(actor, self.act, region=row["region"], now_ms=now_ms):
            raise Problem(404, "filing_unknown")
        return row

    async def decide(
        self, conn: Connection, actor: Actor, filing_id: UUID, decision: Stage, remark: str, proven: bool, now_ms: int
    ) -> tuple[UUID, str, D | None]:
        """Approve a filing, return it with what is to be corrected, or reject it: not who it says it is.

        The organisation, its status from now on, and the dossier that the registry has to bring into force; None where
        it was not approved. One that is rejected gives name and code back. Raises ``Problem`` 404 outside of the
        actor's places, 409 when it is decided or replaced, or a name was taken meanwhile, or an active one is to be
        rejected (that is a ban's matter), 422 without a reason, or for a doubtful code nobody has looked at.
        """
        row = await self.filing(conn, actor, filing_id, now_ms)
        org_id, now = row["org_id"], await conn.fetchval(self.sql["lock"], row["org_id"])
        if decision is not Stage.APPROVED and not remark:
            raise Problem(422, "reason_missing")
        if decision is Stage.APPROVED and row["needs_proof"] and not proven:
            raise Problem(422, "filing_proof_needed")
        if decision is Stage.REJECTED and now == "active":
            raise Problem(409, "filing_of_active")
        if not await conn.fetchval(self.sql["decide"], filing_id, decision, moment(now_ms), actor.user_id, remark):
            raise Problem(409, "filing_decided")
        after, dossier = status_after_review(now, decision), None
        if decision is Stage.APPROVED:
            dossier = self.read(row["content"])
            new = NewOrg(dossier.name, self.kind, dossier.region, dossier.uscc)
            await organising.check_names(conn, new, org_id)
            await self.carry(conn, org_id, dossier)
        if dossier is not None and row["needs_proof"]:
            await conn.execute(self.sql["uscc_proven"], org_id)
        await conn.execute(self.sql["set_status"], org_id, after)
        if decision is Stage.REJECTED:
            await conn.execute(self.sql["free_names"], org_id)
        detail = {"filing": str(filing_id), "standing": after, "remark": remark}
        await audit(conn, actor, f"{self.kind}.{decision}", f"{self.kind}:{org_id}", detail=detail)
        return org_id, after, dossier

    async def close(self, conn: Connection, actor: Actor) -> None:
        """注销: nothing new from now on; what was begun is ended. Filed and approved again, it is back.

        Raises ``Problem`` 409 for one that is closed already, or was never registered.
        """
        if await conn.fetchval(self.sql["lock"], actor.org_id) in (None, "closed"):
            raise Problem(409, f"{self.kind}_closed")
        await conn.execute(self.sql["replace_waiting"], actor.org_id)
        await conn.execute(self.sql["set_status"], actor.org_id, "closed")
        await audit(conn, actor, f"{self.kind}.closed", f"{self.kind}:{actor.org_id}")

    async def last(self, conn: Connection | Pool, org_id: UUID) -> tuple[Record | None, D | None]:
        """The newest filing and its dossier."""
        row = await conn.fetchrow(self.sql["last_filing"], org_id)
        return row, None if row is None else self.read(row["content"])

    async def before(self, conn: Connection | Pool, row: Record) -> D | None:
        """What was in force before the filing of this row; None for a first one."""
        content = await conn.fetchval(self.sql["before"], row["org_id"], row["no"])
        return None if content is None else self.read(content)

    async def in_force(self, conn: Connection | Pool, org_id: UUID, *, active: bool) -> D | None:
        """The dossier last approved of an ``active`` subject, of another the one last filed."""
        content = await conn.fetchval(self.sql["in_force"], org_id, active)
        return None if content is None else self.read(content)

    async def history(self, conn: Connection | Pool, org_id: UUID) -> list[Record]:
        """Every filing as it is listed, the latest first."""
        return await conn.fetch(self.sql["history"], org_id)

    async def versions(self, conn: Connection | Pool, org_id: UUID) -> list[Version[D]]:
        """Every filing of a subject with what it changed, the latest first."""
        found: list[Version[D]] = []
        approved: D | None = None
        for row in reversed(await self.history(conn, org_id)):
            after = self.read(row["content"])
            found.append(Version(row, approved, after))
            approved = after if row["stage"] == Stage.APPROVED else approved
        return found[::-1]
