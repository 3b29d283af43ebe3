"""JSON doors of sealed quotes 密封报价: keys and seats, deposit, opening. What is refused goes to the trail."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct
from starlette.requests import Request

from accounts.acts import SIGNED_IN, Act
from accounts.audit import audit
from accounts.web import stepped_up
from auction.case import offices, quoting, unsealing
from auction.case.quoting import BoothOut, Receipt
from auction.case.unsealing import Envelopes, Progress
from auction.doors.routes_cases import StageOut, who, within
from auction.sealed.model import PUBLIC_KEY_BYTES, SHARE_BYTES, Office, SealedQuote
from auction.sealed.records import SQL
from plumbing.problems import Problem
from plumbing.web import collect, op


class KeyBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A public key of P-256, uncompressed."""

    public_key: Annotated[bytes, Meta(min_length=PUBLIC_KEY_BYTES, max_length=PUBLIC_KEY_BYTES)]


class KeyOut(Struct, frozen=True):
    """The fingerprint 指纹 of the key in use; empty for none."""

    fingerprint: str


class SeatBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Who is to sit in which office, by login."""

    office: Office
    login: Annotated[str, Meta(min_length=1, max_length=64, pattern="^[a-zA-Z0-9._@-]+$")]
    deputy: bool = False


class SeatOut(Struct, frozen=True):
    """One seat: the pinned fingerprint, and that of the key in use now (empty: none)."""

    office: Office
    person_id: UUID
    name: str
    org_name: str
    deputy: bool
    pinned: str
    current: str


class SeatsOut(Struct, frozen=True):
    """The seats of a case, by office."""

    seats: list[SeatOut]


class ShareBody(Struct, frozen=True, forbid_unknown_fields=True):
    """An office's opened share of one quote."""

    quote: UUID
    share: Annotated[bytes, Meta(min_length=SHARE_BYTES, max_length=SHARE_BYTES)]


async def on_record(request: Request, lot_id: UUID, what: str, asked: Awaitable[Any]) -> Any:
    """Await ``asked``; a refusal is written to the trail before it is answered."""
    try:
        return await asked
    except Problem as problem:
        if problem.status in (401, 404):  # knows nothing of such a lot
            raise
        detail = {"what": what, "code": problem.code}
        pool = request.state.postgres
        await audit(pool, await who(request), "sealed.refused", f"lot:{lot_id}", result="refused", detail=detail)
        raise


async def read(request: Request, operation: Callable[..., Awaitable[Any]], lot_id: UUID) -> Any:
    """Ask a reading operation as the person behind the request, at this moment."""
    return await operation(request.state.postgres, await who(request), lot_id, request.state.clock.now_ms())


@op("GET", "/api/sealing-key", tag="sealed", summary=("我的开启密钥", "Your opening key"), act=SIGNED_IN)
async def get_key(request: Request) -> KeyOut:
    """The fingerprint of your key in use."""
    row = await request.state.postgres.fetchrow(SQL["key_of"], (await who(request)).user_id)
    return KeyOut(row["fingerprint"] if row else "")


@op(
    "POST",
    "/api/sealing-key",
    tag="sealed",
    summary=("登记开启密钥", "Register an opening key"),
    act=SIGNED_IN,
    status=201,
    errors=(403,),
)
async def add_key(request: Request, body: KeyBody) -> KeyOut:
    """Register the public key of a pair made in your browser; new cases use the newest."""
    actor = await who(request)
    async with request.state.postgres.acquire() as conn, conn.transaction():
        return KeyOut(await offices.add_key(conn, actor, body.public_key))


@op(
    "GET",
    "/api/auctions/{auction_id:uuid}/offices",
    tag="sealed",
    summary=("开启人", "Offices"),
    act=SIGNED_IN,
)
async def get_offices(request: Request, auction_id: UUID) -> SeatsOut:
    """Who sits in the three offices, for hosts and those seated."""
    rows = await read(request, offices.view, auction_id)
    return SeatsOut(
        [
            SeatOut(
                Office(row["office"]), row["person_id"], row["name"], row["org_name"], row["deputy"],
                row["pinned"] or "", row["current"] or "",
            )
            for row in rows
        ]
    )  # fmt: skip


@op(
    "POST",
    "/api/auctions/{auction_id:uuid}/offices",
    tag="sealed",
    summary=("指定开启人", "Seat a person"),
    act=Act.CASE_HOST,
    status=204,
    errors=(409,),
)
async def seat(request: Request, auction_id: UUID, body: SeatBody) -> None:
    """Seat a person in an office of a draft; a deputy opens with his own key."""
    await within(request, offices.seat, auction_id, body.office, body.login, body.deputy)


@op(
    "DELETE",
    "/api/auctions/{auction_id:uuid}/offices/{person_id:uuid}",
    tag="sealed",
    summary=("撤下开启人", "Take a seat away"),
    act=Act.CASE_HOST,
    status=204,
    errors=(409,),
)
async def unseat(request: Request, auction_id: UUID, person_id: UUID) -> None:
    """Take a person out of his office, in a draft."""
    await within(request, offices.unseat, auction_id, person_id)


@op(
    "GET",
    "/api/lots/{lot_id:uuid}/booth",
    tag="sealed",
    summary=("密封报价须知", "What to seal for"),
    act=Act.BID_PLACE,
)
async def get_booth(request: Request, lot_id: UUID) -> BoothOut:
    """What your quote must be bound to, the public keys it is sealed for, and your last receipt."""
    found: BoothOut = await read(request, quoting.booth, lot_id)
    return found


@op(
    "POST",
    "/api/lots/{lot_id:uuid}/quote",
    tag="sealed",
    summary=("递交密封报价", "Bring a sealed quote"),
    act=Act.BID_PLACE,
    status=201,
    errors=(409,),
)
async def put_quote(request: Request, lot_id: UUID, body: SealedQuote) -> Receipt:
    """Bring a sealed quote; it stands in place of an earlier one, until the deadline."""
    found: Receipt = await on_record(request, lot_id, "quote", within(request, quoting.deposit, lot_id, body))
    return found


@op(
    "GET",
    "/api/lots/{lot_id:uuid}/opening",
    tag="sealed",
    summary=("开启进度", "How far the opening is"),
    act=SIGNED_IN,
    errors=(403, 409),
)
async def get_opening(request: Request, lot_id: UUID) -> Progress:
    """The opening, for members of the offices and hosts; nothing before the deadline."""
    found: Progress = await on_record(request, lot_id, "opening", read(request, unsealing.progress, lot_id))
    return found


@op(
    "GET",
    "/api/lots/{lot_id:uuid}/envelopes",
    tag="sealed",
    summary=("本方密封件", "Your office's envelopes"),
    act=SIGNED_IN,
    errors=(403, 409),
)
async def get_envelopes(request: Request, lot_id: UUID) -> Envelopes:
    """The envelopes sealed to your own key; after the deadline."""
    await stepped_up(request)
    found: Envelopes = await on_record(request, lot_id, "envelopes", read(request, unsealing.envelopes, lot_id))
    return found


@op(
    "POST",
    "/api/lots/{lot_id:uuid}/shares",
    tag="sealed",
    summary=("提交份额", "Give a share"),
    act=SIGNED_IN,
    errors=(403, 409),
)
async def give_share(request: Request, lot_id: UUID, body: ShareBody) -> StageOut:
    """Give your office's share of one quote; with a second office's the quote opens."""
    await stepped_up(request)
    asked = within(request, unsealing.give_share, request.state.notary, lot_id, body.quote, body.share)
    return StageOut(await on_record(request, lot_id, "share", asked))


ROUTES = collect(globals())
