"""额度占用: the one way for a trading room to money. Reserve, reduce, confirm or release, each by the request's name.

Every call is for a transaction of the caller, so that the room's book and the budget stand or fall together, and may
be repeated: the same request with the same amounts gives the same answer, with others it is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from uuid import UUID

from accounts.records import moment
from intranet.budget import records, rules
from intranet.budget.model import Hold, HoldState, Kind, Posting, Refusal, Source
from plumbing.postgres import Connection, Pool

SWEEP_MAX = 100


async def reserve(
    conn: Connection,
    request_id: str,
    sources: Sequence[Source],
    expires_at_ms: int | None,
    now_ms: int,
    person_id: UUID | None = None,
) -> Hold | Refusal:
    """Freeze 冻结 money for ``request_id`` until ``expires_at_ms`` (None: until the room ends it), all of it or none.

    Repeated, it gives the hold as it stands now, whatever became of it. Other amounts: ``REQUEST_REUSED``.
    """
    wrong = rules.judge_sources(sources)
    if wrong is not None:
        return wrong
    known = await _alone(conn, request_id)
    if known is not None:
        return known if known.asked == tuple(sources) else Refusal.REQUEST_REUSED
    postings = [Posting(source.indicator_id, Kind.FREEZE, source.fen) for source in sources]
    refusal = await records.enter(conn, postings, about=request_id, person_id=person_id, now_ms=now_ms)
    if refusal is not None:
        return refusal
    made = Hold(request_id, HoldState.HELD, tuple(sources), tuple(sources), expires_at_ms)
    await records.add_hold(conn, made, now_ms)
    return made


async def reduce(
    conn: Connection, request_id: str, to_fen: int, now_ms: int, person_id: UUID | None = None
) -> Hold | Refusal:
    """Give back what a hold has above ``to_fen`` (the saving 节约 at an award); the rest stays held."""
    known = await _alone(conn, request_id)
    if known is None:
        return Refusal.HOLD_UNKNOWN
    if known.state is not HoldState.HELD:
        return Refusal.HOLD_OVER
    return await _reduce(conn, known, to_fen, now_ms, person_id)


async def confirm(
    conn: Connection, request_id: str, fen: int, now_ms: int, person_id: UUID | None = None
) -> Hold | Refusal:
    """Consume 执行 ``fen`` of a hold (the contract), release the rest. Confirmed already with as much: as it is."""
    known = await _alone(conn, request_id)
    if known is None:
        return Refusal.HOLD_UNKNOWN
    if known.state is HoldState.CONFIRMED:
        return known if known.fen == fen else Refusal.REQUEST_REUSED
    if known.state is not HoldState.HELD:
        return Refusal.HOLD_OVER
    left = await _reduce(conn, known, fen, now_ms, person_id)
    if isinstance(left, Refusal):
        return left
    return await _end(conn, left, Kind.CONSUME, HoldState.CONFIRMED, now_ms, person_id)


async def release(conn: Connection, request_id: str, now_ms: int, person_id: UUID | None = None) -> Hold | Refusal:
    """Give all of a hold back 解冻. Released or expired already: as it is; confirmed: ``HOLD_OVER``."""
    known = await _alone(conn, request_id)
    if known is None:
        return Refusal.HOLD_UNKNOWN
    if known.state is HoldState.CONFIRMED:
        return Refusal.HOLD_OVER
    if known.state is not HoldState.HELD:
        return known
    return await _end(conn, known, Kind.RELEASE, HoldState.RELEASED, now_ms, person_id)


async def sweep(pool: Pool, now_ms: Callable[[], int]) -> int:
    """Release every hold that is past its time; how many."""
    swept = 0
    for row in await pool.fetch(records.SQL["holds_expired"], moment(now_ms()), SWEEP_MAX):
        async with pool.acquire() as conn, conn.transaction():
            known = await _alone(conn, row["request_id"])
            if known is not None and known.state is HoldState.HELD:
                await _end(conn, known, Kind.RELEASE, HoldState.EXPIRED, now_ms(), None)
                swept += 1
    return swept


async def _alone(conn: Connection, request_id: str) -> Hold | None:
    """The hold, nobody else at it until the transaction ends, and no year closed meanwhile."""
    await conn.execute(records.SQL["books_shared"])
    await conn.execute(records.SQL["lock_request"], request_id)
    return await records.hold(conn, request_id)


async def _reduce(conn: Connection, known: Hold, to_fen: int, now_ms: int, person_id: UUID | None) -> Hold | Refusal:
    if to_fen <= 0:
        return Refusal.NO_AMOUNT
    if to_fen > known.fen:
        return Refusal.OVER_HOLD
    left = rules.reduced(known.sources, to_fen)
    back = [
        Posting(now.indicator_id, Kind.RELEASE, now.fen - then.fen)
        for now, then in zip(known.sources, left, strict=True)
        if now.fen > then.fen
    ]
    if back:
        await _must(conn, back, known.request_id, now_ms, person_id)
        await records.keep_sources(conn, known.request_id, left)
    return Hold(known.request_id, known.state, known.asked, left, known.expires_at_ms)


async def _end(
    conn: Connection, known: Hold, kind: Kind, state: HoldState, now_ms: int, person_id: UUID | None
) -> Hold:
    postings = [Posting(source.indicator_id, kind, source.fen) for source in known.sources if source.fen]
    await _must(conn, postings, known.request_id, now_ms, person_id)
    await records.end_hold(conn, known.request_id, state, now_ms)
    return Hold(known.request_id, state, known.asked, known.sources, known.expires_at_ms)


async def _must(
    conn: Connection, postings: Sequence[Posting], request_id: str, now_ms: int, person_id: UUID | None
) -> None:
    """Post what cannot be refused: what is held is frozen, or the book is broken."""
    refusal = await records.enter(conn, postings, about=request_id, person_id=person_id, now_ms=now_ms)
    if refusal is not None:
        raise RuntimeError(f"the hold {request_id} and its indicators disagree: {refusal}")
