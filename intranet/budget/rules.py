"""The verdicts on money: pure functions, which raise nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from intranet.budget.model import SIDES, Account, Balances, Kind, Posting, Refusal, Source


def judge(books: Mapping[UUID, Balances], postings: Iterable[Posting]) -> Refusal | None:
    """Why ``postings`` may not be made on ``books``, together and in their order, or None.

    No account but ``GRANTED`` goes below zero, at no step; a closed indicator takes none.
    """
    now = {key: _accounts(each) for key, each in books.items()}
    for posting in postings:
        accounts = now.get(posting.indicator_id)
        if accounts is None:
            return Refusal.INDICATOR_UNKNOWN
        if posting.fen <= 0:
            return Refusal.NO_AMOUNT
        if books[posting.indicator_id].closed:
            return Refusal.CLOSED
        taken, given = SIDES[posting.kind]
        if taken is not Account.GRANTED and accounts[taken] < posting.fen:
            return Refusal.SHORT
        accounts[taken] -= posting.fen
        accounts[given] += posting.fen
    return None


def _accounts(each: Balances) -> dict[Account, int]:
    return {account: -each.granted if account is Account.GRANTED else getattr(each, account) for account in Account}


def judge_sources(sources: Sequence[Source]) -> Refusal | None:
    """Why money cannot be asked of ``sources``, or None: some amount from each, and each named once."""
    if not sources or any(source.fen <= 0 for source in sources):
        return Refusal.NO_AMOUNT
    return Refusal.SOURCE_TWICE if len({source.indicator_id for source in sources}) < len(sources) else None


def reduced(sources: Sequence[Source], to_fen: int) -> tuple[Source, ...]:
    """``sources`` with ``to_fen`` left in all: what is too much goes back to the last of them first.

    ``to_fen`` is not above their sum.
    """
    left, found = to_fen, []
    for source in sources:
        found.append(Source(source.indicator_id, min(source.fen, left)))
        left -= found[-1].fen
    return tuple(found)


def shared(sources: Sequence[Source], parts: Sequence[int]) -> list[tuple[Source, ...]]:
    """Which sources pay which of several parts: taken in order, each part from where the one before ended.

    The parts are not more than the sources in all.
    """
    left = [source.fen for source in sources]
    found = []
    for part in parts:
        mine = []
        for at, source in enumerate(sources):
            fen = min(left[at], part)
            left[at], part = left[at] - fen, part - fen
            if fen:
                mine.append(Source(source.indicator_id, fen))
        found.append(tuple(mine))
    return found


def closing(book: Balances, heir: UUID, *, carry: bool) -> list[Posting]:
    """What closes an indicator at the end of its year 年终结转: promises go on with ``heir``; what is free goes on
    with it (``carry``) or back to where it was granted.
    """
    pairs = [
        (Kind.CARRY_FROZEN, Kind.BRING_FROZEN, book.frozen),
        (Kind.CARRY_CONSUMED, Kind.BRING_CONSUMED, book.consumed),
    ]
    if carry:
        pairs.append((Kind.CARRY_AVAILABLE, Kind.BRING_AVAILABLE, book.available))
    found = []
    for out, into, fen in pairs:
        if fen:
            found += [Posting(book.indicator_id, out, fen), Posting(heir, into, fen)]
    if book.available and not carry:
        found.append(Posting(book.indicator_id, Kind.CUT, book.available))
    return found
