"""通知与答复: who is next is called, answers, is replaced; names open by two keys and are told with the result."""

from __future__ import annotations

from uuid import UUID

from accounts.audit import audit
from accounts.model import Actor
from accounts.outgoing.sending import SQL as OUT
from accounts.records import millis, moment
from plumbing.clock import Clock
from plumbing.faults import ever
from plumbing.postgres import Connection, Pool, Record
from plumbing.problems import Problem
from plumbing.texts import Texts
from registries.experts.draw import Answer, Hand, next_calls
from registries.experts.records import SQL, hand_of, holds, locked, note, ticket, tickets

MINUTE_MS = 60_000
SWEEP_EVERY_S = 2.0
FOLLOWED = ("filled", "opened", "published")
"""Where the draw that follows one whose list ran out must stand before the names of that one may open."""
CHANNELS = ("sms", "voice", "email")


async def go_on(conn: Connection, row: Record, texts: Texts, now_ms: int) -> None:
    """Call whoever is next in a drawn draw; filled when enough have accepted, exhausted when nobody is left."""
    listed = await tickets(conn, row["id"])
    order = [ticket(one) for one in listed]
    answers = {one["ticket"]: Answer(one["answer"]) if one["answer"] else None for one in listed if one["called_at"]}
    calls = {one.ticket for one in next_calls(order, row["need"], answers)}
    if calls:
        until_ms = now_ms + row["reply_minutes"] * MINUTE_MS
        await conn.execute(SQL["call"], row["id"], list(calls), moment(now_ms), moment(until_ms))
        told = [one.ticket for one in order if one.ticket in calls]
        await note(conn, row["id"], "called", {"tickets": told, "until_ms": until_ms}, now_ms)
        await _invite(conn, row, [one for one in listed if one["ticket"] in calls], texts, until_ms)
    accepted = sum(answer is Answer.ACCEPTED for answer in answers.values())
    waiting = bool(calls) or None in answers.values()
    stage = "filled" if accepted == row["need"] else "calling" if waiting else "exhausted"
    if stage not in ("calling", row["stage"]):
        await note(conn, row["id"], stage, {}, now_ms)
    await conn.execute(SQL["set_stage"], row["id"], stage)


async def _invite(conn: Connection, row: Record, called: list[Record], texts: Texts, until_ms: int) -> None:
    ways = {one["person_id"]: one for one in await conn.fetch(SQL["ways_of"], [one["person_id"] for one in called])}
    said = {"at": row["review_at"], "until": moment(until_ms), "place": row["org_name"]}
    subject, body = texts.say("draw.sms.subject", "zh"), texts.say("draw.sms.body", "zh", **said)
    for one in called:
        for channel in CHANNELS:
            if one["person_id"] in ways and ways[one["person_id"]][f"by_{channel}"]:
                once = f"draw:{row['id']}:{one['ticket']}:{channel}"
                await conn.execute(OUT["say_once"], channel, one["person_id"], once, "draw", subject, body)


async def answer(conn: Connection, actor: Actor, draw_id: UUID, said: Answer, texts: Texts, now_ms: int) -> None:
    """Take an expert's answer; a replacement is called at once. Who accepted may still step back until names open.

    Raises ``Problem`` 404 for whoever was not called, 409 where it is too late or was answered.
    """
    row = await locked(conn, draw_id)
    mine = next((one for one in await tickets(conn, draw_id) if one["person_id"] == actor.user_id), None)
    if mine is None or mine["called_at"] is None or said is Answer.NO_ANSWER:
        raise Problem(404, "draw_unknown")
    waits = mine["answer"] is None and row["stage"] == "calling" and now_ms < millis(mine["reply_until"])
    steps_back = mine["answer"] == Answer.ACCEPTED and said != Answer.ACCEPTED
    if not waits and not (steps_back and await _open_to_change(conn, row)):
        raise Problem(409, "call_over")
    await conn.execute(SQL["answer"], draw_id, mine["ticket"], said, moment(now_ms))
    await note(conn, draw_id, "answered", {"ticket": mine["ticket"], "answer": said}, now_ms)
    await go_on(conn, row, texts, now_ms)
    await audit(conn, actor, "draw.answered", f"draw:{draw_id}", detail={"answer": said})


async def _open_to_change(conn: Connection, row: Record) -> bool:
    """Whether whoever accepted may step back: names are closed, and no further draw was made for the rest."""
    if row["stage"] == "exhausted":
        widened = await conn.fetchrow(SQL["widening"], row["id"])
        return widened is None or widened["next_id"] is None
    return row["stage"] in ("calling", "filled")


async def sweep(pool: Pool, texts: Texts, now_ms: int) -> int:
    """Whoever has not answered in time is passed over; in how many draws. Any process does it."""
    rows = await pool.fetch(SQL["overdue"], moment(now_ms))
    for found in rows:
        async with pool.acquire() as conn, conn.transaction():
            row, silent = await locked(conn, found["draw_id"]), 0
            for one in await tickets(conn, row["id"]):
                over = one["called_at"] and one["answer"] is None and millis(one["reply_until"]) <= now_ms
                if over and row["stage"] == "calling":
                    await conn.execute(SQL["answer"], row["id"], one["ticket"], Answer.NO_ANSWER, moment(now_ms))
                    detail = {"ticket": one["ticket"], "answer": Answer.NO_ANSWER}
                    await note(conn, row["id"], "answered", detail, now_ms)
                    silent += 1
            if silent:
                await go_on(conn, row, texts, now_ms)
    return len(rows)


async def run(pool: Pool, texts: Texts, clock: Clock) -> None:
    """Sweep again and again, until cancelled."""

    async def once() -> None:
        await sweep(pool, texts, clock.now_ms())

    await ever("draws", once, SWEEP_EVERY_S)


async def turn_key(conn: Connection, actor: Actor, draw_id: UUID, now_ms: int) -> None:
    """One of the two keys; with the second the names open to the hosts.

    Raises ``Problem`` 404 outside of the actor's draws, 403 for whoever has no hand in it, 409 too early, before the
    draw is filled, or twice.
    """
    row = await locked(conn, draw_id)
    hand = hand_of(actor, row)
    if not holds(actor, row, now_ms):
        raise Problem(404, "draw_unknown")
    if hand is None:
        raise Problem(403, "draw_no_hand")
    if not await _complete(conn, row) or row[f"{hand}_key_at"] is not None:
        raise Problem(409, "draw_stage")
    if now_ms < unlocks_at_ms(row):
        raise Problem(409, "draw_locked", at=moment(unlocks_at_ms(row)))
    await conn.execute(SQL[f"key_{hand}"], draw_id, moment(now_ms))
    await note(conn, draw_id, "keyed", {"hand": hand}, now_ms)
    other = Hand.SECOND if hand is Hand.FIRST else Hand.FIRST
    if row[f"{other}_key_at"] is not None:
        await conn.execute(SQL["set_stage"], draw_id, "opened")
        await note(conn, draw_id, "opened", {}, now_ms)
    await audit(conn, actor, "draw.keyed", f"draw:{draw_id}")


async def _complete(conn: Connection, row: Record) -> bool:
    """Whether all who are needed come: of this draw, or of it and the one that follows it."""
    if row["stage"] == "exhausted":
        widened = await conn.fetchrow(SQL["widening"], row["id"])
        return widened is not None and widened["next_stage"] in FOLLOWED
    return bool(row["stage"] == "filled")


def unlocks_at_ms(row: Record) -> int:
    """From when on the names may be opened, epoch ms."""
    return millis(row["review_at"]) - int(row["unlock_minutes"]) * MINUTE_MS


async def publish(conn: Connection, actor: Actor, draw_id: UUID, now_ms: int) -> None:
    """Tell the names with their salts, once the review has begun: the result may be public (198号 §20).

    Raises ``Problem`` 404, 403 for whoever has no hand in it, 409 before.
    """
    row = await locked(conn, draw_id)
    if not holds(actor, row, now_ms):
        raise Problem(404, "draw_unknown")
    if hand_of(actor, row) is None:
        raise Problem(403, "draw_no_hand")
    if row["stage"] != "opened" or now_ms < millis(row["review_at"]):
        raise Problem(409, "draw_stage")
    came = [one for one in await tickets(conn, draw_id) if one["answer"] == Answer.ACCEPTED]
    told = [
        {"ticket": one["ticket"], "expert": str(one["person_id"]), "name": one["name"], "salt": one["salt"]}
        for one in came
    ]
    await note(conn, draw_id, "published", {"experts": told}, now_ms)
    await conn.execute(SQL["set_stage"], draw_id, "published")
    await audit(conn, actor, "draw.published", f"draw:{draw_id}")


async def void(conn: Connection, actor: Actor, draw_id: UUID, reason: str, now_ms: int) -> None:
    """End a draw without a result, by one of its hands, with a reason that its log keeps.

    Raises ``Problem`` 404, 403 for whoever has no hand in it, 409 once names are open, 422 without a reason.
    """
    row = await locked(conn, draw_id)
    hand = hand_of(actor, row)
    if not holds(actor, row, now_ms):
        raise Problem(404, "draw_unknown")
    if hand is None:
        raise Problem(403, "draw_no_hand")
    if row["stage"] in ("opened", "published", "voided"):
        raise Problem(409, "draw_stage")
    if not reason:
        raise Problem(422, "reason_missing")
    await note(conn, draw_id, "voided", {"hand": hand, "reason": reason}, now_ms)
    await conn.execute(SQL["set_stage"], draw_id, "voided")
    await audit(conn, actor, "draw.voided", f"draw:{draw_id}", detail={"reason": reason})
