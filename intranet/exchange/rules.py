"""The verdicts of the exchange: pure, raise nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from intranet.exchange.model import Difference, Fault, Line, Refusal, Standing


def judge_seq(seq: int, last: int, sha256: bytes, known: bytes | None) -> Standing | Refusal:
    """Whether a message is the next, one sent again word for word, or neither. ``known``: what was taken at ``seq``."""
    if seq == last + 1:
        return "next"
    if seq > last:
        return Refusal.GAP
    return "again" if known == sha256 else Refusal.REUSED


def differences(ours: Sequence[Line], theirs: Sequence[Line], refused: Collection[int] = ()) -> list[Difference]:
    """Everything in which the two books of a day differ 对账差异, by type and business key; none: they agree.

    ``refused`` are the places of messages that were written down here and not carried out.
    """
    here, there = _by_key(ours), _by_key(theirs)
    found = []
    for type_, key in sorted(here.keys() | there.keys()):
        mine, other = here[type_, key], there[type_, key]
        first, second = (each[0].fen if each else None for each in (mine, other))
        found += [Difference(fault, type_, key, first, second) for fault in _faults(mine, other, refused)]
    return found


def _by_key(lines: Sequence[Line]) -> defaultdict[tuple[str, str], list[Line]]:
    found: defaultdict[tuple[str, str], list[Line]] = defaultdict(list)
    for line in lines:
        found[line.type, line.biz_key].append(line)
    return found


def _faults(mine: list[Line], other: list[Line], refused: Collection[int]) -> list[Fault]:
    if not mine:
        return [Fault.MISSING_HERE] + [Fault.DOUBLED_THERE] * (len(other) > 1)
    if not other:
        return [Fault.MISSING_THERE] + [Fault.DOUBLED_HERE] * (len(mine) > 1)
    found = []
    if len(mine) > 1 and len(mine) > len(other):
        found.append(Fault.DOUBLED_HERE)
    if len(other) > 1 and len(other) >= len(mine):
        found.append(Fault.DOUBLED_THERE)
    if mine[0].fen != other[0].fen:
        found.append(Fault.AMOUNT)
    if mine[0].seq != other[0].seq:
        found.append(Fault.ORDER)
    if all(line.seq in refused for line in mine):
        found.append(Fault.REFUSED)
    return found
