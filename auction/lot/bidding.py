"""How a bid travels from a door to the lot: edge checks, the one atomic step, the answer in words.

Socket and plain POST share this, so that both give one answer. A lost connection to the store is told as
OUTCOME_UNKNOWN: the same id sent again gets the first outcome.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeAlias
from uuid import UUID

import msgspec
from msgspec import Struct

from auction.lot import leaves, metrics, views
from auction.lot.batching import Batches, Lane, Offer, Told
from auction.lot.messages import BidAccepted, BidRefused, PlaceBid
from auction.lot.model import Alias, Bid, LotRules, Outcome, PriceBasis, Refusal, Refused, Taken
from ledger.note import packed
from plumbing.clock import Clock
from plumbing.hub import Bucket
from plumbing.pipe import Pipe
from plumbing.texts import Texts, money
from plumbing.valkey import Valkey

BIDS_PER_S, BIDS_BURST = 4.0, 12.0
PRACTICE_BIDS_PER_S = 1_000.0

Answer: TypeAlias = Callable[[BidAccepted | BidRefused], None]
Late: TypeAlias = Callable[[UUID, Bid], Awaitable[Outcome]]

log = logging.getLogger("yangcai.bids")


class Terms(Struct, frozen=True):
    """What the edge must know of a lot before the call: its rules, and quantities in thousandths by line number.

    ``salt`` is the key of its leaves in the transcript; it stays on the server.
    """

    rules: LotRules
    quantities: dict[int, int] = {}
    salt: bytes = b""


class Stand:
    """投标席: where one bidder bids in one lot; found once, held while he may bid. His pace is kept by the desk."""

    __slots__ = ("alias", "bucket", "lane", "lot_id", "shows_rank", "terms")

    def __init__(self, lot_id: UUID, alias: Alias, terms: Terms, bucket: Bucket, lane: Lane) -> None:
        self.lot_id, self.alias, self.terms, self.bucket, self.lane = lot_id, alias, terms, bucket, lane
        self.shows_rank = views.shows_rank(terms.rules)


class Asked(Offer, gc=False):
    """A bid on its way with all that its answer needs; ``began`` in epoch ms."""

    body: PlaceBid
    stand: Stand
    answer: Answer
    began: int


class Desk:
    """报价台: takes bids for this process; one for all doors. What is written into a lot is told to ``told``.

    A lot that the live store does not know is asked of ``late``: it may be settled, and its keys gone.
    """

    def __init__(self, valkey: Valkey, pipe: Pipe, clock: Clock, texts: Texts, told: Told, late: Late) -> None:
        self._clock, self._texts, self._late = clock, texts, late
        self._asking: set[asyncio.Task[None]] = set()
        self._batches = Batches(valkey, pipe, clock, told)
        self._buckets: dict[tuple[UUID, Alias], Bucket] = {}

    def refuse(self, body: PlaceBid, refused: Refused, basis: PriceBasis = PriceBasis.TOTAL) -> BidRefused:
        """The refusal in words, Chinese and English, naming what would be accepted."""
        shown = self.amount(refused.price_max, basis)
        key = f"refusal.{refused.code.value}"
        zh, en = (self._texts.say(key, lang, price_max=shown) for lang in ("zh", "en"))
        return BidRefused(body.id, body.lot, refused.code.value, zh, en, refused.price_max, refused.token)

    def amount(self, price: int, basis: PriceBasis = PriceBasis.TOTAL) -> str:
        """A price of the lot's unit as people read it; a dash for none."""
        if not price:
            return "—"
        return f"{price // 100}.{price % 100:02d}%" if basis is PriceBasis.DISCOUNT_RATE else money(price)

    def stand(self, lot_id: UUID, alias: Alias, terms: Terms) -> Stand:
        """The stand of one bidder in one lot."""
        bucket = self._buckets.get((lot_id, alias))
        if bucket is None:
            if len(self._buckets) > 50_000:
                self._buckets.clear()
            rate = PRACTICE_BIDS_PER_S if terms.rules.practice else BIDS_PER_S
            bucket = self._buckets[lot_id, alias] = Bucket(rate, max(BIDS_BURST, rate), self._clock.now_ms())
        return Stand(lot_id, alias, terms, bucket, self._batches.lane(lot_id))

    def offer(self, body: PlaceBid, stand: Stand, answer: Answer) -> None:
        """Offer the bid; ``answer`` is called once with what came of it, at once when the edge refuses.

        Never raises for a bad bid or a store that is away.
        """
        began = self._clock.now_ms()
        detail = breakdown(body, stand.terms)
        bid = Bid(body.id, stand.alias, body.price, body.token, detail or "null")
        asked = Asked(bid, self._decided, body, stand, answer, began)
        if not stand.bucket.spend(began):
            self._decided(asked, Refused(Refusal.RATE), began)
        elif detail is None:
            self._decided(asked, Refused(Refusal.FORMAT), began)
        else:
            self._batches.offer(stand.lane, asked)

    def close(self) -> None:
        """Give up what is under way."""
        self._batches.close()
        for task in self._asking:
            task.cancel()

    def _decided(self, asked: Asked, outcome: Outcome, now_ms: int) -> None:
        """What the live store says, or what Postgres knows of a lot that it does not know."""
        if isinstance(outcome, Refused) and outcome.code is Refusal.LOT_UNKNOWN:
            task = asyncio.get_running_loop().create_task(self._ask_late(asked))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)
        else:
            self._tell(asked, outcome, now_ms)

    async def _ask_late(self, asked: Asked) -> None:
        try:
            outcome = await self._late(asked.stand.lot_id, asked.bid)
        except Exception as error:  # whatever it is, the bidder asks again
            log.warning("a late bid was not answered: %s: %s", type(error).__name__, error)
            outcome = Refused(Refusal.OUTCOME_UNKNOWN)
        self._tell(asked, outcome, self._clock.now_ms())

    def _tell(self, asked: Asked, outcome: Outcome, now_ms: int) -> None:
        """Put the outcome into words and count it."""
        stand, bid = asked.stand, asked.bid
        said: BidAccepted | BidRefused
        if isinstance(outcome, Taken):
            n, at, price, rank, closes_at = outcome.n, outcome.at, outcome.price, outcome.rank, outcome.closes_at
            leaf = packed(leaves.bid_hash(stand.terms.salt, n, at, stand.alias, price, bid.rid, bid.detail))
            shown = rank or None if stand.shows_rank else None
            said = BidAccepted(bid.rid, stand.lot_id, at, price, closes_at, shown, outcome.repeat, leaf)
        else:
            said = self.refuse(asked.body, outcome, stand.terms.rules.basis)
        metrics.answered(said, now_ms - asked.began)
        asked.answer(said)


def breakdown(body: PlaceBid, terms: Terms) -> str | None:
    """The breakdown to carry into the log as JSON text; None when it does not make up the price to the fen.

    Unit prices × quantities must give the total exactly: a product that is no whole fen is refused, never rounded.
    """
    if terms.rules.basis is not PriceBasis.UNIT_PRICES:
        return None if body.unit_prices else "null"
    prices = {item.line: item.price for item in body.unit_prices}
    if len(prices) != len(body.unit_prices) or set(prices) != set(terms.quantities):
        return None
    thousandths = [prices[line] * quantity for line, quantity in terms.quantities.items()]
    if any(part % 1_000 for part in thousandths) or sum(thousandths) != body.price * 1_000:
        return None
    return msgspec.json.encode({str(line): price for line, price in sorted(prices.items())}).decode()
