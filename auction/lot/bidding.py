"""How a bid travels from a door to the lot: edge checks, the one atomic step, the answer in words.

Socket and plain POST share this, so that both give one answer. A lost connection to the store is told as
OUTCOME_UNKNOWN: the same id sent again gets the first outcome.
"""

from __future__ import annotations

import asyncio
import logging
from uuid import UUID

import msgspec
from msgspec import Struct

from auction.lot import live, metrics, views
from auction.lot.messages import BidAccepted, BidRefused, PlaceBid
from auction.lot.model import Alias, Bid, LotRules, PriceBasis, Refusal, Refused, Taken
from plumbing.clock import Clock
from plumbing.hub import Bucket
from plumbing.texts import Texts, money
from plumbing.valkey import RedisError, Valkey

BIDS_PER_S, BIDS_BURST = 4.0, 12.0
PRACTICE_BIDS_PER_S = 1_000.0
CALLS_AT_ONCE = 256  # below the pool of connections
TRIES, TRY_AGAIN_S = 12, 0.25
WAITED_MS = 500
"""Half of what the store allows a caller's clock to be off: a call that took less cannot have been refused for it."""

log = logging.getLogger("yangcai.bids")


class Terms(Struct, frozen=True):
    """What the edge must know of a lot before the call: its rules, and quantities in thousandths by line number."""

    rules: LotRules
    quantities: dict[int, int] = {}


class Desk:
    """报价台: takes bids for this process; one for all doors."""

    def __init__(self, valkey: Valkey, clock: Clock, texts: Texts) -> None:
        self._valkey, self._clock, self._texts = valkey, clock, texts
        self._buckets: dict[tuple[UUID, Alias], Bucket] = {}
        self._versions: dict[UUID, str] = {}
        self._away = False
        self._gate = asyncio.Semaphore(CALLS_AT_ONCE)

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

    async def take(self, body: PlaceBid, alias: Alias, terms: Terms) -> BidAccepted | BidRefused:
        """Offer the bid and say what came of it. Never raises for a bad bid or a store that is away."""
        now = self._clock.now_ms()
        answer = await self._answer(body, alias, terms, now)
        metrics.answered(answer, self._clock.now_ms() - now)
        return answer

    async def _answer(self, body: PlaceBid, alias: Alias, terms: Terms, now: int) -> BidAccepted | BidRefused:
        if not self._may_go(body.lot, alias, terms.rules.practice, now):
            return self.refuse(body, Refused(Refusal.RATE))
        detail = breakdown(body, terms)
        if detail is None:
            return self.refuse(body, Refused(Refusal.FORMAT))
        outcome = await self._place(body.lot, Bid(body.id, alias, body.price, body.token, detail))
        if isinstance(outcome, Taken):
            rank = views.rank_shown(terms.rules, outcome.rank)
            return BidAccepted(
                body.id, body.lot, outcome.at, outcome.price, outcome.closes_at, rank, repeat=outcome.repeat
            )
        return self.refuse(body, outcome, terms.rules.basis)

    def _may_go(self, lot_id: UUID, alias: Alias, practice: bool, now: int) -> bool:
        bucket = self._buckets.get((lot_id, alias))
        if bucket is None:
            if len(self._buckets) > 50_000:
                self._buckets.clear()
            rate = PRACTICE_BIDS_PER_S if practice else BIDS_PER_S
            bucket = self._buckets[lot_id, alias] = Bucket(rate, max(BIDS_BURST, rate), now)
        return bucket.spend(now)

    async def _place(self, lot_id: UUID, bid: Bid) -> Taken | Refused:
        """Ask the store, and again with the same id while it is coming back; the function makes that safe.

        A call that lay waiting carries an old time, which the store takes for a clock that is off: asked again too.
        """
        for _ in range(TRIES):
            try:
                version = await self._version(lot_id)
                async with self._gate:
                    asked_at = self._clock.now_ms()  # read when the call goes out: waiting is no skew
                    outcome = await live.place_bid(self._valkey, lot_id, bid, asked_at, version)
            except (RedisError, OSError) as error:
                self._tell(f"the store is away: {type(error).__name__}: {error}")
                await asyncio.sleep(TRY_AGAIN_S)
                continue
            self._tell("")
            waited = self._clock.now_ms() - asked_at >= WAITED_MS
            if not (waited and isinstance(outcome, Refused) and outcome.code is Refusal.CLOCK_SKEW):
                return outcome
        return Refused(Refusal.OUTCOME_UNKNOWN)

    def _tell(self, trouble: str) -> None:
        """One line when the store goes and one when it is back, however many bids wait for it."""
        if bool(trouble) != self._away:
            self._away = bool(trouble)
            log.warning(trouble or "the store is back")

    async def _version(self, lot_id: UUID) -> str:
        version = self._versions.get(lot_id)
        if version is None:
            version = await live.version_of(self._valkey, lot_id)
            if len(self._versions) > 50_000:
                self._versions.clear()
            if version:
                self._versions[lot_id] = version
        return version or live.VERSION


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
