"""抽取的算法: commitments first, then the seed, then an order within each tier, then who is called. Pure.

docs/expert-draw.md says the same for whoever writes it anew; ``tests/independent_draw.py`` is such a writing. Hashes
are SHA-256 in lower hex, secrets and salts 32 bytes in lower hex.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from msgspec import Struct

VERSION = "yangcai expert draw v1"
SEAL = re.compile(r"[0-9a-f]{64}", re.ASCII)
_DRAWN = 1 << 64


class Hand(StrEnum):
    """Whose secret it is: the server's, committed with the list, and those of two officers 经办、监督."""

    SERVER = "server"
    FIRST = "first"
    SECOND = "second"


class Answer(StrEnum):
    """What became of a call 通知."""

    ACCEPTED = "accepted"
    DECLINED = "declined"
    NO_ANSWER = "no_answer"
    AVOIDS = "avoids"  # 自行申明回避


class Ticket(Struct, frozen=True, order=True):
    """An expert on the list, his name hidden 代号. ``tier``: 1 is called first. ``unit`` is one value per employer.

    ``weight``: how likely he is, against others of the tier, in a tiered draw; 0 where all are alike.
    """

    tier: int
    ticket: str
    unit: str
    weight: int = 0

    @property
    def line(self) -> list[int | str]:
        """As it stands in the record and in the list's hash: the weight only where there is one."""
        return [self.tier, self.ticket, self.unit, *([self.weight] if self.weight else [])]


def digest(*parts: str) -> str:
    """SHA-256 over the version and the parts, each on a line of its own."""
    return hashlib.sha256("\n".join((VERSION, *parts)).encode()).hexdigest()


def ticket_of(draw: str, expert: str, name: str, salt: str) -> str:
    """The salted commitment that stands for an expert until the result."""
    return digest("ticket", draw, expert, name, salt)


def unit_of(key: str, draw: str, employer: str) -> str:
    """The employer on the list: equal for equal employers, telling nothing without ``key`` (hex)."""
    text = "\n".join((VERSION, "unit", draw, employer))
    return hmac.new(bytes.fromhex(key), text.encode(), hashlib.sha256).hexdigest()


def list_hash(draw: str, tickets: Iterable[Ticket]) -> str:
    """The hash of the whole list, by tier, then ticket."""
    lines = [" ".join(str(part) for part in one.line) for one in sorted(tickets)]
    return digest("list", draw, *lines)


def commitment(draw: str, hand: Hand, secret: str) -> str:
    """What a hand says of its secret before any is known."""
    return digest("commitment", draw, hand, secret)


def seed_of(draw: str, hashed: str, secrets: Mapping[Hand, str]) -> str:
    """The seed: the hash of the list and of all three secrets, each fixed before the first was revealed."""
    return digest("seed", draw, hashed, *(secrets[hand] for hand in Hand))


class Stream:
    """Whole numbers from a seed: the first eight bytes of the hash of seed, tier and a counter from 0."""

    def __init__(self, seed: str, tier: int) -> None:
        self._head = f"{VERSION}\nstream\n{seed}\n{tier}\n"
        self._n = 0

    def below(self, bound: int) -> int:
        """A number from 0 to ``bound`` - 1, each as likely: numbers beyond the last whole multiple are thrown away."""
        most = _DRAWN - _DRAWN % bound
        while True:
            hashed = hashlib.sha256(f"{self._head}{self._n}".encode()).digest()
            self._n += 1
            value = int.from_bytes(hashed[:8], "big")
            if value < most:
                return value % bound


def order_of(seed: str, tickets: Iterable[Ticket]) -> list[Ticket]:
    """In which order the experts are called: tier after tier, each shuffled, by weight where there are weights."""
    found: list[Ticket] = []
    listed = sorted(tickets)
    for tier in sorted({one.tier for one in listed}):
        here, stream = [one for one in listed if one.tier == tier], Stream(seed, tier)
        found += weighted(stream, here) if any(one.weight for one in here) else shuffled(stream, here)
    return found


def shuffled(stream: Stream, here: list[Ticket]) -> list[Ticket]:
    """Fisher and Yates from the front."""
    found = list(here)
    for at in range(len(found) - 1):
        other = at + stream.below(len(found) - at)
        found[at], found[other] = found[other], found[at]
    return found


def weighted(stream: Stream, here: list[Ticket]) -> list[Ticket]:
    """One after another, each as likely as its weight among those left; they stand by weight, then ticket."""
    left = {weight: [one for one in here if one.weight == weight] for weight in sorted({one.weight for one in here})}
    found: list[Ticket] = []
    while total := sum(weight * len(those) for weight, those in left.items()):
        at = stream.below(total)
        for weight, those in left.items():
            if at < weight * len(those):
                found.append(those.pop(at // weight))
                break
            at -= weight * len(those)
    return found


def next_calls(order: Sequence[Ticket], need: int, answers: Mapping[str, Answer | None]) -> list[Ticket]:
    """Whom to call now so that as many are called or have accepted as are needed, at most one of each employer.

    ``answers``: of those already called, None while an answer is waited for. Fewer come back when the list is used up.
    """
    holding = {one.unit for one in order if one.ticket in answers and answers[one.ticket] in (None, Answer.ACCEPTED)}
    missing = need - sum(answer in (None, Answer.ACCEPTED) for answer in answers.values())
    found: list[Ticket] = []
    for one in order:
        if len(found) >= missing:
            break
        if one.ticket not in answers and one.unit not in holding:
            found.append(one)
            holding.add(one.unit)
    return found


def entry_hash(before: str, n: int, at_ms: int, event: str, detail: Mapping[str, Any]) -> str:
    """The hash of one entry of the draw's log, chained to the one before (of the first: 64 zeros)."""
    said = json.dumps(detail, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return digest("entry", before, str(n), str(at_ms), event, said)
