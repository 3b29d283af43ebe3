"""Experts of the demo: a small library, a draw that is done with its fees and appraisals, and one that is calling."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any
from uuid import UUID

from accounts import names, passwords, records
from accounts.model import Actor, Grant, Role
from accounts.records import moment
from plumbing.postgres import Connection
from plumbing.texts import Texts
from registries.experts import after, calling, draw, drawing, library
from registries.experts.draw import Answer, Hand
from registries.experts.model import Attendance, Dossier, Employment, Party, Presence, Title
from registries.experts.reading import Asked
from registries.experts.records import SQL
from registries.experts.rules import Method
from registries.parameters import records as parameters
from server.demo.people import HANGZHOU, PASSWORD
from standards.params import RuleParam
from standards.workdays import day_of

HOUR_MS = 3_600_000
COMPUTERS, DEVICES = "A02010000", "A02090000"
NINGBO = "330200"
LIVE = "会议设备竞争性磋商（演示）"
FIRST = ("expert", "沈专家", HANGZHOU, (COMPUTERS, DEVICES))
OTHERS = (
    ("expert2", "蒋工", HANGZHOU, (COMPUTERS,)),
    ("expert3", "韩工", HANGZHOU, (DEVICES,)),
    ("expert4", "杨工", HANGZHOU, (DEVICES, "C16000000")),
    ("expert5", "朱工", NINGBO, (COMPUTERS, DEVICES)),
    ("expert6", "秦工", NINGBO, (COMPUTERS, DEVICES)),
    ("expert7", "尤工", NINGBO, (DEVICES,)),
)
WAITING = ("expert8", "许工", HANGZHOU, (COMPUTERS, "C16000000"))
As = Callable[[Connection, str], Awaitable[Any]]


def _dossier(name: str, region: str, specialties: tuple[str, ...], n: int) -> Dossier:
    unit = f"浙江第{n}研究院（演示）"
    return Dossier(
        name=name, region=region, phone=f"1380000{n:04d}", born=date(1970 + n, 5, 1), title=Title.SENIOR,
        title_since=date(2012, 1, 1), specialties=specialties,
        employments=(Employment(Party(unit, names.key_of(unit)), date(2005, 1, 1)),),
    )  # fmt: skip


async def seed(conn: Connection, settings: Any, texts: Texts, as_person: As, now_ms: int) -> None:
    """The library, with one who waits for review; then the draw that is done. Once."""
    first, finance = [await as_person(conn, login) for login in ("expert", "supervisor")]
    secret = await passwords.hash_password(PASSWORD)
    for login, name, *_ in (*OTHERS, WAITING):
        given = {"org_id": first.org_id, "login": login, "name": name, "password_hash": secret}
        person_id = await records.add_person(conn, **given)
        await records.add_grant(conn, person_id, Grant(Role.EXPERT, "", first.org_id))
    for n, (login, name, region, specialties) in enumerate((FIRST, *OTHERS, WAITING), 1):
        expert = await as_person(conn, login)
        await library.file(conn, expert, _dossier(name, region, specialties, n), now_ms)
        if login != WAITING[0]:
            await library.decide(conn, finance, expert.user_id, True, "", now_ms)
    await conn.execute("UPDATE person_contact SET by_sms = false, by_voice = false")  # their numbers are made up
    slow = RuleParam("experts.reply_minutes", "33", day_of(now_ms), None, 240, "演示")
    await parameters.put_param(conn, slow, None)
    await _done(conn, settings, texts, as_person, now_ms)


async def _drawn(
    conn: Connection, settings: Any, texts: Texts, as_person: As, asked: Asked, at_ms: int
) -> tuple[UUID, Actor, Actor]:
    """A draw of the purchaser's with the supervisor as its second hand, its first experts called."""
    buyer, second = [await as_person(conn, login) for login in ("buyer", "supervisor")]
    draw_id = await drawing.request(conn, buyer, asked, settings, at_ms)
    held = {Hand.FIRST: (buyer, secrets.token_hex(32)), Hand.SECOND: (second, secrets.token_hex(32))}
    for hand, (actor, secret) in held.items():
        await drawing.commit(conn, actor, draw_id, draw.commitment(str(draw_id), hand, secret), at_ms)
    for actor, secret in held.values():
        await drawing.reveal(conn, actor, draw_id, secret, settings, texts, at_ms)
    return draw_id, buyer, second


async def _waiting(conn: Connection, draw_id: UUID) -> list[str]:
    rows = await conn.fetch(SQL["tickets"], draw_id)
    logins = [
        await conn.fetchval("SELECT login FROM person WHERE id = $1", row["person_id"])
        for row in rows
        if row["called_at"] is not None and row["answer"] is None
    ]  # fmt: skip
    return [str(login) for login in logins]


async def _done(conn: Connection, settings: Any, texts: Texts, as_person: As, now_ms: int) -> None:
    """A draw of yesterday: one declined and was replaced; published, attended, one fee paid and one to confirm."""
    review_ms, asked_ms = now_ms - 5 * HOUR_MS, now_ms - 24 * HOUR_MS
    asked = Asked(
        title="办公电脑采购项目（演示）", specialty=COMPUTERS, method=Method.OTHER, group=3, need=2,
        review_at_ms=review_ms, wide=False, avoided=(),
    )  # fmt: skip
    draw_id, buyer, second = await _drawn(conn, settings, texts, as_person, asked, asked_ms)
    while waiting := await _waiting(conn, draw_id):
        said = Answer.DECLINED if waiting[0] == "expert2" else Answer.ACCEPTED
        await calling.answer(conn, await as_person(conn, waiting[0]), draw_id, said, texts, asked_ms + 300_000)
    for hand in (buyer, second):
        await calling.turn_key(conn, hand, draw_id, review_ms - HOUR_MS // 3)
    await calling.publish(conn, buyer, draw_id, review_ms)
    end_ms = review_ms + 7 * HOUR_MS // 2
    for one in await conn.fetch(after.SQL["came"], draw_id):
        told = Attendance(Presence.CAME, review_ms, end_ms, 0)
        await after.attend(conn, buyer, draw_id, one["person_id"], told, now_ms)
        marks = {"skill": 5, "conduct": 5, "punctual": 4}
        await after.appraise_expert(conn, buyer, draw_id, one["person_id"], marks, "评审认真负责", now_ms)
        login = await conn.fetchval("SELECT login FROM person WHERE id = $1", one["person_id"])
        if login != "expert":
            expert = await as_person(conn, login)
            await after.answer_fee(conn, expert, draw_id, True, "", now_ms)
            await after.pay(conn, buyer, draw_id, one["person_id"], now_ms)
            said_of_host = {"order": 4, "neutral": 5, "service": 4}
            await after.appraise_host(conn, expert, draw_id, said_of_host, "现场有序", now_ms)


async def live(conn: Connection, settings: Any, texts: Texts, as_person: As, now_ms: int) -> None:
    """A draw that is calling: one has accepted, others are silent; the demo's expert is among those called."""
    calls = "SELECT true FROM draw WHERE stage = 'calling' AND title = $1 AND review_at > $2"
    if await conn.fetchval(calls, LIVE, moment(now_ms)):
        return
    asked = Asked(
        title=LIVE, specialty=DEVICES, method=Method.OTHER, group=3, need=3,
        review_at_ms=now_ms + 24 * HOUR_MS, wide=False, avoided=(),
    )  # fmt: skip
    draw_id, *_ = await _drawn(conn, settings, texts, as_person, asked, now_ms)
    ready = [login for login in await _waiting(conn, draw_id) if login != "expert"][:1]
    for login in ready:
        await calling.answer(conn, await as_person(conn, login), draw_id, Answer.ACCEPTED, texts, now_ms)
