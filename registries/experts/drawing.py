"""抽取的办理: asked for, committed, revealed, drawn. Each in the caller's transaction, each in the draw's log.

The log is public from its first entry on and tells no name; see docs/expert-draw.md.
"""

from __future__ import annotations

import secrets
from datetime import date
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from accounts import names
from accounts import records as accounts
from accounts.acts import Act
from accounts.audit import audit
from accounts.factors import vault
from accounts.model import Actor
from accounts.records import millis, moment
from accounts.rules import may_act
from plumbing.postgres import Connection, Pool, Record
from plumbing.problems import Problem
from plumbing.texts import Texts
from registries.experts import after, calling, draw, library, rules
from registries.experts.draw import SEAL, Hand, Ticket
from registries.experts.model import Bidder, Dossier, Expert, Need, Party
from registries.experts.reading import Asked
from registries.experts.records import SQL, hand_of, holds, locked, note, ticket, tickets
from registries.parameters import records as parameters
from standards.ids import uuid7
from standards.workdays import day_of


async def request(conn: Connection, actor: Actor, asked: Asked, settings: Any, now_ms: int) -> UUID:
    """Ask for a draw: the list is made and its hash and the server's commitment stand in the log.

    Raises ``Problem`` 403 for whoever may not, 409 where the request breaks a rule of groups or times, or fewer are on
    the list than are needed.
    """
    home = await accounts.organisation(conn, actor.org_id)
    region = home["region"] if home else actor.region
    if home is None or not may_act(actor, Act.DRAW_ASK, region=region, org_id=actor.org_id, now_ms=now_ms):
        raise Problem(403, "forbidden")
    in_force, calendar = await parameters.rule_set(conn, region, now_ms), await parameters.calendar(conn)
    today, on = day_of(now_ms), day_of(asked.review_at_ms)
    wrong = rules.judge_request(
        method=asked.method,
        group=asked.group,
        experts=asked.need,
        today=today,
        on=on,
        rules=in_force,
        calendar=calendar,
    )
    if wrong or asked.review_at_ms <= now_ms:
        raise Problem(409, f"draw_{wrong or rules.BadRequest.PAST}")
    await conn.execute(SQL["lock_asking"], actor.org_id)
    same = (actor.org_id, asked.title, asked.specialty, moment(asked.review_at_ms))
    if await conn.fetchval(SQL["asked_already"], *same):
        raise Problem(409, "draw_asked")
    own = Party(home["name"], names.key_of(home["name"]), home["uscc"] or "")
    need = Need(
        specialty=asked.specialty,
        region=region,
        on=on,
        avoided=await _bidders(conn, (own, *asked.avoided)),
        wide=asked.wide,
        declined=frozenset(
            str(one["person_id"]) for one in await conn.fetch(SQL["declined_before"], actor.org_id, asked.title)
        ),
    )
    fit = await possible(conn, need, now_ms)
    if len(fit) < asked.need:
        raise Problem(409, "draw_too_few", found=len(fit), need=asked.need)
    return await _begin(conn, actor, Plan(asked, actor.org_id, need, fit), settings, now_ms)


class Plan(Struct, frozen=True):
    """A draw about to begin: what was asked, for whom, who fits; and the draw it follows, whose list ran out."""

    asked: Asked
    org_id: UUID
    need: Need
    fit: list[Expert]
    follows: UUID | None = None


async def _begin(conn: Connection, actor: Actor, plan: Plan, settings: Any, now_ms: int) -> UUID:
    """Make the list and the server's secret, and log what stands for them."""
    asked, need = plan.asked, plan.need
    in_force = await parameters.rule_set(conn, need.region, now_ms)
    draw_id, secret = uuid7(now_ms, secrets.token_bytes(10)), secrets.token_hex(32)
    avoided = [msgspec.to_builtins(one) for one in need.avoided]
    given = (
        draw_id, asked.title, plan.org_id, need.region, asked.method, asked.group, asked.need, asked.specialty,
        need.wide, moment(asked.review_at_ms), avoided, actor.user_id, vault.seal(settings, draw_id, secret.encode()),
        in_force.number("experts.reply_minutes"), in_force.number("experts.unlock_minutes"), moment(now_ms),
        need.near, plan.follows,
    )  # fmt: skip
    await conn.execute(SQL["add"], *given)
    means = await after.means(conn, [UUID(one.id) for one in plan.fit], now_ms)
    weights = {one.id: rules.weight_of(means.get(UUID(one.id)), in_force) for one in plan.fit}
    listed = await _list(conn, draw_id, plan.fit, need, weights)
    detail = {
        "need": asked.need,
        "tickets": [one.line for one in listed],
        "list_hash": draw.list_hash(str(draw_id), listed),
        "commitment": draw.commitment(str(draw_id), Hand.SERVER, secret),
    } | ({"follows": str(plan.follows)} if plan.follows else {})
    await note(conn, draw_id, "listed", detail, now_ms)
    await audit(conn, actor, "draw.asked", f"draw:{draw_id}", detail={"need": asked.need, "listed": len(listed)})
    return draw_id


async def _bidders(conn: Connection, parties: tuple[Party, ...]) -> tuple[Bidder, ...]:
    """The units to be avoided, each with its head where it is a registered supplier."""
    codes, keys = [one.uscc for one in parties if one.uscc], [one.key for one in parties if one.key]
    heads = await conn.fetch(SQL["heads"], codes, keys)
    known = [(Party("", row["name_key"] or "", row["uscc"]), row["head_name"]) for row in heads]
    return tuple(
        Bidder(one, next((head for party, head in known if party.same(one)), "")) for one in parties
    )  # fmt: skip


async def fitting(conn: Connection | Pool, need: Need, years: int) -> list[Expert]:
    """Who may be drawn: of the province, or of everywhere where the draw is wide."""
    place = "" if need.wide else need.region[: rules.PROVINCE_DIGITS]
    rows = await conn.fetch(library.SQL["listed"], place)
    return [one for row in rows if not rules.unfit(one := library.expert_of(row), need, years)]


async def _list(
    conn: Connection, draw_id: UUID, fit: list[Expert], need: Need, weights: dict[str, int]
) -> list[Ticket]:
    """Write the list: each expert a ticket of his own salt. The key of employers is kept nowhere."""
    key, listed, rows = secrets.token_hex(32), [], []
    for one in fit:
        job, unit = rules.employer_of(one.dossier, need.on), unit_key(one.id, one.dossier, need.on)
        salt, name = secrets.token_hex(32), one.dossier.name
        tier = rules.tier_of(one.dossier.region, need) or 3
        sealed, sent_by = draw.ticket_of(str(draw_id), one.id, name, salt), draw.unit_of(key, str(draw_id), unit)
        made = Ticket(tier, sealed, sent_by, weights[one.id])
        listed.append(made)
        employer = job.unit.name if job else ""
        known = (UUID(one.id), name, one.dossier.phone, employer, salt)
        rows.append((draw_id, made.ticket, tier, made.unit, *known, made.weight))
    await conn.executemany(SQL["add_ticket"], rows)
    return sorted(listed)


async def commit(conn: Connection, actor: Actor, draw_id: UUID, given: str, now_ms: int) -> None:
    """Take an officer's commitment: of whoever asked, and of one other person.

    Raises ``Problem`` 404 outside of the actor's draws, 409 when his hand has committed or both have, 422 for
    what is no commitment.
    """
    row = await locked(conn, draw_id)
    if not holds(actor, row, now_ms):
        raise Problem(404, "draw_unknown")
    if not SEAL.fullmatch(given):
        raise Problem(422, "draw_seal")
    hand = hand_of(actor, row) or Hand.SECOND
    if row["stage"] != "committing" or row[f"{hand}_commitment"] is not None:
        raise Problem(409, "draw_stage")
    if hand is Hand.FIRST:
        await conn.execute(SQL["commit_first"], draw_id, given)
    else:
        await conn.execute(SQL["commit_second"], draw_id, given, actor.user_id)
    await note(conn, draw_id, "committed", {"hand": hand, "commitment": given}, now_ms)
    other = Hand.SECOND if hand is Hand.FIRST else Hand.FIRST
    if row[f"{other}_commitment"] is not None:
        await conn.execute(SQL["set_stage"], draw_id, "revealing")
    await audit(conn, actor, "draw.committed", f"draw:{draw_id}")


async def reveal(
    conn: Connection, actor: Actor, draw_id: UUID, given: str, settings: Any, texts: Texts, now_ms: int
) -> None:
    """Take an officer's secret; with the second the server's is revealed, the draw is made, the first are called.

    Raises ``Problem`` 404, 403 for whoever has no hand in it, 409 before both committed or twice, 422 for a secret that
    is not the one committed to.
    """
    row = await locked(conn, draw_id)
    if not holds(actor, row, now_ms):
        raise Problem(404, "draw_unknown")
    hand = hand_of(actor, row)
    if hand is None:
        raise Problem(403, "draw_no_hand")
    if row["stage"] != "revealing" or row[f"{hand}_secret"] is not None:
        raise Problem(409, "draw_stage")
    if draw.commitment(str(draw_id), hand, given) != row[f"{hand}_commitment"]:
        raise Problem(422, "draw_secret_wrong")
    await conn.execute(SQL[f"reveal_{hand}"], draw_id, given)
    await note(conn, draw_id, "revealed", {"hand": hand, "secret": given}, now_ms)
    await audit(conn, actor, "draw.revealed", f"draw:{draw_id}")
    other = Hand.SECOND if hand is Hand.FIRST else Hand.FIRST
    if row[f"{other}_secret"] is not None:
        await _make(conn, row, {hand: given, other: row[f"{other}_secret"]}, settings, texts, now_ms)


async def _make(
    conn: Connection, row: Record, known: dict[Hand, str], settings: Any, texts: Texts, now_ms: int
) -> None:
    """Draw: the seed, the order, the first calls."""
    found = vault.unseal(settings, row["id"], row["server_secret"])
    if found is None:
        raise RuntimeError("the server's secret of a draw was sealed under another YANGCAI_SECRET_KEY")
    draw_id, listed = str(row["id"]), [ticket(one) for one in await tickets(conn, row["id"])]
    seed = draw.seed_of(draw_id, draw.list_hash(draw_id, listed), {**known, Hand.SERVER: found.decode()})
    order = [one.ticket for one in draw.order_of(seed, listed)]
    await conn.execute(SQL["set_places"], row["id"], order)
    detail = {"secret": found.decode(), "seed": seed, "order": order}
    await note(conn, row["id"], "drawn", detail, now_ms)
    await conn.execute(SQL["set_stage"], row["id"], "calling")
    await calling.go_on(conn, row, texts, now_ms)


async def follow(
    conn: Connection, actor: Actor, row: Record, need: Need, taken: frozenset[str], settings: Any, now_ms: int
) -> UUID:
    """The draw that follows one whose list ran out, for whoever is still missing; secrets and keys are new.

    ``taken``: units that send somebody already. ``Problem`` 409 where fewer fit than are missing.
    """
    rows = await tickets(conn, row["id"])
    missing = row["need"] - sum(one["answer"] == draw.Answer.ACCEPTED for one in rows)
    fit = without(await possible(conn, need, now_ms), need, taken)
    if len(fit) < missing:
        raise Problem(409, "draw_too_few", found=len(fit), need=missing)
    asked = Asked(
        title=row["title"], specialty=row["specialty"], method=rules.Method(row["method"]), group=row["group_size"],
        need=missing, review_at_ms=millis(row["review_at"]), wide=need.wide, avoided=(),
    )  # fmt: skip
    return await _begin(conn, actor, Plan(asked, row["org_id"], need, fit, row["id"]), settings, now_ms)


def without(fit: list[Expert], need: Need, taken: frozenset[str]) -> list[Expert]:
    """Those whose unit sends nobody yet."""
    return [one for one in fit if unit_key(one.id, one.dossier, need.on) not in taken]


def unit_key(ident: str, dossier: Dossier, on: date) -> str:
    """An expert's unit on that day: its code, or its name, or himself where he has none."""
    job = rules.employer_of(dossier, on)
    return (job.unit.uscc or job.unit.key) if job else ident


async def possible(conn: Connection | Pool, need: Need, now_ms: int) -> list[Expert]:
    """Who fits, by the rules in force."""
    in_force = await parameters.rule_set(conn, need.region, now_ms)
    return await fitting(conn, need, in_force.number("experts.employment_years"))
