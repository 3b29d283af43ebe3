"""JSON doors of the purchaser's side: drafting, approval, review, motions, award. Each: parse, ask, answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta, Struct
from starlette.requests import Request

from accounts import sessions
from accounts.acts import OPEN, Act
from accounts.model import Actor, Role
from accounts.web import stepped_up
from auction.case import approving, award, deciding, drafting, holds, motions, publishing, reading, reruns, signing
from auction.case.drafting import Draft
from auction.case.reading import CaseOut, Cases
from plumbing.problems import Problem
from plumbing.web import Operation, collect, op

Reason = Annotated[str, Meta(max_length=1_000)]


class Made(Struct, frozen=True):
    """The id of what was made."""

    id: UUID


class StageOut(Struct, frozen=True):
    """The stage reached."""

    stage: str


class Decision(Struct, frozen=True, forbid_unknown_fields=True):
    """Yes or no, with a remark."""

    yes: bool
    reason: Reason = ""


class About(Struct, frozen=True, forbid_unknown_fields=True):
    """Yes or no about the offer of one alias, with the reason."""

    alias: Annotated[str, Meta(pattern="^[A-Z][0-9]{1,5}$")]
    yes: bool
    reason: Reason = ""


class MotionBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What is proposed for a lot and why. ``n``: the bid's position, for void; ``alias`` for bar."""

    kind: Literal["pause", "resume", "void", "cancel", "bar"]
    reason: Annotated[str, Meta(min_length=1, max_length=1_000)]
    n: Annotated[int, Meta(ge=1, le=2_000_000_000)] | None = None
    alias: Annotated[str, Meta(pattern="^[A-Z][0-9]{1,5}$")] | None = None


class Words(Struct, frozen=True, forbid_unknown_fields=True):
    """A text."""

    text: Annotated[str, Meta(min_length=1, max_length=2_000)]


class Opening(Struct, frozen=True, forbid_unknown_fields=True):
    """When it opens (epoch ms), and why it was changed."""

    opens_at: Annotated[int, Meta(ge=0, le=9_000_000_000_000)]
    text: Annotated[str, Meta(max_length=2_000)] = ""


class Suspension(Struct, frozen=True, forbid_unknown_fields=True):
    """A suspension ordered by the supervisor, in days."""

    reason: Annotated[str, Meta(min_length=1, max_length=1_000)]
    days: Annotated[int, Meta(ge=1, le=365)]


class ContractBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The number of the signed contract."""

    contract_no: Annotated[str, Meta(min_length=1, max_length=100)]


class Search(Struct, frozen=True, forbid_unknown_fields=True):
    """What is looked for in the list of cases."""

    stage: Annotated[str, Meta(max_length=30, pattern="^[a-z_]*$")] = ""
    words: Annotated[str, Meta(max_length=100)] = ""
    category: Annotated[str, Meta(max_length=9, pattern="^[A-Z0-9]*$")] = ""
    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    offset: Annotated[int, Meta(ge=0, le=100_000)] = 0


async def who(request: Request) -> Actor:
    """The person behind a door that needs a login."""
    actor = await sessions.actor(request)
    if actor is None:
        raise Problem(401, "login_needed")
    return actor


def step(
    path: str, tag: str, summary: tuple[str, str], act: Act, **more: Any
) -> Callable[[Callable[..., Awaitable[Any]]], Operation]:
    """A step of a case or lot: posted by who may do ``act``, refused with 409 where it comes too early or too late."""
    return op("POST", path, tag=tag, summary=summary, act=act, **{"errors": (409,), **more})


async def within(request: Request, operation: Callable[..., Awaitable[Any]], *args: Any) -> Any:
    """Call an operation in one transaction, as the person behind the request, at this moment."""
    actor, now_ms = await who(request), request.state.clock.now_ms()
    async with request.state.postgres.acquire() as conn, conn.transaction():
        return await operation(conn, actor, *args, now_ms)


@op("GET", "/api/auctions", tag="auction", summary=("项目列表", "List cases"), act=OPEN)
async def list_auctions(request: Request, query: Search) -> Cases:
    """Cases you may know: published ones, and your own."""
    actor, wanted = await sessions.actor(request), query
    return await reading.list_cases(
        request.state.postgres,
        actor,
        stage=wanted.stage,
        words=wanted.words,
        category=wanted.category,
        limit=wanted.limit,
        offset=wanted.offset,
    )


@op("GET", "/api/auctions/{auction_id:uuid}", tag="auction", summary=("项目详情", "One case"), act=OPEN)
async def get_auction(request: Request, auction_id: UUID) -> CaseOut:
    """One case with its lots and notices."""
    return await reading.case(request.state.postgres, await sessions.actor(request), auction_id)


@op("POST", "/api/auctions", tag="auction", summary=("立项", "Draft a case"), act=Act.CASE_OPEN, status=201)
async def draft_auction(request: Request, body: Draft) -> Made:
    """Draft a case; the legal basis is derived and what is not lawful is refused with the clause."""
    return Made(await within(request, drafting.create, body))


@op(
    "PUT",
    "/api/auctions/{auction_id:uuid}",
    tag="auction",
    summary=("修改草稿", "Change a draft"),
    act=Act.CASE_PREPARE,
    status=204,
    errors=(409,),
)
async def edit_auction(request: Request, auction_id: UUID, body: Draft) -> None:
    """Replace a draft's content."""
    await within(request, drafting.edit, auction_id, body)


@step(
    "/api/auctions/{auction_id:uuid}/submit",
    "auction",
    ("提交审批", "Submit for approval"),
    act=Act.CASE_PREPARE,
    status=204,
    errors=(409, 422),
)
async def submit_auction(request: Request, auction_id: UUID) -> None:
    """Submit a draft for approval."""
    await within(request, approving.submit, auction_id)


@step(
    "/api/auctions/{auction_id:uuid}/recall",
    "auction",
    ("撤回审批", "Take back from approval"),
    act=Act.CASE_PREPARE,
    status=204,
    errors=(409,),
)
async def recall_auction(request: Request, auction_id: UUID) -> None:
    """Take a case back from its approval: it is a draft again."""
    await within(request, approving.recall, auction_id)


@step("/api/auctions/{auction_id:uuid}/approval", "auction", ("审批", "Approve or reject"), act=Act.CASE_APPROVE)
async def decide_auction(request: Request, auction_id: UUID, body: Decision) -> StageOut:
    """The decision of the post whose turn it is."""
    return StageOut(await within(request, approving.decide, auction_id, body.yes, body.reason))


@step(
    "/api/auctions/{auction_id:uuid}/amendment",
    "auction",
    ("更正公告", "Amend the notice"),
    act=Act.CASE_HOST,
    status=204,
)
async def amend_auction(request: Request, auction_id: UUID, body: Opening) -> None:
    """Amend the notice while sign-up is open; the notice period begins again."""
    await within(request, publishing.amend, auction_id, body.opens_at, body.text)


@step("/api/lots/{lot_id:uuid}/conformity", "review", ("响应审查", "Decide conformity"), act=Act.CASE_HOST)
async def decide_conformity(request: Request, lot_id: UUID, body: About) -> StageOut:
    """Whether the offer of an alias conforms."""
    return StageOut(await within(request, deciding.conformity, lot_id, body.alias, body.yes, body.reason))


@step("/api/lots/{lot_id:uuid}/low-price", "review", ("异常低价决定", "Decide on a low price"), act=Act.CASE_HOST)
async def decide_low_price(request: Request, lot_id: UUID, body: About) -> StageOut:
    """Accept or exclude an offer flagged as abnormally low."""
    return StageOut(await within(request, deciding.low_price, lot_id, body.alias, body.yes, body.reason))


@step("/api/lots/{lot_id:uuid}/motions", "host", ("提出动议", "Propose a motion"), act=Act.MOTION_PROPOSE, status=201)
async def propose_motion(request: Request, lot_id: UUID, body: MotionBody) -> Made:
    """Propose to pause, resume, void a bid, bar a bidder or cancel; the unit's head seconds."""
    target = {key: value for key, value in (("n", body.n), ("alias", body.alias)) if value is not None}
    return Made(await within(request, motions.propose, lot_id, body.kind, body.reason, target))


@op(
    "POST",
    "/api/motions/{motion_id:uuid}",
    tag="host",
    summary=("附议", "Second a motion"),
    act=Act.MOTION_DECIDE,
    errors=(404, 409),
)
async def second_motion(request: Request, motion_id: UUID, body: Decision) -> StageOut:
    """Second or decline a motion: done, declined, or failed."""
    state, actor = request.state, await who(request)
    done = await motions.second(state.postgres, state.valkey, actor, motion_id, body.yes, state.clock.now_ms())
    return StageOut(done)


@step("/api/lots/{lot_id:uuid}/broadcast", "host", ("主持人公告", "Speak to all"), act=Act.CASE_HOST, status=204)
async def say_to_all(request: Request, lot_id: UUID, body: Words) -> None:
    """A word of the host to all who follow the lot."""
    state, actor = request.state, await who(request)
    async with state.postgres.acquire() as conn, conn.transaction():
        await motions.broadcast(conn, state.valkey, actor, lot_id, body.text, state.clock.now_ms())


@step(
    "/api/lots/{lot_id:uuid}/questions/{question_id:uuid}",
    "host",
    ("答复提问", "Answer a question"),
    act=Act.CASE_HOST,
    status=204,
)
async def answer_question(request: Request, lot_id: UUID, question_id: UUID, body: Words) -> None:
    """Answer a bidder's private question, once."""
    await within(request, signing.answer, lot_id, question_id, body.text)


@step(
    "/api/lots/{lot_id:uuid}/suspension",
    "supervision",
    ("责令暂停", "Suspend a lot"),
    act=Act.CASE_SUSPEND,
    status=204,
)
async def suspend_lot(request: Request, lot_id: UUID, body: Suspension) -> None:
    """Suspend a lot for at most 30 days (政府采购法 §57)."""
    state, actor = request.state, await who(request)
    async with state.postgres.acquire() as conn, conn.transaction():
        await holds.suspend(conn, state.valkey, actor, lot_id, body.reason, body.days, state.clock.now_ms())


@op(
    "DELETE",
    "/api/lots/{lot_id:uuid}/suspension",
    tag="supervision",
    summary=("解除暂停", "End a suspension"),
    act=Act.CASE_SUSPEND,
    status=204,
    errors=(409,),
)
async def release_lot(request: Request, lot_id: UUID) -> None:
    """End a suspension early; a live lot runs on with its remaining time."""
    if await within(request, holds.release, lot_id) == "resume":
        await holds.resume_live(request.state.valkey, lot_id)


@step("/api/lots/{lot_id:uuid}/hold", "host", ("因质疑暂停", "Hold for a challenge"), act=Act.CASE_HOLD, status=204)
async def hold_lot(request: Request, lot_id: UUID, body: Suspension) -> None:
    """Hold a lot of your unit because of a challenge that may affect its result."""
    state, actor = request.state, await who(request)
    async with state.postgres.acquire() as conn, conn.transaction():
        await holds.hold_for_challenge(conn, state.valkey, actor, lot_id, body.reason, body.days, state.clock.now_ms())


@op(
    "DELETE",
    "/api/lots/{lot_id:uuid}/hold",
    tag="host",
    summary=("解除质疑暂停", "End a hold"),
    act=Act.CASE_HOLD,
    status=204,
    errors=(409,),
)
async def end_hold(request: Request, lot_id: UUID) -> None:
    """End your unit's own hold; not one ordered by the supervisor."""
    if await within(request, holds.release, lot_id) == "resume":
        await holds.resume_live(request.state.valkey, lot_id)


async def _hosted(conn: Any, actor: Actor, lot_id: UUID, now_ms: int) -> Any:
    return await signing.hosted(conn, actor, lot_id, now_ms, Role.BUYER, Role.HEAD)


@step("/api/lots/{lot_id:uuid}/choice", "award", ("顺延或重新竞价", "Next in rank or rerun"), act=Act.CASE_AWARD)
async def choose_next(request: Request, lot_id: UUID, body: Decision) -> StageOut:
    """After a refusal: yes takes the next in rank, no ends the lot for a rerun."""
    await stepped_up(request)

    async def choose(conn: Any, actor: Actor, now_ms: int) -> str:
        row = await _hosted(conn, actor, lot_id, now_ms)
        return (await award.choose(conn, actor, row, body.yes, body.reason, now_ms)).value

    return StageOut(await within(request, choose))


@step("/api/lots/{lot_id:uuid}/buyer-confirmation", "award", ("采购人确认", "Confirm the result"), act=Act.CASE_AWARD)
async def confirm_result(request: Request, lot_id: UUID) -> StageOut:
    """Confirm the result; it is published and the deal handed on."""
    await stepped_up(request)

    async def confirm(conn: Any, actor: Actor, now_ms: int) -> str:
        row = await _hosted(conn, actor, lot_id, now_ms)
        return (await award.buyer_confirm(conn, row, actor, now_ms, request.state.on_deal)).value

    return StageOut(await within(request, confirm))


@step("/api/lots/{lot_id:uuid}/contract", "award", ("合同备案", "Mark the contract"), act=Act.CASE_AWARD)
async def mark_contract(request: Request, lot_id: UUID, body: ContractBody) -> StageOut:
    """Mark the contract as signed."""
    await stepped_up(request)

    async def mark(conn: Any, actor: Actor, now_ms: int) -> str:
        row = await _hosted(conn, actor, lot_id, now_ms)
        return (await award.contract(conn, actor, row, body.contract_no, now_ms)).value

    return StageOut(await within(request, mark))


@step("/api/lots/{lot_id:uuid}/rerun", "auction", ("重新竞价", "Run again"), act=Act.CASE_HOST, status=201)
async def rerun_lot(request: Request, lot_id: UUID, body: Opening) -> Made:
    """Draft a failed lot again; at most as often as the parameters allow."""
    return Made(await within(request, reruns.rerun, lot_id, body.opens_at))


ROUTES = collect(globals())
