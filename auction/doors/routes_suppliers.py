"""JSON doors of the supplier's side: sign-up, offer, question, answer to an award; and what he may read of it."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct
from starlette.requests import Request

from accounts.acts import SIGNED_IN, Act
from accounts.web import stepped_up
from auction.case import award, cases, deciding, signing
from auction.case.records import millis, millis_or_0
from auction.case.signing import OfferBody
from auction.doors.routes_cases import Decision, Made, StageOut, Words, who, within
from plumbing.web import collect, op
from registries.suppliers.model import Declarations


class SignupBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What the supplier declares 声明函; policy deductions follow from it and the registry."""

    declarations: Declarations = Declarations()


class AliasOut(Struct, frozen=True):
    """The alias 别名 under which the organisation bids in this case."""

    alias: str


class QuestionOut(Struct, frozen=True):
    """A private question and its answer; ``alias`` who asked, times epoch ms (0: not yet)."""

    id: UUID
    alias: str
    text: str
    asked_at: int
    answer: str
    answered_at: int


class QuestionsOut(Struct, frozen=True):
    """The questions this person may read."""

    questions: list[QuestionOut]


@op(
    "POST",
    "/api/auctions/{auction_id:uuid}/signup",
    tag="supplier",
    summary=("报名", "Sign up"),
    act=Act.BID_ENTER,
    errors=(409,),
)
async def sign_up(request: Request, auction_id: UUID, body: SignupBody) -> AliasOut:
    """Sign your organisation up; the alias is for this case only."""
    return AliasOut(await within(request, signing.sign_up, auction_id, body.declarations))


@op(
    "DELETE",
    "/api/auctions/{auction_id:uuid}/signup",
    tag="supplier",
    summary=("撤回报名", "Withdraw"),
    act=Act.BID_ENTER,
    status=204,
    errors=(409,),
)
async def withdraw(request: Request, auction_id: UUID) -> None:
    """Withdraw before the opening."""
    await within(request, signing.withdraw, auction_id)


@op(
    "PUT",
    "/api/lots/{lot_id:uuid}/offer",
    tag="supplier",
    summary=("提交响应", "Bring an offer"),
    act=Act.BID_ENTER,
    status=204,
    errors=(409,),
)
async def put_offer(request: Request, lot_id: UUID, body: OfferBody) -> None:
    """Bring or replace your offer for a lot, before it opens."""
    await within(request, signing.put_offer, lot_id, body)


@op(
    "POST",
    "/api/lots/{lot_id:uuid}/questions",
    tag="supplier",
    summary=("提问", "Ask the host"),
    act=Act.BID_ENTER,
    status=201,
)
async def ask_question(request: Request, lot_id: UUID, body: Words) -> Made:
    """Ask the host in private."""
    return Made(await within(request, signing.ask, lot_id, body.text))


@op(
    "POST",
    "/api/lots/{lot_id:uuid}/explanation",
    tag="supplier",
    summary=("说明报价合理性", "Explain a low price"),
    act=Act.BID_ENTER,
    status=204,
    errors=(409,),
)
async def explain_price(request: Request, lot_id: UUID, body: Words) -> None:
    """Explain a price that was flagged as abnormally low, before it is decided on."""
    await within(request, deciding.explain, lot_id, body.text)


@op(
    "GET", "/api/lots/{lot_id:uuid}/questions", tag="supplier", summary=("问答", "Questions and answers"), act=SIGNED_IN
)
async def list_questions(request: Request, lot_id: UUID) -> QuestionsOut:
    """All questions for a host, your own for a bidder."""
    state, actor = request.state, await who(request)
    async with state.postgres.acquire() as conn, conn.transaction():
        row = await cases.lot_locked(conn, lot_id)
        found = await signing.questions(conn, actor, row, state.clock.now_ms())
    return QuestionsOut(
        [
            QuestionOut(
                q["id"], q["alias"], q["text"], millis(q["asked_at"]), q["answer"] or "", millis_or_0(q["answered_at"])
            )
            for q in found
        ]
    )


@op(
    "POST",
    "/api/lots/{lot_id:uuid}/award",
    tag="award",
    summary=("确认成交", "Answer an award"),
    act=Act.BID_PLACE,
    errors=(409,),
)
async def answer_award(request: Request, lot_id: UUID, body: Decision) -> StageOut:
    """Confirm or refuse the award offered to you, within its time."""
    await stepped_up(request)
    return StageOut((await within(request, award.answer, lot_id, body.yes, body.reason)).value)


ROUTES = collect(globals())
