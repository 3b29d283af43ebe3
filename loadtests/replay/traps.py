"""The pitfalls of a record, counted, so that the table says what was met and how it was handled. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise

from loadtests.replay.oracle import LATE, NOT_BELOW, Verdict
from loadtests.replay.record import Item, RecordedBid, Session
from loadtests.replay.timeline import timeline

BIG_DROP_BP = 2_000
QUICK_MS = 2_000
FEW_SUPPLIERS = 3


def _own_drops(bids: Iterable[RecordedBid]) -> int:
    """Bids more than 20 % below the bidder's own last."""
    last: dict[str, int] = {}
    count = 0
    for bid in bids:
        before = last.get(bid.supplier)
        count += before is not None and (before - bid.value) * 10_000 > BIG_DROP_BP * before
        last[bid.supplier] = bid.value
    return count


def _of_item(item: Item, verdict: Verdict) -> Counter[str]:
    found: Counter[str] = Counter()
    if not item.bids:
        found["items without a bid to send: not opened"] = 1
        return found
    closed = item.closed_s_ms
    found["bids not below the bidder's own last: sent, must be refused"] = verdict.per_bid.count(NOT_BELOW)
    found["bids in a later second than Encerrado: sent after the close, must be refused"] = verdict.per_bid.count(LATE)
    if closed is None:
        found["items without Encerrado: closed after the last bid"] = 1
    else:
        found["bids stamped within the second of Encerrado: counted as in time"] = sum(
            closed < bid.at_ms < closed + 1_000 for bid in item.bids
        )
    found["items closed more than once: the last Encerrado counts"] = int(item.closings > 1)
    found["items with equal best prices: the earlier wins"] = int(verdict.tied)
    found["items with fewer than 3 suppliers: minimum set to 1"] = int(len(verdict.ranking) < FEW_SUPPLIERS)
    found["drops over 20 % of the own last bid: no confirmation asked"] = _own_drops(item.bids)
    found["bids less than 2 s after the item's previous one: each waits for its answer"] = sum(
        later.at_ms - earlier.at_ms < QUICK_MS for earlier, later in pairwise(item.bids)
    )
    return found


def traps(session: Session, verdicts: dict[str, Verdict]) -> Counter[str]:
    """Every pitfall met in a session with its handling; ``verdicts`` by item number."""
    found: Counter[str] = Counter({f"rows left out: {why}": n for why, n in session.left_out.items()})
    for item in session.items:
        found.update(_of_item(item, verdicts[item.number]))
    found["idle times over 60 s cut to 60 s"] = timeline(session).cuts
    return +found
