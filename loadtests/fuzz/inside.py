"""What is read inside a process: decoders driven directly, in a process of their own, by the hundred thousand.

Each reader names the refusals it may give; anything else is a crash.
"""

from __future__ import annotations

import random
import traceback
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from auction.doors.sockets import BidBody
from auction.lot.messages import FromClient
from auction.sealed import crypt
from auction.sealed.model import SealedQuote
from auction.transcript.verify import NotGenuine, verify
from ledger.note import BadNote, opened, read_checkpoint, read_key, unpacked
from loadtests.fuzz.seeds import Seeds
from plumbing.problems import Problem
from plumbing.security import Origins
from plumbing.typed import Typed, line_of
from plumbing.web import _pairs, local_path
from standards.money import parse_yuan


class Reader(NamedTuple):
    """A reader, what it is given, and what it may raise."""

    name: str
    make: Callable[[Seeds], Any]
    read: Callable[[Any], Any]
    refuses: tuple[type[Exception], ...] = ()


_JSON = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_message = msgspec.json.Decoder(FromClient).decode
_bid = msgspec.json.Decoder(BidBody).decode
_sealed = msgspec.json.Decoder(SealedQuote).decode
NOTE = "yangcai.example/lot\n9\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n— yangcai.example/lot AAAAAAAAAAAA\n"
KEY = "yangcai.example/lot+00000000+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
FIELDS = ("price", "line-1-quantity", "line-1-name", "opens_at", "percent", "few_reason", "suppliers_min")


def _typed(fields: dict[str, str]) -> None:
    """Every reader of a form on every field."""
    typed = Typed(fields)
    for name in fields:
        line_of(name)
        for read in (typed.money, typed.percent, typed.moment):
            read(name)
        typed.whole(name, 1, 100)
        typed.text(name, 50)


def _form(seeds: Seeds) -> dict[str, str]:
    return {seeds.dice.choice((*FIELDS, seeds.text())): seeds.text() for _ in range(3)}


def _text(seeds: Seeds) -> str:
    return seeds.text() + seeds.dice.choice(("", "12", "1,234.50", "¥1", "９", "."))


def _quote(seeds: Seeds) -> bytes:
    shares = [{"office": seeds.text(), "fingerprint": seeds.text(), "ephemeral": seeds.text(), "sealed": seeds.text()}]
    return seeds.json({"format": 1, "envelopes": seeds.dice.choice((shares, seeds.value())), "price": seeds.text()})


def _note(seeds: Seeds) -> str:
    return seeds.spoilt(NOTE.encode()).decode("utf-8", "replace")


def _key(seeds: Seeds) -> str:
    return seeds.spoilt(KEY.encode()).decode("utf-8", "replace")


def _point(seeds: Seeds) -> bytes:
    return seeds.dice.choice((b"", b"\4")) + seeds.dice.randbytes(seeds.dice.choice((0, 1, 64, 65)))


READERS = (
    Reader("messages", Seeds.message, _message, _JSON),
    Reader("bids by request", Seeds.message, _bid, _JSON),
    Reader("sealed quotes", _quote, _sealed, _JSON),
    Reader("forms", _form, _typed),
    Reader("amounts", _text, parse_yuan),
    Reader("notes", _note, opened, (BadNote,)),
    Reader("checkpoints", _note, read_checkpoint, (BadNote,)),
    Reader("keys", _key, read_key, (BadNote,)),
    Reader("base64", _text, unpacked, (BadNote, ValueError)),
    Reader("public keys", _point, crypt.public_key, (ValueError,)),
    Reader("ways back", lambda seeds: "/" + seeds.text(), local_path),
    Reader("origins", _text, lambda text: Origins("").ours("http://" + text, "x")),
    Reader("ids", Seeds.text, UUID, (ValueError,)),
    Reader("records of lots", lambda seeds: seeds.json(seeds.value()), verify, (NotGenuine,)),
    Reader("queries", _text, partial(_pairs, fields_max=9), (Problem,)),
)  # fmt: skip


def decoders(seed: int, inputs: int) -> list[str]:
    """Give ``inputs`` inputs to the readers in turn; what broke, one text each."""
    seeds, broken = Seeds(random.Random(seed)), list[str]()
    for i in range(inputs):
        reader = READERS[i % len(READERS)]
        given = reader.make(seeds)
        try:
            reader.read(given)
        except reader.refuses:
            pass
        except Exception:
            broken.append(f"{reader.name}: {str(given)[:200]!r}: {traceback.format_exc(limit=-2)}")
    return broken


def transcripts(seed: int, inputs: int, genuine: bytes, receipt: bytes) -> list[str]:
    """Give spoilt transcripts and receipts to ``yangcai verify``; what broke. Refused or genuine is both well."""
    seeds, broken = Seeds(random.Random(seed)), list[str]()
    lines = genuine.split(b"\n")
    for i in range(inputs):
        few = list(lines)
        at = seeds.dice.randrange(len(few))
        few[at] = seeds.dice.choice((seeds.spoilt(few[at]), seeds.json(seeds.value()), seeds.deep().encode(), b""))
        spoilt = b"\n".join(few) if i % 4 else genuine
        proof = seeds.spoilt(receipt) if not i % 4 else b""
        try:
            verify(spoilt, (), proof)
        except NotGenuine:
            pass
        except Exception:
            broken.append(f"verify: line {at}: {few[at][:200]!r}: {traceback.format_exc(limit=-2)}")
    return broken
