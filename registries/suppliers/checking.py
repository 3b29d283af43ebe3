"""与外部登记核对: what other registers say of a supplier is taken over, not asked again, and held against its dossier.

At the filing all registers are asked; afterwards ``run`` asks again and again, and what speaks against a registered
supplier stands among the reviewer's things to do. Nobody is turned away because a register is silent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from accounts.acts import Act
from accounts.audit import audit
from accounts.model import Actor
from accounts.records import moment
from accounts.rules import may_act
from plumbing import sql
from plumbing.clock import Clock
from plumbing.faults import ever
from plumbing.postgres import Connection, Pool, Record
from plumbing.problems import Problem
from registries.outside import records as outside
from registries.outside import rules as outside_rules
from registries.outside.connector import Connector, ask
from registries.outside.model import Answer, Doubt, FirmExtract, Register, Stated
from registries.papers import records as papers
from registries.parameters import records as parameters
from registries.suppliers import filings, records
from registries.suppliers.dossier import Dossier
from registries.suppliers.model import Status
from registries.suppliers.reading import SHAREHOLDERS_MAX, files_of
from standards import regions, uscc
from standards.money import plain
from standards.workdays import day_of

SQL = sql.load(Path(__file__).with_name("checking.sql"))
DAY_MS, SILENT_AGAIN_MS = 86_400_000, 900_000
FRESH_MS = DAY_MS
PROVINCE = "330000"
AT_ONCE, LOOK_EVERY_S = 20, 30.0
PUBLIC = (Register.FIRM, Register.CREDIT)
Answers = Mapping[Register, Answer]


def stated(dossier: Dossier) -> Stated:
    """What registers can say something of."""
    holders = {word for each in dossier.shareholders for word in (each.name, each.key)} - {""}
    return Stated(dossier.name, dossier.region, dossier.head_name, frozenset(holders))


def doubts(dossier: Dossier, answers: Answers, today: date) -> list[Doubt]:
    """What in the answers a reviewer should look at."""
    return outside_rules.doubts(stated(dossier), answers.values(), today)


async def against(
    conn: Connection | Pool, org_id: UUID, dossier: Dossier, now_ms: int, heard: Answers | None = None
) -> list[str]:
    """What a reviewer should look at before he approves a dossier: keys of sentences; empty when all fits.

    ``heard``: the answers that count; else all that are known.
    """
    known = await outside.known(conn, dossier.uscc) if heard is None else heard
    found = doubts(dossier, known, day_of(now_ms))
    return [f"outside.doubt.{each}" for each in found] + await _of_papers(conn, org_id, dossier)


async def _of_papers(conn: Connection | Pool, org_id: UUID, dossier: Dossier) -> list[str]:
    """What looks forged about the certificates: pictures and numbers that others have, an editor, a foreign code."""
    files = files_of(dossier)
    told = await papers.told(conn, org_id, files)
    numbers = [f"{each.kind} {each.number}" for each in dossier.certificates]
    licences = [each for each in dossier.certificates if "营业执照" in each.kind]
    found = {
        "same_picture": bool(await papers.elsewhere(conn, org_id, files)),
        "edited": any(row["edited_with"] for row in told.values()),
        "same_number": await conn.fetchval(SQL["number_elsewhere"], org_id, numbers),
        "licence_number": any(uscc.check(each.number).code != dossier.uscc for each in licences),
    }
    return [f"paper.doubt.{name}" for name, so in found.items() if so]


def for_the_firm(heard: Answers, status: Status | None) -> dict[Register, Answer]:
    """What of the answers the firm itself may see: before its home has looked at it, only what is public.

    Anybody can file under a code that he read somewhere; taxes and social insurance are not for him.
    """
    known = status is Status.ACTIVE
    return {each: answer for each, answer in heard.items() if known or each in PUBLIC}


def told(firm: FirmExtract) -> dict[str, str]:
    """What the company register tells of the fields of the form; these are not asked."""
    fields = {
        "name": firm.name, "region": firm.region if firm.region in regions.NAMES else "", "head_name": firm.head_name,
        "address": firm.address, "capital": plain(firm.capital_fen) if firm.capital_fen else "",
    }  # fmt: skip
    return {name: value for name, value in fields.items() if value}


def filled(form: Mapping[str, str], firm: FirmExtract, before: Dossier) -> dict[str, str]:
    """The form with what the company register tells in place of what was typed, and the shareholders it names.

    A natural person's number is in no register that may be asked: the head's own is the one he gave, of others it is
    typed.
    """
    f = {**form, **told(firm)}
    rows = [
        n for n in range(1, SHAREHOLDERS_MAX + 1) if not any(f.get(f"holder-{n}-{part}") for part in ("name", "number"))
    ]
    known = {f.get(f"holder-{n}-{part}", "") for n in range(1, SHAREHOLDERS_MAX + 1) for part in ("name", "number")}
    head = f.get("head_id", "") or before.head_number
    for each in firm.holders:
        number = each.code or (head if each.name == firm.head_name else "")
        if number and rows and not {each.name, number} & known:
            n = rows.pop(0)
            f |= {
                f"holder-{n}-name": each.name,
                f"holder-{n}-number": number,
                f"holder-{n}-share": f"{each.share_bp / 100:g}",
            }
    return f


async def answers(
    state: Any, code: str, *, fresh_ms: int = FRESH_MS, registers: Iterable[Register] = tuple(Register)
) -> dict[Register, Answer]:
    """What the registers say of the firm with this code as typed; asked where it is older than ``fresh_ms``.

    Empty where no register is connected, or the code is none. Raises nothing for registers that are silent.
    """
    code = uscc.check(code).code
    if state.registers is None or not uscc.check(code).acceptable:
        return {}
    now_ms = state.clock.now_ms()
    known = await outside.known(state.postgres, code)
    due = tuple(each for each in registers if each not in known or known[each].seen_ms < now_ms - fresh_ms)
    if due:
        heard = await ask(state.registers, code, now_ms, due)
        async with state.postgres.acquire() as conn, conn.transaction():
            await outside.keep(conn, code, heard)
            known = await outside.known(conn, code)
    return known


async def compare(conn: Connection, org_id: UUID, now_ms: int, by: Actor | None = None) -> None:
    """Hold a registered supplier against what the registers say last, in the caller's transaction.

    What is new waits for the reviewer of its home, unless ``by`` has just looked at it; what is said no more is over.
    """
    facts = await records.facts(conn, org_id)
    if facts is None or facts.status is not Status.ACTIVE:
        return
    dossier = await filings.in_force(conn, facts)
    found = doubts(dossier, await outside.known(conn, facts.uscc), day_of(now_ms))
    await conn.execute(SQL["over"], org_id, found, moment(now_ms))
    await conn.execute(SQL["new"], org_id, found, moment(now_ms), by.user_id if by else None)


async def seen(conn: Connection, actor: Actor, doubt_id: UUID, remark: str, now_ms: int) -> UUID:
    """The reviewer looked into a doubt and says what came of it; the supplier.

    Raises ``Problem`` 404 outside of his places, 409 when it is over or was seen, 422 without a word.
    """
    row = await conn.fetchrow(SQL["doubt"], doubt_id)
    if row is None or not may_act(actor, Act.SUPPLIER_REVIEW, region=row["region"], now_ms=now_ms):
        raise Problem(404, "supplier_doubt_unknown")
    if row["seen_at"] is not None or row["over_at"] is not None:
        raise Problem(409, "supplier_doubt_over")
    if not remark.strip():
        raise Problem(422, "reason_missing")
    await conn.execute(SQL["seen"], doubt_id, moment(now_ms), actor.user_id, remark.strip()[:500])
    detail = {"doubt": row["doubt"], "remark": remark.strip()[:500]}
    await audit(conn, actor, "supplier.doubt_seen", f"supplier:{row['org_id']}", detail=detail)
    found: UUID = row["org_id"]
    return found


async def open_doubts(pool: Pool, org_id: UUID) -> list[Record]:
    """What speaks against a registered supplier now, the newest first."""
    return await pool.fetch(SQL["doubts_of"], org_id)


async def once(pool: Pool, connector: Connector, clock: Clock) -> int:
    """Ask again for the suppliers that are due, at most ``AT_ONCE``; how many they were."""
    now_ms = clock.now_ms()
    days = (await parameters.rule_set(pool, PROVINCE, now_ms)).number("registers.again_days")
    async with pool.acquire() as conn, conn.transaction():
        due = await outside.claim(conn, now_ms - days * DAY_MS, now_ms - SILENT_AGAIN_MS, now_ms, AT_ONCE)
    for org_id, code in due:
        heard = await ask(connector, code, now_ms, tuple(Register))
        async with pool.acquire() as conn, conn.transaction():
            await outside.keep(conn, code, heard)
            await compare(conn, org_id, now_ms)
    return len(due)


async def run(pool: Pool, connector: Connector | None, clock: Clock) -> None:
    """Keep suppliers true by asking again, until cancelled; several processes share the work."""
    if connector is None:
        return

    async def all_due() -> None:
        while await once(pool, connector, clock) == AT_ONCE:
            pass

    await ever("outside registers", all_due, LOOK_EVERY_S)
