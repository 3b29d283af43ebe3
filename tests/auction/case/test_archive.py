"""The archive of a case is whole, read without the product, and holds nothing that its reader may not see."""

from __future__ import annotations

import hashlib
import io
import stat
import zipfile
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from auction.case import archive
from auction.lot import live
from auction.transcript import verify
from plumbing.postgres import Pool
from plumbing.problems import Problem
from plumbing.valkey import Valkey
from server.site import load_texts
from tests.auction.notary import NOTARY
from tests.server.test_forgetting import a_settled_lot
from yangcai import archiving

TEXTS = load_texts()
NAMES = ("甲".encode(), "乙".encode())


async def a_case_that_is_over(pool: Pool, valkey: Valkey) -> UUID:
    await live.load(valkey)
    lot_id, _ = await a_settled_lot(pool, valkey)
    await NOTARY.publish_keys(pool)
    found: UUID = await pool.fetchval("SELECT auction_id FROM lot WHERE id = $1", lot_id)
    return found


async def files_of(pool: Pool, auction_id: UUID, kind: str) -> dict[str, bytes]:
    name, content = await archive.archive(pool, auction_id, kind, TEXTS)
    assert name == archive.name_of(name.removeprefix("archive-").removesuffix(".zip"))
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        return {one: opened.read(one) for one in opened.namelist()}


@pytest.mark.parametrize("kind", ["host", "supervisor"])
async def test_every_file_has_the_hash_of_the_manifest_and_the_transcript_is_genuine(
    fresh_pool: Pool, valkey_client: Valkey, kind: str
) -> None:
    auction_id = await a_case_that_is_over(fresh_pool, valkey_client)
    files = await files_of(fresh_pool, auction_id, kind)
    manifest = msgspec.json.decode(files["manifest.json"])
    assert manifest["for"] == kind
    assert set(manifest["files"]) == set(files) - {"manifest.json", "index.html"}
    assert {name: hashlib.sha256(files[name]).hexdigest() for name in manifest["files"]} == manifest["files"]
    assert all(name in files["index.html"].decode() for name in manifest["files"])
    assert verify.verify(files["lot-1/transcript.jsonl"], receipt=b"").bids == 4
    assert files["lot-1/checkpoints.txt"].count(b"/lots/") > 0
    acts = [msgspec.json.decode(line) for line in files["acts.jsonl"].splitlines()]
    assert "practice.opened" in {act["event"] for act in acts}


async def test_only_a_supervisors_archive_names_the_suppliers(fresh_pool: Pool, valkey_client: Valkey) -> None:
    auction_id = await a_case_that_is_over(fresh_pool, valkey_client)
    for_host = await files_of(fresh_pool, auction_id, "host")
    assert [name for name, content in for_host.items() if any(one in content for one in NAMES)] == []
    for_supervisor = await files_of(fresh_pool, auction_id, "supervisor")
    assert all(one in for_supervisor["signups.json"] for one in NAMES)


async def test_a_case_with_a_lot_that_is_not_over_is_refused_and_an_unknown_one_too(
    fresh_pool: Pool, valkey_client: Valkey
) -> None:
    auction_id = await a_case_that_is_over(fresh_pool, valkey_client)
    await fresh_pool.execute("UPDATE lot SET stage = 'award_pending' WHERE auction_id = $1", auction_id)
    with pytest.raises(Problem) as early:
        await archive.archive(fresh_pool, auction_id, "host", TEXTS)
    assert early.value.status == 409
    with pytest.raises(Problem) as unknown:
        await archive.archive(fresh_pool, UUID(int=0), "host", TEXTS)
    assert unknown.value.status == 404


async def test_the_command_writes_a_new_file_for_its_owner_only_and_the_trail_has_it(
    fresh_pool: Pool, fresh_url: str, valkey_client: Valkey, tmp_path: Path
) -> None:
    auction_id = await a_case_that_is_over(fresh_pool, valkey_client)
    number = await fresh_pool.fetchval("SELECT number FROM auction WHERE id = $1", auction_id)
    out = tmp_path / "case.zip"
    said, done = await archiving.run(fresh_url, number, "supervisor", out)
    assert done, said
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert (await archiving.run(fresh_url, number, "host", out))[1] is False, "it exists"
    assert (await archiving.run(fresh_url, "no such number", "host", None))[1] is False
    told = "SELECT detail ->> 'by' FROM audit_event WHERE event = 'paper.fetched' AND object = $1"
    assert await fresh_pool.fetchval(told, f"auction:{auction_id}") == "command line"


@pytest.mark.parametrize("number", ["../../etc/passwd", 'a"b\r\nc', "采-1"])
def test_the_name_of_the_file_is_safe(number: str) -> None:
    name = archive.name_of(number)
    assert name.startswith("archive-")
    assert not set(name) & set('/\\"\r\n')
    assert name.isascii()
