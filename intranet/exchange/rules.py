"""The verdicts of the exchange: pure, raise nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType

from intranet.exchange.model import Difference, Fault, Line, Refusal, Standing

Key = tuple[str, str]
"""Type and business key: what names a message in either book."""


def judge_seq(seq: int, last: int, sha256: bytes, known: bytes | None) -> Standing | Refusal:
    """Whether a message is the next, one sent again word for word, or neither. ``known``: what was taken at ``seq``."""
    if seq == last + 1:
        return "next"
    if seq > last:
        return Refusal.GAP
    return "again" if known == sha256 else Refusal.REUSED


def differences(
    ours: Sequence[Line],
    theirs: Sequence[Line],
    refused: Mapping[int, str] = MappingProxyType({}),
    *,
    ours_moved: Sequence[Line] = (),
    theirs_moved: Collection[Key] = (),
) -> list[Difference]:
    """Everything in which the two books of a day differ 对账差异, by type and business key; none: they agree.

    ``refused``: why a message, by its place, was written down here and not carried out. ``ours_moved`` and
    ``theirs_moved``: what either book has under another day. Such a message is late; it is told where they have it.
    """
    here, there, moved = _by_key(ours), _by_key(theirs), _by_key(ours_moved)
    found = []
    for key in sorted(here.keys() | there.keys()):
        mine, other, late = here.get(key, []), there.get(key, []), False
        if not mine and key in moved:
            mine, late = moved[key], True
        elif not other and key in theirs_moved:
            continue
        first, second = (each[0].fen if each else None for each in (mine, other))
        if late and key in theirs_moved:
            faults = [Fault.DOUBLED_THERE]  # it stands under its own day too
        else:
            faults = [Fault.LATE] * late + _faults(mine, other, refused)
        why = refused.get(mine[0].seq, "") if mine else ""
        found += [Difference(one, *key, first, second, why if one is Fault.REFUSED else "") for one in faults]
    return found


def _by_key(lines: Sequence[Line]) -> dict[Key, list[Line]]:
    found: dict[Key, list[Line]] = {}
    for line in lines:
        found.setdefault((line.type, line.biz_key), []).append(line)
    return found


def _faults(mine: list[Line], other: list[Line], refused: Mapping[int, str]) -> list[Fault]:
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
