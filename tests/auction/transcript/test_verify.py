"""A genuine transcript is found genuine, and a change of any single field is found, by two verifiers of one format."""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from typer.testing import CliRunner

from auction.lot import live
from auction.transcript import files
from auction.transcript.verify import NotGenuine, verify
from ledger.note import Signer, packed
from plumbing.postgres import Pool
from plumbing.valkey import Valkey
from tests import independent_verifier as stranger
from tests.auction.notary import SIGNER
from tests.auction.transcript.transcripts import a_file, a_settled_practice
from yangcai.cli import app

MUTATIONS = int(os.environ.get("TRANSCRIPT_MUTATIONS", "400"))


@pytest_asyncio.fixture(scope="session")
async def valkey(valkey_client: Valkey) -> Valkey:
    await live.load(valkey_client)
    return valkey_client


@pytest_asyncio.fixture(scope="session")
async def lot(pool: Pool, valkey: Valkey) -> Any:
    return await a_settled_practice(pool, valkey)


@pytest.mark.parametrize("kind", ["supervisor", "host", "bidder", "public"])
async def test_what_each_reader_takes_away_is_genuine_for_both_verifiers(pool: Pool, lot: Any, kind: str) -> None:
    lot_id, aliases, _ = lot
    data = await a_file(pool, lot_id, kind, aliases["甲"] if kind == "bidder" else "")
    found = verify(data, [packed(SIGNER.public)])
    assert (found.bids, found.entries, found.trusted) == (20, 25, True)
    assert found.checkpoints >= 4
    assert found.closed_terms == {"supervisor": 0, "host": 0, "bidder": 1, "public": 2}[kind]
    assert stranger.check(data, packed(SIGNER.public))["bids"] == 20


async def test_names_reasons_and_terms_are_opened_to_those_who_may_know_them(pool: Pool, lot: Any) -> None:
    lot_id, aliases, _ = lot
    shown = {kind: (await a_file(pool, lot_id, kind)).decode() for kind in ("supervisor", "host", "public")}
    own = (await a_file(pool, lot_id, "bidder", aliases["甲"])).decode()
    assert ("乙" in shown["supervisor"], "乙" in shown["host"], "乙" in own, "甲" in own) == (True, False, False, True)
    assert ("笔误" in shown["host"], "笔误" in own, "笔误" in shown["public"]) == (True, False, False)
    assert ("deduction_bp" in shown["host"], "deduction_bp" in shown["public"]) == (True, False)
    assert (own.count("r-0"), shown["public"].count("r-0")) == (10, 0)


async def test_a_stranger_s_key_does_not_pass(pool: Pool, lot: Any) -> None:
    data = await a_file(pool, lot[0])
    other = packed(Signer(b"x" * 32).public)
    with pytest.raises(NotGenuine, match="stranger"):
        verify(data, [other])
    with pytest.raises(stranger.Bad):
        stranger.check(data, other)


async def test_receipts_stand_in_the_record_and_a_lost_bid_does_not_pass(pool: Pool, lot: Any) -> None:
    lot_id, aliases, _ = lot
    receipt = await files.receipts(pool, lot_id, aliases["甲"])
    assert receipt is not None
    assert aliases["乙"].encode() not in receipt
    data = await a_file(pool, lot_id)
    assert verify(data, receipt=receipt).receipts == 10
    assert stranger.check(data, receipt=receipt)["receipts"] == 10
    file = json.loads(receipt)
    origin, lied = file["origin"], f"yangcai-receipt/1\n{file['origin']}\n{aliases['甲']}\n{packed(b'l' * 32)} 1 1\n"
    file["receipts"].append(SIGNER.sign(lied, origin))
    with pytest.raises(NotGenuine, match="receipt_missing"):
        verify(data, receipt=json.dumps(file).encode())
    with pytest.raises(stranger.Bad):
        stranger.check(data, receipt=json.dumps(file).encode())


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every single value."""
    if isinstance(value, dict | list):
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*path, name))
    else:
        yield path


def unlike(value: Any, chance: random.Random) -> Any:
    """A value of the same kind that is another."""
    if isinstance(value, bool) or value is None:
        return "" if value is None else not value
    if isinstance(value, int):
        return value + chance.choice((-1, 1, 1_000))
    if not value:
        return "x"
    at = chance.randrange(len(value))
    kin = [one for one in "0123456789abcdefABCDEFxyzXYZ+/=" if one != value[at]]
    return value[:at] + chance.choice(kin) + value[at + 1 :]


def mutated(lines: list[Any], chance: random.Random) -> bytes:
    """The file with one value changed, inside a leaf, an opened value or the rules as well as around them."""
    lines = json.loads(json.dumps(lines))
    index = chance.randrange(len(lines))
    holder: Any = lines[index]
    *outer, last = chance.choice(list(places(holder)))
    for name in outer:
        holder = holder[name]
    text = holder[last]
    if isinstance(text, str) and text.startswith("{") and chance.random() < 0.8:
        inner = json.loads(text)
        deep: Any = inner
        *way, end = chance.choice(list(places(inner)))
        for name in way:
            deep = deep[name]
        deep[end] = unlike(deep[end], chance)
        holder[last] = json.dumps(inner, ensure_ascii=False, separators=(",", ":"))
    else:
        holder[last] = unlike(text, chance)
    return b"".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n" for line in lines)


@pytest.mark.parametrize("kind", ["supervisor", "public"])
async def test_every_change_of_a_single_field_is_found(pool: Pool, lot: Any, kind: str) -> None:
    data = await a_file(pool, lot[0], kind)
    lines, chance = [json.loads(line) for line in data.splitlines()], random.Random(2026)
    assert verify(b"".join(json.dumps(line).encode() + b"\n" for line in lines)).bids == 20
    missed = []
    for number in range(MUTATIONS // 2):
        changed = mutated(lines, chance)
        for name, check, wrong in (("ours", verify, NotGenuine), ("stranger", stranger.check, stranger.Bad)):
            try:
                check(changed)
                missed.append((number, name))
            except wrong:
                pass
        if number % 50 == 0:
            await asyncio.sleep(0)
    assert missed == []


async def test_the_command_line_says_green_or_red_in_both_languages(pool: Pool, lot: Any, tmp_path: Path) -> None:
    file, spoilt = tmp_path / "t.jsonl", tmp_path / "s.jsonl"
    data = await a_file(pool, lot[0])
    file.write_bytes(data)
    spoilt.write_bytes(data.replace(b'\\"price\\":8', b'\\"price\\":7', 1))
    good = CliRunner().invoke(app, ["verify", str(file)])
    bad = CliRunner().invoke(app, ["verify", str(spoilt)])
    missing = CliRunner().invoke(app, ["verify", str(tmp_path / "none")])
    assert (good.exit_code, bad.exit_code, missing.exit_code) == (0, 1, 2)
    assert "验证通过" in good.stdout
    assert "Genuine" in good.stdout
    assert "验证未通过" in bad.stdout
    assert "Not genuine" in bad.stdout
