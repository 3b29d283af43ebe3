"""A second verifier of transcripts, written from docs/transcript.md alone. It imports nothing of the product.

    python independent_verifier.py TRANSCRIPT [--receipt FILE] [--key BASE64]

Exit code 0 and a line of JSON when genuine, 1 and the reason when not.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import json
import re
import sys
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class Bad(Exception):
    """Not genuine, and why."""


def need(true: object, why: str) -> None:
    if not true:
        raise Bad(why)


def sha(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def b64(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Bad("base64") from None
    need(base64.b64encode(raw).decode() == text, "base64 is not canonical")
    return raw


def root(hashes: list[bytes]) -> bytes:
    """RFC 6962 §2.1, by folding pairs level by level: an odd one moves up as it is."""
    level = list(hashes)
    while len(level) > 1:
        paired = [sha(b"\x01", level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = paired + ([level[-1]] if len(level) % 2 else [])
    return level[0]


def parse_key(text: str) -> tuple[str, bytes, bytes]:
    name, ident, coded = [*text.split("+", 2), "", ""][:3]
    raw = b64(coded)
    need(len(raw) == 33 and raw[0] == 1, "key")
    need(sha(name.encode(), b"\n", raw)[:4].hex() == ident, "key id")
    return name, bytes.fromhex(ident), raw[1:]


def open_note(note: str, keys: list[tuple[str, bytes, bytes]]) -> str:
    body, gap, tail = note.rpartition("\n\n")
    need(gap and tail.endswith("\n"), "not a note")
    body += "\n"
    signed = False
    for line in tail[:-1].split("\n"):
        found = re.fullmatch("— (\\S+) (\\S+)", line)
        need(found, "signature line")
        assert found
        raw = b64(found[2])
        need(len(raw) > 4, "signature length")
        for name, ident, public in keys:
            if (name, ident) == (found[1], raw[:4]):
                try:
                    Ed25519PublicKey.from_public_bytes(public).verify(raw[4:], body.encode())
                except (InvalidSignature, ValueError):
                    raise Bad("signature") from None
                signed = True
    need(signed, "nobody known signed")
    return body


def read(data: bytes) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    head, *rest = [json.loads(line) for line in data.decode().rstrip("\n").split("\n")]
    need(set(head) == {"format", "origin", "rules", "keys"} and head["format"] == "yangcai-transcript/1", "head")
    parts: dict[str, list[Any]] = {"leaf": [], "open": [], "checkpoint": [], "standing": []}
    for line in rest:
        need(len(line) == 1 and set(line) <= set(parts), "line")
        ((name, value),) = line.items()
        parts[name].append(value)
    return head, parts


def check_heads(origin: str, notes: list[str], hashes: list[bytes], keys: list[tuple[str, bytes, bytes]]) -> None:
    last = 0
    for note in notes:
        lines = open_note(note, keys).split("\n")
        need(len(lines) == 4 and lines[0] == origin and re.fullmatch("[1-9][0-9]*", lines[1]), "checkpoint")
        size = int(lines[1])
        need(last < size <= len(hashes), "size")
        need(b64(lines[2]) == root(hashes[:size]), f"root at {size}")
        last = size
    need(last == len(hashes) > 0, "unsigned tail")


def check_openings(leaves: list[dict[str, Any]], openings: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    terms, seen = {}, set()
    for one in openings:
        need(set(one) == {"n", "part", "salt", "value"} and 1 <= one["n"] <= len(leaves), "opening")
        need(re.fullmatch("[0-9a-f]{32}", one["salt"]) and (one["n"], one["part"]) not in seen, "opening")
        seen.add((one["n"], one["part"]))
        leaf, part = leaves[one["n"] - 1], one["part"]
        if part == "hidden":
            wanted = leaf.get("hidden")
        else:
            alias, _, what = part.partition("/")
            need(what in ("terms", "who"), "opening")
            wanted = next((entrant[what] for entrant in leaf.get("entrants", []) if entrant["alias"] == alias), None)
            if what == "terms":
                terms[alias] = json.loads(one["value"])
        need(sha(b"\x02", bytes.fromhex(one["salt"]), one["value"].encode()).hex() == wanted, f"commitment {one['n']}")
    return terms


def recount(leaves: list[dict[str, Any]]) -> dict[str, tuple[int, int, int]]:
    """By alias the price, position and time that stand at the end."""
    standing: dict[str, tuple[int, int, int]] = {}
    before = 0
    for n, leaf in enumerate(leaves, 1):
        kind = leaf["kind"]
        need(leaf["n"] == n and leaf["at"] >= before, f"order at {n}")
        need((kind == "opened") == (n == 1), "opening entry")
        need((kind in ("closed", "cancelled")) == (n == len(leaves)), "last entry")
        before = leaf["at"]
        if kind in ("bid", "prebid"):
            standing[leaf["who"]] = (leaf["price"], n, leaf["at"])
        elif kind == "barred":
            standing.pop(leaf["who"], None)
        elif kind == "voided" and standing.get(leaf["who"], (0, 0, 0))[1] == leaf["target"]:
            standing.pop(leaf["who"])
            if leaf["back_n"]:
                standing[leaf["who"]] = (leaf["back_price"], leaf["back_n"], leaves[leaf["back_n"] - 1]["at"])
    return {} if leaves[-1]["kind"] == "cancelled" else standing


def check_result(
    told: list[dict[str, Any]], counted: dict[str, tuple[int, int, int]], terms: dict[str, dict[str, Any]]
) -> None:
    need([one["rank"] for one in told] == list(range(1, len(counted) + 1)), "ranks")
    need(all(set(one) == {"rank", "alias", "price", "n", "at"} for one in told), "standing")
    need({one["alias"]: (one["price"], one["n"], one["at"]) for one in told} == counted, "result")
    scores = [
        (one["price"] * (10000 - its["deduction_bp"]) + its["malus"] * 10000, one["n"])
        for one in told
        if (its := terms.get(one["alias"]))
    ]
    need(scores == sorted(scores), "order")


def check_receipts(
    data: bytes, origin: str, keys: list[tuple[str, bytes, bytes]], by_hash: dict[bytes, dict[str, Any]]
) -> int:
    file = json.loads(data)
    need(file["format"] == "yangcai-receipts/1" and file["origin"] == origin, "receipts")
    count = 0
    for note in file["receipts"]:
        kind, whose, alias, *bids = open_note(note, keys).rstrip("\n").split("\n")
        need((kind, whose) == ("yangcai-receipt/1", origin), "receipt")
        for bid in bids:
            coded, at, price = bid.split(" ")
            leaf = by_hash.get(b64(coded), {})
            need((leaf.get("kind"), leaf.get("who")) == ("bid", alias), "a bid of the receipt is missing")
            need((str(leaf["at"]), str(leaf["price"])) == (at, price), "a bid of the receipt differs")
            count += 1
    return count


def check(data: bytes, key: str = "", receipt: bytes = b"") -> dict[str, Any]:
    """What the file says when it is genuine; raises ``Bad``."""
    try:
        head, parts = read(data)
        keys = [parse_key(text) for text in head["keys"]]
        need(all(name == head["origin"] for name, _, _ in keys), "key name")
        keys = [one for one in keys if not key or one[2] == b64(key)]
        hashes = [sha(b"\x00", leaf.encode()) for leaf in parts["leaf"]]
        check_heads(head["origin"], parts["checkpoint"], hashes, keys)
        leaves = [json.loads(leaf) for leaf in parts["leaf"]]
        terms = check_openings(leaves, parts["open"])
        need(hashlib.sha256(head["rules"].encode()).hexdigest() == leaves[0]["rules_sha256"], "rules")
        check_result(parts["standing"], recount(leaves), terms)
        receipts = (
            check_receipts(receipt, head["origin"], keys, dict(zip(hashes, leaves, strict=True))) if receipt else 0
        )
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise Bad(f"format: {error!r}") from None
    bids = sum(leaf["kind"] == "bid" for leaf in leaves)
    return {"origin": head["origin"], "entries": len(leaves), "bids": bids, "receipts": receipts}


def main() -> int:
    parser = argparse.ArgumentParser(description="Check a transcript.")
    parser.add_argument("transcript")
    parser.add_argument("--receipt")
    parser.add_argument("--key", default="")
    options = parser.parse_args()
    with open(options.transcript, "rb") as file:
        data = file.read()
    receipt = b""
    if options.receipt:
        with open(options.receipt, "rb") as file:
            receipt = file.read()
    try:
        print(json.dumps(check(data, options.key, receipt)))
    except Bad as error:
        print(f"NOT GENUINE: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
