"""``yangcai fiscal peer``: a system is registered once for its place; a bad key or another place is refused."""

from __future__ import annotations

import asyncio
import base64
import sys

import asyncpg

from tests.support import ROOT


async def said(url: str, name: str, region: str, key: bytes) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "yangcai", "fiscal", "peer", name, "--region", region, "--key",
        base64.b64encode(key).decode(), "--postgres-url", url, cwd=ROOT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()


async def test_a_system_is_registered_and_given_another_key_for_the_same_place_only(fresh_url: str) -> None:
    assert await said(fresh_url, "ys-hz", "3301", b"k" * 32) == (0, "ys-hz speaks for 3301.\n")
    assert (await said(fresh_url, "ys-hz", "3301", b"n" * 32))[0] == 0
    assert await said(fresh_url, "ys-hz", "33", b"n" * 32) == (1, "ys-hz is registered for another place.\n")
    assert (await said(fresh_url, "ys-nb", "3302", b"short"))[0] == 1
    conn = await asyncpg.connect(fresh_url)
    assert await conn.fetch("SELECT name, public_key FROM fiscal_peer") == [("ys-hz", b"n" * 32)]
    assert await conn.fetchval("SELECT count(*) FROM audit_event WHERE event = 'fiscal.peer_put'") == 2
    await conn.close()
