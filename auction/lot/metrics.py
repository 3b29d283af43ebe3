"""What is counted of bids 报价指标. Aliases, lots and prices never become labels: nothing of a lot shows."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

from auction.lot.messages import BidAccepted, BidRefused
from plumbing.metrics import Spread, Tally

BIDS = Tally(Counter("yangcai_bids", "Bids answered: taken, repeat, or the code of the refusal", ["outcome"]))
_SECONDS = (0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.25, 1.0, 5.0)
BID_MS = Spread(
    Histogram("yangcai_bid_seconds", "From the arrival of a bid to its answer, durable when taken", buckets=_SECONDS),
    scale=1000,
)
_BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
BATCH_BIDS = Spread(Histogram("yangcai_batch_bids", "Bids decided in one call to the live store", buckets=_BATCHES))


def answered(answer: BidAccepted | BidRefused, spent_ms: int) -> None:
    """Count one bid by its outcome, and how long its answer took."""
    BIDS.count(answer.code if isinstance(answer, BidRefused) else "repeat" if answer.repeat else "taken")
    BID_MS.count(spent_ms)
