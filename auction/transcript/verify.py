"""Verification 验证, with nothing but the file: tree, signatures, openings, and the result counted again.

``docs/transcript.md`` names the steps; a script of the tests that shares no code with this one, and the browser page,
do the same. What is wrong is raised as ``NotGenuine`` with a code; the sentences stand in the catalogue.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Struct

from auction.lot.leaves import Opening
from auction.lot.model import Entrant, Event, LotRules, Stage
from auction.lot.state import BrokenLogError, LotState, reduce
from auction.transcript.files import FORMAT, RECEIPTS
from auction.transcript.notary import RECEIPT
from ledger.note import BadNote, VerifierKey, opened, read_checkpoint, read_key, unpacked
from ledger.tree import Frontier, commit, leaf_hash

PUBLIC_BYTES = 32
_SALT = re.compile(r"[0-9a-f]{32}")


class NotGenuine(Exception):
    """The file is not what was signed. ``code`` names a sentence ``verify.bad.<code>``; ``at`` says where."""

    def __init__(self, code: str, at: object = "") -> None:
        super().__init__(f"{code} {at}".strip())
        self.code, self.at = code, str(at)


class Head(Struct, frozen=True, forbid_unknown_fields=True):
    """First line of a transcript."""

    format: str
    origin: str
    rules: str
    keys: list[str]


class Standing(Struct, frozen=True, forbid_unknown_fields=True):
    """One line of the result: rank, alias, price, and position and time of the bid that stands."""

    rank: int
    alias: str
    price: int
    n: int
    at: int


class Line(Struct, frozen=True, forbid_unknown_fields=True):
    """One further line: exactly one of its members."""

    leaf: str | None = None
    open: Opening | None = None
    checkpoint: str | None = None
    standing: Standing | None = None


class Receipts(Struct, frozen=True, forbid_unknown_fields=True):
    """A bidder's file of receipts."""

    format: str
    origin: str
    keys: list[str]
    receipts: list[str]


class Found(Struct, frozen=True):
    """What a genuine file says: the lot, how much was checked, how many ranks rest on terms closed to its reader."""

    origin: str
    number: str
    title: str
    entries: int
    bids: int
    checkpoints: int
    openings: int
    closed_terms: int
    receipts: int = 0
    trusted: bool = False


def verify(data: bytes, keys: Sequence[str] = (), receipt: bytes = b"") -> Found:
    """Check a transcript, and a bidder's receipts against it. Raises ``NotGenuine``.

    ``keys``: the public keys (verifier key, or base64 of 32 bytes) that the reader got elsewhere and trusts; without
    them the file's own are taken, which shows that it is whole, not whose it is.
    """
    try:
        return _verify(data, keys, receipt)
    except (KeyError, ValueError, TypeError, AttributeError, IndexError) as error:  # signed, but not of this format
        raise NotGenuine("format", error) from None


def _verify(data: bytes, keys: Sequence[str], receipt: bytes) -> Found:
    head, lines = _read(data)
    signers = _signers(head, keys)
    texts = [line.leaf for line in lines if line.leaf is not None]
    hashes = [leaf_hash(text.encode()) for text in texts]
    heads = _check_heads(
        head.origin, signers, hashes, [line.checkpoint for line in lines if line.checkpoint is not None]
    )
    fields = [_fields(text) for text in texts]
    openings = [line.open for line in lines if line.open is not None]
    terms = _check_openings(fields, openings)
    if not fields or sha256(head.rules.encode()).hexdigest() != fields[0].get("rules_sha256"):
        raise NotGenuine("rules")
    closed = _recount(head.rules, fields, terms, [line.standing for line in lines if line.standing is not None])
    count = _check_receipts(head.origin, signers, fields, hashes, receipt) if receipt else 0
    bids = sum(1 for one in fields if one["kind"] == "bid")
    first = fields[0]
    return Found(
        head.origin, first["number"], first["title"], len(texts), bids, heads, len(openings), closed, count, bool(keys)
    )


def _read(data: bytes) -> tuple[Head, list[Line]]:
    first, *rest = data.rstrip(b"\n").split(b"\n")
    try:
        head = msgspec.json.decode(first, type=Head)
        lines = [msgspec.json.decode(line, type=Line) for line in rest]
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise NotGenuine("format") from None
    if head.format != FORMAT or any(
        sum(part is not None for part in (line.leaf, line.open, line.checkpoint, line.standing)) != 1 for line in lines
    ):
        raise NotGenuine("format")
    return head, lines


def _signers(head: Head | Receipts, trusted: Sequence[str]) -> list[VerifierKey]:
    """The keys that count: the file's own, and of them only the trusted when any are given."""
    try:
        own = [read_key(text) for text in head.keys]
        given = {raw if len(raw := unpacked(text)) == PUBLIC_BYTES else read_key(text).public for text in trusted}
    except BadNote as error:
        raise NotGenuine("key", error) from None
    if any(key.name != head.origin for key in own):
        raise NotGenuine("key")
    counted = [key for key in own if not trusted or key.public in given]
    if not counted:
        raise NotGenuine("stranger")
    return counted


def _check_heads(origin: str, signers: Sequence[VerifierKey], hashes: Sequence[bytes], notes: Sequence[str]) -> int:
    tree = Frontier()
    for note in notes:
        try:
            head = read_checkpoint(opened(note, *signers))
        except BadNote:
            raise NotGenuine("signature", tree.size + 1) from None
        if head.origin != origin or not tree.size < head.size <= len(hashes):
            raise NotGenuine("checkpoint", head.size)
        for leaf in hashes[tree.size : head.size]:
            tree.add(leaf)
        if tree.root() != head.root:
            raise NotGenuine("tree", head.size)
    if not hashes or tree.size != len(hashes):
        raise NotGenuine("unsigned", tree.size)
    return len(notes)


def _fields(text: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.MsgspecError:
        raise NotGenuine("format") from None


def _check_openings(fields: Sequence[dict[str, Any]], openings: Sequence[Opening]) -> dict[str, dict[str, Any]]:
    """Each opening fits its commitment; the opened terms by alias."""
    terms: dict[str, dict[str, Any]] = {}
    seen: set[tuple[int, str]] = set()
    for one in openings:
        wanted = _commitment(fields, one)
        if not wanted or not _SALT.fullmatch(one.salt) or (one.n, one.part) in seen:
            raise NotGenuine("opening", one.n)
        if commit(bytes.fromhex(one.salt), one.value.encode()).hex() != wanted:
            raise NotGenuine("opening", one.n)
        seen.add((one.n, one.part))
        alias, _, what = one.part.partition("/")
        if what == "terms":
            terms[alias] = _fields(one.value)
    return terms


def _commitment(fields: Sequence[dict[str, Any]], one: Opening) -> str:
    """The commitment that an opening is for; empty when there is no such."""
    if not 1 <= one.n <= len(fields):
        return ""
    leaf = fields[one.n - 1]
    if one.part == "hidden":
        return str(leaf.get("hidden", ""))
    alias, _, what = one.part.partition("/")
    found = [entrant for entrant in leaf.get("entrants", ()) if entrant["alias"] == alias]
    return str(found[0].get(what, "")) if found and what in ("terms", "who") else ""


def _recount(
    rules: str, fields: Sequence[dict[str, Any]], terms: dict[str, dict[str, Any]], told: Sequence[Standing]
) -> int:
    """The result follows from the log. How many ranks rest on terms that are not opened."""
    try:
        state = reduce(msgspec.json.decode(rules, type=LotRules), [_event(one, terms) for one in fields])
    except (msgspec.MsgspecError, BrokenLogError, KeyError, ValueError) as error:
        raise NotGenuine("log", error) from None
    if state.stage not in (Stage.CLOSING, Stage.CANCELLED):
        raise NotGenuine("unfinished")
    standing = state.board if state.stage is Stage.CLOSING else []
    wanted = {alias: (state.bidders[alias].price, n, fields[n - 1]["at"]) for _, n, alias in standing}
    if {one.alias: (one.price, one.n, one.at) for one in told} != wanted or len(told) != len(wanted):
        raise NotGenuine("result")
    if [one.rank for one in told] != list(range(1, len(told) + 1)):
        raise NotGenuine("result")
    known = [one for one in told if one.alias in terms]
    if [_score(state, one) for one in known] != sorted(_score(state, one) for one in known):
        raise NotGenuine("result")
    return len(told) - len(known)


def _score(state: LotState, one: Standing) -> tuple[int, int]:
    return state.bidders[one.alias].score, one.n  # type: ignore[index]


def _event(fields: dict[str, Any], terms: dict[str, dict[str, Any]]) -> Event:
    """The event that a leaf states, with what was opened; what stays closed counts as nothing."""
    if fields["kind"] == "opened":
        entrants = [{"alias": one["alias"], **terms.get(one["alias"], {})} for one in fields["entrants"]]
        fields = {**fields, "entrants": msgspec.convert(entrants, list[Entrant])}
    elif fields["kind"] == "bid":
        fields = {**fields, "rid": ""}
    event: Event = msgspec.convert(fields, Event)
    return event


def _check_receipts(
    origin: str, signers: Sequence[VerifierKey], fields: Sequence[dict[str, Any]], hashes: Sequence[bytes], data: bytes
) -> int:
    """Every bid of the receipts stands in the log, at its price and time. How many."""
    try:
        file = msgspec.json.decode(data, type=Receipts)
    except msgspec.MsgspecError:
        raise NotGenuine("receipt_format") from None
    if file.format != RECEIPTS or file.origin != origin:
        raise NotGenuine("receipt_other")
    ours = {key.public for key in signers}
    known = [key for key in _signers(file, ()) if key.public in ours]
    by_hash = dict(zip(hashes, fields, strict=True))
    count = 0
    for note in file.receipts:
        try:
            kind, whose, alias, *bids = opened(note, *known).rstrip("\n").split("\n")
        except (BadNote, ValueError):
            raise NotGenuine("receipt_signature") from None
        for bid in bids:
            leaf, at, price = bid.split(" ")
            stands = by_hash.get(unpacked(leaf), {})
            said = {"who": alias, "at": int(at), "price": int(price), "kind": "bid"}
            if (kind, whose) != (RECEIPT, origin) or any(stands.get(name) != value for name, value in said.items()):
                raise NotGenuine("receipt_missing", bid)
            count += 1
    return count
