"""How a bid travels from a door to the lot: edge checks, the one atomic step, the answer in words.

Socket and plain POST share this, so that both give one answer. A lost connection to the store is told as
OUTCOME_UNKNOWN: the same id sent again gets the first outcome.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeAlias
from uuid import UUID

import msgspec
from msgspec import Struct

from auction.lot import leaves, metrics, views
from auction.lot.batching import Batches
from auction.lot.messages import BidAccepted, BidRefused, PlaceBid
from auction.lot.model import Alias, Bid, LotRules, Outcome, PriceBasis, Refusal, Refused
from ledger.note import packed
from plumbing.clock import Clock
from plumbing.hub import Bucket
from plumbing.pipe import Pipe
from plumbing.texts import Texts, money
from plumbing.valkey import Valkey

BIDS_PER_S, BIDS_BURST = 4.0, 12.0
PRACTICE_BIDS_PER_S = 1_000.0

Answer: TypeAlias = Callable[[BidAccepted | BidRefused], None]


class Terms(Struct, frozen=True):
    """What the edge must know of a lot before the call: its rules, and quantities in thousandths by line number.

    ``salt`` is the key of its leaves in the transcript; it stays on the server.
    """

    rules: LotRules
    quantities: dict[int, int] = {}
    salt: bytes = b""


class Desk:
    """报价台: takes bids for this process; one for all doors."""

    def __init__(self, valkey: Valkey, pipe: Pipe, clock: Clock, texts: Texts) -> None:
        self._clock, self._texts = clock, texts
        self._batches = Batches(valkey, pipe, clock)
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

    def offer(self, body: PlaceBid, alias: Alias, terms: Terms, answer: Answer) -> None:
        """Offer the bid; ``answer`` is called once with what came of it, at once when the edge refuses.

        Never raises for a bad bid or a store that is away.
        """
        began = self._clock.now_ms()
        if not self._may_go(body.lot, alias, terms.rules.practice, began):
            self._decided(body, alias, terms, "null", answer, began, Refused(Refusal.RATE))
            return
        detail = breakdown(body, terms)
        decided = partial(self._decided, body, alias, terms, detail or "null", answer, began)
        if detail is None:
            decided(Refused(Refusal.FORMAT))
        else:
            self._batches.offer(body.lot, Bid(body.id, alias, body.price, body.token, detail), decided)

    def close(self) -> None:
        """Give up what is under way."""
        self._batches.close()

    def _decided(
        self, body: PlaceBid, alias: Alias, terms: Terms, detail: str, answer: Answer, began: int, outcome: Outcome
    ) -> None:
        said = self._say(body, alias, terms, detail, outcome)
        metrics.answered(said, self._clock.now_ms() - began)
        answer(said)

    def _say(
        self, body: PlaceBid, alias: Alias, terms: Terms, detail: str, outcome: Outcome
    ) -> BidAccepted | BidRefused:
        if isinstance(outcome, Refused):
            return self.refuse(body, outcome, terms.rules.basis)
        leaf = leaves.bid_hash(terms.salt, outcome.n, outcome.at, alias, outcome.price, body.id, detail)
        rank = views.rank_shown(terms.rules, outcome.rank)
        return BidAccepted(
            body.id, body.lot, outcome.at, outcome.price, outcome.closes_at, rank, outcome.repeat, packed(leaf)
        )

    def _may_go(self, lot_id: UUID, alias: Alias, practice: bool, now: int) -> bool:
        bucket = self._buckets.get((lot_id, alias))
        if bucket is None:
            if len(self._buckets) > 50_000:
                self._buckets.clear()
            rate = PRACTICE_BIDS_PER_S if practice else BIDS_PER_S
            bucket = self._buckets[lot_id, alias] = Bucket(rate, max(BIDS_BURST, rate), now)
        return bucket.spend(now)


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
