"""The leaves of the transcript 存证叶子: each event of a lot as the exact text that is hashed, and what it hides.

A leaf says in the open what everyone may know after the award. What only some may know enters as a salted commitment
and is opened to them alone, by an ``Opening``. Every leaf has a salt of its own, so its hash tells nothing before the
leaf is shown. All salts follow from one key per lot, which never leaves the server.
"""

from __future__ import annotations

from hashlib import blake2b, sha256
from typing import Any

import msgspec
from msgspec import Struct

from auction.lot.model import Alias, BidTaken, Entrant, Event, Opened
from ledger.tree import SALT_BYTES, commit, leaf_hash

HIDDEN: dict[str, tuple[str, ...]] = {
    "bid": ("rid", "detail"),
    "paused": ("note",),
    "resumed": ("note",),
    "broadcast": ("note",),
    "voided": ("note",),
    "barred": ("note",),
    "closed": ("note",),
    "cancelled": ("note",),
}
"""By kind of event, the fields that stay hidden behind the commitment ``hidden``; all others stand in the open."""

_encode = msgspec.json.Encoder().encode


class Subject(Struct, frozen=True):
    """What the lot is about, as it was when it opened: number, title, and by alias who the bidder is."""

    number: str
    title: str
    names: dict[str, dict[str, str]]


class Leaf(Struct, frozen=True):
    """One leaf: position, exact text, hash."""

    n: int
    text: str
    hash: bytes


class Opening(Struct, frozen=True):
    """Opens one commitment of leaf ``n``. ``part``: ``hidden``, or of an entrant ``<alias>/terms``, ``<alias>/who``."""

    n: int
    part: str
    salt: str
    value: str


def _salts(key: bytes, what: str) -> tuple[bytes, bytes]:
    """Two salts for one thing; each tells nothing of the other."""
    both = blake2b(what.encode(), key=key, digest_size=32).digest()
    return both[:SALT_BYTES], both[SALT_BYTES:]


def bid_text(key: bytes, n: int, at: int, who: str, price: int, rid: str, detail: str) -> str:
    """The leaf of a bid; ``detail`` is the JSON text of its breakdown. On the way of every bid: kept short."""
    both = blake2b(b"%d" % n, key=key, digest_size=32).digest()
    hidden = sha256(b"\x02" + both[16:] + f'{{"rid":"{rid}","detail":{detail}}}'.encode()).hexdigest()
    return (
        f'{{"n":{n},"at":{at},"kind":"bid","who":"{who}","price":{price},'
        f'"hidden":"{hidden}","salt":"{both[:16].hex()}"}}'
    )


def bid_hash(key: bytes, n: int, at: int, who: str, price: int, rid: str, detail: str) -> bytes:
    """The hash of a bid's leaf, which its bidder is told at once."""
    return sha256(b"\x00" + bid_text(key, n, at, who, price, rid, detail).encode()).digest()


def _text(value: Any) -> str:
    return _encode(value).decode()


def _terms(entrant: Entrant) -> str:
    return _text({name: getattr(entrant, name) for name in ("deduction_bp", "malus", "opening_price")})


def leaf_of(event: Event, key: bytes, subject: Subject) -> Leaf:
    """The leaf of any event; ``subject`` enters the first."""
    if isinstance(event, BidTaken):
        text = bid_text(key, event.n, event.at, event.who, event.price, event.rid, _text(event.detail))
        return Leaf(event.n, text, leaf_hash(text.encode()))
    fields = msgspec.to_builtins(event)
    own, other = _salts(key, str(event.n))
    shown = {"n": event.n, "at": event.at, "kind": fields["kind"], **fields}
    if isinstance(event, Opened):
        shown |= {"number": subject.number, "title": subject.title}
        shown["entrants"] = [_entrant(entrant, key, subject) for entrant in event.entrants]
    away = HIDDEN.get(fields["kind"], ())
    if away:
        shown["hidden"] = commit(other, _hidden(fields, away).encode()).hex()
    shown["salt"] = own.hex()
    text = _text({name: value for name, value in shown.items() if name not in away})
    return Leaf(event.n, text, leaf_hash(text.encode()))


def _hidden(fields: dict[str, Any], away: tuple[str, ...]) -> str:
    return _text({name: fields[name] for name in away})


def _entrant(entrant: Entrant, key: bytes, subject: Subject) -> dict[str, str]:
    of_terms, of_name = _salts(key, f"1/{entrant.alias}")
    return {
        "alias": entrant.alias,
        "terms": commit(of_terms, _terms(entrant).encode()).hex(),
        "who": commit(of_name, _text(subject.names.get(entrant.alias, {})).encode()).hex(),
    }


def opening_of(event: Event, key: bytes) -> Opening | None:
    """What opens the hidden fields of an event; None when it has none."""
    fields = msgspec.to_builtins(event)
    away = HIDDEN.get(fields["kind"], ())
    if not away:
        return None
    return Opening(event.n, "hidden", _salts(key, str(event.n))[1].hex(), _hidden(fields, away))


def terms_of(entrant: Entrant, key: bytes) -> Opening:
    """What opens a bidder's terms: policy deduction, malus, qualifying price."""
    salt = _salts(key, f"1/{entrant.alias}")[0]
    return Opening(1, f"{entrant.alias}/terms", salt.hex(), _terms(entrant))


def name_of(alias: Alias, key: bytes, subject: Subject) -> Opening:
    """What opens who a bidder is."""
    salt = _salts(key, f"1/{alias}")[1]
    return Opening(1, f"{alias}/who", salt.hex(), _text(subject.names.get(alias, {})))
