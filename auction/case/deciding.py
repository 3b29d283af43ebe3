"""评审决定: conformity and abnormally low prices, decided by the host's people, each with a reason on record."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from msgspec import structs

from accounts.audit import audit
from accounts.model import Actor
from auction.case import award, cases, params, review, signing
from auction.case.records import SQL, decode_rules, encode, millis
from auction.lot.model import LotRules, Stage
from auction.lot.settlement import Candidate, flag, next_turn
from plumbing.postgres import Connection, Record
from plumbing.problems import Problem


async def conformity(
    conn: Connection, actor: Actor, lot_id: UUID, alias: str, passes: bool, reason: str, now_ms: int
) -> str:
    """Decide whether an offer conforms 响应审查; a failure needs a reason. The lot's stage after it.

    After the close the last decision moves the lot on; before the start nothing moves.
    """
    row = await signing.hosted(conn, actor, lot_id, now_ms)
    if not signing.reviewable(row):
        raise Problem(409, "stage_passed", accept={"stage": row["stage"]}, stage=row["stage"])
    if not passes and not reason.strip():
        raise Problem(422, "reason_missing")
    verdict = "pass" if passes else "fail"
    if await conn.fetchval(SQL["decide_conformity"], lot_id, alias, verdict, reason, actor.user_id) is None:
        raise Problem(404, "offer_unknown")
    await audit(conn, actor, "lot.conformity", f"lot:{lot_id}", detail={"alias": alias, "verdict": verdict})
    if row["stage"] != Stage.CONFORMITY_REVIEW:
        return str(row["stage"])
    verdicts = {r["alias"]: r["conformity"] for r in await conn.fetch(SQL["conformity_of"], lot_id)}
    if "pending" in verdicts.values():
        return str(row["stage"])
    found = [
        structs.replace(one, valid=False, why_not="nonconforming") if verdicts.get(one.alias) == "fail" else one
        for one in await award.standings(conn, lot_id)
    ]
    return await go_on(conn, row, found, actor, now_ms)


async def explain(conn: Connection, actor: Actor, lot_id: UUID, text: str, now_ms: int) -> None:
    """The supplier of a flagged offer explains his price 说明价格合理性; he may add to it until the decision."""
    row = await cases.lot_locked(conn, lot_id)
    signup = await signing.own_signup(conn, actor, row["auction_id"])
    if row["stage"] != Stage.ABNORMAL_REVIEW:
        raise Problem(409, "stage_passed", accept={"stage": row["stage"]}, stage=row["stage"])
    note = {"explanation": text, "explained_at": now_ms}
    if await conn.fetchval(SQL["explain_low_price"], lot_id, signup["id"], note) is None:
        raise Problem(404, "offer_unknown")
    await audit(conn, actor, "lot.low_price_explained", f"lot:{lot_id}")


async def _answer_time(conn: Connection, row: Record, alias: str, now_ms: int) -> None:
    """Raises ``Problem`` 409 while the supplier's reasonable time 合理时间 runs and he has not explained himself."""
    asked = await conn.fetchrow(SQL["low_price_asked"], row["id"], alias)
    assert asked is not None
    until = millis(asked["settled_at"]) + params.number(row, "lowprice.answer_minutes") * 60_000
    if "explanation" not in asked["low_price_note"] and now_ms < until:
        raise Problem(409, "explanation_time", accept={"after": until}, until_at=until)


async def low_price(
    conn: Connection, actor: Actor, lot_id: UUID, alias: str, accept: bool, reason: str, now_ms: int
) -> str:
    """Accept or exclude an offer flagged as abnormally low 异常低价; the reason is kept. The lot's stage after it."""
    row = await signing.hosted(conn, actor, lot_id, now_ms)
    if row["stage"] != Stage.ABNORMAL_REVIEW:
        raise Problem(409, "stage_passed", accept={"stage": row["stage"]}, stage=row["stage"])
    if not reason.strip():
        raise Problem(422, "reason_missing")
    found = await award.standings(conn, lot_id)
    if not any(one.alias == alias and one.valid and one.low_price == "flagged" for one in found):
        raise Problem(404, "offer_unknown")
    if not accept:
        await _answer_time(conn, row, alias, now_ms)
    new = {"low_price": "accepted"} if accept else {"low_price": "excluded", "valid": False, "why_not": "low_price"}
    decided = [structs.replace(one, **new) if one.alias == alias else one for one in found]
    note = {"decision": new["low_price"], "reason": reason, "by": str(actor.user_id)}
    await _store(conn, lot_id, decided, {alias: note})
    await audit(conn, actor, "lot.low_price", f"lot:{lot_id}", detail={"alias": alias, "accept": accept})
    if any(one.valid and one.low_price == "flagged" for one in decided):
        return str(row["stage"])
    return await go_on(conn, row, decided, actor, now_ms)


async def go_on(conn: Connection, row: Record, found: Sequence[Candidate], actor: Actor, now_ms: int) -> str:
    """Recount the valid offers, flag what looks abnormally low among them, and move the lot where the rules lead."""
    rules: LotRules = decode_rules(row["rules"])
    notes = review.looks_low(row, rules, found)
    flagged = flag(found, notes)
    await _store(conn, row["id"], flagged, notes)
    turn = next_turn(rules, flagged)
    return (await review.take_turn(conn, row, rules, flagged, turn, actor, now_ms)).value


async def _store(conn: Connection, lot_id: UUID, found: Sequence[Candidate], notes: dict[str, object]) -> None:
    rows = [
        (lot_id, one.alias, one.valid, one.why_not, one.low_price, encode(notes.get(one.alias, {}))) for one in found
    ]
    await conn.executemany(SQL["update_standing"], rows)
